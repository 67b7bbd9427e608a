/* Kernel threads. */
#ifndef _SDK_KERN_THREAD_H_
#define _SDK_KERN_THREAD_H_

#include <mach/mach_types.h>

__BEGIN_DECLS
thread_t current_thread(void);
kern_return_t kernel_thread_start(thread_continue_t body, void *parameter, thread_t *thread);
kern_return_t thread_terminate(thread_act_t thread);
void thread_reference(thread_t thread);
void thread_deallocate(thread_t thread);
uint64_t thread_tid(thread_t thread);
void thread_set_thread_name(thread_t thread, const char *name);
boolean_t thread_has_thread_name(thread_t thread);
__END_DECLS

#endif
