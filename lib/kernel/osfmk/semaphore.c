/*
 * Mach semaphores over event waits; the semaphore's own address is the event. A signal
 * finds its waiter or raises the count, both under the guard, so that none is lost.
 */
#include <stdlib.h>
#include "kernel/osfmk/futex.h"
#include "kernel/osfmk/osfmk.h"

struct semaphore {
	_Atomic int references;
	struct guard guard;
	int count;
	bool is_dead;
	struct task *owner;
};

enum { POLICY_FIFO = 0, POLICY_PREPOST = 4 };

kern_return_t semaphore_create(struct task *task, semaphore_t *ret_semaphore, int policy,
			       int value)
{
	semaphore_t semaphore;

	*ret_semaphore = NULL;
	if (!task || value < 0 || policy < POLICY_FIFO || policy > POLICY_PREPOST)
		return KERN_INVALID_ARGUMENT;
	semaphore = calloc(1, sizeof(*semaphore));
	if (!semaphore)
		return KERN_RESOURCE_SHORTAGE;
	atomic_store(&semaphore->references, 1);
	semaphore->count = value;
	semaphore->owner = task;
	*ret_semaphore = semaphore;
	return KERN_SUCCESS;
}
KPI(semaphore_create);

void semaphore_reference(semaphore_t semaphore)
{
	atomic_fetch_add(&semaphore->references, 1);
}
KPI(semaphore_reference);

void semaphore_dereference(semaphore_t semaphore)
{
	if (semaphore && atomic_fetch_sub(&semaphore->references, 1) == 1)
		free(semaphore);
}
KPI(semaphore_dereference);

kern_return_t semaphore_destroy(struct task *task, semaphore_t semaphore)
{
	bool was_dead;

	if (!task || !semaphore || semaphore->owner != task)
		return KERN_INVALID_ARGUMENT;
	guard_lock(&semaphore->guard);
	was_dead = semaphore->is_dead;
	semaphore->is_dead = true;
	thread_wakeup_prim(semaphore, XNU_FALSE, THREAD_RESTART);
	guard_unlock(&semaphore->guard);
	if (was_dead)
		return KERN_INVALID_ARGUMENT;
	semaphore_dereference(semaphore);
	return KERN_SUCCESS;
}
KPI(semaphore_destroy);

static kern_return_t to_kern_return(wait_result_t result)
{
	switch (result) {
	case THREAD_AWAKENED:
		return KERN_SUCCESS;
	case THREAD_TIMED_OUT:
		return KERN_OPERATION_TIMED_OUT;
	case THREAD_INTERRUPTED:
		return KERN_ABORTED;
	default:
		return KERN_TERMINATED;
	}
}

/* Takes one or waits for it until `deadline` (0 = forever); does not wait if `poll`. */
static kern_return_t take(const void *caller, semaphore_t semaphore, bool poll,
			  uint64_t deadline)
{
	kern_return_t answer = KERN_SUCCESS;
	bool waits = false;

	if (!semaphore)
		return KERN_INVALID_ARGUMENT;
	if (!poll)
		context_may_block(caller, "semaphore_wait");
	semaphore_reference(semaphore);
	guard_lock(&semaphore->guard);
	if (semaphore->is_dead) {
		answer = KERN_TERMINATED;
	} else if (semaphore->count > 0) {
		semaphore->count--;
	} else if (poll) {
		answer = KERN_OPERATION_TIMED_OUT;
	} else {
		waits = true;
		assert_wait_deadline(semaphore, THREAD_ABORTSAFE, deadline);
	}
	guard_unlock(&semaphore->guard);
	if (waits)
		answer = to_kern_return(thread_block(NULL));
	semaphore_dereference(semaphore);
	return answer;
}

kern_return_t semaphore_wait(semaphore_t semaphore)
{
	return take(__builtin_return_address(0), semaphore, false, 0);
}
KPI(semaphore_wait);

kern_return_t semaphore_wait_noblock(semaphore_t semaphore)
{
	return take(__builtin_return_address(0), semaphore, true, 0);
}
KPI(semaphore_wait_noblock);

kern_return_t semaphore_wait_deadline(semaphore_t semaphore, uint64_t deadline)
{
	return take(__builtin_return_address(0), semaphore, false, deadline);
}
KPI(semaphore_wait_deadline);

kern_return_t semaphore_timedwait(semaphore_t semaphore, mach_timespec_t interval)
{
	uint64_t nanoseconds =
		interval.tv_sec * 1000000000ull + (uint32_t)interval.tv_nsec;
	uint64_t deadline;

	if (!semaphore)
		return KERN_INVALID_ARGUMENT;
	if (interval.tv_nsec < 0 || interval.tv_nsec >= 1000000000)
		return KERN_INVALID_VALUE;
	clock_absolutetime_interval_to_deadline(nanoseconds, &deadline);
	return take(__builtin_return_address(0), semaphore, nanoseconds == 0, deadline);
}
KPI(semaphore_timedwait);

kern_return_t semaphore_signal(semaphore_t semaphore)
{
	kern_return_t answer = KERN_SUCCESS;

	if (!semaphore)
		return KERN_INVALID_ARGUMENT;
	guard_lock(&semaphore->guard);
	if (semaphore->is_dead)
		answer = KERN_TERMINATED;
	else if (thread_wakeup_prim(semaphore, XNU_TRUE, THREAD_AWAKENED))
		semaphore->count++;
	guard_unlock(&semaphore->guard);
	return answer;
}
KPI(semaphore_signal);

/* Unlike a signal, it leaves no count behind when nobody waits. */
kern_return_t semaphore_signal_all(semaphore_t semaphore)
{
	kern_return_t answer = KERN_SUCCESS;

	if (!semaphore)
		return KERN_INVALID_ARGUMENT;
	guard_lock(&semaphore->guard);
	if (semaphore->is_dead)
		answer = KERN_TERMINATED;
	else
		thread_wakeup_prim(semaphore, XNU_FALSE, THREAD_AWAKENED);
	guard_unlock(&semaphore->guard);
	return answer;
}
KPI(semaphore_signal_all);
