/* Tasks and semaphores of a task. */
#ifndef _SDK_MACH_TASK_H_
#define _SDK_MACH_TASK_H_

#include <mach/semaphore.h>

#endif
