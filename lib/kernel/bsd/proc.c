/*
 * Processes as kexts see them: the kernel's own, and one for every client whose request
 * is being served, with the client's real process id. There are no others.
 */
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "kernel/bsd/bsd.h"
#include "kernel/osfmk/osfmk.h"

static struct credential kernel_credential = {.references = 1};
static struct proc kernel_proc = {.references = 1, .credential = &kernel_credential};
struct proc *kernproc = &kernel_proc;
KPI(kernproc);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct proc *clients; /* guarded by lock */
static uint64_t next_unique_id = 1;

void proc_startup(void)
{
	kernel_proc.task_record = kernel_task;
}

/* A record of its own for the thread's request; without memory it stays the kernel's. */
void proc_enter_client(uint32_t pid, uint32_t uid)
{
	struct proc *process = mem_zero(1, sizeof(*process));
	struct credential *credential = mem_zero(1, sizeof(*credential));
	if (!process || !credential)
		panic("no memory for a client");
	*credential = (struct credential){.references = 1, .uid = uid, .gid = uid};
	process->references = 1;
	process->task = (struct task){.pid = pid, .uid = uid};
	xnu_snprintf(process->task.name, sizeof(process->task.name), "client");
	process->task_record = &process->task;
	process->credential = credential;
	process->parent = 1;
	pthread_mutex_lock(&lock);
	process->unique_id = next_unique_id++;
	process->next = clients;
	clients = process;
	pthread_mutex_unlock(&lock);
	thread_self()->task = &process->task;
}

struct proc *current_proc(void)
{
	struct task *task = thread_self()->task;
	if (!task || task == kernel_task)
		return kernproc;
	return (struct proc *)((char *)task - offsetof(struct proc, task));
}
KPI(current_proc);

static void take_reference(struct proc *process)
{
	atomic_fetch_add(&process->references, 1);
}

/* The list holds no reference: who finds a record in it takes one under the lock. */
static void drop_reference(struct proc *process)
{
	pthread_mutex_lock(&lock);
	bool is_last = atomic_fetch_sub(&process->references, 1) == 1;
	struct proc **link = &clients;
	while (is_last && *link && *link != process)
		link = &(*link)->next;
	if (is_last && *link)
		*link = process->next;
	pthread_mutex_unlock(&lock);
	if (!is_last || process == kernproc)
		return;
	kauth_cred_unref(&process->credential);
	free(process);
}

void proc_leave_client(void)
{
	struct proc *process = current_proc();
	thread_self()->task = kernel_task;
	if (process != kernproc)
		drop_reference(process);
}

struct proc *proc_find(int pid)
{
	struct proc *process = kernproc;
	pthread_mutex_lock(&lock);
	if (pid != 0) {
		process = clients;
		while (process && process->task.pid != (uint32_t)pid)
			process = process->next;
	}
	if (process)
		take_reference(process);
	pthread_mutex_unlock(&lock);
	return process;
}
KPI(proc_find);

struct proc *proc_self(void);
struct proc *proc_self(void)
{
	struct proc *process = current_proc();
	take_reference(process);
	return process;
}
KPI(proc_self);

int proc_rele(struct proc *process)
{
	drop_reference(process);
	return 0;
}
KPI(proc_rele);

int proc_pid(struct proc *process)
{
	return process ? (int)process->task.pid : -1;
}
KPI(proc_pid);

int proc_ppid(struct proc *process);
int proc_ppid(struct proc *process)
{
	return process ? process->parent : -1;
}
KPI(proc_ppid);

int proc_selfpid(void);
int proc_selfpid(void)
{
	return proc_pid(current_proc());
}
KPI(proc_selfpid);

int proc_selfppid(void);
int proc_selfppid(void)
{
	return proc_ppid(current_proc());
}
KPI(proc_selfppid);

static const char *name_of(int pid, struct proc *process)
{
	if (pid == 0)
		return "kernel_task";
	if (pid == 1)
		return "launchd";
	return process ? process->task.name : "";
}

/* Fills the whole buffer: the name, cut, and zeros. */
void proc_name(int pid, char *text, int size);
void proc_name(int pid, char *text, int size)
{
	if (size <= 0)
		return;
	struct proc *process = proc_find(pid);
	memset(text, 0, (size_t)size);
	xnu_snprintf(text, (size_t)size, "%s", name_of(pid, process));
	if (process)
		proc_rele(process);
}
KPI(proc_name);

void proc_selfname(char *text, int size);
void proc_selfname(char *text, int size)
{
	struct proc *process = current_proc();
	if (size > 0)
		xnu_snprintf(text, (size_t)size, "%s",
			     name_of(proc_pid(process), process));
}
KPI(proc_selfname);

uint64_t proc_uniqueid(struct proc *process);
uint64_t proc_uniqueid(struct proc *process)
{
	return process->unique_id;
}
KPI(proc_uniqueid);

int proc_is64bit(struct proc *process)
{
	(void)process;
	return 1;
}
KPI(proc_is64bit);

int proc_exiting(struct proc *process);
int proc_exiting(struct proc *process)
{
	(void)process;
	return 0;
}
KPI(proc_exiting);

int proc_isinferior(int pid, int other);
int proc_isinferior(int pid, int other)
{
	(void)pid;
	(void)other;
	return 0;
}
KPI(proc_isinferior);

int proc_issignal(int pid, uint32_t mask);
int proc_issignal(int pid, uint32_t mask)
{
	(void)pid;
	(void)mask;
	return 0;
}
KPI(proc_issignal);

/* Clients are not ours to signal: the wish is logged. */
void proc_signal(int pid, int number);
void proc_signal(int pid, int number)
{
	kernel_log("proc_signal: signal %d for process %d is not sent\n", number, pid);
}
KPI(proc_signal);

int proc_suser(struct proc *process)
{
	return process->credential->uid == 0 ? 0 : XNU_EPERM;
}
KPI(proc_suser);

struct task *proc_task(struct proc *process);
struct task *proc_task(struct proc *process)
{
	return process->task_record;
}
KPI(proc_task);

/* Helper tasks do not exist: every task is kernel_task or a client's. */
struct proc *get_bsdtask_info(struct task *task);
struct proc *get_bsdtask_info(struct task *task)
{
	if (!task || task == kernel_task)
		return kernproc;
	return (struct proc *)((char *)task - offsetof(struct proc, task));
}
KPI(get_bsdtask_info);
