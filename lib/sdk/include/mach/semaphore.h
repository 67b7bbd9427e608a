/* Counting semaphores. */
#ifndef _SDK_MACH_SEMAPHORE_H_
#define _SDK_MACH_SEMAPHORE_H_

#include <mach/mach_types.h>
#include <mach/sync_policy.h>

__BEGIN_DECLS
kern_return_t semaphore_create(task_t task, semaphore_t *semaphore, int policy, int value);
kern_return_t semaphore_destroy(task_t task, semaphore_t semaphore);
kern_return_t semaphore_signal(semaphore_t semaphore);
kern_return_t semaphore_signal_all(semaphore_t semaphore);
kern_return_t semaphore_wait(semaphore_t semaphore);
kern_return_t semaphore_timedwait(semaphore_t semaphore, mach_timespec_t time);
kern_return_t semaphore_wait_deadline(semaphore_t semaphore, uint64_t deadline);
kern_return_t semaphore_wait_noblock(semaphore_t semaphore);
__END_DECLS

#endif
