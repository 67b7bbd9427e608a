/*
 * I/O Kit's C interfaces: memory, locks, threads, delays.
 */
#ifndef KERNEL_IOKIT_IOLIB_H
#define KERNEL_IOKIT_IOLIB_H

#include "kernel/osfmk/osfmk.h"

/* ---- memory ---- */
void *IOMalloc(size_t size);
void *IOMallocZero(size_t size);
void IOFree(void *block, size_t size);
void *IOMallocAligned(size_t size, size_t alignment);
void IOFreeAligned(void *block, size_t size);
void *IOMallocContiguous(size_t size, size_t alignment, uint64_t *ret_physical);
void IOFreeContiguous(void *block, size_t size);
void *IOMallocPageable(size_t size, size_t alignment);
void IOFreePageable(void *block, size_t size);
void *IOMallocData(size_t size);
void *IOMallocZeroData(size_t size);
void IOFreeData(void *block, size_t size);

/* ---- locks: IOLock is lck_mtx_t, IORWLock lck_rw_t, IOSimpleLock lck_spin_t ---- */
enum { kIOLockStateUnlocked = 0, kIOLockStateLocked = 1 };
lck_mtx_t *IOLockAlloc(void);
void IOLockFree(lck_mtx_t *lock);
lck_mtx_t *IOLockGetMachLock(lck_mtx_t *lock);
void IOLockInitWithState(lck_mtx_t *lock, int state);
int IOLockSleep(lck_mtx_t *lock, void *event, uint32_t interruptible);
int IOLockSleepDeadline(lck_mtx_t *lock, void *event, uint64_t deadline,
			uint32_t interruptible);
void IOLockWakeup(lck_mtx_t *lock, void *event, bool one);
int IOLockSleep_darwin14(lck_mtx_t *lock, void *event, uint32_t interruptible);
int IOLockSleepDeadline_darwin14(lck_mtx_t *lock, void *event, uint64_t deadline,
				 uint32_t interruptible);
void IOLockWakeup_darwin14(lck_mtx_t *lock, void *event, bool one);

typedef struct io_recursive_lock IORecursiveLock;
IORecursiveLock *IORecursiveLockAlloc(void);
IORecursiveLock *IORecursiveLockAllocWithLockGroup(lck_grp_t *group);
void IORecursiveLockFree(IORecursiveLock *lock);
lck_mtx_t *IORecursiveLockGetMachLock(IORecursiveLock *lock);
void IORecursiveLockLock(IORecursiveLock *lock);
boolean_t IORecursiveLockTryLock(IORecursiveLock *lock);
void IORecursiveLockUnlock(IORecursiveLock *lock);
boolean_t IORecursiveLockHaveLock(const IORecursiveLock *lock);
int IORecursiveLockSleep(IORecursiveLock *lock, void *event, uint32_t interruptible);
int IORecursiveLockSleepDeadline(IORecursiveLock *lock, void *event, uint64_t deadline,
				 uint32_t interruptible);
void IORecursiveLockWakeup(IORecursiveLock *lock, void *event, bool one);

lck_rw_t *IORWLockAlloc(void);
void IORWLockFree(lck_rw_t *lock);
lck_rw_t *IORWLockGetMachLock(lck_rw_t *lock);
lck_spin_t *IOSimpleLockAlloc(void);
void IOSimpleLockInit(lck_spin_t *lock);
void IOSimpleLockDestroy(lck_spin_t *lock);
void IOSimpleLockFree(lck_spin_t *lock);
lck_spin_t *IOSimpleLockGetMachLock(lck_spin_t *lock);

/* ---- threads and delays ---- */
struct thread *IOCreateThread(void (*body)(void *argument), void *argument);
_Noreturn void IOExitThread(void);
void IOSleep(unsigned milliseconds);
void IOSleepWithLeeway(unsigned milliseconds, unsigned leeway);
void IODelay(unsigned microseconds);
void IOPause(unsigned nanoseconds);
void IOGetTime(mach_timespec_t *ret_time);

/* ---- odds and ends ---- */
typedef struct {
	int value;
	const char *name;
} IONamedValue;
const char *IOFindNameForValue(int value, const IONamedValue *table);
IOReturn IOFindValueForName(const char *name, const IONamedValue *table, int *ret_value);
unsigned IOSizeToAlignment(unsigned size);
unsigned IOAlignmentToSize(unsigned alignment);
IOReturn IOFlushProcessorCache(struct task *task, uint64_t address, uint64_t size);
IOReturn IOSetProcessorCacheMode(struct task *task, uint64_t address, uint64_t size,
				 uint32_t mode);
void IOSystemShutdownNotification(void);
boolean_t IOTrySpinLock(volatile int *lock);
void IOSpinUnlock(volatile int *lock);

#endif
