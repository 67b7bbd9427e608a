/* Credentials. */
#ifndef _SDK_SYS_KAUTH_H_
#define _SDK_SYS_KAUTH_H_

#include <sys/kernel_types.h>

__BEGIN_DECLS
kauth_cred_t kauth_cred_get(void);
kauth_cred_t kauth_cred_get_with_ref(void);
kauth_cred_t kauth_cred_proc_ref(proc_t process);
void kauth_cred_ref(kauth_cred_t credential);
void kauth_cred_unref(kauth_cred_t *credential);
uid_t kauth_cred_getuid(kauth_cred_t credential);
gid_t kauth_cred_getgid(kauth_cred_t credential);
int kauth_cred_issuser(kauth_cred_t credential);
uid_t kauth_getuid(void);
gid_t kauth_getgid(void);
__END_DECLS

#endif
