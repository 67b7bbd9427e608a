/* Functions that run later, on a thread of the kernel. */
#ifndef _SDK_KERN_THREAD_CALL_H_
#define _SDK_KERN_THREAD_CALL_H_

#include <kern/clock.h>

struct thread_call;
typedef struct thread_call *thread_call_t;
typedef void *thread_call_param_t;
typedef void (*thread_call_func_t)(thread_call_param_t first, thread_call_param_t second);
typedef enum {
	THREAD_CALL_PRIORITY_HIGH = 0,
	THREAD_CALL_PRIORITY_KERNEL = 1,
	THREAD_CALL_PRIORITY_USER = 2,
	THREAD_CALL_PRIORITY_LOW = 3,
	THREAD_CALL_PRIORITY_KERNEL_HIGH = 4,
} thread_call_priority_t;
typedef enum {
	THREAD_CALL_OPTIONS_ONCE = 1,
	THREAD_CALL_OPTIONS_SIGNAL = 2,
} thread_call_options_t;

__BEGIN_DECLS
thread_call_t thread_call_allocate(thread_call_func_t function, thread_call_param_t first);
thread_call_t thread_call_allocate_with_priority(thread_call_func_t function,
						 thread_call_param_t first,
						 thread_call_priority_t priority);
thread_call_t thread_call_allocate_with_options(thread_call_func_t function,
						thread_call_param_t first,
						thread_call_priority_t priority,
						thread_call_options_t options);
boolean_t thread_call_free(thread_call_t call);
boolean_t thread_call_enter(thread_call_t call);
boolean_t thread_call_enter1(thread_call_t call, thread_call_param_t second);
boolean_t thread_call_enter_delayed(thread_call_t call, uint64_t deadline);
boolean_t thread_call_enter1_delayed(thread_call_t call, thread_call_param_t second,
				     uint64_t deadline);
boolean_t thread_call_cancel(thread_call_t call);
boolean_t thread_call_cancel_wait(thread_call_t call);
__END_DECLS

#endif
