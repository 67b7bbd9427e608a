/* Threads, event waits, msleep, semaphores, thread calls, clocks and delays. */
#include "kernel_stand_ins.h"
#include "kernel/bsd/synch.h"
#include "kernel/iokit/IOLib.h"

enum { MS = 1000000 };

static uint64_t in_ms(unsigned n)
{
	uint64_t deadline;

	clock_interval_to_deadline(n, MS, &deadline);
	return deadline;
}

/* Waits up to two seconds for a flag that another thread sets. */
static void await(_Atomic int *flag, int value)
{
	uint64_t end = in_ms(2000);

	while (atomic_load(flag) != value) {
		if (mach_absolute_time() > end)
			fail_msg("flag is %d, not %d", atomic_load(flag), value);
		IOSleep(1);
	}
}

static _Atomic int flag, steps;

/* ---- threads ---- */

static int live_threads;

static void count_thread(void *context, const struct thread *thread)
{
	(void)context;
	(void)thread;
	live_threads++;
}

static int count_threads(void)
{
	live_threads = 0;
	thread_visit(count_thread, NULL);
	return live_threads;
}

static void *seen_parameter;
static struct thread *seen_thread;

static void set_flag(void *parameter, wait_result_t result)
{
	seen_parameter = parameter;
	seen_thread = current_thread();
	atomic_store(&flag, result == 0 ? 1 : 2);
}

static void a_function_that_returns_ends_its_thread(void **state)
{
	int before = count_threads();
	struct thread *thread = NULL;

	(void)state;
	flag = 0;
	assert_int_equal(kernel_thread_start(set_flag, &flag, &thread), KERN_SUCCESS);
	await(&flag, 1);
	assert_ptr_equal(seen_parameter, &flag);
	assert_ptr_equal(seen_thread, thread);
	assert_true(thread_tid(thread) != thread_tid(current_thread()));
	assert_ptr_equal(thread->task, kernel_task);
	for (int i = 0; i < 2000 && count_threads() != before; i++)
		IOSleep(1);
	assert_int_equal(count_threads(), before);
	assert_int_equal(atomic_load(&thread->references), 1);
	thread_deallocate(thread); /* after it ended */
}

static void terminate_self(void *parameter, wait_result_t result)
{
	(void)parameter;
	(void)result;
	atomic_store(&flag, 1);
	thread_terminate(current_thread());
	atomic_store(&flag, 3);
}

static void thread_terminate_rules(void **state)
{
	struct thread *thread;

	(void)state;
	flag = 0;
	assert_int_equal(thread_terminate(NULL), KERN_INVALID_ARGUMENT);
	assert_int_equal(kernel_thread_start(terminate_self, NULL, &thread),
			 KERN_SUCCESS);
	assert_int_equal(thread_terminate(thread), KERN_FAILURE);
	await(&flag, 1);
	IOSleep(10);
	assert_int_equal(flag, 1);
	thread_deallocate(thread);
	assert_panic("not started by kernel_thread_start",
		     thread_terminate(current_thread()));
}

static int event;

static void second_life(void *parameter, wait_result_t result)
{
	if (parameter == &event && result == THREAD_AWAKENED)
		atomic_store(&flag, 5);
}

static void block_with_continuation(void *parameter, wait_result_t result)
{
	(void)parameter;
	(void)result;
	assert_wait(&event, THREAD_UNINT);
	atomic_store(&flag, 1);
	thread_block_parameter(second_life, &event);
	atomic_store(&flag, 9);
}

static void a_continuation_runs_on_a_fresh_stack(void **state)
{
	struct thread *thread;

	(void)state;
	flag = 0;
	kernel_thread_start(block_with_continuation, NULL, &thread);
	await(&flag, 1);
	assert_int_equal(thread_wakeup_prim(&event, XNU_FALSE, THREAD_AWAKENED), 0);
	await(&flag, 5);
	thread_deallocate(thread);
}

static void io_body(void *argument)
{
	atomic_store((_Atomic int *)argument, 1);
	IOExitThread();
}

static void io_threads_and_names(void **state)
{
	struct thread *self = current_thread();

	(void)state;
	flag = 0;
	assert_non_null(IOCreateThread(io_body, &flag));
	await(&flag, 1);
	thread_set_thread_name(self, "a name longer than the host's fifteen");
	assert_string_equal(self->name, "a name longer than the host's fifteen");
	assert_true(thread_has_thread_name(self));
	thread_set_thread_name(NULL, "x");
	assert_ptr_equal(current_task(), kernel_task);
}

static void policies(void **state)
{
	int32_t constraint[4] = {1000000, 100000, 200000, 1};
	struct thread *self = current_thread();

	(void)state;
	assert_int_equal(thread_policy_set(self, 2, constraint, 4), 0);
	assert_int_equal(thread_policy_set(self, 2, constraint, 3), 4);
	constraint[2] = 50000; /* less than the computation */
	assert_int_equal(thread_policy_set(self, 2, constraint, 4), 4);
	assert_int_equal(thread_policy_set(self, 4, constraint, 1), 46);
	assert_int_equal(thread_policy_set(self, 99, constraint, 1), 4);
	assert_int_equal(thread_policy_set(NULL, 1, constraint, 1), 4);
}

/* ---- waits ---- */

static void *wake_event(void *unused)
{
	flag = thread_wakeup_prim(&event, XNU_FALSE, THREAD_AWAKENED) == KERN_SUCCESS;
	return unused;
}

static void a_wakeup_between_assert_and_block(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(assert_wait(&event, THREAD_UNINT), THREAD_WAITING);
	pthread_create(&thread, NULL, wake_event, NULL);
	pthread_join(thread, NULL);
	assert_int_equal(flag, 1);
	assert_int_equal(thread_block(NULL), THREAD_AWAKENED);
	assert_int_equal(thread_wakeup_prim(&event, XNU_FALSE, 0), KERN_NOT_WAITING);
	assert_int_equal(thread_block(NULL), THREAD_AWAKENED); /* yields only */
}

static void wait_misuse_panics(void **state)
{
	(void)state;
	assert_panic("NULL", assert_wait(NULL, 0));
	assert_panic("NULL", thread_wakeup_prim(NULL, 0, 0));
	assert_wait(&event, 0);
	assert_panic("waits already", assert_wait(&flag, 0));
	thread_wakeup_prim(&event, 0, 0);
	thread_block(NULL);
}

static void deadlines_of_waits(void **state)
{
	uint64_t start = mach_absolute_time();

	(void)state;
	assert_wait_deadline(&event, THREAD_UNINT, 1);
	assert_int_equal(thread_block(NULL), THREAD_TIMED_OUT);
	assert_wait_timeout(&event, THREAD_UNINT, 20, MS);
	assert_int_equal(thread_block(NULL), THREAD_TIMED_OUT);
	assert_true(mach_absolute_time() - start >= 20 * MS);
	assert_int_equal(thread_wakeup_prim(&event, XNU_FALSE, 0), KERN_NOT_WAITING);
}

static void aborts_end_interruptible_waits(void **state)
{
	struct thread *self = current_thread();

	(void)state;
	thread_abort(self);
	assert_int_equal(assert_wait(&event, THREAD_INTERRUPTIBLE), THREAD_INTERRUPTED);
	assert_int_equal(thread_block(NULL), THREAD_INTERRUPTED);
	assert_int_equal(assert_wait(&event, THREAD_ABORTSAFE), THREAD_WAITING);
	thread_abort(self);
	assert_int_equal(thread_block(NULL), THREAD_INTERRUPTED);
	thread_abort(self);
	assert_int_equal(assert_wait_deadline(&event, THREAD_UNINT, 1), THREAD_WAITING);
	assert_int_equal(thread_block(NULL), THREAD_TIMED_OUT);
	thread_abort_clear(self);
	assert_wait(&event, THREAD_UNINT);
	assert_int_equal(clear_wait(self, THREAD_RESTART), KERN_SUCCESS);
	assert_int_equal(thread_block(NULL), THREAD_RESTART);
	assert_int_equal(clear_wait(self, THREAD_RESTART), KERN_NOT_WAITING);
}

static void *queue_up(void *order)
{
	assert_wait(&event, THREAD_UNINT);
	atomic_fetch_add(&steps, 1);
	thread_block(NULL);
	atomic_store(&flag, (int)(intptr_t)order);
	return NULL;
}

static void the_longest_waiting_is_woken_first(void **state)
{
	pthread_t threads[3];

	(void)state;
	steps = 0;
	for (intptr_t i = 0; i < 3; i++) {
		pthread_create(&threads[i], NULL, queue_up, (void *)(i + 10));
		await(&steps, (int)i + 1);
	}
	for (int i = 0; i < 3; i++) {
		wakeup_one((char *)&event);
		pthread_join(threads[i], NULL);
		assert_int_equal(flag, i + 10);
	}
}

static void msleep_times_out(void **state)
{
	lck_mtx_t *mutex = IOLockAlloc();
	struct timespec interval = {0, 20 * MS}, forever = {0, 0};
	uint64_t start = mach_absolute_time();

	(void)state;
	wakeup(&event); /* lost: nobody waits */
	lck_mtx_lock(mutex);
	assert_int_equal(msleep(&event, mutex, 22, "t", &interval), XNU_EWOULDBLOCK);
	assert_true(mach_absolute_time() - start >= 20 * MS);
	lck_mtx_assert(mutex, 1);
	assert_int_equal(msleep(&event, mutex, 22 | 0x400, "t", &interval), 35);
	lck_mtx_assert(mutex, 2);
	lck_mtx_lock(mutex);
	assert_int_equal(msleep(NULL, mutex, 22, "t", &interval), 0);
	lck_mtx_assert(mutex, 1);
	assert_int_equal(msleep1(&event, mutex, 22, NULL, in_ms(5)), 35);
	thread_abort(current_thread());
	assert_int_equal(msleep(&event, mutex, 22 | 0x100, "t", &forever), XNU_EINTR);
	lck_mtx_assert(mutex, 1);
	assert_int_equal(tsleep(&event, 22, "t", 1), 35);
	lck_mtx_unlock(mutex);
	IOLockFree(mutex);
}

static lck_mtx_t *handshake;
static int turn;

static void *answer(void *unused)
{
	lck_mtx_lock(handshake);
	for (int i = 0; i < 2000; i++) {
		while (turn != 1)
			msleep(&turn, handshake, 22, "answer", NULL);
		turn = 0;
		wakeup(&turn);
	}
	lck_mtx_unlock(handshake);
	return unused;
}

static void msleep_and_wakeup_lose_nothing(void **state)
{
	pthread_t thread;

	(void)state;
	handshake = IOLockAlloc();
	pthread_create(&thread, NULL, answer, NULL);
	lck_mtx_lock(handshake);
	for (int i = 0; i < 2000; i++) {
		while (turn != 0)
			msleep(&turn, handshake, 22, "ask", NULL);
		turn = 1;
		wakeup(&turn);
	}
	lck_mtx_unlock(handshake);
	pthread_join(thread, NULL);
	assert_int_equal(turn, 0);
	IOLockFree(handshake);
}

/* ---- semaphores ---- */

static semaphore_t semaphore;

static void *wait_for_semaphore(void *unused)
{
	atomic_fetch_add(&steps, 1);
	flag = semaphore_wait(semaphore);
	atomic_fetch_add(&steps, 1);
	return unused;
}

static void semaphores(void **state)
{
	const mach_timespec_t poll = {0, 0}, bad = {0, 2000000000}, brief = {0, 5 * MS};

	(void)state;
	assert_int_equal(semaphore_create(NULL, &semaphore, 0, 0), KERN_INVALID_ARGUMENT);
	assert_null(semaphore);
	assert_int_equal(semaphore_create(kernel_task, &semaphore, 0, -1), 4);
	assert_int_equal(semaphore_create(kernel_task, &semaphore, 0, 0), 0);
	assert_int_equal(semaphore_timedwait(semaphore, poll), 49);
	assert_int_equal(semaphore_timedwait(semaphore, bad), 18);
	assert_int_equal(semaphore_timedwait(semaphore, brief), 49);
	assert_int_equal(semaphore_signal(semaphore), 0);
	assert_int_equal(semaphore_wait(semaphore), 0);
	assert_int_equal(semaphore_signal_all(semaphore), 0); /* leaves no count */
	assert_int_equal(semaphore_wait_noblock(semaphore), 49);
	thread_abort(current_thread());
	assert_int_equal(semaphore_wait(semaphore), KERN_ABORTED);
	assert_int_equal(semaphore_destroy(NULL, semaphore), 4);
}

static void destroying_a_semaphore_ends_waits(void **state)
{
	pthread_t thread;

	(void)state;
	steps = 0;
	semaphore_reference(semaphore);
	pthread_create(&thread, NULL, wait_for_semaphore, NULL);
	await(&steps, 1);
	IOSleep(20);
	assert_int_equal(semaphore_destroy(kernel_task, semaphore), 0);
	pthread_join(thread, NULL);
	assert_int_equal(flag, KERN_TERMINATED);
	assert_int_equal(semaphore_wait(semaphore), KERN_TERMINATED);
	assert_int_equal(semaphore_signal(semaphore), KERN_TERMINATED);
	semaphore_dereference(semaphore);
}

/* ---- thread calls ---- */

static _Atomic int runs, overlapping, most_overlapping;
static _Atomic uint64_t ran_at;
static void *_Atomic last_p1;

static void note_run(void *p0, void *p1)
{
	int now = atomic_fetch_add(&overlapping, 1) + 1;

	if (now > most_overlapping)
		most_overlapping = now;
	atomic_store(&ran_at, mach_absolute_time());
	atomic_store(&last_p1, p1);
	if (p0)
		IOSleep(*(unsigned *)p0);
	atomic_fetch_sub(&overlapping, 1);
	atomic_fetch_add(&runs, 1);
}

/* Far-off deadlines keep a call pending for as long as a test looks at it. */
static void pending_calls(void **state)
{
	thread_call_t call = thread_call_allocate(note_run, NULL);

	(void)state;
	runs = 0;
	assert_int_equal(thread_call_enter_delayed(call, in_ms(60000)), 0);
	assert_int_equal(thread_call_enter_delayed(call, in_ms(60000)), 1);
	assert_true(thread_call_isactive(call));
	assert_int_equal(thread_call_free(call), 0);
	assert_int_equal(thread_call_cancel(call), 1);
	assert_int_equal(thread_call_cancel(call), 0);
	assert_int_equal(thread_call_enter1(call, &runs), 0);
	await(&runs, 1);
	assert_ptr_equal(last_p1, &runs);
	assert_int_equal(thread_call_enter_delayed(call, in_ms(60000)), 0);
	assert_int_equal(thread_call_enter(call), 1); /* moved to "now" */
	await(&runs, 2);
	assert_null(last_p1);
	assert_int_equal(thread_call_free(call), 1);
}

static void the_last_deadline_counts(void **state)
{
	thread_call_t call = thread_call_allocate(note_run, NULL);
	uint64_t start = mach_absolute_time();

	(void)state;
	runs = 0;
	assert_int_equal(thread_call_enter_delayed(call, start + 50 * MS), 0);
	assert_int_equal(thread_call_enter1_delayed(call, call, start + 10 * MS), 1);
	await(&runs, 1);
	assert_true(ran_at >= start + 10 * MS);
	assert_ptr_equal(last_p1, call);
	IOSleep(60);
	assert_int_equal(runs, 1);
	assert_int_equal(thread_call_enter_delayed_with_leeway(
				 call, NULL, mach_continuous_time() + 5 * MS, 0, 0x100),
			 0);
	await(&runs, 2);
	thread_call_free(call);
}

static void runs_may_overlap_unless_once(void **state)
{
	static unsigned pause_ms = 30;
	thread_call_t call = thread_call_allocate(note_run, &pause_ms);

	(void)state;
	runs = most_overlapping = 0;
	thread_call_enter(call);
	await(&overlapping, 1);
	assert_int_equal(thread_call_enter(call), 0);
	await(&runs, 2);
	assert_int_equal(most_overlapping, 2);
	thread_call_free(call);

	call = thread_call_allocate_with_options(note_run, &pause_ms, 0, 1);
	runs = most_overlapping = 0;
	thread_call_enter(call);
	await(&overlapping, 1);
	assert_int_equal(thread_call_enter(call), 0);
	assert_int_equal(thread_call_enter(call), 1);
	await(&runs, 2);
	assert_int_equal(most_overlapping, 1);
	thread_call_free(call);
	assert_panic("Invalid thread call pri",
		     thread_call_allocate_with_priority(note_run, NULL, 5));
}

static void cancel_wait_waits(void **state)
{
	static unsigned pause_ms = 40;
	thread_call_t call = thread_call_allocate(note_run, &pause_ms);

	(void)state;
	runs = 0;
	thread_call_enter(call);
	await(&overlapping, 1);
	assert_int_equal(thread_call_cancel_wait(call), 0);
	assert_int_equal(runs, 1);
	thread_call_enter(call);
	await(&overlapping, 1);
	assert_int_equal(thread_call_free(call), 1); /* memory goes after the run */
	await(&runs, 2);
}

static int seen_interrupt_level;

static void note_context(void *p0, void *p1)
{
	(void)p0;
	(void)p1;
	seen_interrupt_level = ml_at_interrupt_context();
	atomic_fetch_add(&runs, 1);
}

static void signal_calls_run_as_interrupts(void **state)
{
	thread_call_t call = thread_call_allocate_with_options(note_context, NULL, 0, 2);

	(void)state;
	runs = 0;
	assert_panic("SIGNAL", thread_call_enter(call));
	thread_call_enter_delayed(call, 0);
	await(&runs, 1);
	assert_int_equal(seen_interrupt_level, 1);
	thread_call_free(call);
}

static void on_timeout(void *argument)
{
	atomic_fetch_add((_Atomic int *)argument, 1);
}

static void timeouts(void **state)
{
	(void)state;
	runs = 0;
	timeout(on_timeout, &runs, 1);
	await(&runs, 1);
	timeout(on_timeout, &runs, 3);
	untimeout(on_timeout, &runs);
	IOSleep(60);
	assert_int_equal(runs, 1);
}

static uint64_t last_deadline;
static bool is_disordered;

static void note_order(void *p0, void *p1)
{
	(void)p1;
	if (*(uint64_t *)p0 < last_deadline)
		is_disordered = true;
	last_deadline = *(uint64_t *)p0;
	atomic_fetch_add(&runs, 1);
}

/* SIGNAL calls run one after the other in the timer thread: their order shows. */
static void many_calls_fire_in_order_of_deadline(void **state)
{
	static uint64_t deadlines[300];
	thread_call_t calls[300];
	uint64_t start = in_ms(50);

	(void)state;
	runs = 0;
	for (int i = 0; i < 300; i++) {
		deadlines[i] = start + (uint64_t)(i * 7919 % 300);
		calls[i] = thread_call_allocate_with_options(note_order, &deadlines[i], 0,
							     2);
		thread_call_enter_delayed(calls[i], deadlines[i]);
	}
	for (int i = 0; i < 300; i += 3)
		assert_int_equal(thread_call_cancel(calls[i]), 1);
	await(&runs, 200);
	assert_false(is_disordered);
	IOSleep(5); /* the last one is off the stack */
	for (int i = 0; i < 300; i++)
		assert_int_equal(thread_call_free(calls[i]), 1);
}

static void an_unloaded_kext_leaves_no_calls(void **state)
{
	const char *code = (const char *)note_context;
	thread_call_t call = thread_call_allocate(note_context, NULL);
	uint64_t start = msgbuf_end();

	(void)state;
	runs = 0;
	thread_call_enter_delayed(call, in_ms(10));
	thread_call_kmod_unloaded("org.leaky", code, code + 1);
	assert_string_equal(log_since(start),
			    "org.leaky left 1 thread call(s), 1 of them pending\n");
	IOSleep(20);
	assert_int_equal(runs, 0);
}

/* ---- clocks ---- */

static void time_units(void **state)
{
	uint64_t value, now, deadline = 100;
	struct mach_timebase_info info;
	struct timeval a = {5, 100}, b = {2, 200};

	(void)state;
	absolutetime_to_nanoseconds(0x123456789abcdefull, &value);
	assert_true(value == 0x123456789abcdefull);
	clock_timebase_info(&info);
	assert_int_equal(info.numer, info.denom);
	now = mach_absolute_time();
	clock_interval_to_deadline(4294967295u, 1000000000u, &value);
	assert_true(value >= now + 4294967295000000000ull &&
		    value < now + 4294967295000000000ull + 1000 * (uint64_t)MS);
	clock_absolutetime_interval_to_deadline(UINT64_MAX, &value);
	assert_true(value == UINT64_MAX);
	clock_deadline_for_periodic_event(50, 120, &deadline);
	assert_int_equal(deadline, 150);
	timevalsub(&a, &b);
	assert_int_equal(a.tv_sec, 2);
	assert_int_equal(a.tv_usec, 999900);
	timevaladd(&a, &b);
	assert_int_equal(a.tv_sec, 5);
	assert_int_equal(a.tv_usec, 100);
	assert_int_equal(tvtoabstime(&b), 2000200000);
}

static void clocks_agree(void **state)
{
	uint64_t seconds, up;
	uint32_t micro;
	struct timeval now;

	(void)state;
	clock_get_uptime(&up);
	assert_true(up > 0 && up < 600000000000ull);
	clock_get_calendar_microtime(&seconds, &micro);
	assert_true(seconds - (uint64_t)time(NULL) + 1 <= 2);
	assert_true(micro < 1000000);
	microuptime(&now);
	clock_get_system_microtime(&seconds, &micro);
	assert_true(seconds >= (uint64_t)now.tv_sec);
	assert_true(mach_continuous_time() > 0);
}

static void delays(void **state)
{
	uint64_t start = mach_absolute_time(), log = msgbuf_end();

	(void)state;
	IOSleep(0);
	IODelay(30);
	IODelay(2000);
	IOPause(500);
	assert_true(mach_absolute_time() - start >= 2030500);
	start = mach_absolute_time();
	IOSleep(15);
	assert_true(mach_absolute_time() - start >= 15 * MS);
	clock_delay_until(1);
	assert_string_equal(log_since(log), "");
	assert_int_equal(ml_set_interrupts_enabled(0), 1);
	assert_int_equal(ml_set_interrupts_enabled(0), 0);
	IODelay(100);
	assert_int_equal(ml_get_interrupts_enabled(), 0);
	assert_int_equal(ml_set_interrupts_enabled(1), 0);
	assert_int_equal(ml_get_interrupts_enabled(), 1);
}

static const IONamedValue names[] = {{1, "one"}, {7, "seven"}, {0, NULL}};

static void name_tables(void **state)
{
	int value = -1;

	(void)state;
	assert_int_equal(IOFindValueForName("seven", names, &value), kIOReturnSuccess);
	assert_int_equal(value, 7);
	assert_true(IOFindValueForName("eight", names, &value) == kIOReturnBadArgument);
	assert_int_equal(value, 7);
	assert_string_equal(IOFindNameForValue(1, names), "one");
	assert_string_equal(IOFindNameForValue(0x2a, names), "0x2a (UNDEFINED)");
	assert_int_equal(IOSizeToAlignment(4097), 12);
	assert_int_equal(IOAlignmentToSize(12), 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_function_that_returns_ends_its_thread),
		cmocka_unit_test(thread_terminate_rules),
		cmocka_unit_test(a_continuation_runs_on_a_fresh_stack),
		cmocka_unit_test(io_threads_and_names),
		cmocka_unit_test(policies),
		cmocka_unit_test(a_wakeup_between_assert_and_block),
		cmocka_unit_test(wait_misuse_panics),
		cmocka_unit_test(deadlines_of_waits),
		cmocka_unit_test(aborts_end_interruptible_waits),
		cmocka_unit_test(the_longest_waiting_is_woken_first),
		cmocka_unit_test(msleep_times_out),
		cmocka_unit_test(msleep_and_wakeup_lose_nothing),
		cmocka_unit_test(semaphores),
		cmocka_unit_test(destroying_a_semaphore_ends_waits),
		cmocka_unit_test(pending_calls),
		cmocka_unit_test(the_last_deadline_counts),
		cmocka_unit_test(runs_may_overlap_unless_once),
		cmocka_unit_test(cancel_wait_waits),
		cmocka_unit_test(signal_calls_run_as_interrupts),
		cmocka_unit_test(timeouts),
		cmocka_unit_test(many_calls_fire_in_order_of_deadline),
		cmocka_unit_test(an_unloaded_kext_leaves_no_calls),
		cmocka_unit_test(time_units),
		cmocka_unit_test(clocks_agree),
		cmocka_unit_test(delays),
		cmocka_unit_test(name_tables),
	};

	return cmocka_run_group_tests(tests, kernel_parts_startup, NULL);
}
