/* Event waits, sleeping with locks, and semaphores. */
#include "kpi.h"
#include <kern/sched_prim.h>
#include <kern/task.h>
#include <mach/semaphore.h>
#include <sys/proc.h>

int IOLockSleep_darwin14(IOLock *lock, void *event, UInt32 interruptible);
void IOLockWakeup_darwin14(IOLock *lock, void *event, bool one);
int IOLockSleepDeadline_darwin14(IOLock *lock, void *event, AbsoluteTime deadline,
				 UInt32 interruptible);
int IORecursiveLockSleepDeadline(IORecursiveLock *lock, void *event,
				 AbsoluteTime deadline, UInt32 interruptible);
int tsleep(void *channel, int priority, const char *message, int ticks);
int sleep(void *channel, int priority);
int msleep1(void *channel, lck_mtx_t *mutex, int priority, const char *message,
	    uint64_t deadline);
wait_result_t lck_rw_sleep_deadline(lck_rw_t *lock, lck_sleep_action_t action,
				    event_t event, wait_interrupt_t interruptible,
				    uint64_t deadline);
wait_result_t lck_spin_sleep_deadline(lck_spin_t *lock, lck_sleep_action_t action,
				      event_t event, wait_interrupt_t interruptible,
				      uint64_t deadline);
wait_result_t assert_wait_deadline_with_leeway(event_t event,
					       wait_interrupt_t interruptible,
					       int urgency, uint64_t deadline,
					       uint64_t leeway);
wait_result_t assert_wait_timeout_with_leeway(event_t event,
					      wait_interrupt_t interruptible, int urgency,
					      uint32_t interval, uint32_t leeway,
					      uint32_t scale);
void semaphore_reference(semaphore_t semaphore);
void semaphore_dereference(semaphore_t semaphore);

static lck_grp_t *group;
static lck_mtx_t *mutex;
static int event, another;
static volatile int answer;

/* Runs body(NULL) on another thread. */
static void start(thread_continue_t body)
{
	thread_t thread;

	if (kernel_thread_start(body, NULL, &thread) == KERN_SUCCESS)
		thread_deallocate(thread);
}

static uint64_t in_ms(unsigned int milliseconds)
{
	uint64_t deadline;

	clock_interval_to_deadline(milliseconds, kMillisecondScale, &deadline);
	return deadline;
}

/* Wakes until the waiter says that it was woken: no wakeup is remembered. */
static void wake_event(void *parameter, wait_result_t result)
{
	while (!answer) {
		thread_wakeup(&event);
		IOSleep(1);
	}
	answer = 2;
}

static void wake_channel(void *parameter, wait_result_t result)
{
	while (!answer) {
		wakeup(&event);
		wakeup_one((caddr_t)&another);
		IOSleep(1);
	}
	answer = 2;
}

static void wake_null(void *parameter, wait_result_t result)
{
	IOLock *lock = parameter;

	while (!answer) {
		IOLockWakeup(lock, NULL, true);
		IOLockWakeup_darwin14(lock, &event, true);
		IOSleep(1);
	}
	answer = 2;
}

/* Lets the waker end before anything else uses the event. */
static void waker_ends(void)
{
	answer = 1;
	while (answer != 2)
		IOSleep(1);
	answer = 0;
}

static void wake_once(void *parameter, wait_result_t result)
{
	thread_wakeup(&event);
	answer = 2;
}

static void check_asserted(void)
{
	CHECK("assert-wait", assert_wait(&event, THREAD_UNINT) == THREAD_WAITING);
	start(wake_once);
	while (answer != 2)
		IODelay(100);
	answer = 0;
	CHECK("situation-30-woken-before-blocking",
	      thread_block(THREAD_CONTINUE_NULL) == THREAD_AWAKENED);
	assert_wait_deadline(&event, THREAD_UNINT, in_ms(5));
	CHECK("wait-times-out", thread_block(THREAD_CONTINUE_NULL) == THREAD_TIMED_OUT);
	assert_wait_timeout(&event, THREAD_UNINT, 2, kMillisecondScale);
	CHECK("timeout-times-out",
	      thread_block(THREAD_CONTINUE_NULL) == THREAD_TIMED_OUT);
	assert_wait_deadline_with_leeway(&event, THREAD_UNINT, 0, in_ms(2), 0);
	CHECK("leeway-deadline", thread_block(THREAD_CONTINUE_NULL) == THREAD_TIMED_OUT);
	assert_wait_timeout_with_leeway(&event, THREAD_UNINT, 0, 2, 0, kMillisecondScale);
	CHECK("leeway-timeout", thread_block(THREAD_CONTINUE_NULL) == THREAD_TIMED_OUT);
	CHECK("nobody-waits", thread_wakeup(&event) == 48);
}

static void check_msleep(void)
{
	struct timespec wait = {0, 20 * 1000 * 1000};
	uint64_t begun = mach_absolute_time();

	wakeup(&event);
	lck_mtx_lock(mutex);
	CHECK("situation-31-wakeup-before",
	      msleep(&event, mutex, PZERO, "t", &wait) == EWOULDBLOCK &&
		      mach_absolute_time() - begun >= 20 * 1000 * 1000);
	lck_mtx_assert(mutex, LCK_MTX_ASSERT_OWNED);
	CHECK("situation-31-pdrop",
	      msleep(&event, mutex, PZERO | PDROP, "t", &wait) == EWOULDBLOCK);
	lck_mtx_assert(mutex, LCK_MTX_ASSERT_NOTOWNED);
	CHECK("tsleep-times-out", tsleep(&event, PZERO, "t", 1) == EWOULDBLOCK);
	CHECK("msleep1-times-out",
	      msleep1(&event, NULL, PZERO, "t", in_ms(2)) == EWOULDBLOCK);
	start(wake_channel);
	lck_mtx_lock(mutex);
	CHECK("msleep-woken", msleep(&event, mutex, PZERO, "t", NULL) == 0);
	CHECK("msleep-one-woken", msleep(&another, mutex, PZERO, "t", NULL) == 0);
	lck_mtx_unlock(mutex);
	CHECK("tsleep-woken", tsleep(&event, PZERO, "t", 0) == 0);
	CHECK("sleep-woken", sleep(&event, PZERO) == 0);
	waker_ends();
}

static void check_lock_sleeps(void)
{
	lck_rw_t *rw = lck_rw_alloc_init(group, NULL);
	lck_spin_t *spin = lck_spin_alloc_init(group, NULL);

	lck_mtx_lock(mutex);
	CHECK("mutex-sleep-deadline",
	      lck_mtx_sleep_deadline(mutex, LCK_SLEEP_UNLOCK, &event, THREAD_UNINT,
				     in_ms(2)) == THREAD_TIMED_OUT);
	lck_rw_lock_shared(rw);
	CHECK("rw-sleep-deadline",
	      lck_rw_sleep_deadline(rw, LCK_SLEEP_EXCLUSIVE, &event, THREAD_UNINT,
				    in_ms(2)) == THREAD_TIMED_OUT);
	lck_rw_unlock_exclusive(rw);
	lck_spin_lock(spin);
	CHECK("spin-sleep-deadline",
	      lck_spin_sleep_deadline(spin, LCK_SLEEP_DEFAULT, &event, THREAD_UNINT,
				      in_ms(2)) == THREAD_TIMED_OUT);
	lck_spin_unlock(spin);
	start(wake_event);
	lck_spin_lock(spin);
	CHECK("spin-sleep", lck_spin_sleep(spin, LCK_SLEEP_UNLOCK, &event,
					   THREAD_UNINT) == THREAD_AWAKENED);
	lck_mtx_lock(mutex);
	CHECK("mutex-sleep", lck_mtx_sleep(mutex, LCK_SLEEP_UNLOCK, &event,
					   THREAD_UNINT) == THREAD_AWAKENED);
	lck_rw_lock_exclusive(rw);
	CHECK("rw-sleep", lck_rw_sleep(rw, LCK_SLEEP_UNLOCK, &event, THREAD_UNINT) ==
				  THREAD_AWAKENED);
	waker_ends();
	lck_rw_free(rw, group);
	lck_spin_free(spin, group);
}

static IORecursiveLock *recursive;

static void wake_recursive(void *parameter, wait_result_t result)
{
	while (!answer) {
		IORecursiveLockWakeup(recursive, &event, false);
		IOSleep(1);
	}
	answer = 2;
}

static void check_iolock_sleeps(void)
{
	IOLock *lock = IOLockAlloc();
	thread_t thread;

	IOLockLock(lock);
	if (kernel_thread_start(wake_null, lock, &thread) == KERN_SUCCESS)
		thread_deallocate(thread);
	CHECK("situation-32-null-event", IOLockSleep(lock, NULL, THREAD_UNINT) == 0);
	CHECK("iolock-sleep", IOLockSleep_darwin14(lock, &event, THREAD_UNINT) == 0);
	waker_ends();
	CHECK("iolock-sleep-deadline",
	      IOLockSleepDeadline(lock, &event, in_ms(2), THREAD_UNINT) ==
		      THREAD_TIMED_OUT);
	CHECK("iolock-sleep-deadline-14",
	      IOLockSleepDeadline_darwin14(lock, &event, in_ms(2), THREAD_UNINT) ==
		      THREAD_TIMED_OUT);
	IOLockUnlock(lock);
	IOLockFree(lock);
	recursive = IORecursiveLockAlloc();
	IORecursiveLockLock(recursive);
	IORecursiveLockLock(recursive);
	CHECK("recursive-sleep-deadline",
	      IORecursiveLockSleepDeadline(recursive, &event, in_ms(2), THREAD_UNINT) ==
		      THREAD_TIMED_OUT);
	start(wake_recursive);
	CHECK("recursive-sleep",
	      IORecursiveLockSleep(recursive, &event, THREAD_UNINT) == 0);
	IORecursiveLockUnlock(recursive);
	CHECK("recursive-count-is-back", IORecursiveLockHaveLock(recursive));
	IORecursiveLockUnlock(recursive);
	waker_ends();
	IORecursiveLockFree(recursive);
}

static semaphore_t shared;

static void signal_all(void *parameter, wait_result_t result)
{
	while (!answer) {
		semaphore_signal_all(shared);
		IOSleep(1);
	}
	answer = 2;
}

static void check_semaphores(void)
{
	semaphore_t s = SEMAPHORE_NULL;
	mach_timespec_t none = {0, 0}, bad = {0, 2000000000};

	CHECK("semaphore-create", semaphore_create(kernel_task, &s, 0, 0) == 0 && s);
	CHECK("situation-33-poll", semaphore_timedwait(s, none) == 49);
	CHECK("situation-33-bad-time", semaphore_timedwait(s, bad) == 18);
	CHECK("situation-33-signal", semaphore_signal(s) == 0);
	CHECK("situation-33-wait", semaphore_wait(s) == 0);
	CHECK("semaphore-noblock", semaphore_wait_noblock(s) == 49);
	CHECK("semaphore-deadline", semaphore_wait_deadline(s, in_ms(2)) == 49);
	semaphore_signal_all(s);
	CHECK("signal-all-counts-nothing", semaphore_timedwait(s, none) == 49);
	shared = s;
	start(signal_all);
	CHECK("signal-all-wakes", semaphore_wait(s) == 0);
	waker_ends();
	semaphore_reference(s);
	CHECK("semaphore-destroy", semaphore_destroy(kernel_task, s) == 0);
	semaphore_dereference(s);
	CHECK("semaphore-without-task", semaphore_create(NULL, &s, 0, 0) == 4 && !s);
}

void check(void)
{
	group = lck_grp_alloc_init("waits", NULL);
	mutex = lck_mtx_alloc_init(group, NULL);
	check_asserted();
	check_msleep();
	check_lock_sleeps();
	check_iolock_sleeps();
	check_semaphores();
	lck_mtx_free(mutex, group);
	lck_grp_free(group);
}
