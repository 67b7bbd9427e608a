/*
 * Thread calls: functions run later on worker threads that may block. A call is idle,
 * queued to run now, or delayed in the heap of its clock; beside that it may be running,
 * once or several times. One mutex protects all states. One timer thread moves what is
 * due to the queue; workers come and go with need.
 */
#include <stdlib.h>
#include "kernel/libkern/libkern.h"
#include "kernel/osfmk/osfmk.h"

enum { WORKERS_MIN = 2, WORKERS_MAX = 64, WORKER_PATIENCE_S = 5 };
enum { OPTION_ONCE = 1, OPTION_SIGNAL = 2 };
enum { PRIORITY_LAST = 4 };
enum { DELAY_CONTINUOUS = 0x100 };
/* How late a continuous deadline may fire after the host slept. */
static const uint64_t continuous_slice = 1000000000u;

enum state { IDLE, QUEUED, DELAYED };
enum clock { CLOCK_ABSOLUTE, CLOCK_CONTINUOUS, CLOCKS };

struct thread_call {
	thread_call_func_t function;
	void *p0, *p1;
	enum state state;
	bool is_once, is_signal;
	bool runs_again;  /* ONCE, entered while running */
	bool is_freed;	  /* memory goes when the last run ends */
	bool is_internal; /* of the func forms: freed after its run */
	int running;
	enum clock clock;
	uint64_t deadline, sequence;
	size_t heap_index;
	const void *allocator;			       /* who made it */
	struct thread_call *next, *previous;	       /* queue */
	struct thread_call *next_live, *previous_live; /* all calls */
};

struct heap {
	struct thread_call **calls;
	size_t count, room;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work_came, run_ended, timer_changed;
static struct thread_call *queue_first, *queue_last, *live;
static struct heap heaps[CLOCKS];
static uint64_t next_sequence;
static int workers, idle_workers;
static __thread struct thread_call *running_call;

/* ---- the heap of delayed calls: earliest first, equal deadlines in order of entry ----
 */

static bool is_earlier(const struct thread_call *a, const struct thread_call *b)
{
	return a->deadline != b->deadline ? a->deadline < b->deadline
					  : a->sequence < b->sequence;
}

static void heap_put(struct heap *heap, size_t index, struct thread_call *call)
{
	heap->calls[index] = call;
	call->heap_index = index;
}

static void heap_rise(struct heap *heap, size_t index)
{
	struct thread_call *call = heap->calls[index];

	while (index && is_earlier(call, heap->calls[(index - 1) / 2])) {
		heap_put(heap, index, heap->calls[(index - 1) / 2]);
		index = (index - 1) / 2;
	}
	heap_put(heap, index, call);
}

static void heap_sink(struct heap *heap, size_t index)
{
	struct thread_call *call = heap->calls[index];

	for (;;) {
		size_t child = 2 * index + 1;

		if (child + 1 < heap->count &&
		    is_earlier(heap->calls[child + 1], heap->calls[child]))
			child++;
		if (child >= heap->count || !is_earlier(heap->calls[child], call))
			break;
		heap_put(heap, index, heap->calls[child]);
		index = child;
	}
	heap_put(heap, index, call);
}

static void heap_insert(struct heap *heap, struct thread_call *call)
{
	if (heap->count == heap->room) {
		size_t room = heap->room ? 2 * heap->room : 64;
		void *calls = realloc(heap->calls, room * sizeof(*heap->calls));

		if (!calls)
			panic("no memory for delayed thread calls");
		heap->calls = calls;
		heap->room = room;
	}
	heap_put(heap, heap->count++, call);
	heap_rise(heap, call->heap_index);
}

static void heap_remove(struct heap *heap, struct thread_call *call)
{
	size_t index = call->heap_index;
	struct thread_call *last = heap->calls[--heap->count];

	if (last == call)
		return;
	heap_put(heap, index, last);
	heap_rise(heap, index);
	heap_sink(heap, last->heap_index);
}

/* ---- states; all with the mutex held ---- */

static void worker_loop(void *unused);

static void queue_call(struct thread_call *call)
{
	call->state = QUEUED;
	call->next = NULL;
	call->previous = queue_last;
	if (queue_last)
		queue_last->next = call;
	else
		queue_first = call;
	queue_last = call;
	if (!idle_workers && workers < WORKERS_MAX) {
		workers++;
		if (kernel_spawn("thread call", worker_loop, NULL))
			workers--; /* those there are will come to it */
	}
	pthread_cond_signal(&work_came);
}

static void unqueue_call(struct thread_call *call)
{
	if (call->next)
		call->next->previous = call->previous;
	else
		queue_last = call->previous;
	if (call->previous)
		call->previous->next = call->next;
	else
		queue_first = call->next;
}

/* Takes the call out of wherever it waits; true if it did. */
static bool withdraw(struct thread_call *call)
{
	bool was_pending = call->state != IDLE || call->runs_again;

	if (call->state == QUEUED)
		unqueue_call(call);
	else if (call->state == DELAYED)
		heap_remove(&heaps[call->clock], call);
	call->state = IDLE;
	call->runs_again = false;
	return was_pending;
}

/* Queues the call to run now; ONCE calls wait for the run that goes on. */
static bool submit(struct thread_call *call)
{
	bool was_pending = withdraw(call);

	if (call->is_once && call->running)
		call->runs_again = true;
	else
		queue_call(call);
	return was_pending;
}

static bool submit_delayed(struct thread_call *call, uint64_t deadline, enum clock clock)
{
	bool was_pending = withdraw(call);

	call->deadline = deadline;
	call->clock = clock;
	call->sequence = next_sequence++;
	call->state = DELAYED;
	heap_insert(&heaps[clock], call);
	if (!call->heap_index)
		pthread_cond_signal(&timer_changed);
	return was_pending;
}

static void destroy(struct thread_call *call)
{
	if (call->next_live)
		call->next_live->previous_live = call->previous_live;
	if (call->previous_live)
		call->previous_live->next_live = call->next_live;
	else
		live = call->next_live;
	free(call);
}

/* ---- running ---- */

/* Runs a call that was just withdrawn; the mutex is released meanwhile. */
static void run(struct thread_call *call)
{
	thread_call_func_t function = call->function;
	void *p0 = call->p0, *p1 = call->p1;
	struct thread_call *outer = running_call;
	struct lock_balance held = lock_balance_now();

	call->running++;
	running_call = call;
	pthread_mutex_unlock(&lock);
	function(p0, p1);
	lock_balance_check(held, NULL, "thread call", (const void *)function);
	pthread_mutex_lock(&lock);
	running_call = outer;
	call->running--;
	pthread_cond_broadcast(&run_ended);
	if (call->runs_again && !call->running) {
		call->runs_again = false;
		queue_call(call);
	} else if ((call->is_freed || call->is_internal) && !call->running &&
		   call->state == IDLE) {
		destroy(call);
	}
}

static struct timespec host_timespec(uint64_t deadline)
{
	uint64_t host = clock_host_deadline(deadline);

	return (struct timespec){(time_t)(host / 1000000000u),
				 (long)(host % 1000000000u)};
}

/* Waits for work; false when a superfluous worker's patience ended. */
static bool await_work(void)
{
	struct timespec until =
		host_timespec(mach_absolute_time() + WORKER_PATIENCE_S * 1000000000ull);
	int error = 0;

	idle_workers++;
	while (!queue_first && !error) {
		if (workers > WORKERS_MIN)
			error = pthread_cond_timedwait(&work_came, &lock, &until);
		else
			pthread_cond_wait(&work_came, &lock);
	}
	idle_workers--;
	return queue_first != NULL;
}

static void worker_loop(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	while (queue_first || await_work()) {
		struct thread_call *call = queue_first;

		unqueue_call(call);
		call->state = IDLE;
		run(call);
	}
	workers--;
	pthread_mutex_unlock(&lock);
}

/* What a SIGNAL call sees is an interrupt handler's context. */
static void run_as_interrupt(struct thread_call *call)
{
	struct thread *thread = thread_self();

	thread->interrupt_level++;
	run(call);
	thread->interrupt_level--;
}

/* Moves what is due in one heap; says when to look again, in absolute time. */
static uint64_t expire(enum clock clock)
{
	struct heap *heap = &heaps[clock];
	uint64_t wait;

	while (heap->count) {
		struct thread_call *call = heap->calls[0];
		uint64_t now = clock == CLOCK_ABSOLUTE ? mach_absolute_time()
						       : mach_continuous_time();

		if (call->deadline > now) {
			if (clock == CLOCK_ABSOLUTE)
				return call->deadline;
			wait = call->deadline - now;
			return mach_absolute_time() +
			       (wait < continuous_slice ? wait : continuous_slice);
		}
		withdraw(call);
		if (!call->is_signal)
			submit(call);
		else if (!call->running)
			run_as_interrupt(call);
	}
	return UINT64_MAX;
}

static void timer_loop(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	for (;;) {
		uint64_t first = expire(CLOCK_ABSOLUTE),
			 second = expire(CLOCK_CONTINUOUS);
		struct timespec until = host_timespec(first < second ? first : second);

		/* A SIGNAL call that ran in the second may have changed the first. */
		if (heaps[CLOCK_ABSOLUTE].count &&
		    heaps[CLOCK_ABSOLUTE].calls[0]->deadline <= mach_absolute_time())
			continue;
		pthread_cond_timedwait(&timer_changed, &lock, &until);
	}
}

void thread_call_startup(void)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&work_came, &attributes);
	pthread_cond_init(&run_ended, &attributes);
	pthread_cond_init(&timer_changed, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_lock(&lock);
	for (; workers < WORKERS_MIN; workers++) {
		if (kernel_spawn("thread call", worker_loop, NULL))
			panic("cannot start the thread call workers");
	}
	pthread_mutex_unlock(&lock);
	if (kernel_spawn("thread call timer", timer_loop, NULL))
		panic("cannot start the thread call timer");
}

/* ---- the interface ---- */

static thread_call_t make(const void *caller, thread_call_func_t function, void *p0,
			  uint32_t options)
{
	thread_call_t call = calloc(1, sizeof(*call));

	if (!call)
		panic_at(caller, "no memory for a thread call");
	call->function = function;
	call->p0 = p0;
	call->is_signal = (options & OPTION_SIGNAL) != 0;
	call->is_once = (options & (OPTION_ONCE | OPTION_SIGNAL)) != 0;
	call->allocator = caller;
	pthread_mutex_lock(&lock);
	call->next_live = live;
	if (live)
		live->previous_live = call;
	live = call;
	pthread_mutex_unlock(&lock);
	return call;
}

thread_call_t thread_call_allocate(thread_call_func_t function, void *p0)
{
	return make(__builtin_return_address(0), function, p0, 0);
}
KPI(thread_call_allocate);

static void check_priority(const void *caller, int priority)
{
	if (priority < 0 || priority > PRIORITY_LAST)
		panic_at(caller, "Invalid thread call pri value: %d", priority);
}

thread_call_t thread_call_allocate_with_priority(thread_call_func_t function, void *p0,
						 int priority)
{
	check_priority(__builtin_return_address(0), priority);
	return make(__builtin_return_address(0), function, p0, 0);
}
KPI(thread_call_allocate_with_priority);

thread_call_t thread_call_allocate_with_options(thread_call_func_t function, void *p0,
						int priority, uint32_t options)
{
	check_priority(__builtin_return_address(0), priority);
	return make(__builtin_return_address(0), function, p0, options);
}
KPI(thread_call_allocate_with_options);

static boolean_t enter(const void *caller, thread_call_t call, void *p1)
{
	boolean_t was_pending;

	if (call->is_signal)
		panic_at(caller, "thread_call_enter of a call with option SIGNAL");
	pthread_mutex_lock(&lock);
	call->p1 = p1;
	was_pending = submit(call);
	pthread_mutex_unlock(&lock);
	return was_pending;
}

boolean_t thread_call_enter(thread_call_t call)
{
	return enter(__builtin_return_address(0), call, NULL);
}
KPI(thread_call_enter);

boolean_t thread_call_enter1(thread_call_t call, void *p1)
{
	return enter(__builtin_return_address(0), call, p1);
}
KPI(thread_call_enter1);

static boolean_t enter_delayed(thread_call_t call, void *p1, uint64_t deadline,
			       enum clock clock)
{
	boolean_t was_pending;

	pthread_mutex_lock(&lock);
	call->p1 = p1;
	was_pending = submit_delayed(call, deadline, clock);
	pthread_mutex_unlock(&lock);
	return was_pending;
}

boolean_t thread_call_enter_delayed(thread_call_t call, uint64_t deadline)
{
	return enter_delayed(call, NULL, deadline, CLOCK_ABSOLUTE);
}
KPI(thread_call_enter_delayed);

boolean_t thread_call_enter1_delayed(thread_call_t call, void *p1, uint64_t deadline)
{
	return enter_delayed(call, p1, deadline, CLOCK_ABSOLUTE);
}
KPI(thread_call_enter1_delayed);

/* The leeway would let Darwin fire later; we are on time. */
boolean_t thread_call_enter_delayed_with_leeway(thread_call_t call, void *p1,
						uint64_t deadline, uint64_t leeway,
						uint32_t flags)
{
	(void)leeway;
	return enter_delayed(call, p1, deadline,
			     flags & DELAY_CONTINUOUS ? CLOCK_CONTINUOUS
						      : CLOCK_ABSOLUTE);
}
KPI(thread_call_enter_delayed_with_leeway);

boolean_t thread_call_cancel(thread_call_t call)
{
	boolean_t was_pending;

	pthread_mutex_lock(&lock);
	was_pending = withdraw(call);
	pthread_mutex_unlock(&lock);
	return was_pending;
}
KPI(thread_call_cancel);

/* Waits for runs that began; a call that is not ONCE only if nothing was withdrawn. */
boolean_t thread_call_cancel_wait(thread_call_t call)
{
	const void *caller = __builtin_return_address(0);
	boolean_t was_pending;

	if (!ml_get_interrupts_enabled())
		panic_at(caller, "thread_call_cancel_wait with interrupts disabled");
	if (running_call == call)
		panic_at(caller, "thread_call_cancel_wait: deadlock waiting on self");
	context_may_block(caller, "thread_call_cancel_wait");
	pthread_mutex_lock(&lock);
	was_pending = withdraw(call);
	if (call->is_once || !was_pending) {
		while (call->running)
			pthread_cond_wait(&run_ended, &lock);
	}
	pthread_mutex_unlock(&lock);
	return was_pending;
}
KPI(thread_call_cancel_wait);

boolean_t thread_call_free(thread_call_t call)
{
	boolean_t is_free;

	pthread_mutex_lock(&lock);
	is_free = call->state == IDLE && !call->runs_again;
	if (is_free && call->running)
		call->is_freed = true;
	else if (is_free)
		destroy(call);
	pthread_mutex_unlock(&lock);
	return is_free;
}
KPI(thread_call_free);

boolean_t thread_call_isactive(thread_call_t call)
{
	boolean_t is_active;

	pthread_mutex_lock(&lock);
	is_active = call->state != IDLE || call->runs_again || call->running;
	pthread_mutex_unlock(&lock);
	return is_active;
}
KPI(thread_call_isactive);

/* ---- calls by function ---- */

void thread_call_func_delayed(const void *caller, thread_call_func_t function, void *p0,
			      uint64_t deadline)
{
	thread_call_t call = make(caller, function, p0, 0);

	pthread_mutex_lock(&lock);
	call->is_internal = true;
	submit_delayed(call, deadline, CLOCK_ABSOLUTE);
	pthread_mutex_unlock(&lock);
}

/* Withdraws one pending call; false if there was none. */
bool thread_call_func_cancel(thread_call_func_t function, void *p0)
{
	thread_call_t call;

	pthread_mutex_lock(&lock);
	for (call = live; call; call = call->next_live) {
		if (call->is_internal && call->function == function && call->p0 == p0 &&
		    withdraw(call))
			break;
	}
	if (call && !call->running)
		destroy(call);
	pthread_mutex_unlock(&lock);
	return call != NULL;
}

/* Withdraws and reports what a kext left behind: its code is about to go. */
void thread_call_kmod_unloaded(const char *identifier, const void *start, const void *end)
{
	thread_call_t call, next;
	unsigned pending = 0, left = 0;

	pthread_mutex_lock(&lock);
	for (call = live; call; call = next) {
		const void *function = (const void *)call->function;

		next = call->next_live;
		if ((function < start || function >= end) &&
		    (call->allocator < start || call->allocator >= end))
			continue;
		left++;
		pending += withdraw(call);
		if (call->running)
			call->is_freed = true;
		else
			destroy(call);
	}
	pthread_mutex_unlock(&lock);
	if (left)
		report_left(identifier, "left %u thread call(s), %u of them pending",
			    left, pending);
}
