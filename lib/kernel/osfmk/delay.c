/*
 * Delays. All of Darwin's are one routine: it spins for very short intervals and where it
 * must not block, and sleeps uninterruptibly otherwise.
 */
#include <errno.h>
#include <time.h>
#include "kernel/osfmk/osfmk.h"

enum { SPIN_BELOW = 50000 }; /* ns; a host sleep costs about that much */

static void spin_until(uint64_t deadline)
{
	while (mach_absolute_time() < deadline)
		__builtin_ia32_pause();
}

static void sleep_until(uint64_t deadline)
{
	uint64_t host = clock_host_deadline(deadline);
	struct timespec until = {(time_t)(host / 1000000000u),
				 (long)(host % 1000000000u)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

static void wait_until(const void *caller, uint64_t nanoseconds, uint64_t deadline)
{
	struct thread *thread = thread_self();

	if (nanoseconds >= SPIN_BELOW)
		context_may_block(caller, "a delay of 50 us or more");
	if (nanoseconds < SPIN_BELOW || thread->preemption_level ||
	    thread->interrupt_level || !thread->interrupts_enabled)
		spin_until(deadline);
	else
		sleep_until(deadline);
}

void delay_nanoseconds(const void *caller, uint64_t nanoseconds)
{
	uint64_t deadline;

	if (!nanoseconds)
		return;
	clock_absolutetime_interval_to_deadline(nanoseconds, &deadline);
	wait_until(caller, nanoseconds, deadline);
}

void clock_delay_until(uint64_t deadline)
{
	uint64_t now = mach_absolute_time();

	if (now < deadline)
		wait_until(__builtin_return_address(0), deadline - now, deadline);
}
KPI(clock_delay_until);

void delay_for_interval(uint32_t interval, uint32_t scale)
{
	delay_nanoseconds(__builtin_return_address(0), (uint64_t)interval * scale);
}
KPI(delay_for_interval);

void delay(int microseconds)
{
	if (microseconds > 0)
		delay_nanoseconds(__builtin_return_address(0),
				  (uint64_t)microseconds * 1000);
}
KPI(delay);
