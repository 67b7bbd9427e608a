/* Atomic operations: every one gives the value before. */
#include "kpi.h"

typedef struct os_ref {
	uint32_t count;
} os_ref_t;
int8_t OSAddAtomic8(int32_t amount, volatile int8_t *address);
int16_t OSAddAtomic16(int32_t amount, volatile int16_t *address);
int8_t OSIncrementAtomic8(volatile int8_t *address);
int8_t OSDecrementAtomic8(volatile int8_t *address);
int16_t OSIncrementAtomic16(volatile int16_t *address);
int16_t OSDecrementAtomic16(volatile int16_t *address);
UInt16 OSBitOrAtomic16(UInt32 mask, volatile UInt16 *address);
UInt16 OSBitAndAtomic16(UInt32 mask, volatile UInt16 *address);
UInt16 OSBitXorAtomic16(UInt32 mask, volatile UInt16 *address);
UInt8 OSBitOrAtomic8(UInt32 mask, volatile UInt8 *address);
UInt8 OSBitAndAtomic8(UInt32 mask, volatile UInt8 *address);
UInt8 OSBitXorAtomic8(UInt32 mask, volatile UInt8 *address);
int OSSpinLockTry(volatile uint32_t *lock);
void OSSpinLockUnlock(volatile uint32_t *lock);
int ev_try_lock(volatile int *lock);
void ev_unlock(volatile int *lock);

static void check_sums(void)
{
	SInt32 x = 1;
	SInt64 wide = 1ll << 40;
	int8_t byte = 127;
	int16_t half = -1;

	CHECK("situation-22-add", OSAddAtomic(5, &x) == 1 && x == 6);
	CHECK("situation-22-swap", OSCompareAndSwap(6, 9, (UInt32 *)&x) == 1 && x == 9);
	CHECK("swap-refused", OSCompareAndSwap(6, 7, (UInt32 *)&x) == 0 && x == 9);
	CHECK("increment", OSIncrementAtomic(&x) == 9 && x == 10);
	CHECK("decrement", OSDecrementAtomic(&x) == 10 && x == 9);
	CHECK("add-64", OSAddAtomic64(2, &wide) == 1ll << 40 && wide == (1ll << 40) + 2);
	CHECK("swap-64", OSCompareAndSwap64(wide, 5, (UInt64 *)&wide) && wide == 5);
	CHECK("add-8-wraps", OSAddAtomic8(1, &byte) == 127 && byte == -128);
	CHECK("count-8",
	      OSIncrementAtomic8(&byte) == -128 && OSDecrementAtomic8(&byte) == -127);
	CHECK("add-16", OSAddAtomic16(1, &half) == -1 && half == 0);
	CHECK("count-16",
	      OSIncrementAtomic16(&half) == 0 && OSDecrementAtomic16(&half) == 1);
}

static void check_bits(void)
{
	UInt32 bits = 0xf0;
	UInt8 bytes[2] = {0, 0};
	UInt16 half[1];
	void *pointer = NULL;

	CHECK("bit-or", OSBitOrAtomic(0x0f, &bits) == 0xf0 && bits == 0xff);
	CHECK("bit-and", OSBitAndAtomic(0x3c, &bits) == 0xff && bits == 0x3c);
	CHECK("bit-xor", OSBitXorAtomic(0x0f, &bits) == 0x3c && bits == 0x33);
	half[0] = bytes[0] = 0xf0;
	CHECK("bits-16", OSBitOrAtomic16(0x0f, half) == 0xf0 &&
				 OSBitAndAtomic16(0x3c, half) == 0xff &&
				 OSBitXorAtomic16(0x0f, half) == 0x3c && half[0] == 0x33);
	CHECK("bits-8", OSBitOrAtomic8(0x0f, bytes) == 0xf0 &&
				OSBitAndAtomic8(0x3c, bytes) == 0xff &&
				OSBitXorAtomic8(0x0f, bytes) == 0x3c && bytes[0] == 0x33);
	bytes[0] = 0;
	CHECK("situation-21-set", !OSTestAndSet(0, bytes) && bytes[0] == 0x80);
	CHECK("situation-21-set-again", OSTestAndSet(0, bytes) && bytes[0] == 0x80);
	CHECK("test-and-clear",
	      !OSTestAndClear(0, bytes) && bytes[0] == 0 && OSTestAndClear(0, bytes));
	CHECK("swap-pointer",
	      OSCompareAndSwapPtr(NULL, bytes, &pointer) && pointer == bytes);
}

static void check_words(void)
{
	volatile uint32_t word = 0;
	volatile int event = 0;

	CHECK("spin-word", OSSpinLockTry(&word) && !OSSpinLockTry(&word));
	OSSpinLockUnlock(&word);
	CHECK("spin-word-free", word == 0);
	CHECK("event-word", ev_try_lock(&event) && !ev_try_lock(&event));
	ev_unlock(&event);
	CHECK("event-word-free", event == 0);
}

void check(void)
{
	check_sums();
	check_bits();
	check_words();
}
