/*
 * Tasks: kernel_task itself, and the client's record while a thread serves a request.
 * They are made and ended by the machine layer, so that references count nothing.
 */
#include "kernel/osfmk/osfmk.h"

static struct task kernel_task_record = {.name = "kernel_task"};

struct task *kernel_task = &kernel_task_record;
KPI(kernel_task);

struct task *current_task(void)
{
	struct task *task = thread_self()->task;

	return task ? task : kernel_task;
}
KPI(current_task);

void task_reference(struct task *task)
{
	(void)task;
}
KPI(task_reference);

void task_deallocate(struct task *task)
{
	(void)task;
}
KPI(task_deallocate);
