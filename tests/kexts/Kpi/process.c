/* Processes, credentials, contexts, and user memory. */
#include "kpi.h"
#include <kern/task.h>
#include <libkern/copyio.h>
#include <sys/kauth.h>
#include <sys/proc.h>

typedef struct vfs_context *vfs_context_t;
vfs_context_t vfs_context_create(vfs_context_t context);
int vfs_context_rele(vfs_context_t context);
vfs_context_t vfs_context_current(void);
kauth_cred_t vfs_context_ucred(vfs_context_t context);
proc_t vfs_context_proc(vfs_context_t context);
int vfs_context_pid(vfs_context_t context);
int vfs_context_suser(vfs_context_t context);
int vfs_context_is64bit(vfs_context_t context);
int vfs_context_issignal(vfs_context_t context, uint32_t mask);
int copystr(const void *from, void *to, size_t max, size_t *done);
int proc_isinferior(int pid, int of);
int proc_issignal(int pid, uint32_t mask);
int proc_exiting(proc_t process);
void proc_signal(int pid, int signal);
uint64_t proc_uniqueid(proc_t process);
task_t proc_task(proc_t process);
void *get_bsdtask_info(task_t task);

static void check_processes(void)
{
	proc_t self = proc_self(), kernel = proc_find(0);
	char name[17];

	CHECK("proc-self", self && self == current_proc());
	CHECK("proc-find", kernel == kernproc && proc_pid(kernel) == 0);
	CHECK("proc-find-nobody", proc_find(-5) == NULL);
	CHECK("proc-pid", proc_pid(self) == proc_selfpid() && proc_pid(NULL) == -1);
	CHECK("proc-ppid", proc_ppid(kernel) == 0 && proc_selfppid() >= 0);
	memset(name, 'x', sizeof(name));
	proc_name(0, name, sizeof(name));
	CHECK("proc-name", !strcmp(name, "kernel_task") && name[16] == 0);
	proc_selfname(name, sizeof(name));
	CHECK("proc-selfname", strlen(name) > 0);
	CHECK("proc-suser", proc_suser(kernel) == 0);
	CHECK("proc-is64bit", proc_is64bit(self) == 1);
	CHECK("proc-others",
	      !proc_isinferior(0, 1) && !proc_issignal(0, ~0u) && !proc_exiting(self));
	proc_signal(-5, 9);
	CHECK("proc-uniqueid", proc_uniqueid(kernel) == proc_uniqueid(kernel));
	CHECK("proc-task", proc_task(kernel) == kernel_task &&
				   get_bsdtask_info(kernel_task) == kernproc);
	CHECK("proc-rele", proc_rele(self) == 0 && proc_rele(kernel) == 0);
}

static void check_contexts(void)
{
	vfs_context_t current = vfs_context_current(), copy = vfs_context_create(NULL);

	CHECK("context", current && copy && vfs_context_proc(copy) == current_proc());
	CHECK("context-credential", vfs_context_ucred(copy) == kauth_cred_get());
	CHECK("context-pid", vfs_context_pid(copy) == proc_selfpid());
	CHECK("context-super-user",
	      vfs_context_suser(copy) == 0 || vfs_context_suser(copy) == EPERM);
	CHECK("context-64-bit", vfs_context_is64bit(copy) == 1);
	CHECK("context-signal", vfs_context_issignal(copy, ~0u) == 0);
	CHECK("context-rele", vfs_context_rele(copy) == 0 && vfs_context_rele(NULL) == 0);
}

static void check_copies(void)
{
	char text[8] = "";
	size_t done = 0;

	CHECK("situation-26-outside", copyin(16, text, 4) == EFAULT);
	CHECK("situation-26-nothing", copyin(16, text, 0) == 0);
	CHECK("copyout-outside", copyout(text, 16, 4) == EFAULT);
	CHECK("copyinstr-outside", copyinstr(16, text, 4, &done) == EFAULT && done == 0);
	CHECK("copyoutstr-outside", copyoutstr("ab", 16, 4, &done) == EFAULT);
	CHECK("copystr", copystr("abc", text, 8, &done) == 0 && done == 4);
	CHECK("situation-27-no-room",
	      copystr("abc", text, 3, &done) == ENAMETOOLONG && done == 3);
}

static volatile int copied;

/* A kernel thread serves nobody: its user addresses are the kernel's own. */
static void copy_in_kernel(void *parameter, wait_result_t result)
{
	char text[8] = "";
	size_t done = 0;

	CHECK("situation-27-copyinstr",
	      copyinstr((user_addr_t) "abc", text, 3, &done) == ENAMETOOLONG &&
		      done == 3);
	CHECK("copyin-kernel",
	      copyin((user_addr_t) "wxyz", text, 5) == 0 && !strcmp(text, "wxyz"));
	CHECK("copyout-kernel",
	      copyout("12", (user_addr_t)text, 2) == 0 && !strcmp(text, "12yz"));
	CHECK("copyoutstr-kernel",
	      copyoutstr("ok", (user_addr_t)text, 8, &done) == 0 && done == 3);
	CHECK("kernel-has-no-client", current_proc() == kernproc && proc_selfpid() == 0);
	copied = 1;
}

void check(void)
{
	thread_t thread;

	check_processes();
	check_contexts();
	check_copies();
	if (kernel_thread_start(copy_in_kernel, NULL, &thread) == KERN_SUCCESS)
		thread_deallocate(thread);
	for (int i = 0; i < 2000 && !copied; i++)
		IOSleep(1);
	CHECK("copies-ran", copied);
}
