/*
 * Mutexes. IOLocks are these. The word is a futex: free, held, held with sleepers, or
 * destroyed; `mode` says whether the holder took it in spin mode, which counts as a spin
 * lock held. Misuse panics with Darwin's complaints.
 */
#include "kernel/osfmk/futex.h"
#include "kernel/osfmk/kheap.h"
#include "kernel/osfmk/osfmk.h"

enum { FREE = 0, HELD = 1, CONTENDED = 2, DESTROYED = 0xdead0001 };
enum { MODE_FULL = 0, MODE_SPIN = 1 };
enum { SPINS = 100 };

void lck_mtx_init(lck_mtx_t *lock, lck_grp_t *group, lck_attr_t *attr)
{
	(void)attr;
	atomic_store(&lock->mode, MODE_FULL);
	atomic_store(&lock->owner, NULL);
	atomic_store(&lock->word, FREE);
	lck_grp_enter(group, LOCK_MUTEX);
}
KPI(lck_mtx_init);

lck_mtx_t *lck_mtx_alloc_init(lck_grp_t *group, lck_attr_t *attr)
{
	lck_mtx_t *lock = kheap_alloc(HEAP_CALL("lck_mtx_alloc_init"), HEAP_LOCKS,
				      sizeof(*lock), 0, false);

	if (lock)
		lck_mtx_init(lock, group, attr);
	return lock;
}
KPI(lck_mtx_alloc_init);

void lck_mtx_destroy(lck_mtx_t *lock, lck_grp_t *group)
{
	if (atomic_exchange(&lock->word, DESTROYED) == DESTROYED)
		return;
	if (atomic_load(&lock->owner) == thread_self()) {
		thread_self()->mutexes_held--;
		lock_is_given_back(lock);
	}
	atomic_store(&lock->owner, NULL);
	lck_grp_leave(group, LOCK_MUTEX);
}
KPI(lck_mtx_destroy);

void lck_mtx_free(lck_mtx_t *lock, lck_grp_t *group)
{
	lck_mtx_destroy(lock, group);
	kheap_free(HEAP_CALL("lck_mtx_free"), HEAP_LOCKS, lock, HEAP_ANY_SIZE);
}
KPI(lck_mtx_free);

struct thread *lck_mtx_owner(const lck_mtx_t *lock)
{
	return atomic_load(&lock->owner);
}

/* The holder changes `mode` and the count of held spin locks together. */
static void enter(const void *caller, lck_mtx_t *lock, uint32_t mode)
{
	struct thread *thread = thread_self();

	atomic_store_explicit(&lock->owner, thread, memory_order_relaxed);
	atomic_store_explicit(&lock->mode, mode, memory_order_relaxed);
	thread->mutexes_held++;
	lock_is_taken(lock, caller);
	if (mode == MODE_SPIN)
		thread->preemption_level++;
}

static bool try_word(lck_mtx_t *lock)
{
	uint32_t expected = FREE;

	return atomic_compare_exchange_strong(&lock->word, &expected, HELD);
}

static void check_lockable(const void *caller, lck_mtx_t *lock)
{
	if (atomic_load(&lock->word) == DESTROYED)
		panic_at(caller, "trying to interlock destroyed mutex (%p)",
			 (void *)lock);
	if (atomic_load(&lock->owner) == thread_self())
		panic_at(caller, "mutex %p: recursive lock by owner", (void *)lock);
}

static void lock_slowly(const void *caller, lck_mtx_t *lock)
{
	uint32_t seen;

	check_lockable(caller, lock);
	for (int i = 0; i < SPINS; i++) {
		if (try_word(lock))
			return;
		__builtin_ia32_pause();
	}
	for (;;) {
		seen = atomic_load(&lock->word);
		if (seen == DESTROYED)
			check_lockable(caller, lock);
		/* Whoever has slept may not be the last: it takes the lock as contended.
		 */
		else if (seen == FREE) {
			if (atomic_compare_exchange_strong(&lock->word, &seen, CONTENDED))
				return;
		} else if (seen == CONTENDED || atomic_compare_exchange_strong(
							&lock->word, &seen, CONTENDED)) {
			futex_wait(&lock->word, CONTENDED, 0);
		}
	}
}

static void lock_for(const void *caller, lck_mtx_t *lock, uint32_t mode)
{
	if (!try_word(lock))
		lock_slowly(caller, lock);
	enter(caller, lock, mode);
}

void lck_mtx_lock(lck_mtx_t *lock)
{
	context_may_block(__builtin_return_address(0), "lck_mtx_lock");
	lock_for(__builtin_return_address(0), lock, MODE_FULL);
}
KPI(lck_mtx_lock);

void lck_mtx_lock_spin(lck_mtx_t *lock)
{
	lock_for(__builtin_return_address(0), lock, MODE_SPIN);
}
KPI(lck_mtx_lock_spin);
KPI_AS("_lck_mtx_lock_spin_always", lck_mtx_lock_spin);

static boolean_t try_for(const void *caller, lck_mtx_t *lock, uint32_t mode)
{
	if (atomic_load(&lock->word) == DESTROYED)
		check_lockable(caller, lock);
	if (!try_word(lock))
		return XNU_FALSE;
	enter(caller, lock, mode);
	return XNU_TRUE;
}

boolean_t lck_mtx_try_lock(lck_mtx_t *lock)
{
	return try_for(__builtin_return_address(0), lock, MODE_FULL);
}
KPI(lck_mtx_try_lock);

boolean_t lck_mtx_try_lock_spin(lck_mtx_t *lock)
{
	return try_for(__builtin_return_address(0), lock, MODE_SPIN);
}
KPI(lck_mtx_try_lock_spin);
KPI_AS("_lck_mtx_try_lock_spin_always", lck_mtx_try_lock_spin);

static void check_owner(const void *caller, lck_mtx_t *lock, const char *what)
{
	if (atomic_load(&lock->word) == DESTROYED)
		panic_at(caller, "trying to interlock destroyed mutex (%p)",
			 (void *)lock);
	if (atomic_load(&lock->owner) != thread_self())
		panic_at(caller,
			 "Mutex %s attempted from non-owner thread. Owner=%p lock=%p",
			 what, (void *)atomic_load(&lock->owner), (void *)lock);
}

/* From spin mode to the full one; nothing to do if it is that already. */
void lck_mtx_convert_spin(lck_mtx_t *lock)
{
	check_owner(__builtin_return_address(0), lock, "conversion");
	if (atomic_exchange(&lock->mode, MODE_FULL) == MODE_SPIN)
		thread_self()->preemption_level--;
}
KPI(lck_mtx_convert_spin);

static void unlock_for(const void *caller, lck_mtx_t *lock)
{
	check_owner(caller, lock, "unlock");
	if (atomic_load_explicit(&lock->mode, memory_order_relaxed) == MODE_SPIN) {
		atomic_store_explicit(&lock->mode, MODE_FULL, memory_order_relaxed);
		thread_self()->preemption_level--;
	}
	thread_self()->mutexes_held--;
	lock_is_given_back(lock);
	atomic_store_explicit(&lock->owner, NULL, memory_order_relaxed);
	if (atomic_exchange(&lock->word, FREE) == CONTENDED)
		futex_wake(&lock->word, 1);
}

void lck_mtx_unlock(lck_mtx_t *lock)
{
	unlock_for(__builtin_return_address(0), lock);
}
KPI(lck_mtx_unlock);

void lck_mtx_assert(lck_mtx_t *lock, unsigned what)
{
	bool is_owner = atomic_load(&lock->owner) == thread_self();

	if (what == 1 && !is_owner)
		panic_at(__builtin_return_address(0), "mutex (%p) not owned",
			 (void *)lock);
	if (what == 2 && is_owner)
		panic_at(__builtin_return_address(0), "mutex (%p) owned", (void *)lock);
	if (what != 1 && what != 2)
		panic_at(__builtin_return_address(0),
			 "lck_mtx_assert(): invalid arg (%u)", what);
}
KPI(lck_mtx_assert);

static wait_result_t sleep_for(const void *caller, lck_mtx_t *lock, int action,
			       event_t event, wait_interrupt_t interruptible,
			       uint64_t deadline)
{
	wait_result_t result;

	if (action & ~LCK_SLEEP_MASK)
		panic_at(caller, "Invalid lock sleep action %x", action);
	check_owner(caller, lock, "sleep");
	if (!event)
		panic_at(caller, "lck_mtx_sleep: the event is NULL");
	result = assert_wait_deadline(event, interruptible, deadline);
	if (result != THREAD_WAITING) {
		thread_block(NULL); /* takes back what the aborted wait left */
		if (action & LCK_SLEEP_UNLOCK)
			unlock_for(caller, lock);
		return result;
	}
	unlock_for(caller, lock);
	result = thread_block(NULL);
	if (!(action & LCK_SLEEP_UNLOCK))
		lock_for(caller, lock,
			 action & (LCK_SLEEP_SPIN | LCK_SLEEP_SPIN_ALWAYS) ? MODE_SPIN
									   : MODE_FULL);
	return result;
}

wait_result_t lck_mtx_sleep(lck_mtx_t *lock, int action, event_t event,
			    wait_interrupt_t interruptible)
{
	return sleep_for(__builtin_return_address(0), lock, action, event, interruptible,
			 0);
}
KPI(lck_mtx_sleep);

wait_result_t lck_mtx_sleep_deadline(lck_mtx_t *lock, int action, event_t event,
				     wait_interrupt_t interruptible, uint64_t deadline)
{
	return sleep_for(__builtin_return_address(0), lock, action, event, interruptible,
			 deadline);
}
KPI(lck_mtx_sleep_deadline);
