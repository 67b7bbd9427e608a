/*
 * Read/write locks. IORWLocks are these. A guard inside protects the counts; whoever
 * cannot go on sleeps on `generation`, which every change that may help somebody moves.
 * Writers that wait keep new readers out, unless the lock's attribute prefers readers; a
 * reader that upgrades goes before all.
 */
#include "kernel/osfmk/futex.h"
#include "kernel/osfmk/kheap.h"
#include "kernel/osfmk/osfmk.h"

enum { EXCLUSIVE = 1, UPGRADING = 2, SHARED_PRIORITY = 4, DESTROYED = 8 };

_Static_assert(sizeof(struct guard) == sizeof(uint32_t), "a guard is a word");

static void enter(lck_rw_t *lock)
{
	guard_lock((struct guard *)&lock->guard);
}

static void leave(lck_rw_t *lock)
{
	guard_unlock((struct guard *)&lock->guard);
}

/* Lets everybody who sleeps look again; with the guard held. */
static void changed(lck_rw_t *lock)
{
	atomic_fetch_add(&lock->generation, 1);
	if (lock->waiters)
		futex_wake(&lock->generation, INT_MAX);
}

/* Sleeps until something changed; guard held before and after. */
static void await_change(lck_rw_t *lock)
{
	uint32_t generation = atomic_load(&lock->generation);

	lock->waiters++;
	leave(lock);
	futex_wait(&lock->generation, generation, 0);
	enter(lock);
	lock->waiters--;
}

static void check_alive(const void *caller, lck_rw_t *lock)
{
	if (lock->flags & DESTROYED) {
		leave(lock);
		panic_at(caller, "rw lock %p is used after it was destroyed",
			 (void *)lock);
	}
}

void lck_rw_init(lck_rw_t *lock, lck_grp_t *group, lck_attr_t *attr)
{
	*lock = (lck_rw_t){0};
	if (lck_attr_is_shared_priority(attr))
		lock->flags = SHARED_PRIORITY;
	lck_grp_enter(group, LOCK_RW);
}
KPI(lck_rw_init);

lck_rw_t *lck_rw_alloc_init(lck_grp_t *group, lck_attr_t *attr)
{
	lck_rw_t *lock = kheap_alloc(HEAP_CALL("lck_rw_alloc_init"), HEAP_LOCKS,
				     sizeof(*lock), 0, false);

	if (lock)
		lck_rw_init(lock, group, attr);
	return lock;
}
KPI(lck_rw_alloc_init);

void lck_rw_destroy(lck_rw_t *lock, lck_grp_t *group)
{
	if (lock->flags & DESTROYED)
		return;
	lock->flags = DESTROYED;
	lck_grp_leave(group, LOCK_RW);
}
KPI(lck_rw_destroy);

void lck_rw_free(lck_rw_t *lock, lck_grp_t *group)
{
	lck_rw_destroy(lock, group);
	kheap_free(HEAP_CALL("lck_rw_free"), HEAP_LOCKS, lock, HEAP_ANY_SIZE);
}
KPI(lck_rw_free);

/* ---- taking; all with the guard held ---- */

static bool can_share(const lck_rw_t *lock)
{
	if (lock->flags & (EXCLUSIVE | UPGRADING))
		return false;
	return !lock->writers_waiting || lock->flags & SHARED_PRIORITY;
}

static bool can_exclude(const lck_rw_t *lock)
{
	return !(lock->flags & (EXCLUSIVE | UPGRADING)) && !lock->readers;
}

static void add_reader(const void *caller, lck_rw_t *lock)
{
	if (lock->readers == UINT16_MAX) {
		leave(lock);
		panic_at(caller, "rw lock %p has too many readers", (void *)lock);
	}
	lock->readers++;
}

static void take_shared(const void *caller, lck_rw_t *lock)
{
	context_may_block(caller, "lck_rw_lock_shared");
	enter(lock);
	check_alive(caller, lock);
	while (!can_share(lock))
		await_change(lock);
	add_reader(caller, lock);
	leave(lock);
}

static void take_exclusive(const void *caller, lck_rw_t *lock)
{
	context_may_block(caller, "lck_rw_lock_exclusive");
	enter(lock);
	check_alive(caller, lock);
	lock->writers_waiting++;
	while (!can_exclude(lock))
		await_change(lock);
	lock->writers_waiting--;
	lock->flags |= EXCLUSIVE;
	leave(lock);
}

static _Noreturn void bad_type(const void *caller, lck_rw_t *lock, int type)
{
	panic_at(caller, "lck_rw_lock(): Invalid RW lock type: %x (lock %p)",
		 (unsigned)type, (void *)lock);
}

static void take(const void *caller, lck_rw_t *lock, int type)
{
	if (type == LCK_RW_TYPE_SHARED)
		take_shared(caller, lock);
	else if (type == LCK_RW_TYPE_EXCLUSIVE)
		take_exclusive(caller, lock);
	else
		bad_type(caller, lock, type);
}

void lck_rw_lock_shared(lck_rw_t *lock)
{
	take_shared(__builtin_return_address(0), lock);
}
KPI(lck_rw_lock_shared);

void lck_rw_lock_exclusive(lck_rw_t *lock)
{
	take_exclusive(__builtin_return_address(0), lock);
}
KPI(lck_rw_lock_exclusive);

void lck_rw_lock(lck_rw_t *lock, int type)
{
	take(__builtin_return_address(0), lock, type);
}
KPI(lck_rw_lock);

static boolean_t try_shared(const void *caller, lck_rw_t *lock)
{
	bool is_taken;

	enter(lock);
	check_alive(caller, lock);
	is_taken = can_share(lock);
	if (is_taken)
		add_reader(caller, lock);
	leave(lock);
	return is_taken;
}

static boolean_t try_exclusive(const void *caller, lck_rw_t *lock)
{
	bool is_taken;

	enter(lock);
	check_alive(caller, lock);
	is_taken = can_exclude(lock);
	if (is_taken)
		lock->flags |= EXCLUSIVE;
	leave(lock);
	return is_taken;
}

boolean_t lck_rw_try_lock_shared(lck_rw_t *lock)
{
	return try_shared(__builtin_return_address(0), lock);
}
KPI(lck_rw_try_lock_shared);

boolean_t lck_rw_try_lock_exclusive(lck_rw_t *lock)
{
	return try_exclusive(__builtin_return_address(0), lock);
}
KPI(lck_rw_try_lock_exclusive);

boolean_t lck_rw_try_lock(lck_rw_t *lock, int type)
{
	const void *caller = __builtin_return_address(0);

	if (type == LCK_RW_TYPE_SHARED)
		return try_shared(caller, lock);
	if (type == LCK_RW_TYPE_EXCLUSIVE)
		return try_exclusive(caller, lock);
	bad_type(caller, lock, type);
}
KPI(lck_rw_try_lock);

/* ---- giving back ---- */

/* The mode held, with the guard held: exclusive, shared, or 0. */
static int held_mode(const lck_rw_t *lock)
{
	return lock->flags & EXCLUSIVE ? LCK_RW_TYPE_EXCLUSIVE
	       : lock->readers	       ? LCK_RW_TYPE_SHARED
				       : 0;
}

/* Releases in mode `wanted`, or in whatever mode when that is 0; returns the mode. */
static int give(const void *caller, lck_rw_t *lock, int wanted)
{
	int mode;

	enter(lock);
	check_alive(caller, lock);
	mode = held_mode(lock);
	if (!mode || (wanted && wanted != mode)) {
		leave(lock);
		panic_at(caller, "lck_rw_unlock(): lock %p held in mode: %d",
			 (void *)lock, mode);
	}
	if (mode == LCK_RW_TYPE_EXCLUSIVE)
		lock->flags &= (uint16_t)~EXCLUSIVE;
	else
		lock->readers--;
	changed(lock);
	leave(lock);
	return mode;
}

int lck_rw_done(lck_rw_t *lock)
{
	return give(__builtin_return_address(0), lock, 0);
}
KPI(lck_rw_done);

void lck_rw_unlock_shared(lck_rw_t *lock)
{
	give(__builtin_return_address(0), lock, LCK_RW_TYPE_SHARED);
}
KPI(lck_rw_unlock_shared);

void lck_rw_unlock_exclusive(lck_rw_t *lock)
{
	give(__builtin_return_address(0), lock, LCK_RW_TYPE_EXCLUSIVE);
}
KPI(lck_rw_unlock_exclusive);

void lck_rw_unlock(lck_rw_t *lock, int type)
{
	const void *caller = __builtin_return_address(0);

	if (type != LCK_RW_TYPE_SHARED && type != LCK_RW_TYPE_EXCLUSIVE)
		bad_type(caller, lock, type);
	give(caller, lock, type);
}
KPI(lck_rw_unlock);

/* ---- changing mode ---- */

/* FALSE when another reader upgrades already: the caller's hold is gone then. */
boolean_t lck_rw_lock_shared_to_exclusive(lck_rw_t *lock)
{
	const void *caller = __builtin_return_address(0);
	bool is_first;

	context_may_block(caller, "lck_rw_lock_shared_to_exclusive");
	enter(lock);
	check_alive(caller, lock);
	if (held_mode(lock) != LCK_RW_TYPE_SHARED) {
		leave(lock);
		panic_at(caller,
			 "lck_rw_lock_shared_to_exclusive(): lock %p is not shared",
			 (void *)lock);
	}
	is_first = !(lock->flags & UPGRADING);
	lock->readers--;
	if (is_first) {
		lock->flags |= UPGRADING;
		while (lock->readers)
			await_change(lock);
		lock->flags = (uint16_t)((lock->flags & ~UPGRADING) | EXCLUSIVE);
	} else {
		changed(lock);
	}
	leave(lock);
	return is_first;
}
KPI(lck_rw_lock_shared_to_exclusive);

void lck_rw_lock_exclusive_to_shared(lck_rw_t *lock)
{
	const void *caller = __builtin_return_address(0);

	enter(lock);
	check_alive(caller, lock);
	if (held_mode(lock) != LCK_RW_TYPE_EXCLUSIVE) {
		leave(lock);
		panic_at(caller,
			 "lck_rw_lock_exclusive_to_shared(): lock %p is not exclusive",
			 (void *)lock);
	}
	lock->flags &= (uint16_t)~EXCLUSIVE;
	lock->readers = 1;
	changed(lock);
	leave(lock);
}
KPI(lck_rw_lock_exclusive_to_shared);

/* ---- sleeping and checking ---- */

static wait_result_t sleep_for(const void *caller, lck_rw_t *lock, int action,
			       event_t event, wait_interrupt_t interruptible,
			       uint64_t deadline)
{
	wait_result_t result;
	int mode = 0;

	if (action & ~LCK_SLEEP_MASK)
		panic_at(caller, "Invalid lock sleep action %x", action);
	if (!event)
		panic_at(caller, "lck_rw_sleep: the event is NULL");
	result = assert_wait_deadline(event, interruptible, deadline);
	if (result != THREAD_WAITING) {
		thread_block(NULL); /* takes back what the aborted wait left */
		if (action & LCK_SLEEP_UNLOCK)
			give(caller, lock, 0);
		return result;
	}
	mode = give(caller, lock, 0);
	result = thread_block(NULL);
	if (action & LCK_SLEEP_UNLOCK)
		return result;
	if (action & LCK_SLEEP_EXCLUSIVE)
		mode = LCK_RW_TYPE_EXCLUSIVE;
	else if (action & LCK_SLEEP_SHARED)
		mode = LCK_RW_TYPE_SHARED;
	take(caller, lock, mode);
	return result;
}

wait_result_t lck_rw_sleep(lck_rw_t *lock, int action, event_t event,
			   wait_interrupt_t interruptible)
{
	return sleep_for(__builtin_return_address(0), lock, action, event, interruptible,
			 0);
}
KPI(lck_rw_sleep);

wait_result_t lck_rw_sleep_deadline(lck_rw_t *lock, int action, event_t event,
				    wait_interrupt_t interruptible, uint64_t deadline)
{
	return sleep_for(__builtin_return_address(0), lock, action, event, interruptible,
			 deadline);
}
KPI(lck_rw_sleep_deadline);

/* 1 shared, 2 exclusive, 3 held in any mode, 4 not held. */
void lck_rw_assert(lck_rw_t *lock, unsigned what)
{
	bool is_right = false;
	int mode;

	enter(lock);
	mode = held_mode(lock);
	leave(lock);
	switch (what) {
	case 1:
	case 2:
		is_right = mode == (int)what;
		break;
	case 3:
		is_right = mode != 0;
		break;
	case 4:
		is_right = mode == 0;
		break;
	}
	if (!is_right)
		panic_at(__builtin_return_address(0),
			 "rw lock (%p) is in mode %d, asserted %u", (void *)lock, mode,
			 what);
}
KPI(lck_rw_assert);
