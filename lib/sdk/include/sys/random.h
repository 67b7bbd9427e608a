/* Random bytes. */
#ifndef _SDK_SYS_RANDOM_H_
#define _SDK_SYS_RANDOM_H_

#include <sys/types.h>

__BEGIN_DECLS
void read_random(void *buffer, u_int size);
void read_frandom(void *buffer, u_int size);
int write_random(void *buffer, u_int size);
__END_DECLS

#endif
