/* Policies of mandatory access control: their registration and the hooks this kernel calls. */
#ifndef _SDK_SECURITY_MAC_POLICY_H_
#define _SDK_SECURITY_MAC_POLICY_H_

#include <sys/kernel_types.h>

struct label;
struct mac_policy_conf;
typedef unsigned int mac_policy_handle_t;
typedef void mpo_policy_destroy_t(struct mac_policy_conf *policy);
typedef void mpo_policy_init_t(struct mac_policy_conf *policy);
typedef void mpo_policy_initbsd_t(struct mac_policy_conf *policy);
typedef int mpo_policy_syscall_t(proc_t process, int call, user_addr_t argument);
typedef int mpo_vnode_check_open_t(kauth_cred_t credential, vnode_t vnode,
				   struct label *label, int access);
typedef int mpo_kext_check_load_t(kauth_cred_t credential, const char *identifier);

/* The table of 335 hooks of Darwin 19; those without a name here have a place in it. */
struct mac_policy_ops {
	void *mpo_before_policy[114];
	mpo_policy_destroy_t *mpo_policy_destroy;
	mpo_policy_init_t *mpo_policy_init;
	mpo_policy_initbsd_t *mpo_policy_initbsd;
	mpo_policy_syscall_t *mpo_policy_syscall;
	void *mpo_before_vnode_check_open[149];
	mpo_vnode_check_open_t *mpo_vnode_check_open;
	void *mpo_before_kext_check_load[61];
	mpo_kext_check_load_t *mpo_kext_check_load;
	void *mpo_others[5];
};

struct mac_policy_conf {
	const char *mpc_name;
	const char *mpc_fullname;
	const char *const *mpc_labelnames;
	unsigned int mpc_labelname_count;
	const struct mac_policy_ops *mpc_ops;
	int mpc_loadtime_flags;
	int *mpc_field_off; /* receives the slot of the policy's labels */
	int mpc_runtime_flags;
	struct mac_policy_conf *mpc_list;
	void *mpc_data;
};

#define MPC_LOADTIME_FLAG_NOTLATE   0x1
#define MPC_LOADTIME_FLAG_UNLOADOK  0x2
#define MPC_RUNTIME_FLAG_REGISTERED 0x1

__BEGIN_DECLS
int mac_policy_register(struct mac_policy_conf *policy, mac_policy_handle_t *handle,
			void *data);
int mac_policy_unregister(mac_policy_handle_t handle);
int mac_vnop_getxattr(vnode_t vnode, const char *name, char *buffer, size_t size,
		      size_t *used);
int mac_vnop_setxattr(vnode_t vnode, const char *name, char *buffer, size_t size);
int mac_vnop_removexattr(vnode_t vnode, const char *name);
__END_DECLS

#endif
