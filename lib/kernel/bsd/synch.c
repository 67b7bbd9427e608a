/*
 * BSD's sleep and wakeup over event waits, and its timeouts over thread calls.
 */
#include "kernel/bsd/synch.h"

enum { PCATCH = 0x100, PDROP = 0x400, PSPIN = 0x800 };
enum { NS_PER_TICK = 10000000 }; /* hz is 100 */

/* 0 woken, EWOULDBLOCK, or EINTR; the mutex as `priority` says. */
static int sleep_on(const void *caller, event_t channel, lck_mtx_t *mutex, int priority,
		    uint64_t deadline)
{
	wait_interrupt_t interruptible =
		priority & PCATCH ? THREAD_ABORTSAFE : THREAD_UNINT;
	wait_result_t result = THREAD_AWAKENED;

	context_may_block(caller, "msleep");
	if (channel)
		assert_wait_deadline(channel, interruptible, deadline);
	if (mutex)
		lck_mtx_unlock(mutex);
	/* Without a channel this yields; after an abort it returns at once. */
	result = thread_block(NULL);
	if (mutex && !(priority & PDROP)) {
		if (priority & PSPIN)
			lck_mtx_lock_spin(mutex);
		else
			lck_mtx_lock(mutex);
	}
	return result == THREAD_TIMED_OUT     ? XNU_EWOULDBLOCK
	       : result == THREAD_INTERRUPTED ? XNU_EINTR
					      : 0;
}

static uint64_t deadline_after(uint64_t nanoseconds)
{
	uint64_t deadline;

	clock_absolutetime_interval_to_deadline(nanoseconds, &deadline);
	return deadline;
}

int msleep(void *channel, lck_mtx_t *mutex, int priority, const char *message,
	   struct timespec *timeout)
{
	uint64_t deadline = 0;

	(void)message;
	if (timeout && (timeout->tv_sec || timeout->tv_nsec))
		deadline = deadline_after((uint64_t)timeout->tv_sec * 1000000000u +
					  (uint64_t)timeout->tv_nsec);
	return sleep_on(__builtin_return_address(0), channel, mutex, priority, deadline);
}
KPI(msleep);

int msleep1(void *channel, lck_mtx_t *mutex, int priority, const char *message,
	    uint64_t deadline)
{
	(void)message;
	return sleep_on(__builtin_return_address(0), channel, mutex, priority, deadline);
}
KPI(msleep1);

int tsleep(void *channel, int priority, const char *message, int ticks)
{
	(void)message;
	return sleep_on(__builtin_return_address(0), channel, NULL, priority,
			ticks > 0 ? deadline_after((uint64_t)ticks * NS_PER_TICK) : 0);
}
KPI(tsleep);

/* The oldest form: interruptible only at priorities above PZERO. */
int xnu_sleep(void *channel, int priority)
{
	enum { PZERO = 22 };

	return sleep_on(__builtin_return_address(0), channel, NULL,
			priority > PZERO ? priority | PCATCH : priority, 0);
}
KPI_XNU(sleep);

void wakeup(void *channel)
{
	thread_wakeup_prim(channel, XNU_FALSE, THREAD_AWAKENED);
}
KPI(wakeup);

void wakeup_one(char *channel)
{
	thread_wakeup_prim(channel, XNU_TRUE, THREAD_AWAKENED);
}
KPI(wakeup_one);

/* ---- timeouts ---- */

/* The function takes one argument; the second that a thread call passes is ignored. */
static thread_call_func_t as_call(void (*function)(void *))
{
	return (thread_call_func_t)(void (*)(void))function;
}

void timeout(void (*function)(void *), void *argument, int ticks)
{
	uint64_t interval = ticks > 0 ? (uint64_t)ticks * NS_PER_TICK : 0;

	thread_call_func_delayed(__builtin_return_address(0), as_call(function), argument,
				 deadline_after(interval));
}
KPI(timeout);

void untimeout(void (*function)(void *), void *argument)
{
	thread_call_func_cancel(as_call(function), argument);
}
KPI(untimeout);
KPI_AS("_bsd_untimeout", untimeout);

void bsd_timeout(void (*function)(void *), void *argument, struct timespec *interval)
{
	uint64_t nanoseconds = 0;

	if (interval)
		nanoseconds = (uint64_t)interval->tv_sec * 1000000000u +
			      (uint64_t)interval->tv_nsec;
	thread_call_func_delayed(__builtin_return_address(0), as_call(function), argument,
				 deadline_after(nanoseconds));
}
KPI(bsd_timeout);
