/* Credentials, the identities behind user and group ids, and authorization scopes. */
#ifndef _SDK_SYS_KAUTH_H_
#define _SDK_SYS_KAUTH_H_

#include <stdint.h>
#include <sys/kernel_types.h>
#include <sys/types.h>

#define KAUTH_UID_NONE (~(uid_t)0 - 100)
#define KAUTH_GID_NONE (~(gid_t)0 - 100)
#define KAUTH_NTSID_MAX_AUTHORITIES 16

typedef struct {
	unsigned char g_guid[16];
} guid_t;
typedef struct {
	uint8_t sid_kind, sid_authcount, sid_authority[6];
	uint32_t sid_authorities[KAUTH_NTSID_MAX_AUTHORITIES];
} ntsid_t;

#define KAUTH_SCOPE_GENERIC "com.apple.kauth.generic"
#define KAUTH_SCOPE_PROCESS "com.apple.kauth.process"
#define KAUTH_SCOPE_VNODE   "com.apple.kauth.vnode"
#define KAUTH_SCOPE_FILEOP  "com.apple.kauth.fileop"
#define KAUTH_GENERIC_ISSUSER	   1
#define KAUTH_PROCESS_CANSIGNAL	   1
#define KAUTH_PROCESS_CANTRACE	   2
#define KAUTH_FILEOP_OPEN	   1
#define KAUTH_FILEOP_CLOSE	   2
#define KAUTH_FILEOP_RENAME	   3
#define KAUTH_FILEOP_EXCHANGE	   4
#define KAUTH_FILEOP_LINK	   5
#define KAUTH_FILEOP_EXEC	   6
#define KAUTH_FILEOP_DELETE	   7
#define KAUTH_RESULT_ALLOW	   1
#define KAUTH_RESULT_DENY	   2
#define KAUTH_RESULT_DEFER	   3

typedef int kauth_action_t;
struct kauth_scope;
struct kauth_listener;
typedef struct kauth_scope *kauth_scope_t;
typedef struct kauth_listener *kauth_listener_t;
typedef int (*kauth_scope_callback_t)(kauth_cred_t credential, void *cookie,
				      kauth_action_t action, uintptr_t arg0, uintptr_t arg1,
				      uintptr_t arg2, uintptr_t arg3);

__BEGIN_DECLS
kauth_cred_t kauth_cred_get(void);
kauth_cred_t kauth_cred_get_with_ref(void);
kauth_cred_t kauth_cred_proc_ref(proc_t process);
void kauth_cred_ref(kauth_cred_t credential);
void kauth_cred_unref(kauth_cred_t *credential);
uid_t kauth_cred_getuid(kauth_cred_t credential);
uid_t kauth_cred_getruid(kauth_cred_t credential);
uid_t kauth_cred_getsvuid(kauth_cred_t credential);
gid_t kauth_cred_getgid(kauth_cred_t credential);
gid_t kauth_cred_getrgid(kauth_cred_t credential);
gid_t kauth_cred_getsvgid(kauth_cred_t credential);
int kauth_cred_issuser(kauth_cred_t credential);
int kauth_cred_ismember_gid(kauth_cred_t credential, gid_t gid, int *result);
int kauth_cred_ismember_guid(kauth_cred_t credential, guid_t *guid, int *result);
int kauth_cred_getguid(kauth_cred_t credential, guid_t *guid);
int kauth_cred_getntsid(kauth_cred_t credential, ntsid_t *sid);
int kauth_cred_uid2guid(uid_t uid, guid_t *guid);
int kauth_cred_gid2guid(gid_t gid, guid_t *guid);
int kauth_cred_guid2uid(guid_t *guid, uid_t *uid);
int kauth_cred_guid2gid(guid_t *guid, gid_t *gid);
int kauth_cred_uid2ntsid(uid_t uid, ntsid_t *sid);
int kauth_cred_gid2ntsid(gid_t gid, ntsid_t *sid);
int kauth_cred_guid2ntsid(guid_t *guid, ntsid_t *sid);
int kauth_cred_ntsid2uid(ntsid_t *sid, uid_t *uid);
int kauth_cred_ntsid2gid(ntsid_t *sid, gid_t *gid);
int kauth_cred_ntsid2guid(ntsid_t *sid, guid_t *guid);
int kauth_guid_equal(guid_t *a, guid_t *b);
extern guid_t kauth_null_guid;
uid_t kauth_getuid(void);
uid_t kauth_getruid(void);
gid_t kauth_getgid(void);
kauth_scope_t kauth_register_scope(const char *identifier, kauth_scope_callback_t callback,
				   void *cookie);
void kauth_deregister_scope(kauth_scope_t scope);
kauth_listener_t kauth_listen_scope(const char *identifier, kauth_scope_callback_t callback,
				    void *cookie);
void kauth_unlisten_scope(kauth_listener_t listener);
int kauth_authorize_action(kauth_scope_t scope, kauth_cred_t credential,
			   kauth_action_t action, uintptr_t arg0, uintptr_t arg1,
			   uintptr_t arg2, uintptr_t arg3);
int kauth_authorize_process(kauth_cred_t credential, kauth_action_t action, proc_t process,
			    uintptr_t arg1, uintptr_t arg2, uintptr_t arg3);
__END_DECLS

#endif
