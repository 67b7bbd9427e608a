/*
 * I/O Kit's locks. An IOLock is a mutex, an IORWLock a read/write lock, an IOSimpleLock a
 * spin lock, and the lock and unlock calls of both families are one body under two names.
 * The recursive lock adds owner and count.
 */
#include "kernel/iokit/IOLib.h"
#include "kernel/libkern/libkern.h"
#include "kernel/osfmk/kheap.h"

/* Every lock made here belongs to one group, as in Darwin; made at the first need. */
static lck_grp_t *lock_group(void)
{
	static _Atomic(lck_grp_t *) group;
	lck_grp_t *mine, *none = NULL;

	if (atomic_load(&group))
		return atomic_load(&group);
	mine = lck_grp_alloc_init("IOKit", NULL);
	if (mine && !atomic_compare_exchange_strong(&group, &none, mine))
		lck_grp_free(mine);
	return atomic_load(&group);
}

#define ALLOCATE(lock, name)                                                             \
	((lock) = kheap_alloc(HEAP_CALL(name), HEAP_LOCKS, sizeof(*(lock)), 0, false))
#define RELEASE(lock, name) kheap_free(HEAP_CALL(name), HEAP_LOCKS, lock, sizeof(*(lock)))

/* ---- IOLock ---- */

lck_mtx_t *IOLockAlloc(void)
{
	lck_mtx_t *lock;

	if (ALLOCATE(lock, "IOLockAlloc"))
		lck_mtx_init(lock, lock_group(), NULL);
	return lock;
}
KPI(IOLockAlloc);

void IOLockFree(lck_mtx_t *lock)
{
	lck_mtx_destroy(lock, lock_group());
	RELEASE(lock, "IOLockFree");
}
KPI(IOLockFree);

lck_mtx_t *IOLockGetMachLock(lck_mtx_t *lock)
{
	return lock;
}
KPI(IOLockGetMachLock);

void IOLockInitWithState(lck_mtx_t *lock, int state)
{
	if (state == kIOLockStateLocked)
		lck_mtx_lock(lock);
}
KPI(IOLockInitWithState);

/* What the older generation of names waits for when given no event. */
static char null_event;

static void *or_null_event(void *event)
{
	return event ? event : &null_event;
}

int IOLockSleep(lck_mtx_t *lock, void *event, uint32_t interruptible)
{
	return lck_mtx_sleep(lock, LCK_SLEEP_PROMOTED_PRI, or_null_event(event),
			     (wait_interrupt_t)interruptible);
}
KPI(IOLockSleep);

int IOLockSleepDeadline(lck_mtx_t *lock, void *event, uint64_t deadline,
			uint32_t interruptible)
{
	return lck_mtx_sleep_deadline(lock, LCK_SLEEP_PROMOTED_PRI, or_null_event(event),
				      (wait_interrupt_t)interruptible, deadline);
}
KPI(IOLockSleepDeadline);

void IOLockWakeup(lck_mtx_t *lock, void *event, bool one)
{
	(void)lock;
	thread_wakeup_prim(or_null_event(event), one, THREAD_AWAKENED);
}
KPI(IOLockWakeup);

int IOLockSleep_darwin14(lck_mtx_t *lock, void *event, uint32_t interruptible)
{
	return lck_mtx_sleep(lock, LCK_SLEEP_PROMOTED_PRI, event,
			     (wait_interrupt_t)interruptible);
}
KPI(IOLockSleep_darwin14);

int IOLockSleepDeadline_darwin14(lck_mtx_t *lock, void *event, uint64_t deadline,
				 uint32_t interruptible)
{
	return lck_mtx_sleep_deadline(lock, LCK_SLEEP_PROMOTED_PRI, event,
				      (wait_interrupt_t)interruptible, deadline);
}
KPI(IOLockSleepDeadline_darwin14);

void IOLockWakeup_darwin14(lck_mtx_t *lock, void *event, bool one)
{
	(void)lock;
	thread_wakeup_prim(event, one, THREAD_AWAKENED);
}
KPI(IOLockWakeup_darwin14);

/* ---- IORecursiveLock ---- */

struct io_recursive_lock {
	lck_mtx_t mutex;
	lck_grp_t *group;
	_Atomic(struct thread *) owner;
	unsigned count;
};

static IORecursiveLock *recursive_init(IORecursiveLock *lock, lck_grp_t *group)
{
	if (lock) {
		lck_mtx_init(&lock->mutex, group, NULL);
		lock->group = group;
		atomic_store(&lock->owner, NULL);
		lock->count = 0;
	}
	return lock;
}

IORecursiveLock *IORecursiveLockAlloc(void)
{
	IORecursiveLock *lock;

	return recursive_init(ALLOCATE(lock, "IORecursiveLockAlloc"), lock_group());
}
KPI(IORecursiveLockAlloc);

IORecursiveLock *IORecursiveLockAllocWithLockGroup(lck_grp_t *group)
{
	IORecursiveLock *lock;

	if (!group)
		return NULL;
	return recursive_init(ALLOCATE(lock, "IORecursiveLockAllocWithLockGroup"), group);
}
KPI(IORecursiveLockAllocWithLockGroup);

void IORecursiveLockFree(IORecursiveLock *lock)
{
	lck_mtx_destroy(&lock->mutex, lock->group);
	RELEASE(lock, "IORecursiveLockFree");
}
KPI(IORecursiveLockFree);

lck_mtx_t *IORecursiveLockGetMachLock(IORecursiveLock *lock)
{
	return &lock->mutex;
}
KPI(IORecursiveLockGetMachLock);

boolean_t IORecursiveLockHaveLock(const IORecursiveLock *lock)
{
	return atomic_load(&lock->owner) == thread_self();
}
KPI(IORecursiveLockHaveLock);

static void own(IORecursiveLock *lock, unsigned count)
{
	atomic_store(&lock->owner, thread_self());
	lock->count = count;
}

void IORecursiveLockLock(IORecursiveLock *lock)
{
	if (IORecursiveLockHaveLock(lock)) {
		lock->count++;
		return;
	}
	lck_mtx_lock(&lock->mutex);
	own(lock, 1);
}
KPI(IORecursiveLockLock);

boolean_t IORecursiveLockTryLock(IORecursiveLock *lock)
{
	if (IORecursiveLockHaveLock(lock)) {
		lock->count++;
		return XNU_TRUE;
	}
	if (!lck_mtx_try_lock(&lock->mutex))
		return XNU_FALSE;
	own(lock, 1);
	return XNU_TRUE;
}
KPI(IORecursiveLockTryLock);

static void check_owner(const void *caller, const IORecursiveLock *lock, const char *what)
{
	if (!IORecursiveLockHaveLock(lock))
		panic_at(caller, "%s: recursive lock %p is not the caller's", what,
			 (const void *)lock);
}

void IORecursiveLockUnlock(IORecursiveLock *lock)
{
	check_owner(__builtin_return_address(0), lock, "IORecursiveLockUnlock");
	if (--lock->count)
		return;
	atomic_store(&lock->owner, NULL);
	lck_mtx_unlock(&lock->mutex);
}
KPI(IORecursiveLockUnlock);

/* Gives the lock up whole and takes it back at the same depth. */
static int recursive_sleep(IORecursiveLock *lock, void *event, uint64_t deadline,
			   uint32_t interruptible)
{
	unsigned count = lock->count;
	int result;

	atomic_store(&lock->owner, NULL);
	lock->count = 0;
	result = lck_mtx_sleep_deadline(&lock->mutex, LCK_SLEEP_PROMOTED_PRI, event,
					(wait_interrupt_t)interruptible, deadline);
	own(lock, count);
	return result;
}

int IORecursiveLockSleep(IORecursiveLock *lock, void *event, uint32_t interruptible)
{
	check_owner(__builtin_return_address(0), lock, "IORecursiveLockSleep");
	return recursive_sleep(lock, event, 0, interruptible);
}
KPI(IORecursiveLockSleep);

int IORecursiveLockSleepDeadline(IORecursiveLock *lock, void *event, uint64_t deadline,
				 uint32_t interruptible)
{
	check_owner(__builtin_return_address(0), lock, "IORecursiveLockSleepDeadline");
	return recursive_sleep(lock, event, deadline, interruptible);
}
KPI(IORecursiveLockSleepDeadline);

void IORecursiveLockWakeup(IORecursiveLock *lock, void *event, bool one)
{
	(void)lock;
	thread_wakeup_prim(event, one, THREAD_AWAKENED);
}
KPI(IORecursiveLockWakeup);

/* ---- IORWLock ---- */

lck_rw_t *IORWLockAlloc(void)
{
	lck_rw_t *lock;

	if (ALLOCATE(lock, "IORWLockAlloc"))
		lck_rw_init(lock, lock_group(), NULL);
	return lock;
}
KPI(IORWLockAlloc);

void IORWLockFree(lck_rw_t *lock)
{
	lck_rw_destroy(lock, lock_group());
	RELEASE(lock, "IORWLockFree");
}
KPI(IORWLockFree);

lck_rw_t *IORWLockGetMachLock(lck_rw_t *lock)
{
	return lock;
}
KPI(IORWLockGetMachLock);

/* ---- IOSimpleLock ---- */

lck_spin_t *IOSimpleLockAlloc(void)
{
	lck_spin_t *lock;

	if (ALLOCATE(lock, "IOSimpleLockAlloc"))
		lck_spin_init(lock, lock_group(), NULL);
	return lock;
}
KPI(IOSimpleLockAlloc);

void IOSimpleLockInit(lck_spin_t *lock)
{
	lck_spin_init(lock, lock_group(), NULL);
}
KPI(IOSimpleLockInit);

void IOSimpleLockDestroy(lck_spin_t *lock)
{
	lck_spin_destroy(lock, lock_group());
}
KPI(IOSimpleLockDestroy);

void IOSimpleLockFree(lck_spin_t *lock)
{
	lck_spin_destroy(lock, lock_group());
	RELEASE(lock, "IOSimpleLockFree");
}
KPI(IOSimpleLockFree);

lck_spin_t *IOSimpleLockGetMachLock(lck_spin_t *lock)
{
	return lock;
}
KPI(IOSimpleLockGetMachLock);

/* ---- bare spin words ---- */

boolean_t IOTrySpinLock(volatile int *lock)
{
	return OSSpinLockTry(lock);
}
KPI(IOTrySpinLock);
KPI_AS("_ev_try_lock", IOTrySpinLock);

void IOSpinUnlock(volatile int *lock)
{
	OSSpinLockUnlock(lock);
}
KPI(IOSpinUnlock);
KPI_AS("_ev_unlock", IOSpinUnlock);
