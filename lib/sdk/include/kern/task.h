/* The kernel's task. */
#ifndef _SDK_KERN_TASK_H_
#define _SDK_KERN_TASK_H_

#include <mach/mach_types.h>

__BEGIN_DECLS
extern task_t kernel_task;
task_t current_task(void);
__END_DECLS

#endif
