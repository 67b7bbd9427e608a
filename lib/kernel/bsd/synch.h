/*
 * BSD's sleep, wakeup and timeouts.
 */
#ifndef KERNEL_BSD_SYNCH_H
#define KERNEL_BSD_SYNCH_H

#include "kernel/osfmk/osfmk.h"

int msleep(void *channel, lck_mtx_t *mutex, int priority, const char *message,
	   struct timespec *timeout);
int msleep1(void *channel, lck_mtx_t *mutex, int priority, const char *message,
	    uint64_t deadline);
int tsleep(void *channel, int priority, const char *message, int ticks);
int xnu_sleep(void *channel, int priority);
void wakeup(void *channel);
void wakeup_one(char *channel);
void timeout(void (*function)(void *), void *argument, int ticks);
void untimeout(void (*function)(void *), void *argument);
void bsd_timeout(void (*function)(void *), void *argument, struct timespec *interval);

#endif
