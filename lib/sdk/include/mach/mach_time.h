/* The kernel's clock. */
#ifndef _SDK_MACH_MACH_TIME_H_
#define _SDK_MACH_MACH_TIME_H_

#include <mach/mach_types.h>

struct mach_timebase_info {
	uint32_t numer, denom;
};
typedef struct mach_timebase_info *mach_timebase_info_t;
typedef struct mach_timebase_info mach_timebase_info_data_t;

__BEGIN_DECLS
uint64_t mach_absolute_time(void);
uint64_t mach_continuous_time(void);
__END_DECLS

#endif
