/* Credentials, what users and groups are called, and authorization scopes. */
#include "kpi.h"
#include <sys/kauth.h>
#include <sys/proc.h>

static void check_credentials(void)
{
	kauth_cred_t mine = kauth_cred_get(), other = kauth_cred_get_with_ref(), third;
	int is_member = 0;

	CHECK("cred-get", mine && mine == other);
	kauth_cred_ref(other);
	kauth_cred_unref(&other);
	CHECK("cred-unref-clears", other == NULL);
	third = kauth_cred_proc_ref(kernproc);
	CHECK("cred-of-kernel",
	      kauth_cred_getuid(third) == 0 && kauth_cred_issuser(third) &&
		      kauth_cred_getruid(third) == 0 && kauth_cred_getsvuid(third) == 0);
	CHECK("cred-groups",
	      kauth_cred_getgid(third) == kauth_cred_getrgid(third) &&
		      kauth_cred_getgid(third) == kauth_cred_getsvgid(third));
	CHECK("cred-member",
	      kauth_cred_ismember_gid(third, kauth_cred_getgid(third), &is_member) == 0 &&
		      is_member == 1);
	CHECK("cred-no-member",
	      kauth_cred_ismember_gid(third, 12345, &is_member) == 0 && is_member == 0);
	CHECK("getuid", kauth_getuid() == kauth_cred_getuid(mine) &&
				kauth_getgid() == kauth_cred_getgid(mine) &&
				kauth_getruid() == kauth_cred_getruid(mine));
	kauth_cred_unref(&third);
	other = kauth_cred_get_with_ref();
	kauth_cred_unref(&other);
	kauth_cred_unref(&mine);
}

int suser(kauth_cred_t credential, u_short *flags);
kauth_cred_t proc_ucred(proc_t process);
vfs_context_t vfs_context_kernel(void);
int vfs_context_issuser(vfs_context_t context);
kauth_cred_t vfs_context_ucred(vfs_context_t context);

static void check_kernel(void)
{
	kauth_cred_t kernel = proc_ucred(kernproc);

	CHECK("cred-of-process", kernel && kauth_cred_getuid(kernel) == 0);
	CHECK("suser", suser(kernel, NULL) == 0);
	CHECK("context-of-kernel",
	      vfs_context_issuser(vfs_context_kernel()) &&
		      vfs_context_ucred(vfs_context_kernel()) == kernel);
}

static void check_identities(void)
{
	guid_t guid, same;
	ntsid_t sid;
	uid_t uid = 0;
	gid_t gid = 0;
	int is_member = 0;
	kauth_cred_t mine = kauth_cred_get();

	CHECK("uid2guid", kauth_cred_uid2guid(501, &guid) == 0);
	CHECK("guid2uid", kauth_cred_guid2uid(&guid, &uid) == 0 && uid == 501);
	CHECK("guid-of-user-is-no-group", kauth_cred_guid2gid(&guid, &gid) == ENOENT);
	CHECK("guid-equal",
	      kauth_cred_uid2guid(501, &same) == 0 && kauth_guid_equal(&guid, &same));
	CHECK("guid-null", !kauth_guid_equal(&guid, &kauth_null_guid));
	CHECK("gid2guid", kauth_cred_gid2guid(20, &guid) == 0 &&
				  kauth_cred_guid2gid(&guid, &gid) == 0 && gid == 20);
	CHECK("uid2ntsid", kauth_cred_uid2ntsid(501, &sid) == 0 && sid.sid_kind == 1);
	CHECK("ntsid2uid", kauth_cred_ntsid2uid(&sid, &uid) == 0 && uid == 501);
	CHECK("ntsid2guid",
	      kauth_cred_ntsid2guid(&sid, &guid) == 0 && kauth_guid_equal(&guid, &same));
	CHECK("guid2ntsid", kauth_cred_guid2ntsid(&guid, &sid) == 0 &&
				    kauth_cred_ntsid2gid(&sid, &gid) == ENOENT);
	CHECK("gid2ntsid", kauth_cred_gid2ntsid(20, &sid) == 0 &&
				   kauth_cred_ntsid2gid(&sid, &gid) == 0 && gid == 20);
	CHECK("cred-guid", kauth_cred_getguid(mine, &guid) == 0 &&
				   kauth_cred_guid2uid(&guid, &uid) == 0 &&
				   uid == kauth_cred_getuid(mine));
	CHECK("cred-ntsid", kauth_cred_getntsid(mine, &sid) == 0);
	kauth_cred_gid2guid(kauth_cred_getgid(mine), &guid);
	CHECK("cred-member-guid",
	      kauth_cred_ismember_guid(mine, &guid, &is_member) == 0 && is_member == 1);
}

static int asked;

static int answer(kauth_cred_t credential, void *cookie, kauth_action_t action,
		  uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)
{
	asked += action == 5 && a == 1 && b == 2 && c == 3 && d == 4;
	return *(int *)cookie;
}

static int authorized(kauth_scope_t scope)
{
	return kauth_authorize_action(scope, kauth_cred_get(), 5, 1, 2, 3, 4);
}

static void check_scopes(void)
{
	static int defer = KAUTH_RESULT_DEFER, allow = KAUTH_RESULT_ALLOW,
		   deny = KAUTH_RESULT_DENY;
	kauth_listener_t early = kauth_listen_scope("test.scope", answer, &defer), late;
	kauth_scope_t scope = kauth_register_scope("test.scope", answer, &defer);

	CHECK("listen-before-scope", early && scope);
	CHECK("scope-exists", kauth_register_scope("test.scope", answer, &defer) == NULL);
	CHECK("nobody-allows", authorized(scope) == EPERM && asked == 2);
	late = kauth_listen_scope("test.scope", answer, &allow);
	CHECK("one-allows", authorized(scope) == 0 && asked == 5);
	kauth_unlisten_scope(early);
	early = kauth_listen_scope("test.scope", answer, &deny);
	CHECK("one-denies", authorized(scope) == EPERM && asked == 8);
	kauth_unlisten_scope(early);
	kauth_unlisten_scope(late);
	CHECK("silence", authorized(scope) == EPERM && asked == 9);
	kauth_deregister_scope(scope);
	early = kauth_listen_scope(KAUTH_SCOPE_FILEOP, answer, &defer);
	CHECK("built-in-scope",
	      early && !kauth_register_scope(KAUTH_SCOPE_FILEOP, answer, &defer));
	kauth_unlisten_scope(early);
	CHECK("process-scope",
	      kauth_authorize_process(kauth_cred_get(), 1, kernproc, 0, 0, 0) == EPERM ||
		      kauth_cred_issuser(kauth_cred_get()));
}

static void check_many_listeners(void)
{
	static int defer = KAUTH_RESULT_DEFER;
	kauth_listener_t listeners[16];
	int n = 0;

	while (n < 16 &&
	       (listeners[n] = kauth_listen_scope(KAUTH_SCOPE_VNODE, answer, &defer)))
		n++;
	CHECK("fifteen-listeners", n == 15);
	while (n)
		kauth_unlisten_scope(listeners[--n]);
}

void check(void)
{
	check_credentials();
	check_kernel();
	check_identities();
	check_scopes();
	check_many_listeners();
}
