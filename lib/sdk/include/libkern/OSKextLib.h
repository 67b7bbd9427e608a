/* Kexts asking for kexts and for resources. */
#ifndef _SDK_LIBKERN_OSKEXTLIB_H_
#define _SDK_LIBKERN_OSKEXTLIB_H_

#include <libkern/OSReturn.h>
#include <stdint.h>
#include <sys/cdefs.h>

#define kOSKextReturnInternalError   libkern_kext_err(0x1)
#define kOSKextReturnNoMemory	     libkern_kext_err(0x2)
#define kOSKextReturnNotPrivileged   libkern_kext_err(0x4)
#define kOSKextReturnInvalidArgument libkern_kext_err(0x5)
#define kOSKextReturnNotFound	     libkern_kext_err(0x6)
#define kOSKextReturnDeferred	     libkern_kext_err(0x11)
#define kOSKextReturnNotLoadable     libkern_kext_err(0x13)
#define kOSKextReturnLinkError	     libkern_kext_err(0x16)
#define kOSKextReturnStartStopError  libkern_kext_err(0x17)
#define kOSKextReturnInUse	     libkern_kext_err(0x18)
#define kOSKextReturnTimeout	     libkern_kext_err(0x19)
#define kOSKextReturnStopping	     libkern_kext_err(0x1a)

typedef uint32_t OSKextLoadTag;
typedef uint32_t OSKextRequestTag;
#define kOSKextInvalidLoadTag	    ((OSKextLoadTag)-1)
#define kOSKextRequestTagInvalid    ((OSKextRequestTag)-1)

typedef void (*OSKextRequestResourceCallback)(OSKextRequestTag tag, OSReturn result,
					      const void *data, uint32_t size,
					      void *context);

__BEGIN_DECLS
/* libkmod: the calling kext's own identity. */
OSKextLoadTag OSKextGetCurrentLoadTag(void);
const char *OSKextGetCurrentIdentifier(void);
const char *OSKextGetCurrentVersionString(void);

OSReturn OSKextLoadKextWithIdentifier(const char *identifier);
OSReturn OSKextRetainKextWithLoadTag(OSKextLoadTag tag);
OSReturn OSKextReleaseKextWithLoadTag(OSKextLoadTag tag);
OSReturn OSKextRequestResource(const char *identifier, const char *name,
			       OSKextRequestResourceCallback callback, void *context,
			       OSKextRequestTag *tag);
OSReturn OSKextCancelRequest(OSKextRequestTag tag, void **context);

/* A weak import that the kernel lacks has this address. */
extern const void *const gOSKextUnresolved;
__END_DECLS

#define OSKextSymbolIsResolved(symbol) (&(symbol) != gOSKextUnresolved)

#endif
