/* Thread calls, time-outs, clocks and delays. */
#include "kpi.h"
#include <kern/thread_call.h>
#include <sys/systm.h>

uint64_t tvtoabstime(struct timeval *time);
void timeout(void (*function)(void *), void *argument, int ticks);
void untimeout(void (*function)(void *), void *argument);
void delay(int microseconds);
void delay_for_interval(uint32_t interval, uint32_t scale);
void IOSleepWithLeeway(unsigned int milliseconds, unsigned int leeway);
void IOGetTime(mach_timespec_t *time);
void clock_continuoustime_interval_to_deadline(uint64_t interval, uint64_t *deadline);
uint64_t absolutetime_to_continuoustime(uint64_t time);
uint64_t continuoustime_to_absolutetime(uint64_t time);

static volatile int runs;
static volatile uint64_t ran_at;
static void *volatile second_parameter;
static int a_parameter;

static void run(void *first, void *second)
{
	second_parameter = second;
	ran_at = mach_absolute_time();
	__sync_fetch_and_add(&runs, 1);
}

static void run_once(void *argument)
{
	__sync_fetch_and_add((volatile int *)argument, 1);
}

static int comes_to(volatile int *counter, int wanted)
{
	for (int i = 0; i < 2000 && *counter < wanted; i++)
		IOSleep(1);
	return *counter == wanted;
}

static uint64_t in_ms(unsigned int milliseconds)
{
	uint64_t deadline;

	clock_interval_to_deadline(milliseconds, kMillisecondScale, &deadline);
	return deadline;
}

static void check_pending(void)
{
	thread_call_t call = thread_call_allocate(run, NULL);

	CHECK("call-delayed", !thread_call_enter_delayed(call, in_ms(60000)));
	CHECK("situation-34-pending-again",
	      thread_call_enter_delayed(call, in_ms(60000)));
	CHECK("situation-35-free-while-pending", !thread_call_free(call));
	CHECK("situation-34-cancel", thread_call_cancel(call));
	CHECK("situation-34-cancel-again", !thread_call_cancel(call));
	CHECK("call-not-pending", !thread_call_enter1_delayed(call, call, in_ms(60000)));
	CHECK("call-moves-to-now", thread_call_enter1(call, &a_parameter));
	CHECK("call-runs", comes_to(&runs, 1) && second_parameter == &a_parameter);
	CHECK("call-enter", !thread_call_enter(call));
	CHECK("call-runs-again", comes_to(&runs, 2) && second_parameter == NULL);
	CHECK("cancel-waits", !thread_call_cancel_wait(call));
	CHECK("situation-34-free", thread_call_free(call));
}

static void check_delayed(void)
{
	thread_call_t call = thread_call_allocate_with_priority(run, NULL, 1);
	uint64_t begun = mach_absolute_time();

	runs = 0;
	CHECK("situation-35-first", !thread_call_enter_delayed(call, in_ms(50)));
	CHECK("situation-35-second", thread_call_enter_delayed(call, in_ms(10)));
	CHECK("situation-35-runs", comes_to(&runs, 1));
	CHECK("situation-35-not-early", ran_at - begun >= 10 * NSEC_PER_MSEC);
	IOSleep(60);
	CHECK("situation-35-runs-once", runs == 1);
	thread_call_cancel_wait(call);
	CHECK("free-after-run", thread_call_free(call));
	call = thread_call_allocate_with_options(run, NULL, 0, THREAD_CALL_OPTIONS_ONCE);
	CHECK("call-once", !thread_call_enter(call) && comes_to(&runs, 2));
	thread_call_cancel_wait(call);
	thread_call_free(call);
}

static void check_timeouts(void)
{
	static volatile int soon, never;
	struct timespec after = {0, 1000000}, late = {1000, 0};

	bsd_timeout(run_once, (void *)&soon, &after);
	CHECK("bsd-timeout", comes_to(&soon, 1));
	bsd_timeout(run_once, (void *)&never, &late);
	bsd_untimeout(run_once, (void *)&never);
	timeout(run_once, (void *)&soon, 1);
	CHECK("timeout", comes_to(&soon, 2));
	timeout(run_once, (void *)&never, 100000);
	untimeout(run_once, (void *)&never);
	CHECK("untimeout", never == 0);
}

/* Two clocks, one time: within a second. */
static int close_to(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) < NSEC_PER_SEC;
}

static void check_units(void)
{
	struct mach_timebase_info base = {0, 0};
	uint64_t x = 0, now, limit;
	struct timeval a = {5, 100000}, b = {2, 900000};

	absolutetime_to_nanoseconds(123456789, &x);
	CHECK("situation-44-nanoseconds", x == 123456789);
	nanoseconds_to_absolutetime(987654321, &x);
	CHECK("to-absolute", x == 987654321);
	now = mach_absolute_time();
	clock_interval_to_deadline(4294967295u, 1000000000u, &limit);
	CHECK("situation-44-far-deadline", limit - now >= 4294967295000000000ull &&
						   limit - now < 4294967296000000000ull);
	clock_interval_to_absolutetime_interval(3, 1000000, &x);
	CHECK("interval", x == 3000000);
	clock_absolutetime_interval_to_deadline(~0ull, &x);
	CHECK("deadline-saturates", x == ~0ull);
	clock_continuoustime_interval_to_deadline(0, &x);
	CHECK("continuous-deadline",
	      x <= mach_continuous_time() && mach_continuous_time() - x < NSEC_PER_SEC);
	x = continuoustime_to_absolutetime(absolutetime_to_continuoustime(now));
	CHECK("there-and-back", close_to(x, now));
	clock_timebase_info(&base);
	CHECK("timebase", base.numer == 1 && base.denom == 1);
	timevalsub(&a, &b);
	CHECK("timevalsub", a.tv_sec == 2 && a.tv_usec == 200000);
	timevaladd(&a, &b);
	CHECK("timevaladd", a.tv_sec == 5 && a.tv_usec == 100000);
	a.tv_usec = 1000001;
	timevalfix(&a);
	CHECK("timevalfix", a.tv_sec == 6 && a.tv_usec == 1);
	CHECK("tvtoabstime", tvtoabstime(&b) == 2900000000ull);
}

static void check_clocks(void)
{
	clock_sec_t seconds;
	clock_usec_t micro;
	clock_nsec_t nano;
	struct timeval tv;
	struct timespec ts;
	mach_timespec_t io = {0, 0};
	uint64_t up, wall;

	clock_get_uptime(&up);
	CHECK("uptime", up && close_to(up, mach_absolute_time()));
	clock_get_system_microtime(&seconds, &micro);
	CHECK("system-microtime", close_to(up, seconds * NSEC_PER_SEC + micro * 1000ull));
	clock_get_system_nanotime(&seconds, &nano);
	CHECK("system-nanotime", close_to(up, seconds * NSEC_PER_SEC + nano));
	microuptime(&tv);
	CHECK("microuptime",
	      close_to(up, tv.tv_sec * NSEC_PER_SEC + tv.tv_usec * 1000ull));
	nanouptime(&ts);
	CHECK("nanouptime", close_to(up, ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec));
	IOGetTime(&io);
	CHECK("iogettime", close_to(up, io.tv_sec * NSEC_PER_SEC + io.tv_nsec));
	clock_get_calendar_microtime(&seconds, &micro);
	wall = seconds * NSEC_PER_SEC + micro * 1000ull;
	CHECK("calendar", seconds > 1500000000);
	clock_get_calendar_nanotime(&seconds, &nano);
	CHECK("calendar-nanotime", close_to(wall, seconds * NSEC_PER_SEC + nano));
	microtime(&tv);
	CHECK("microtime",
	      close_to(wall, tv.tv_sec * NSEC_PER_SEC + tv.tv_usec * 1000ull));
	nanotime(&ts);
	CHECK("nanotime", close_to(wall, ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec));
}

static void check_delays(void)
{
	uint64_t begun = mach_absolute_time();

	IOSleep(2);
	IOSleepWithLeeway(2, 1);
	CHECK("iosleep", mach_absolute_time() - begun >= 4 * NSEC_PER_MSEC);
	begun = mach_absolute_time();
	IODelay(300);
	IOPause(100000);
	delay(100);
	delay_for_interval(1, kMillisecondScale);
	CHECK("iodelay", mach_absolute_time() - begun >= 1500 * NSEC_PER_USEC);
	begun = in_ms(2);
	clock_delay_until(begun);
	CHECK("delay-until", mach_absolute_time() >= begun);
}

void check(void)
{
	check_pending();
	check_delayed();
	check_timeouts();
	check_units();
	check_clocks();
	check_delays();
}
