/*
 * The OSAtomic family. Every operation is sequentially consistent: on x86_64 Darwin's are
 * locked instructions, and kexts rely on the barrier.
 */
#include "kernel/libkern/libkern.h"

#define DEFINE_ARITHMETIC(suffix, type)                                                  \
	type OSAddAtomic##suffix(int32_t amount, volatile type *value)                   \
	{                                                                                \
		return __atomic_fetch_add(value, (type)amount, __ATOMIC_SEQ_CST);        \
	}                                                                                \
	KPI(OSAddAtomic##suffix);                                                        \
	type OSIncrementAtomic##suffix(volatile type *value)                             \
	{                                                                                \
		return __atomic_fetch_add(value, 1, __ATOMIC_SEQ_CST);                   \
	}                                                                                \
	KPI(OSIncrementAtomic##suffix);                                                  \
	type OSDecrementAtomic##suffix(volatile type *value)                             \
	{                                                                                \
		return __atomic_fetch_sub(value, 1, __ATOMIC_SEQ_CST);                   \
	}                                                                                \
	KPI(OSDecrementAtomic##suffix)

DEFINE_ARITHMETIC(8, int8_t);
DEFINE_ARITHMETIC(16, int16_t);
DEFINE_ARITHMETIC(, int32_t);

int64_t OSAddAtomic64(int64_t amount, volatile int64_t *value)
{
	return __atomic_fetch_add(value, amount, __ATOMIC_SEQ_CST);
}
KPI(OSAddAtomic64);

#define DEFINE_BITS(suffix, type)                                                        \
	type OSBitAndAtomic##suffix(uint32_t mask, volatile type *value)                 \
	{                                                                                \
		return __atomic_fetch_and(value, (type)mask, __ATOMIC_SEQ_CST);          \
	}                                                                                \
	KPI(OSBitAndAtomic##suffix);                                                     \
	type OSBitOrAtomic##suffix(uint32_t mask, volatile type *value)                  \
	{                                                                                \
		return __atomic_fetch_or(value, (type)mask, __ATOMIC_SEQ_CST);           \
	}                                                                                \
	KPI(OSBitOrAtomic##suffix);                                                      \
	type OSBitXorAtomic##suffix(uint32_t mask, volatile type *value)                 \
	{                                                                                \
		return __atomic_fetch_xor(value, (type)mask, __ATOMIC_SEQ_CST);          \
	}                                                                                \
	KPI(OSBitXorAtomic##suffix)

DEFINE_BITS(8, uint8_t);
DEFINE_BITS(16, uint16_t);
DEFINE_BITS(, uint32_t);

#define DEFINE_SWAP(name, type, place)                                                   \
	Boolean name(type from, type to, place value)                                    \
	{                                                                                \
		return __atomic_compare_exchange_n(value, &from, to, false,              \
						   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);  \
	}                                                                                \
	KPI(name)

DEFINE_SWAP(OSCompareAndSwap, uint32_t, volatile uint32_t *);
DEFINE_SWAP(OSCompareAndSwap64, uint64_t, volatile uint64_t *);
DEFINE_SWAP(OSCompareAndSwapPtr, void *, void *volatile *);

/* Bits count from the top of each byte; the answer is whether nothing had to change. */
Boolean OSTestAndSet(uint32_t bit, volatile uint8_t *base)
{
	uint8_t mask = (uint8_t)(0x80 >> bit % 8);

	return (__atomic_fetch_or(base + bit / 8, mask, __ATOMIC_SEQ_CST) & mask) != 0;
}
KPI(OSTestAndSet);

Boolean OSTestAndClear(uint32_t bit, volatile uint8_t *base)
{
	uint8_t mask = (uint8_t)(0x80 >> bit % 8);

	return (__atomic_fetch_and(base + bit / 8, (uint8_t)~mask, __ATOMIC_SEQ_CST) &
		mask) == 0;
}
KPI(OSTestAndClear);

bool OSSpinLockTry(volatile int32_t *lock)
{
	int32_t expected = 0;

	return __atomic_compare_exchange_n(lock, &expected, 1, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}
KPI(OSSpinLockTry);

void OSSpinLockUnlock(volatile int32_t *lock)
{
	__atomic_store_n(lock, 0, __ATOMIC_SEQ_CST);
}
KPI(OSSpinLockUnlock);
