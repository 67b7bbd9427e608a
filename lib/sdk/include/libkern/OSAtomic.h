/* Atomic arithmetic. */
#ifndef _SDK_LIBKERN_OSATOMIC_H_
#define _SDK_LIBKERN_OSATOMIC_H_

#include <libkern/OSTypes.h>
#include <sys/cdefs.h>

__BEGIN_DECLS
Boolean OSCompareAndSwap(UInt32 expected, UInt32 value, volatile UInt32 *address);
Boolean OSCompareAndSwap64(UInt64 expected, UInt64 value, volatile UInt64 *address);
Boolean OSCompareAndSwapPtr(void *expected, void *value, void *volatile *address);
SInt32 OSAddAtomic(SInt32 amount, volatile SInt32 *address);
SInt64 OSAddAtomic64(SInt64 amount, volatile SInt64 *address);
SInt16 OSAddAtomic16(SInt32 amount, volatile SInt16 *address);
SInt8 OSAddAtomic8(SInt32 amount, volatile SInt8 *address);
long OSAddAtomicLong(long amount, volatile long *address);
SInt32 OSIncrementAtomic(volatile SInt32 *address);
SInt32 OSDecrementAtomic(volatile SInt32 *address);
SInt16 OSIncrementAtomic16(volatile SInt16 *address);
SInt16 OSDecrementAtomic16(volatile SInt16 *address);
SInt8 OSIncrementAtomic8(volatile SInt8 *address);
SInt8 OSDecrementAtomic8(volatile SInt8 *address);
UInt32 OSBitAndAtomic(UInt32 mask, volatile UInt32 *address);
UInt32 OSBitOrAtomic(UInt32 mask, volatile UInt32 *address);
UInt32 OSBitXorAtomic(UInt32 mask, volatile UInt32 *address);
UInt16 OSBitAndAtomic16(UInt32 mask, volatile UInt16 *address);
UInt16 OSBitOrAtomic16(UInt32 mask, volatile UInt16 *address);
UInt16 OSBitXorAtomic16(UInt32 mask, volatile UInt16 *address);
UInt8 OSBitAndAtomic8(UInt32 mask, volatile UInt8 *address);
UInt8 OSBitOrAtomic8(UInt32 mask, volatile UInt8 *address);
UInt8 OSBitXorAtomic8(UInt32 mask, volatile UInt8 *address);
Boolean OSTestAndSet(UInt32 bit, volatile UInt8 *address);
Boolean OSTestAndClear(UInt32 bit, volatile UInt8 *address);
__END_DECLS

static inline void OSMemoryBarrier(void)
{
	__sync_synchronize();
}

#endif
