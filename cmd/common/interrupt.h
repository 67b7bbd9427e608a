/* Ctrl-C while kextd works for a command: the request is cancelled, its outcome awaited.
 */
#ifndef COMMON_INTERRUPT_H
#define COMMON_INTERRUPT_H

#include <kext/client.h>

/* From now on SIGINT and SIGTERM cancel the client's request; NULL: they end us again. */
void interrupt_cancels(struct kext_client *client);
/* One of them came: nothing further is to be begun. */
bool interrupt_came(void);

#endif
