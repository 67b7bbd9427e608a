/* Results of I/O Kit. */
#ifndef _SDK_IOKIT_IORETURN_H_
#define _SDK_IOKIT_IORETURN_H_

#include <mach/kern_return.h>

typedef kern_return_t IOReturn;

#define sys_iokit	  ((int)0xe0000000)
#define sub_iokit_common  0
#define iokit_common_err(code) ((IOReturn)(sys_iokit | sub_iokit_common | (code)))

#define kIOReturnSuccess	 0
#define kIOReturnError		 iokit_common_err(0x2bc)
#define kIOReturnNoMemory	 iokit_common_err(0x2bd)
#define kIOReturnNoResources	 iokit_common_err(0x2be)
#define kIOReturnNoDevice	 iokit_common_err(0x2c0)
#define kIOReturnNotPrivileged	 iokit_common_err(0x2c1)
#define kIOReturnBadArgument	 iokit_common_err(0x2c2)
#define kIOReturnExclusiveAccess iokit_common_err(0x2c5)
#define kIOReturnUnsupported	 iokit_common_err(0x2c7)
#define kIOReturnVMError	 iokit_common_err(0x2c8)
#define kIOReturnInternalError	 iokit_common_err(0x2c9)
#define kIOReturnIOError	 iokit_common_err(0x2ca)
#define kIOReturnNotOpen	 iokit_common_err(0x2cd)
#define kIOReturnBusy		 iokit_common_err(0x2d5)
#define kIOReturnTimeout	 iokit_common_err(0x2d6)
#define kIOReturnOffline	 iokit_common_err(0x2d7)
#define kIOReturnNotReady	 iokit_common_err(0x2d8)
#define kIOReturnNotPermitted	 iokit_common_err(0x2e2)
#define kIOReturnNoMedia	 iokit_common_err(0x2e4)
#define kIOReturnAborted	 iokit_common_err(0x2eb)
#define kIOReturnNotResponding	 iokit_common_err(0x2ed)
#define kIOReturnNotFound	 iokit_common_err(0x2f0)
#define kIOReturnInvalid	 iokit_common_err(0x001)

#endif
