/*
 * Arithmetic on struct timeval: results have 0 <= tv_usec < 1,000,000.
 */
#include "kernel/osfmk/osfmk.h"

void timevalfix(struct timeval *time)
{
	if (time->tv_usec < 0) {
		time->tv_sec--;
		time->tv_usec += 1000000;
	} else if (time->tv_usec >= 1000000) {
		time->tv_sec++;
		time->tv_usec -= 1000000;
	}
}
KPI(timevalfix);

void timevaladd(struct timeval *a, struct timeval *b)
{
	a->tv_sec += b->tv_sec;
	a->tv_usec += b->tv_usec;
	timevalfix(a);
}
KPI(timevaladd);

void timevalsub(struct timeval *a, struct timeval *b)
{
	a->tv_sec -= b->tv_sec;
	a->tv_usec -= b->tv_usec;
	timevalfix(a);
}
KPI(timevalsub);

uint64_t tvtoabstime(struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_usec * 1000u;
}
KPI(tvtoabstime);
