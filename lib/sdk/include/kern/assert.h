/* Assertions, active in debug builds of a kext. */
#ifndef _SDK_KERN_ASSERT_H_
#define _SDK_KERN_ASSERT_H_

#include <kern/debug.h>

#if MACH_ASSERT || DEBUG
#define assert(condition)                                                              \
	((condition) ? (void)0 : panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #condition))
#else
#define assert(condition) ((void)0)
#endif

#endif
