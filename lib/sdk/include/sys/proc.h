/* Processes, and sleeping. */
#ifndef _SDK_SYS_PROC_H_
#define _SDK_SYS_PROC_H_

#include <kern/locks.h>
#include <sys/kernel_types.h>
#include <sys/param.h>
#include <sys/time.h>

__BEGIN_DECLS
proc_t current_proc(void);
proc_t proc_self(void);
proc_t proc_find(int pid);
int proc_rele(proc_t process);
int proc_pid(proc_t process);
int proc_ppid(proc_t process);
int proc_selfpid(void);
int proc_selfppid(void);
void proc_name(int pid, char *name, int size);
void proc_selfname(char *name, int size);
int proc_is64bit(proc_t process);
int proc_suser(proc_t process);
int proc_exiting(proc_t process);
int proc_isinferior(int pid, int ancestor);
void proc_signal(int pid, int signal);
kauth_cred_t proc_ucred(proc_t process);
int msleep(void *channel, lck_mtx_t *mutex, int priority, const char *message,
	   struct timespec *timeout);
void wakeup(void *channel);
void wakeup_one(caddr_t channel);
extern proc_t kernproc;
__END_DECLS

#endif
