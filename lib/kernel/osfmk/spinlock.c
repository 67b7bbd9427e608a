/*
 * Spin locks. IOSimpleLocks are these. Holding one keeps the thread's preemption_level
 * up. Waiters spin a little and then sleep; one that waits unreasonably long panics, as
 * does a thread that takes its own lock again.
 */
#include "kernel/osfmk/futex.h"
#include "kernel/osfmk/kheap.h"
#include "kernel/osfmk/osfmk.h"

enum { SPINS = 1000, DESTROYED = 0xdead0002 };
static const uint64_t timeout = 5000000000u;

void lck_spin_init(lck_spin_t *lock, lck_grp_t *group, lck_attr_t *attr)
{
	(void)attr;
	atomic_store(&lock->owner, 0);
	atomic_store(&lock->word, 0);
	lck_grp_enter(group, LOCK_SPIN);
}
KPI(lck_spin_init);

lck_spin_t *lck_spin_alloc_init(lck_grp_t *group, lck_attr_t *attr)
{
	lck_spin_t *lock = kheap_alloc(HEAP_CALL("lck_spin_alloc_init"), HEAP_LOCKS,
				       sizeof(*lock), 0, false);

	if (lock)
		lck_spin_init(lock, group, attr);
	return lock;
}
KPI(lck_spin_alloc_init);

void lck_spin_destroy(lck_spin_t *lock, lck_grp_t *group)
{
	if (atomic_exchange(&lock->word, DESTROYED) != DESTROYED)
		lck_grp_leave(group, LOCK_SPIN);
}
KPI(lck_spin_destroy);

void lck_spin_free(lck_spin_t *lock, lck_grp_t *group)
{
	lck_spin_destroy(lock, group);
	kheap_free(HEAP_CALL("lck_spin_free"), HEAP_LOCKS, lock, HEAP_ANY_SIZE);
}
KPI(lck_spin_free);

static uint32_t own_tag(void)
{
	return (uint32_t)thread_self()->id;
}

static bool try_word(lck_spin_t *lock)
{
	uint32_t expected = 0;

	return atomic_compare_exchange_strong(&lock->word, &expected, 1);
}

struct search {
	uint32_t tag;
	const char *name;
};

static void match_tag(void *context, const struct thread *thread)
{
	struct search *search = context;

	if ((uint32_t)thread->id == search->tag)
		search->name = thread->name;
}

static _Noreturn void give_up(const void *caller, lck_spin_t *lock, const char *why)
{
	struct search search = {atomic_load(&lock->owner), "unknown"};

	thread_visit(match_tag, &search);
	panic_at(caller, "spin lock %p: %s; owner is thread %u (%s)", (void *)lock, why,
		 search.tag, search.name);
}

static void lock_slowly(const void *caller, lck_spin_t *lock)
{
	uint64_t deadline;

	if (atomic_load(&lock->word) == DESTROYED)
		give_up(caller, lock, "locked after it was destroyed");
	if (atomic_load(&lock->owner) == own_tag())
		give_up(caller, lock, "recursive lock by owner");
	for (int i = 0; i < SPINS; i++) {
		if (try_word(lock))
			return;
		__builtin_ia32_pause();
	}
	deadline = mach_absolute_time() + timeout;
	while (atomic_exchange(&lock->word, 2) != 0) {
		futex_wait(&lock->word, 2, clock_host_deadline(deadline));
		if (mach_absolute_time() >= deadline)
			give_up(caller, lock, "timed out");
	}
}

static void lock_for(const void *caller, lck_spin_t *lock)
{
	thread_self()->preemption_level++;
	if (!try_word(lock))
		lock_slowly(caller, lock);
	atomic_store(&lock->owner, own_tag());
	lock_is_taken(lock, caller);
}

void lck_spin_lock(lck_spin_t *lock)
{
	lock_for(__builtin_return_address(0), lock);
}
KPI(lck_spin_lock);

void lck_spin_lock_grp(lck_spin_t *lock, lck_grp_t *group)
{
	(void)group;
	lock_for(__builtin_return_address(0), lock);
}
KPI(lck_spin_lock_grp);

static boolean_t try_for(const void *caller, lck_spin_t *lock)
{
	if (!try_word(lock))
		return XNU_FALSE;
	thread_self()->preemption_level++;
	atomic_store(&lock->owner, own_tag());
	lock_is_taken(lock, caller);
	return XNU_TRUE;
}

boolean_t lck_spin_try_lock(lck_spin_t *lock)
{
	return try_for(__builtin_return_address(0), lock);
}
KPI(lck_spin_try_lock);

boolean_t lck_spin_try_lock_grp(lck_spin_t *lock, lck_grp_t *group)
{
	(void)group;
	return try_for(__builtin_return_address(0), lock);
}
KPI(lck_spin_try_lock_grp);

static void unlock_for(const void *caller, lck_spin_t *lock)
{
	if (atomic_load(&lock->owner) != own_tag())
		give_up(caller, lock, "unlocked by a thread that does not hold it");
	lock_is_given_back(lock);
	atomic_store(&lock->owner, 0);
	if (atomic_exchange(&lock->word, 0) == 2)
		futex_wake(&lock->word, 1);
	thread_self()->preemption_level--;
}

void lck_spin_unlock(lck_spin_t *lock)
{
	unlock_for(__builtin_return_address(0), lock);
}
KPI(lck_spin_unlock);

void lck_spin_assert(lck_spin_t *lock, unsigned what)
{
	bool is_owner = atomic_load(&lock->owner) == own_tag();

	if ((what == 1) != is_owner)
		panic_at(__builtin_return_address(0), "lck_spin_assert: lock %p is %s",
			 (void *)lock, is_owner ? "owned" : "not owned");
}
KPI(lck_spin_assert);

boolean_t kdp_lck_spin_is_acquired(lck_spin_t *lock)
{
	uint32_t word = atomic_load(&lock->word);

	return word == 1 || word == 2;
}
KPI(kdp_lck_spin_is_acquired);

static wait_result_t sleep_for(const void *caller, lck_spin_t *lock, int action,
			       event_t event, wait_interrupt_t interruptible,
			       uint64_t deadline)
{
	wait_result_t result;

	if (action & ~LCK_SLEEP_MASK)
		panic_at(caller, "Invalid lock sleep action %x", action);
	if (!event)
		panic_at(caller, "lck_spin_sleep: the event is NULL");
	result = assert_wait_deadline(event, interruptible, deadline);
	unlock_for(caller, lock);
	if (result == THREAD_WAITING)
		result = thread_block(NULL);
	else
		thread_block(NULL); /* takes back what the aborted wait left */
	if (!(action & LCK_SLEEP_UNLOCK))
		lock_for(caller, lock);
	return result;
}

wait_result_t lck_spin_sleep(lck_spin_t *lock, int action, event_t event,
			     wait_interrupt_t interruptible)
{
	return sleep_for(__builtin_return_address(0), lock, action, event, interruptible,
			 0);
}
KPI(lck_spin_sleep);

wait_result_t lck_spin_sleep_deadline(lck_spin_t *lock, int action, event_t event,
				      wait_interrupt_t interruptible, uint64_t deadline)
{
	return sleep_for(__builtin_return_address(0), lock, action, event, interruptible,
			 deadline);
}
KPI(lck_spin_sleep_deadline);
