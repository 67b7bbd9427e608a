/* I/O Kit's elementary types. */
#ifndef _SDK_IOKIT_IOTYPES_H_
#define _SDK_IOKIT_IOTYPES_H_

#include <IOKit/IOReturn.h>
#include <libkern/OSTypes.h>
#include <mach/mach_types.h>

typedef UInt32 IOOptionBits;
typedef SInt32 IOFixed;
typedef UInt32 IOAlignment;
typedef UInt64 IOByteCount;
typedef vm_address_t IOVirtualAddress;
typedef vm_address_t IOLogicalAddress;
typedef UInt64 IOPhysicalAddress;
typedef UInt64 IOPhysicalAddress64;
typedef UInt64 IOPhysicalLength;

#endif
