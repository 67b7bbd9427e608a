/*
 * Darwin's clocks on the host's: absolute time counts nanoseconds since kernel_task
 * began, from CLOCK_MONOTONIC; continuous time from CLOCK_BOOTTIME; the calendar is
 * CLOCK_REALTIME.
 */
#include <time.h>
#include "kernel/osfmk/osfmk.h"

enum { NS_PER_S = 1000000000 };
/* The first reading is this, never 0. */
enum { FIRST_READING = 1000000 };

static uint64_t boot_monotonic, boot_continuous;

static uint64_t host_time(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

void clock_startup(void)
{
	boot_monotonic = host_time(CLOCK_MONOTONIC) - FIRST_READING;
	boot_continuous = host_time(CLOCK_BOOTTIME) - FIRST_READING;
}

uint64_t mach_absolute_time(void)
{
	return host_time(CLOCK_MONOTONIC) - boot_monotonic;
}
KPI(mach_absolute_time);
KPI_AS("_mach_approximate_time", mach_absolute_time);

uint64_t mach_continuous_time(void)
{
	return host_time(CLOCK_BOOTTIME) - boot_continuous;
}
KPI(mach_continuous_time);

static uint64_t add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* Saturates below what the host's signed time can hold. */
uint64_t clock_host_deadline(uint64_t deadline)
{
	uint64_t host = add(deadline, boot_monotonic);

	return host > INT64_MAX ? INT64_MAX : host;
}

/* How long the machine has slept: two readings, which may seem to be the wrong way round.
 */
static uint64_t time_asleep(void)
{
	uint64_t awake = mach_absolute_time(), all = mach_continuous_time();

	return all > awake ? all - awake : 0;
}

uint64_t absolutetime_to_continuoustime(uint64_t time)
{
	return time + time_asleep();
}
KPI(absolutetime_to_continuoustime);

uint64_t continuoustime_to_absolutetime(uint64_t time)
{
	uint64_t asleep = time_asleep();

	return time > asleep ? time - asleep : 0;
}
KPI(continuoustime_to_absolutetime);

/* ---- units: absolute time is in nanoseconds on x86_64 ---- */

void absolutetime_to_nanoseconds(uint64_t time, uint64_t *ret_nanoseconds)
{
	*ret_nanoseconds = time;
}
KPI(absolutetime_to_nanoseconds);

void nanoseconds_to_absolutetime(uint64_t nanoseconds, uint64_t *ret_time)
{
	*ret_time = nanoseconds;
}
KPI(nanoseconds_to_absolutetime);

void clock_timebase_info(struct mach_timebase_info *ret_info)
{
	*ret_info = (struct mach_timebase_info){1, 1};
}
KPI(clock_timebase_info);

/* ---- readings ---- */

void clock_get_uptime(uint64_t *ret_time)
{
	*ret_time = mach_absolute_time();
}
KPI(clock_get_uptime);

static void split(uint64_t time, uint32_t unit, uint64_t *ret_seconds, uint32_t *ret_rest)
{
	*ret_seconds = time / NS_PER_S;
	*ret_rest = (uint32_t)(time % NS_PER_S / unit);
}

void clock_get_system_microtime(uint64_t *ret_seconds, uint32_t *ret_microseconds)
{
	split(mach_absolute_time(), 1000, ret_seconds, ret_microseconds);
}
KPI(clock_get_system_microtime);

void clock_get_system_nanotime(uint64_t *ret_seconds, uint32_t *ret_nanoseconds)
{
	split(mach_absolute_time(), 1, ret_seconds, ret_nanoseconds);
}
KPI(clock_get_system_nanotime);

void clock_get_calendar_microtime(uint64_t *ret_seconds, uint32_t *ret_microseconds)
{
	split(host_time(CLOCK_REALTIME), 1000, ret_seconds, ret_microseconds);
}
KPI(clock_get_calendar_microtime);

void clock_get_calendar_nanotime(uint64_t *ret_seconds, uint32_t *ret_nanoseconds)
{
	split(host_time(CLOCK_REALTIME), 1, ret_seconds, ret_nanoseconds);
}
KPI(clock_get_calendar_nanotime);

static void to_timeval(uint64_t time, struct timeval *ret_time)
{
	*ret_time = (struct timeval){(time_t)(time / NS_PER_S),
				     (suseconds_t)(time % NS_PER_S / 1000)};
}

static void to_timespec(uint64_t time, struct timespec *ret_time)
{
	*ret_time = (struct timespec){(time_t)(time / NS_PER_S), (long)(time % NS_PER_S)};
}

void microtime(struct timeval *ret_time)
{
	to_timeval(host_time(CLOCK_REALTIME), ret_time);
}
KPI(microtime);

void microuptime(struct timeval *ret_time)
{
	to_timeval(mach_absolute_time(), ret_time);
}
KPI(microuptime);

void nanotime(struct timespec *ret_time)
{
	to_timespec(host_time(CLOCK_REALTIME), ret_time);
}
KPI(nanotime);

void nanouptime(struct timespec *ret_time)
{
	to_timespec(mach_absolute_time(), ret_time);
}
KPI(nanouptime);

/* ---- intervals and deadlines ---- */

void clock_interval_to_absolutetime_interval(uint32_t interval, uint32_t scale,
					     uint64_t *ret_time)
{
	*ret_time = (uint64_t)interval * scale;
}
KPI(clock_interval_to_absolutetime_interval);

void clock_interval_to_deadline(uint32_t interval, uint32_t scale, uint64_t *ret_deadline)
{
	*ret_deadline = add(mach_absolute_time(), (uint64_t)interval * scale);
}
KPI(clock_interval_to_deadline);

void clock_absolutetime_interval_to_deadline(uint64_t interval, uint64_t *ret_deadline)
{
	*ret_deadline = add(mach_absolute_time(), interval);
}
KPI(clock_absolutetime_interval_to_deadline);

void clock_continuoustime_interval_to_deadline(uint64_t interval, uint64_t *ret_deadline)
{
	*ret_deadline = add(mach_continuous_time(), interval);
}
KPI(clock_continuoustime_interval_to_deadline);

/* The next period; if that is past, one interval from now, measured once more if need be.
 */
void clock_deadline_for_periodic_event(uint64_t interval, uint64_t now,
				       uint64_t *deadline)
{
	if (!interval)
		panic_at(__builtin_return_address(0),
			 "clock_deadline_for_periodic_event: the interval is 0");
	*deadline = add(*deadline, interval);
	if (*deadline > now)
		return;
	*deadline = add(now, interval);
	now = mach_absolute_time();
	if (*deadline <= now)
		*deadline = add(now, interval);
}
KPI(clock_deadline_for_periodic_event);
