/* Waiting for events. */
#ifndef _SDK_KERN_SCHED_PRIM_H_
#define _SDK_KERN_SCHED_PRIM_H_

#include <kern/clock.h>
#include <kern/thread.h>

#define THREAD_WAITING	     (-1)
#define THREAD_AWAKENED	     0
#define THREAD_TIMED_OUT     1
#define THREAD_INTERRUPTED   2
#define THREAD_RESTART	     3
#define THREAD_NOT_WAITING   10
#define THREAD_UNINT	     0
#define THREAD_INTERRUPTIBLE 1
#define THREAD_ABORTSAFE     2
#define THREAD_CONTINUE_NULL ((thread_continue_t)0)

__BEGIN_DECLS
wait_result_t assert_wait(event_t event, wait_interrupt_t interruptible);
wait_result_t assert_wait_timeout(event_t event, wait_interrupt_t interruptible,
				  uint32_t interval, uint32_t scale);
wait_result_t assert_wait_deadline(event_t event, wait_interrupt_t interruptible,
				   uint64_t deadline);
wait_result_t thread_block(thread_continue_t continuation);
wait_result_t thread_block_parameter(thread_continue_t continuation, void *parameter);
kern_return_t thread_wakeup_prim(event_t event, boolean_t one, wait_result_t result);
kern_return_t thread_wakeup_thread(event_t event, thread_t thread);
boolean_t preemption_enabled(void);
__END_DECLS

#define thread_wakeup(event)	 thread_wakeup_prim((event), FALSE, THREAD_AWAKENED)
#define thread_wakeup_one(event) thread_wakeup_prim((event), TRUE, THREAD_AWAKENED)

#endif
