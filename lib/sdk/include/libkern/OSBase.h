/* libkern's base: types and byte order. */
#ifndef _SDK_LIBKERN_OSBASE_H_
#define _SDK_LIBKERN_OSBASE_H_

#include <libkern/OSByteOrder.h>
#include <libkern/OSTypes.h>

#endif
