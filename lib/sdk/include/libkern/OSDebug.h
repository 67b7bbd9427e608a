/* Backtraces. */
#ifndef _SDK_LIBKERN_OSDEBUG_H_
#define _SDK_LIBKERN_OSDEBUG_H_

#include <mach/vm_types.h>
#include <sys/cdefs.h>

__BEGIN_DECLS
unsigned int OSBacktrace(void **addresses, unsigned int count);
void OSReportWithBacktrace(const char *format, ...) __printflike(1, 2);
vm_offset_t OSKernelStackRemaining(void);
__END_DECLS

#endif
