/*
 * Darwin's elementary types and constants as kexts see them (x86_64, Darwin 19).
 * Numbers differ from Linux's: KPI code returns these names, never <errno.h>'s.
 */
#ifndef KERNEL_DARWIN_H
#define KERNEL_DARWIN_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int kern_return_t;
typedef int boolean_t;
typedef unsigned char Boolean;
typedef int wait_result_t;
typedef int wait_interrupt_t;
typedef const void *event_t;
typedef uint64_t user_addr_t;
typedef uint32_t OSReturn;
typedef uint32_t IOReturn;
typedef uint64_t AbsoluteTime;

enum { XNU_FALSE = 0, XNU_TRUE = 1 };

/* BSD errors in Darwin's numbering. */
enum {
	XNU_EPERM = 1, XNU_ENOENT = 2, XNU_EINTR = 4, XNU_EIO = 5, XNU_ENXIO = 6,
	XNU_E2BIG = 7, XNU_EBADF = 9, XNU_EDEADLK = 11, XNU_ENOMEM = 12, XNU_EACCES = 13, XNU_EFAULT = 14,
	XNU_EBUSY = 16, XNU_EEXIST = 17, XNU_ENODEV = 19, XNU_ENOTDIR = 20,
	XNU_EISDIR = 21, XNU_EINVAL = 22, XNU_ENFILE = 23, XNU_ENOTTY = 25, XNU_EFBIG = 27,
	XNU_ENOSPC = 28, XNU_EROFS = 30, XNU_ERANGE = 34,
	XNU_EAGAIN = 35, XNU_EWOULDBLOCK = 35, XNU_EMSGSIZE = 40,
	XNU_EPROTONOSUPPORT = 43, XNU_ENOTSUP = 45, XNU_ENOBUFS = 55, XNU_ETIMEDOUT = 60,
	XNU_ELOOP = 62, XNU_ENAMETOOLONG = 63, XNU_ENOTEMPTY = 66, XNU_EDQUOT = 69,
	XNU_ESTALE = 70, XNU_ENOSYS = 78, XNU_EOVERFLOW = 84, XNU_ECANCELED = 89,
	XNU_EILSEQ = 92, XNU_ENOATTR = 93,
};

/* Mach results. */
enum {
	KERN_SUCCESS = 0, KERN_INVALID_ADDRESS = 1, KERN_PROTECTION_FAILURE = 2,
	KERN_NO_SPACE = 3, KERN_INVALID_ARGUMENT = 4, KERN_FAILURE = 5,
	KERN_RESOURCE_SHORTAGE = 6, KERN_ABORTED = 14, KERN_INVALID_VALUE = 18,
	KERN_TERMINATED = 37, KERN_NOT_SUPPORTED = 46, KERN_NOT_WAITING = 48,
	KERN_OPERATION_TIMED_OUT = 49,
};

/* What a wait ended with, and how it may be interrupted. */
enum {
	THREAD_WAITING = -1, THREAD_AWAKENED = 0, THREAD_TIMED_OUT = 1,
	THREAD_INTERRUPTED = 2, THREAD_RESTART = 3, THREAD_NOT_WAITING = 10,
};
enum { THREAD_UNINT = 0, THREAD_INTERRUPTIBLE = 1, THREAD_ABORTSAFE = 2 };

/* I/O Kit and libkern results. */
#define kIOReturnSuccess	0u
#define kIOReturnError		0xe00002bcu
#define kIOReturnNoMemory	0xe00002bdu
#define kIOReturnBadArgument	0xe00002c2u
#define kIOReturnUnsupported	0xe00002c7u
#define kIOReturnTimeout	0xe00002d6u
#define kIOReturnNotFound	0xe00002f0u
#define kOSReturnSuccess	0u
#define kOSReturnError		0xdc000001u
#define kOSKextReturnInvalidArgument 0xdc008005u
#define kOSKextReturnNotFound	0xdc008006u
#define kOSKextReturnDeferred	0xdc008011u
#define kOSKextReturnTimeout	0xdc008019u

#endif
