/*
 * Credentials (kauth_cred_*) and the contexts of file operations, which here are a
 * process and its credential. The owner of the instance appears as user 0.
 */
#include <stdlib.h>
#include "base/memory.h"
#include "kernel/bsd/files.h"

struct vfs_context {
	struct proc *process;
	struct credential *credential;
};

struct credential *kauth_cred_get_with_ref(void);
struct credential *kauth_cred_proc_ref(struct proc *process);
struct credential *proc_ucred(struct proc *process);
void kauth_cred_ref(struct credential *credential);
uint32_t kauth_getuid(void);
uint32_t kauth_getgid(void);
uint32_t kauth_cred_getgid(struct credential *credential);
int kauth_cred_issuser(struct credential *credential);
int suser(struct credential *credential, unsigned short *flags);
struct vfs_context *vfs_context_create(struct vfs_context *context);
int vfs_context_rele(struct vfs_context *context);
struct vfs_context *vfs_context_kernel(void);
struct credential *vfs_context_ucred(struct vfs_context *context);
struct proc *vfs_context_proc(struct vfs_context *context);
int vfs_context_pid(struct vfs_context *context);
int vfs_context_suser(struct vfs_context *context);
int vfs_context_issuser(struct vfs_context *context);
int vfs_context_is64bit(struct vfs_context *context);
int vfs_context_issignal(struct vfs_context *context, uint32_t mask);

struct credential *kauth_cred_get(void)
{
	return current_proc()->credential;
}
KPI(kauth_cred_get);

void kauth_cred_ref(struct credential *credential)
{
	atomic_fetch_add(&credential->references, 1);
}
KPI(kauth_cred_ref);

struct credential *kauth_cred_get_with_ref(void)
{
	struct credential *credential = kauth_cred_get();
	kauth_cred_ref(credential);
	return credential;
}
KPI(kauth_cred_get_with_ref);

struct credential *proc_ucred(struct proc *process)
{
	return process->credential;
}
KPI(proc_ucred);

struct credential *kauth_cred_proc_ref(struct proc *process)
{
	kauth_cred_ref(process->credential);
	return process->credential;
}
KPI(kauth_cred_proc_ref);

/* The kernel's own credential is never the last reference's to free. */
void kauth_cred_unref(struct credential **credential)
{
	struct credential *old = *credential;
	*credential = NULL;
	if (old && atomic_fetch_sub(&old->references, 1) == 1)
		free(old);
}
KPI(kauth_cred_unref);

uint32_t kauth_cred_getuid(struct credential *credential)
{
	return credential->uid;
}
KPI(kauth_cred_getuid);
KPI_AS("_kauth_cred_getruid", kauth_cred_getuid);
KPI_AS("_kauth_cred_getsvuid", kauth_cred_getuid);

uint32_t kauth_cred_getgid(struct credential *credential)
{
	return credential->gid;
}
KPI(kauth_cred_getgid);
KPI_AS("_kauth_cred_getrgid", kauth_cred_getgid);
KPI_AS("_kauth_cred_getsvgid", kauth_cred_getgid);

uint32_t kauth_getuid(void)
{
	return kauth_cred_get()->uid;
}
KPI(kauth_getuid);
KPI_AS("_kauth_getruid", kauth_getuid);

uint32_t kauth_getgid(void)
{
	return kauth_cred_get()->gid;
}
KPI(kauth_getgid);

int kauth_cred_issuser(struct credential *credential)
{
	return credential->uid == 0;
}
KPI(kauth_cred_issuser);

int suser(struct credential *credential, unsigned short *flags)
{
	(void)flags;
	return credential->uid == 0 ? 0 : XNU_EPERM;
}
KPI(suser);

/* The thread's own context; valid as long as the thread serves its present client. */
struct vfs_context *vfs_context_current(void)
{
	static _Thread_local struct vfs_context current;
	current.process = current_proc();
	current.credential = current.process->credential;
	return &current;
}
KPI(vfs_context_current);

struct vfs_context *vfs_context_kernel(void)
{
	static struct vfs_context kernel;
	kernel = (struct vfs_context){kernproc, kernproc->credential};
	return &kernel;
}
KPI(vfs_context_kernel);

struct vfs_context *vfs_context_create(struct vfs_context *context)
{
	struct vfs_context *copy = mem_alloc(sizeof(*copy));
	if (!copy)
		return NULL;
	*copy = context ? *context : *vfs_context_current();
	kauth_cred_ref(copy->credential);
	return copy;
}
KPI(vfs_context_create);

int vfs_context_rele(struct vfs_context *context)
{
	if (context)
		kauth_cred_unref(&context->credential);
	free(context);
	return 0;
}
KPI(vfs_context_rele);

struct credential *vfs_context_ucred(struct vfs_context *context)
{
	return context->credential;
}
KPI(vfs_context_ucred);

struct proc *vfs_context_proc(struct vfs_context *context)
{
	return context->process;
}
KPI(vfs_context_proc);

int vfs_context_pid(struct vfs_context *context)
{
	return proc_pid(context->process);
}
KPI(vfs_context_pid);

int vfs_context_suser(struct vfs_context *context)
{
	return suser(context->credential, NULL);
}
KPI(vfs_context_suser);

int vfs_context_issuser(struct vfs_context *context)
{
	return kauth_cred_issuser(context->credential);
}
KPI(vfs_context_issuser);

int vfs_context_is64bit(struct vfs_context *context)
{
	return proc_is64bit(context->process);
}
KPI(vfs_context_is64bit);

int vfs_context_issignal(struct vfs_context *context, uint32_t mask)
{
	(void)context;
	(void)mask;
	return 0;
}
KPI(vfs_context_issignal);
