/*
 * Event waits: a thread queues itself on an address (assert_wait), then gives up the CPU
 * (thread_block). A wakeup between the two makes the second return at once; a wakeup with
 * nobody queued is lost. Order is first come, first served.
 *
 * A bucket's guard protects its list and the change of a queued thread's state from
 * WAITING to DONE; whoever makes that change unlinks the thread.
 */
#include <sched.h>
#include "kernel/osfmk/futex.h"
#include "kernel/osfmk/osfmk.h"

struct bucket {
	struct guard guard;
	struct thread *first, *last;
};

static struct bucket buckets[256];

static struct bucket *bucket_of(event_t event)
{
	uint64_t hash = (uint64_t)(uintptr_t)event * 0x9e3779b97f4a7c15ull;

	return &buckets[hash >> 56];
}

static void link_thread(struct bucket *bucket, struct thread *thread)
{
	thread->wait.next = NULL;
	thread->wait.previous = bucket->last;
	if (bucket->last)
		bucket->last->wait.next = thread;
	else
		bucket->first = thread;
	bucket->last = thread;
}

static void unlink_thread(struct bucket *bucket, struct thread *thread)
{
	struct thread *next = thread->wait.next, *previous = thread->wait.previous;

	if (next)
		next->wait.previous = previous;
	else
		bucket->last = previous;
	if (previous)
		previous->wait.next = next;
	else
		bucket->first = next;
}

/* Ends the wait of a thread that is queued in the locked bucket. */
static void finish(struct bucket *bucket, struct thread *thread, wait_result_t result)
{
	unlink_thread(bucket, thread);
	thread->wait.result = result;
	atomic_store(&thread->wait.state, WAIT_DONE);
	futex_wake(&thread->wait.state, 1);
}

static bool is_queued(const struct thread *thread, event_t event)
{
	return atomic_load(&thread->wait.state) == WAIT_WAITING &&
	       thread->wait.event == event;
}

/* ---- waiting ---- */

static wait_result_t queue_self(const void *caller, event_t event,
				wait_interrupt_t interruptible, uint64_t deadline)
{
	struct thread *thread = thread_self();
	struct bucket *bucket = bucket_of(event);
	wait_result_t result = THREAD_WAITING;

	if (!event)
		panic_at(caller, "assert_wait: the event is NULL");
	if (atomic_load(&thread->wait.state) == WAIT_WAITING)
		panic_at(caller, "assert_wait: the thread waits already, for %p",
			 thread->wait.event);
	guard_lock(&bucket->guard);
	__atomic_store_n(&thread->wait.event, event, __ATOMIC_SEQ_CST);
	thread->wait.interruptible = interruptible;
	thread->wait.deadline = deadline;
	atomic_store(&thread->wait.state, WAIT_WAITING);
	link_thread(bucket, thread);
	/* An abort sets the flag first and looks at the event second: one of us sees it.
	 */
	if (interruptible != THREAD_UNINT &&
	    __atomic_exchange_n(&thread->wait.abort_pending, false, __ATOMIC_SEQ_CST)) {
		result = THREAD_INTERRUPTED;
		finish(bucket, thread, result);
	}
	guard_unlock(&bucket->guard);
	return result;
}

wait_result_t assert_wait(event_t event, wait_interrupt_t interruptible)
{
	return queue_self(__builtin_return_address(0), event, interruptible, 0);
}
KPI(assert_wait);

wait_result_t assert_wait_deadline(event_t event, wait_interrupt_t interruptible,
				   uint64_t deadline)
{
	return queue_self(__builtin_return_address(0), event, interruptible, deadline);
}
KPI(assert_wait_deadline);

/* Urgency and leeway let Darwin delay timers; ours fire on time. */
wait_result_t assert_wait_deadline_with_leeway(event_t event,
					       wait_interrupt_t interruptible,
					       int urgency, uint64_t deadline,
					       uint64_t leeway)
{
	(void)urgency;
	(void)leeway;
	return queue_self(__builtin_return_address(0), event, interruptible, deadline);
}
KPI(assert_wait_deadline_with_leeway);

wait_result_t assert_wait_timeout(event_t event, wait_interrupt_t interruptible,
				  uint32_t interval, uint32_t scale)
{
	uint64_t deadline;

	clock_interval_to_deadline(interval, scale, &deadline);
	return queue_self(__builtin_return_address(0), event, interruptible, deadline);
}
KPI(assert_wait_timeout);

wait_result_t assert_wait_timeout_with_leeway(event_t event,
					      wait_interrupt_t interruptible, int urgency,
					      uint32_t interval, uint32_t leeway,
					      uint32_t scale)
{
	uint64_t deadline;

	(void)urgency;
	(void)leeway;
	clock_interval_to_deadline(interval, scale, &deadline);
	return queue_self(__builtin_return_address(0), event, interruptible, deadline);
}
KPI(assert_wait_timeout_with_leeway);

/* Takes the calling thread off its queue if the deadline has passed. */
static void time_out(struct thread *thread)
{
	struct bucket *bucket = bucket_of(thread->wait.event);

	if (mach_absolute_time() < thread->wait.deadline)
		return;
	guard_lock(&bucket->guard);
	if (atomic_load(&thread->wait.state) == WAIT_WAITING)
		finish(bucket, thread, THREAD_TIMED_OUT);
	guard_unlock(&bucket->guard);
}

/* Without an asserted wait this only yields. */
static wait_result_t block_self(const void *caller)
{
	struct thread *thread = thread_self();
	uint64_t host_deadline;

	context_may_block(caller, "thread_block");
	if (atomic_load(&thread->wait.state) == WAIT_NONE) {
		sched_yield();
		return THREAD_AWAKENED;
	}
	host_deadline =
		thread->wait.deadline ? clock_host_deadline(thread->wait.deadline) : 0;
	while (atomic_load(&thread->wait.state) == WAIT_WAITING) {
		futex_wait(&thread->wait.state, WAIT_WAITING, host_deadline);
		if (host_deadline)
			time_out(thread);
	}
	atomic_store(&thread->wait.state, WAIT_NONE);
	return thread->wait.result;
}

wait_result_t thread_block_parameter(thread_continue_t continuation, void *parameter)
{
	wait_result_t result = block_self(__builtin_return_address(0));

	if (continuation)
		thread_continue(__builtin_return_address(0), continuation, parameter,
				result);
	return result;
}
KPI(thread_block_parameter);

wait_result_t thread_block(thread_continue_t continuation)
{
	wait_result_t result = block_self(__builtin_return_address(0));

	if (continuation)
		thread_continue(__builtin_return_address(0), continuation, NULL, result);
	return result;
}
KPI(thread_block);

/* ---- waking ---- */

kern_return_t thread_wakeup_prim(event_t event, boolean_t one, wait_result_t result)
{
	struct bucket *bucket = bucket_of(event);
	struct thread *thread, *next;
	kern_return_t answer = KERN_NOT_WAITING;

	if (!event)
		panic_at(__builtin_return_address(0), "thread_wakeup: the event is NULL");
	guard_lock(&bucket->guard);
	for (thread = bucket->first; thread; thread = next) {
		next = thread->wait.next;
		if (thread->wait.event != event)
			continue;
		finish(bucket, thread, result);
		answer = KERN_SUCCESS;
		if (one)
			break;
	}
	guard_unlock(&bucket->guard);
	return answer;
}
KPI(thread_wakeup_prim);

/* Finishes the wait of one thread if it is still for `event`. */
static bool wake_thread(event_t event, struct thread *thread, wait_result_t result,
			bool only_interruptible)
{
	struct bucket *bucket = bucket_of(event);
	bool is_woken;

	guard_lock(&bucket->guard);
	is_woken = is_queued(thread, event) &&
		   (!only_interruptible || thread->wait.interruptible != THREAD_UNINT);
	if (is_woken)
		finish(bucket, thread, result);
	guard_unlock(&bucket->guard);
	return is_woken;
}

kern_return_t thread_wakeup_thread(event_t event, struct thread *thread)
{
	if (!event || !thread)
		return KERN_INVALID_ARGUMENT;
	return wake_thread(event, thread, THREAD_AWAKENED, false) ? KERN_SUCCESS
								  : KERN_NOT_WAITING;
}
KPI(thread_wakeup_thread);

kern_return_t clear_wait(struct thread *thread, wait_result_t result)
{
	event_t event = __atomic_load_n(&thread->wait.event, __ATOMIC_SEQ_CST);

	return event && wake_thread(event, thread, result, false) ? KERN_SUCCESS
								  : KERN_NOT_WAITING;
}

void thread_abort(struct thread *thread)
{
	event_t event;

	__atomic_store_n(&thread->wait.abort_pending, true, __ATOMIC_SEQ_CST);
	event = __atomic_load_n(&thread->wait.event, __ATOMIC_SEQ_CST);
	if (event && wake_thread(event, thread, THREAD_INTERRUPTED, true))
		__atomic_store_n(&thread->wait.abort_pending, false, __ATOMIC_SEQ_CST);
}

void thread_abort_clear(struct thread *thread)
{
	__atomic_store_n(&thread->wait.abort_pending, false, __ATOMIC_SEQ_CST);
}
