/* libkern's names for the elementary types. */
#ifndef _SDK_LIBKERN_OSTYPES_H_
#define _SDK_LIBKERN_OSTYPES_H_

#include <stddef.h>
#include <stdint.h>
#include <mach/boolean.h>
#ifndef __cplusplus
#include <stdbool.h>
#endif

typedef unsigned char UInt8;
typedef unsigned short UInt16;
typedef unsigned int UInt32;
typedef unsigned long long UInt64;
typedef signed char SInt8;
typedef signed short SInt16;
typedef signed int SInt32;
typedef signed long long SInt64;
typedef unsigned char Boolean;
typedef SInt32 OSStatus;
typedef UInt64 AbsoluteTime;

#endif
