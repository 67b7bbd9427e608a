/* Times of day and intervals. */
#ifndef _SDK_SYS_TIME_H_
#define _SDK_SYS_TIME_H_

#include <sys/types.h>

struct timeval {
	time_t tv_sec;
	suseconds_t tv_usec;
};
struct timespec {
	time_t tv_sec;
	long tv_nsec;
};

__BEGIN_DECLS
void microtime(struct timeval *now);
void microuptime(struct timeval *now);
void nanotime(struct timespec *now);
void nanouptime(struct timespec *now);
void timevaladd(struct timeval *to, struct timeval *amount);
void timevalsub(struct timeval *from, struct timeval *amount);
void timevalfix(struct timeval *value);
__END_DECLS

#endif
