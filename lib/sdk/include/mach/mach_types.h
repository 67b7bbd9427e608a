/* Mach's objects, opaque to a kext, and its elementary types. */
#ifndef _SDK_MACH_MACH_TYPES_H_
#define _SDK_MACH_MACH_TYPES_H_

#include <mach/boolean.h>
#include <mach/kern_return.h>
#include <mach/vm_types.h>
#include <stdint.h>
#include <sys/types.h>

struct thread;
struct task;
struct semaphore;
struct _vm_map;
typedef struct thread *thread_t;
typedef struct thread *thread_act_t;
typedef struct task *task_t;
typedef struct semaphore *semaphore_t;
typedef struct _vm_map *vm_map_t;
typedef unsigned int mach_msg_type_number_t;
typedef int natural_int_t;
typedef unsigned int natural_t;
typedef int integer_t;
typedef natural_t mach_port_name_t;
typedef int wait_result_t;
typedef int wait_interrupt_t;
typedef void *event_t;
typedef void (*thread_continue_t)(void *parameter, wait_result_t result);

#define TASK_NULL      ((task_t)0)
#define THREAD_NULL    ((thread_t)0)
#define SEMAPHORE_NULL ((semaphore_t)0)

struct mach_timespec {
	unsigned int tv_sec;
	int tv_nsec;
};
typedef struct mach_timespec mach_timespec_t;

#include <mach/kmod.h>

#endif
