/*
 * The BSD part's interfaces: those kexts see (sysctl, processes, credentials, user
 * memory) under Darwin's names, the kernel's own log line, and what the machine layer
 * needs.
 */
#ifndef KERNEL_BSD_BSD_H
#define KERNEL_BSD_BSD_H

#include "kernel/kernel.h"

/* ---- msgbuf.c ---- */
/* A line in the log from the kernel itself. Never call it with kmod_lock held. */
void kernel_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- proc.c ---- */
void proc_startup(void);
/*
 * Makes the calling thread serve a client: its process and task become the client's until
 * proc_leave_client.
 */
void proc_enter_client(uint32_t pid, uint32_t uid);
void proc_leave_client(void);

/* A credential. Its layout is not seen by kexts. */
struct credential {
	_Atomic int references;
	uint32_t uid, gid;
};

struct proc {
	struct proc *next;
	_Atomic int references;
	struct task task;	  /* threads serving it point here */
	struct task *task_record; /* &task, or the kernel's own */
	struct credential *credential;
	uint64_t unique_id;
	int parent;
};

extern struct proc *kernproc;
struct proc *current_proc(void);
int proc_pid(struct proc *process);
int proc_suser(struct proc *process);
struct proc *proc_find(int pid);
int proc_rele(struct proc *process);
int proc_is64bit(struct proc *process);
struct credential *kauth_cred_get(void);
void kauth_cred_unref(struct credential **credential);
uint32_t kauth_cred_getuid(struct credential *credential);

/* ---- kern_authorization.c ---- */
/* Tells who listens to file operations; what they answer makes no difference. */
void kauth_tell_fileop(struct credential *credential, int action, uintptr_t arg0,
		       uintptr_t arg1);

/* ---- what a kext left registered, by its code in [start, end): logged and taken out ---- */
void kauth_kmod_unloaded(const char *identifier, const void *start, const void *end);
void device_switch_kmod_unloaded(const char *identifier, const void *start,
				 const void *end);

/* ---- copyio.c ---- */
int copyin(user_addr_t from, void *to, size_t n);
int copyout(const void *from, user_addr_t to, size_t n);
int copyinstr(user_addr_t from, void *to, size_t max, size_t *ret_done);
int copyoutstr(const void *from, user_addr_t to, size_t max, size_t *ret_done);
int copystr(const void *from, void *to, size_t max, size_t *ret_done);

#endif
