/* What every part of BSD uses. */
#ifndef _SDK_SYS_SYSTM_H_
#define _SDK_SYS_SYSTM_H_

#include <kern/debug.h>
#include <kern/thread.h>
#include <libkern/libkern.h>
#include <sys/errno.h>
#include <sys/kernel_types.h>
#include <sys/param.h>
#include <sys/time.h>
#include <sys/types.h>

__BEGIN_DECLS
void bsd_timeout(void (*function)(void *), void *argument, struct timespec *after);
void bsd_untimeout(void (*function)(void *), void *argument);
void wakeup(void *channel);
void wakeup_one(caddr_t channel);
int nullop(void);
int nulldev(void);
int enosys(void);
int enxio(void);
int eopnotsupp(void);
int suser(kauth_cred_t credential, u_short *flags);
void ovbcopy(const void *from, void *to, size_t size);
uint64_t tvtoabstime(struct timeval *value);
/* What of a kernel address may be shown. */
void vm_kernel_unslide_or_perm_external(vm_offset_t address, vm_offset_t *shown);
__END_DECLS

#endif
