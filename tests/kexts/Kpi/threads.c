/* Kernel threads and their records, policies, and continuations. */
#include "kpi.h"
#include <kern/sched_prim.h>
#include <kern/task.h>
#include <kern/thread.h>

kern_return_t thread_policy_set(thread_t thread, uint32_t flavor, int *info,
				uint32_t count);
void task_reference(task_t task);
void task_deallocate(task_t task);
thread_t current_act(void);
int cpu_number(void);
extern unsigned int real_ncpus;
vm_offset_t OSKernelStackRemaining(void);
kern_return_t thread_wakeup_thread(event_t event, thread_t thread);

static volatile int phase;
static vm_offset_t deeper;
static int event;

static int comes_to(int wanted)
{
	for (int i = 0; i < 2000 && phase < wanted; i++)
		IOSleep(1);
	return phase == wanted;
}

static void returns(void *parameter, wait_result_t result)
{
	phase = parameter == &event && result == 0 && current_task() == kernel_task;
}

static void terminates(void *parameter, wait_result_t result)
{
	phase = 2;
	thread_terminate(current_thread());
	phase = 99;
}

static void leaves(void *argument)
{
	phase = 3;
	IOExitThread();
	phase = 99;
}

static void continued(void *parameter, wait_result_t result)
{
	phase = parameter == &event && result == THREAD_TIMED_OUT ? 5 : 98;
}

static void blocks(void *parameter, wait_result_t result)
{
	phase = 4;
	assert_wait_timeout(&event, THREAD_UNINT, 1, 1000 * 1000);
	thread_block_parameter(continued, &event);
	phase = 97;
}

static void waits_for_its_own(void *parameter, wait_result_t result)
{
	assert_wait(&event, THREAD_UNINT);
	phase = 6;
	thread_block(THREAD_CONTINUE_NULL);
	phase = 7;
}

static thread_t started(thread_continue_t body)
{
	thread_t thread = THREAD_NULL;

	CHECK("thread-start", kernel_thread_start(body, &event, &thread) == KERN_SUCCESS);
	return thread;
}

static void check_lives(void)
{
	thread_t thread = started(returns);

	CHECK("situation-41-returns", comes_to(1));
	IOSleep(2);
	CHECK("situation-41-record-outlives", thread_tid(thread) != 0);
	thread_reference(thread);
	thread_deallocate(thread);
	thread_deallocate(thread);
	thread_deallocate(started(terminates));
	CHECK("thread-terminate", comes_to(2));
	CHECK("thread-terminate-null", thread_terminate(THREAD_NULL) == 4);
	CHECK("iocreatethread", IOCreateThread(leaves, NULL) != NULL && comes_to(3));
	thread_deallocate(started(blocks));
	CHECK("continuation", comes_to(5));
	thread = started(waits_for_its_own);
	CHECK("one-waits", comes_to(6));
	for (int i = 0; i < 2000 && phase == 6; i++, IOSleep(1))
		thread_wakeup_thread(&event, thread);
	CHECK("one-is-woken", phase == 7);
	thread_deallocate(thread);
}

static void check_records(void)
{
	thread_t self = current_thread();

	CHECK("current-thread",
	      self && self == current_act() && self == current_thread());
	thread_set_thread_name(self, "kpi");
	CHECK("name", thread_has_thread_name(self));
	CHECK("current-task", current_task() != NULL);
	task_reference(kernel_task);
	task_deallocate(kernel_task);
	CHECK("processors", real_ncpus >= 1 && cpu_number() >= 0 &&
				    (unsigned)cpu_number() < real_ncpus);
}

static void check_policies(void)
{
	int constraint[] = {0, 1000000, 2000000, 1}, tight[] = {0, 1000000, 999999, 1};
	int one[] = {31};
	thread_t self = current_thread();

	CHECK("policy-constraint", thread_policy_set(self, 2, constraint, 4) == 0);
	CHECK("policy-constraint-tight", thread_policy_set(self, 2, tight, 4) == 4);
	CHECK("policy-precedence", thread_policy_set(self, 3, one, 1) == 0);
	CHECK("policy-nothing", thread_policy_set(self, 3, one, 0) == 4);
	CHECK("policy-nobody", thread_policy_set(THREAD_NULL, 3, one, 1) == 4);
	CHECK("policy-affinity", thread_policy_set(self, 4, one, 1) == 46);
}

static __attribute__((noinline)) void go_deeper(void)
{
	char room[2048];

	__asm__ volatile("" : : "r"(room) : "memory");
	deeper = OSKernelStackRemaining();
}

static void check_stack(void)
{
	vm_offset_t here = OSKernelStackRemaining();

	go_deeper();
	CHECK("stack-remaining", here > 4096 && here <= 16384);
	CHECK("stack-shrinks", deeper + 2048 <= here && deeper > 0);
}

void check(void)
{
	check_lives();
	check_records();
	check_policies();
	check_stack();
}
