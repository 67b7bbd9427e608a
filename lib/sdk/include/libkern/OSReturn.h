/* Results of libkern, composed of system, sub-system and code. */
#ifndef _SDK_LIBKERN_OSRETURN_H_
#define _SDK_LIBKERN_OSRETURN_H_

#include <mach/kern_return.h>

typedef kern_return_t OSReturn;

#define sys_libkern	     (0x37 << 26)
#define sub_libkern_common   (0 << 14)
#define sub_libkern_metaclass (1 << 14)
#define sub_libkern_kext     (2 << 14)
#define libkern_common_err(code) (sys_libkern | sub_libkern_common | (code))
#define libkern_kext_err(code)	 (sys_libkern | sub_libkern_kext | (code))

#define kOSReturnSuccess 0
#define kOSReturnError	 libkern_common_err(1)

#endif
