/* The kernel's task. */
#ifndef _SDK_KERN_TASK_H_
#define _SDK_KERN_TASK_H_

#include <mach/mach_types.h>

__BEGIN_DECLS
extern task_t kernel_task;
task_t current_task(void);
void task_reference(task_t task);
void task_deallocate(task_t task);
__END_DECLS

#endif
