/* Mutexes, read/write locks, spin locks and recursive locks, in both families. */
#include "kpi.h"
#include <kern/locks.h>
#include <kern/thread.h>
#include <machine/machine_routines.h>

void lck_mtx_init(lck_mtx_t *lock, lck_grp_t *group, lck_attr_t *attributes);
void lck_mtx_destroy(lck_mtx_t *lock, lck_grp_t *group);
void lck_mtx_lock_spin(lck_mtx_t *lock);
boolean_t lck_mtx_try_lock_spin(lck_mtx_t *lock);
void lck_mtx_convert_spin(lck_mtx_t *lock);
void lck_rw_init(lck_rw_t *lock, lck_grp_t *group, lck_attr_t *attributes);
void lck_rw_destroy(lck_rw_t *lock, lck_grp_t *group);
int lck_rw_done(lck_rw_t *lock);
void lck_spin_init(lck_spin_t *lock, lck_grp_t *group, lck_attr_t *attributes);
void lck_spin_destroy(lck_spin_t *lock, lck_grp_t *group);
void lck_spin_lock_grp(lck_spin_t *lock, lck_grp_t *group);
boolean_t lck_spin_try_lock_grp(lck_spin_t *lock, lck_grp_t *group);
boolean_t kdp_lck_spin_is_acquired(lck_spin_t *lock);
void IOSimpleLockDestroy(IOSimpleLock *lock);
lck_spin_t *IOSimpleLockGetMachLock(IOSimpleLock *lock);
lck_rw_t *IORWLockGetMachLock(IORWLock *lock);
lck_mtx_t *IORecursiveLockGetMachLock(IORecursiveLock *lock);
void IOLockInitWithState(IOLock *lock, IOLockState state);
boolean_t IOTrySpinLock(volatile int *lock);
void IOSpinUnlock(volatile int *lock);

static lck_grp_t *group;
static lck_attr_t *attributes;

/* Waits until the other thread has set `flag`. */
static void await(volatile int *flag)
{
	while (!*flag)
		IOSleep(1);
}

static int in_other_thread(thread_continue_t body)
{
	thread_t thread;

	if (kernel_thread_start(body, NULL, &thread) != KERN_SUCCESS)
		return 0;
	thread_deallocate(thread);
	return 1;
}

static void check_mutex(void)
{
	lck_mtx_t *lock = lck_mtx_alloc_init(group, attributes);
	uint64_t inside[2] = {0};

	lck_mtx_lock(lock);
	lck_mtx_assert(lock, LCK_MTX_ASSERT_OWNED);
	CHECK("mutex-is-held", !lck_mtx_try_lock(lock));
	lck_mtx_unlock(lock);
	lck_mtx_assert(lock, LCK_MTX_ASSERT_NOTOWNED);
	CHECK("mutex-try", lck_mtx_try_lock(lock));
	lck_mtx_unlock(lock);
	lck_mtx_lock_spin(lock);
	CHECK("mutex-spin-mode", !preemption_enabled());
	lck_mtx_convert_spin(lock);
	CHECK("mutex-converted", preemption_enabled());
	lck_mtx_unlock(lock);
	CHECK("mutex-try-spin", lck_mtx_try_lock_spin(lock) && !preemption_enabled());
	lck_mtx_unlock(lock);
	lck_mtx_free(lock, group);
	lck_mtx_init((lck_mtx_t *)inside, group, NULL);
	CHECK("mutex-in-own-memory", lck_mtx_try_lock((lck_mtx_t *)inside));
	lck_mtx_unlock((lck_mtx_t *)inside);
	lck_mtx_destroy((lck_mtx_t *)inside, group);
}

static void check_iolock(void)
{
	IOLock *lock = IOLockAlloc();

	CHECK("iolock-is-a-mutex", IOLockGetMachLock(lock) == (lck_mtx_t *)lock);
	IOLockLock(lock);
	CHECK("iolock-is-held", !IOLockTryLock(lock));
	lck_mtx_assert(IOLockGetMachLock(lock), LCK_MTX_ASSERT_OWNED);
	IOLockUnlock(lock);
	IOLockInitWithState(lock, kIOLockStateLocked);
	CHECK("iolock-made-locked", !IOLockTryLock(lock));
	IOLockUnlock(lock);
	IOLockFree(lock);
}

static void check_rw(void)
{
	lck_rw_t *lock = lck_rw_alloc_init(group, attributes);
	IORWLock *other = IORWLockAlloc();
	uint64_t inside[2] = {0};

	lck_rw_lock_shared(lock);
	CHECK("rw-second-reader", lck_rw_try_lock(lock, LCK_RW_TYPE_SHARED) &&
					  !lck_rw_try_lock(lock, LCK_RW_TYPE_EXCLUSIVE));
	lck_rw_unlock_shared(lock);
	CHECK("rw-upgrade", lck_rw_lock_shared_to_exclusive(lock) &&
				    !lck_rw_try_lock(lock, LCK_RW_TYPE_SHARED));
	lck_rw_lock_exclusive_to_shared(lock);
	CHECK("rw-done-tells", lck_rw_done(lock) == LCK_RW_TYPE_SHARED);
	lck_rw_lock_exclusive(lock);
	lck_rw_unlock_exclusive(lock);
	lck_rw_lock(lock, LCK_RW_TYPE_EXCLUSIVE);
	lck_rw_unlock(lock, LCK_RW_TYPE_EXCLUSIVE);
	CHECK("rw-is-free", lck_rw_try_lock(lock, LCK_RW_TYPE_EXCLUSIVE));
	lck_rw_unlock_exclusive(lock);
	lck_rw_free(lock, group);
	lck_rw_init((lck_rw_t *)inside, group, NULL);
	CHECK("rw-in-own-memory", lck_rw_try_lock((lck_rw_t *)inside, 1));
	lck_rw_unlock_shared((lck_rw_t *)inside);
	lck_rw_destroy((lck_rw_t *)inside, group);

	CHECK("iorwlock-is-rw", IORWLockGetMachLock(other) == (lck_rw_t *)other);
	IORWLockRead(other);
	CHECK("iorwlock-read",
	      !lck_rw_try_lock((lck_rw_t *)other, LCK_RW_TYPE_EXCLUSIVE));
	IORWLockUnlock(other);
	IORWLockWrite(other);
	CHECK("iorwlock-write", !lck_rw_try_lock((lck_rw_t *)other, LCK_RW_TYPE_SHARED));
	IORWLockUnlock(other);
	IORWLockFree(other);
}

static lck_rw_t *contended;
static volatile int is_reading, may_upgrade, other_upgrade = -1, other_done;

static void upgrade(void *parameter, wait_result_t result)
{
	lck_rw_lock_shared(contended);
	is_reading = 1;
	await(&may_upgrade);
	other_upgrade = lck_rw_lock_shared_to_exclusive(contended);
	if (other_upgrade)
		lck_rw_unlock_exclusive(contended);
	other_done = 1;
}

/* The first to ask waits for the other reader, who then cannot have it as well. */
static void check_two_upgrades(void)
{
	int mine;

	contended = lck_rw_alloc_init(group, attributes);
	lck_rw_lock_shared(contended);
	CHECK("second-reader-runs", in_other_thread(upgrade));
	await(&is_reading);
	may_upgrade = 1;
	IOSleep(5);
	mine = lck_rw_lock_shared_to_exclusive(contended);
	if (mine)
		lck_rw_unlock_exclusive(contended);
	await(&other_done);
	CHECK("situation-29-two-upgrades", mine + other_upgrade == 1);
	CHECK("situation-29-nothing-is-held",
	      lck_rw_try_lock(contended, LCK_RW_TYPE_EXCLUSIVE));
	lck_rw_unlock_exclusive(contended);
	lck_rw_free(contended, group);
}

static void check_spin(void)
{
	lck_spin_t *lock = lck_spin_alloc_init(group, attributes);
	IOSimpleLock *other = IOSimpleLockAlloc();
	uint64_t inside = 0, more = 0;
	volatile int word = 0;

	lck_spin_lock(lock);
	CHECK("spin-is-held", !lck_spin_try_lock(lock) && !preemption_enabled());
	lck_spin_unlock(lock);
	CHECK("spin-is-free", lck_spin_try_lock(lock));
	lck_spin_unlock(lock);
	lck_spin_free(lock, group);
	lck_spin_init((lck_spin_t *)&inside, group, NULL);
	CHECK("spin-in-own-memory", lck_spin_try_lock((lck_spin_t *)&inside));
	lck_spin_unlock((lck_spin_t *)&inside);
	lck_spin_destroy((lck_spin_t *)&inside, group);

	CHECK("simple-is-spin", IOSimpleLockGetMachLock(other) == (lck_spin_t *)other);
	IOSimpleLockLock(other);
	CHECK("simple-is-held", !IOSimpleLockTryLock(other));
	IOSimpleLockUnlock(other);
	IOSimpleLockFree(other);
	lck_spin_lock_grp(lock = lck_spin_alloc_init(group, NULL), group);
	CHECK("spin-with-group",
	      !lck_spin_try_lock_grp(lock, group) && kdp_lck_spin_is_acquired(lock));
	lck_spin_unlock(lock);
	lck_spin_free(lock, group);
	IOSimpleLockInit((IOSimpleLock *)&more);
	CHECK("simple-in-own-memory", IOSimpleLockTryLock((IOSimpleLock *)&more));
	IOSimpleLockUnlock((IOSimpleLock *)&more);
	IOSimpleLockDestroy((IOSimpleLock *)&more);
	CHECK("io-spin-word", IOTrySpinLock(&word) && !IOTrySpinLock(&word));
	IOSpinUnlock(&word);
	CHECK("io-spin-word-free", word == 0);
}

static void check_recursive(void)
{
	IORecursiveLock *lock = IORecursiveLockAlloc();
	IORecursiveLock *grouped = IORecursiveLockAllocWithLockGroup(group);

	CHECK("recursive-free", !IORecursiveLockHaveLock(lock));
	IORecursiveLockLock(lock);
	CHECK("recursive-twice", IORecursiveLockTryLock(lock));
	IORecursiveLockUnlock(lock);
	CHECK("recursive-still-held", IORecursiveLockHaveLock(lock));
	lck_mtx_assert(IORecursiveLockGetMachLock(lock), LCK_MTX_ASSERT_OWNED);
	IORecursiveLockUnlock(lock);
	CHECK("recursive-given-back", !IORecursiveLockHaveLock(lock));
	IORecursiveLockFree(lock);
	IORecursiveLockLock(grouped);
	IORecursiveLockUnlock(grouped);
	IORecursiveLockFree(grouped);
	CHECK("recursive-without-group", IORecursiveLockAllocWithLockGroup(NULL) == NULL);
}

static void check_interrupts(void)
{
	boolean_t before = ml_set_interrupts_enabled(FALSE);

	CHECK("interrupts-off", before && !ml_get_interrupts_enabled());
	CHECK("interrupts-nest", !ml_set_interrupts_enabled(FALSE));
	ml_set_interrupts_enabled(before);
	CHECK("interrupts-on", ml_get_interrupts_enabled() && !ml_at_interrupt_context());
}

void check(void)
{
	lck_grp_attr_t *group_attributes = lck_grp_attr_alloc_init();

	lck_grp_attr_setdefault(group_attributes);
	lck_grp_attr_setstat(group_attributes);
	group = lck_grp_alloc_init("kpi", group_attributes);
	lck_grp_attr_free(group_attributes);
	attributes = lck_attr_alloc_init();
	lck_attr_setdefault(attributes);
	lck_attr_setdebug(attributes);
	CHECK("groups", group && attributes);
	check_mutex();
	check_iolock();
	check_rw();
	check_two_upgrades();
	check_spin();
	check_recursive();
	check_interrupts();
	lck_attr_free(attributes);
	lck_grp_free(group);
}
