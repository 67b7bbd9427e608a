/* The end. */
#ifndef _SDK_KERN_DEBUG_H_
#define _SDK_KERN_DEBUG_H_

#include <sys/cdefs.h>

__BEGIN_DECLS
void panic(const char *format, ...) __dead2 __printflike(1, 2);
__END_DECLS

#endif
