/* What a kext registers with BSD: controls, events, filters, devices and policies. */
#include "kpi.h"
#include <miscfs/devfs/devfs.h>
#include <netinet/kpi_ipfilter.h>
#include <security/mac_policy.h>
#include <stddef.h>
#include <sys/conf.h>
#include <sys/errno.h>
#include <sys/kern_control.h>
#include <sys/kern_event.h>
#include <sys/kpi_socketfilter.h>

static errno_t connect_to(kern_ctl_ref control, struct sockaddr_ctl *address, void **info)
{
	return 0;
}

static void check_controls(void)
{
	struct kern_ctl_reg one = {.ctl_name = "test.one", .ctl_connect = connect_to},
			    bad = {};
	struct kern_ctl_reg two = {.ctl_name = "test.two", .ctl_connect = connect_to};
	struct kern_ctl_reg fixed = {.ctl_name = "test.fixed",
				     .ctl_connect = connect_to,
				     .ctl_id = 4000,
				     .ctl_unit = 2,
				     .ctl_flags = CTL_FLAG_REG_ID_UNIT};
	kern_ctl_ref a = NULL, b = NULL, c = NULL, d = NULL;
	size_t space = 0;

	CHECK("ctl-register", ctl_register(&one, &a) == 0 && a && one.ctl_id > 0);
	CHECK("ctl-sizes", one.ctl_sendsize == 2048 && one.ctl_recvsize == 8192);
	CHECK("ctl-second", ctl_register(&two, &b) == 0 && two.ctl_id != one.ctl_id);
	CHECK("ctl-twice", ctl_register(&one, &d) == EEXIST && d == NULL);
	CHECK("ctl-fixed", ctl_register(&fixed, &c) == 0 && fixed.ctl_id == 4000 &&
				   ctl_register(&fixed, &d) == EEXIST);
	CHECK("ctl-without-name", ctl_register(&bad, &d) == EINVAL);
	memset(two.ctl_name, 'x', sizeof(two.ctl_name));
	CHECK("ctl-long-name", ctl_register(&two, &d) == EINVAL);
	CHECK("ctl-no-client", ctl_enqueuedata(a, 1, &space, 8, 0) == EINVAL &&
				       ctl_enqueuembuf(a, 1, NULL, 0) == EINVAL &&
				       ctl_getenqueuespace(a, 1, &space) == EINVAL);
	CHECK("ctl-deregister",
	      ctl_deregister(a) == 0 && ctl_deregister(b) == 0 && ctl_deregister(c) == 0);
	CHECK("ctl-unknown", ctl_deregister(a) == EINVAL);
}

int kev_post_msg(struct kev_msg *message);

static void check_events(void)
{
	struct kev_msg message = {.kev_class = 1, .event_code = 7};
	u_int32_t again = 0;
	char payload[300];

	CHECK("kev-no-vendor",
	      kev_msg_post(&message) == EINVAL && kev_msg_post(NULL) == EINVAL);
	CHECK("kev-vendor",
	      kev_vendor_code_find("test.vendor", &message.vendor_code) == 0 &&
		      message.vendor_code >= 1000);
	CHECK("kev-vendor-again", kev_vendor_code_find("test.vendor", &again) == 0 &&
					  again == message.vendor_code);
	message.dv[0].data_length = 100;
	message.dv[0].data_ptr = payload;
	CHECK("kev-post", kev_msg_post(&message) == 0);
	message.dv[1].data_length = 150;
	message.dv[1].data_ptr = payload;
	CHECK("kev-too-long", kev_msg_post(&message) == EMSGSIZE);
	message.dv[1].data_length = 0;
	message.vendor_code = KEV_VENDOR_APPLE;
	CHECK("kev-from-apple",
	      kev_post_msg(&message) == 0 && kev_msg_post(&message) == EINVAL);
}

static u_int32_t unregistered;
static void *detached;

static void on_unregistered(u_int32_t handle)
{
	unregistered = handle;
}

static errno_t on_attach(void **cookie, socket_t socket)
{
	return 0;
}

static void on_detach(void *cookie, socket_t socket)
{
}

static void on_ip_detach(void *cookie)
{
	detached = cookie;
}

static errno_t on_input(void *cookie, mbuf_t *data, int offset, u_int8_t protocol)
{
	return 0;
}

static void check_filters(void)
{
	struct sflt_filter filter = {.sf_handle = 0x6b706901,
				     .sf_name = "test",
				     .sf_unregistered = on_unregistered,
				     .sf_attach = on_attach,
				     .sf_detach = on_detach};
	struct sflt_filter empty = {.sf_handle = 1, .sf_name = "empty"};
	struct ipf_filter ip = {&filter, "test", on_input, NULL, on_ip_detach},
			  none = {0};
	ipfilter_t four = NULL, six = NULL;

	CHECK("sflt-domain", sflt_register(&filter, 1, 1, 6) == ENOTSUP);
	CHECK("sflt-protocol", sflt_register(&filter, 2, 1, 17) == ENOENT);
	CHECK("sflt-empty", sflt_register(&empty, 2, 1, 6) == EINVAL);
	CHECK("sflt-register", sflt_register(&filter, 2, 1, 6) == 0);
	CHECK("sflt-twice", sflt_register(&filter, 30, 2, 17) == EEXIST);
	CHECK("sflt-unregister",
	      sflt_unregister(filter.sf_handle) == 0 && unregistered == filter.sf_handle);
	CHECK("sflt-unknown", sflt_unregister(filter.sf_handle) == ENOENT);
	CHECK("ipf-empty",
	      ipf_addv4(&none, &four) == EINVAL && ipf_addv6(NULL, &six) == EINVAL);
	CHECK("ipf-add",
	      ipf_addv4(&ip, &four) == 0 && ipf_addv6(&ip, &six) == 0 && four != six);
	CHECK("ipf-remove", ipf_remove(four) == 0 && detached == &filter);
	CHECK("ipf-unknown", ipf_remove(four) == ENOENT && ipf_remove(six) == 0);
}

static int open_device(dev_t device, int flags, int type, struct proc *process)
{
	return 0;
}

static void check_devices(void)
{
	struct cdevsw device = {.d_open = open_device,
				.d_close = (open_close_fcn_t *)nulldev,
				.d_read = (read_write_fcn_t *)enodev,
				.d_strategy = (strategy_fcn_t *)enodev_strat};
	struct cdevsw other = device;
	int slot = cdevsw_add(-1, &device);

	other.d_open = NULL;
	CHECK("situation-39-free-slot", slot == 1 || (slot >= 9 && slot != 12));
	CHECK("situation-39-same-slot", cdevsw_add(slot, &device) == -1);
	CHECK("situation-39-altered", cdevsw_remove(slot, &other) == -1);
	CHECK("situation-39-remove", cdevsw_remove(slot, &device) == slot);
	CHECK("cdevsw-from", cdevsw_isfree(-12) == 13 && cdevsw_isfree(12) == -1 &&
				     cdevsw_isfree(64) == -1 && cdevsw_isfree(40) == 40);
	CHECK("device-entries", enodev() == ENODEV && nullop() == 0 && nulldev() == 0 &&
					enxio() == ENXIO && enosys() == ENOSYS &&
					seltrue() == 1 && enoioctl() == ENOTTY &&
					eopnotsupp() == ENOTSUP);
	enodev_strat();
}

static void check_block_devices(void)
{
	struct bdevsw device = {.d_open = open_device}, other = device;
	struct cdevsw raw = {.d_open = open_device};
	int slot, character;

	CHECK("bdevsw-free", bdevsw_isfree(0) == 0 && bdevsw_isfree(-24) == -1 &&
				     bdevsw_isfree(24) == -1);
	slot = bdevsw_add(-5, &device);
	CHECK("bdevsw-add",
	      slot == 5 && bdevsw_isfree(5) == -1 && bdevsw_isfree(-5) == 6);
	CHECK("bdevsw-twice", bdevsw_add(5, &device) == -1);
	other.d_type = 1;
	CHECK("bdevsw-altered", bdevsw_remove(5, &other) == -1);
	character = cdevsw_add_with_bdev(-1, &raw, slot);
	CHECK("cdevsw-with-bdev", character > 0 &&
					  cdevsw_remove(character, &raw) == character &&
					  cdevsw_add_with_bdev(-1, &raw, 24) == -1);
	CHECK("bdevsw-remove", bdevsw_remove(5, &device) == 5 && bdevsw_isfree(5) == 5);
}

static int clone_device(dev_t device, int action)
{
	return 0;
}

static void check_nodes(void)
{
	dev_t device = 20 << 24 | 3;
	void *a = devfs_make_node(device, DEVFS_CHAR, 0, 0, 0600, "kpi%d", 7), *b;

	CHECK("devfs-node", a != NULL);
	CHECK("devfs-same-name",
	      !devfs_make_node(device, DEVFS_BLOCK, 0, 0, 0600, "kpi7"));
	CHECK("devfs-kind", !devfs_make_node(device, 2, 0, 0, 0600, "kpi8"));
	CHECK("devfs-node-is-no-folder",
	      !devfs_make_node(device, DEVFS_CHAR, 0, 0, 0600, "kpi7/x"));
	CHECK("devfs-bad-names",
	      !devfs_make_node(device, DEVFS_CHAR, 0, 0, 0600, "") &&
		      !devfs_make_node(device, DEVFS_CHAR, 0, 0, 0600, "kpi/../x"));
	b = devfs_make_node_clone(device, DEVFS_CHAR, 0, 0, 0600, clone_device, "kpi/%s",
				  "x");
	CHECK("devfs-in-folder", b != NULL);
	CHECK("devfs-folder-is-no-node",
	      !devfs_make_node(device, DEVFS_CHAR, 0, 0, 0600, "kpi"));
	devfs_remove(a);
	devfs_remove(b);
	a = devfs_make_node(device, DEVFS_CHAR, 0, 0, 0600, "kpi7");
	CHECK("devfs-again", a != NULL);
	devfs_remove(a);
}

_Static_assert(sizeof(struct mac_policy_conf) == 80 &&
		       offsetof(struct mac_policy_conf, mpc_field_off) == 48,
	       "mac_policy_conf as Darwin 19 has it");
_Static_assert(sizeof(struct mac_policy_ops) == 335 * sizeof(void *) &&
		       offsetof(struct mac_policy_ops, mpo_policy_destroy) == 114 * 8 &&
		       offsetof(struct mac_policy_ops, mpo_policy_syscall) == 117 * 8 &&
		       offsetof(struct mac_policy_ops, mpo_vnode_check_open) == 267 * 8 &&
		       offsetof(struct mac_policy_ops, mpo_kext_check_load) == 329 * 8,
	       "the hooks as Darwin 19 has them");
_Static_assert(sizeof(struct sflt_filter) == 192 &&
		       offsetof(struct sflt_filter, sf_data_in) == 64 &&
		       offsetof(struct sflt_filter, sf_ext) == 136,
	       "sflt_filter as Darwin 19 has it");

static int calls[3];

static void on_destroy(struct mac_policy_conf *policy)
{
	calls[0]++;
}

static void on_init(struct mac_policy_conf *policy)
{
	calls[1]++;
}

static void on_initbsd(struct mac_policy_conf *policy)
{
	calls[2] = calls[1] == 1;
}

static void check_policies(void)
{
	static const struct mac_policy_ops hooks = {.mpo_policy_destroy = on_destroy,
						    .mpo_policy_init = on_init,
						    .mpo_policy_initbsd = on_initbsd};
	int slot = -1, second = -1;
	struct mac_policy_conf one = {.mpc_name = "one",
				      .mpc_fullname = "One",
				      .mpc_ops = &hooks,
				      .mpc_field_off = &slot};
	struct mac_policy_conf two = {.mpc_name = "two",
				      .mpc_fullname = "Two",
				      .mpc_ops = &hooks,
				      .mpc_field_off = &second};
	mac_policy_handle_t a = 0, b = 0;

	two.mpc_loadtime_flags = MPC_LOADTIME_FLAG_NOTLATE;
	CHECK("policy-not-late", mac_policy_register(&two, &b, NULL) == EPERM);
	two.mpc_loadtime_flags = MPC_LOADTIME_FLAG_UNLOADOK;
	one.mpc_loadtime_flags = 0;
	CHECK("situation-42-register",
	      mac_policy_register(&one, &a, NULL) == 0 && a && slot >= 0 &&
		      one.mpc_runtime_flags == MPC_RUNTIME_FLAG_REGISTERED);
	CHECK("policy-hooks", calls[1] == 1 && calls[2] == 1);
	CHECK("situation-42-twice", mac_policy_register(&one, &b, NULL) == EEXIST);
	CHECK("situation-42-unregister", mac_policy_unregister(a) == EBUSY);
	CHECK("policy-unload", mac_policy_register(&two, &b, NULL) == 0 &&
				       second != slot && mac_policy_unregister(b) == 0 &&
				       calls[0] == 1);
	CHECK("policy-unknown", mac_policy_unregister(b) == 0 && calls[0] == 1);
	one.mpc_loadtime_flags = MPC_LOADTIME_FLAG_UNLOADOK;
	CHECK("policy-now-may-go", mac_policy_unregister(a) == 0);
}

void check(void)
{
	check_controls();
	check_events();
	check_filters();
	check_devices();
	check_block_devices();
	check_nodes();
	check_policies();
}
