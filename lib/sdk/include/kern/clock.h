/* Time in the kernel's units and in nanoseconds. */
#ifndef _SDK_KERN_CLOCK_H_
#define _SDK_KERN_CLOCK_H_

#include <mach/mach_time.h>
#include <mach/mach_types.h>

typedef unsigned long clock_sec_t;
typedef unsigned int clock_usec_t;
typedef unsigned int clock_nsec_t;

#define NSEC_PER_USEC 1000ull
#define USEC_PER_SEC  1000000ull
#define NSEC_PER_SEC  1000000000ull
#define NSEC_PER_MSEC 1000000ull
/* Scales: nanoseconds in one unit of an interval. */
enum { kNanosecondScale = 1, kMicrosecondScale = 1000, kMillisecondScale = 1000 * 1000,
       kSecondScale = 1000 * 1000 * 1000 };

__BEGIN_DECLS
void clock_get_uptime(uint64_t *now);
void clock_interval_to_deadline(uint32_t interval, uint32_t scale, uint64_t *deadline);
void clock_interval_to_absolutetime_interval(uint32_t interval, uint32_t scale,
					     uint64_t *absolute);
void clock_absolutetime_interval_to_deadline(uint64_t interval, uint64_t *deadline);
void clock_delay_until(uint64_t deadline);
void clock_get_calendar_microtime(clock_sec_t *seconds, clock_usec_t *microseconds);
void clock_get_calendar_nanotime(clock_sec_t *seconds, clock_nsec_t *nanoseconds);
void clock_get_system_microtime(clock_sec_t *seconds, clock_usec_t *microseconds);
void clock_get_system_nanotime(clock_sec_t *seconds, clock_nsec_t *nanoseconds);
void clock_timebase_info(mach_timebase_info_t info);
void absolutetime_to_nanoseconds(uint64_t absolute, uint64_t *nanoseconds);
void nanoseconds_to_absolutetime(uint64_t nanoseconds, uint64_t *absolute);
uint64_t absolutetime_to_continuoustime(uint64_t absolute);
uint64_t continuoustime_to_absolutetime(uint64_t continuous);
void clock_continuoustime_interval_to_deadline(uint64_t interval, uint64_t *deadline);
__END_DECLS

#endif
