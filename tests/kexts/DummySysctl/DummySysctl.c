/* DummySysctl: an integer and a string below `debug`, there while the kext is loaded. */
#include <libkern/libkern.h>
#include <mach/mach_types.h>
#include <sys/sysctl.h>

kern_return_t DummySysctl_start(kmod_info_t *kmod, void *data);
kern_return_t DummySysctl_stop(kmod_info_t *kmod, void *data);

static int dummy = 42;
static char dummy_name[64] = "dummy";

SYSCTL_INT(_debug, OID_AUTO, dummy, CTLFLAG_RW | CTLFLAG_KERN, &dummy, 0,
	   "an integer that means nothing");
SYSCTL_STRING(_debug, OID_AUTO, dummy_name, CTLFLAG_RW | CTLFLAG_KERN, dummy_name,
	      sizeof(dummy_name), "its name");

kern_return_t DummySysctl_start(__unused kmod_info_t *kmod, __unused void *data)
{
	printf("DummySysctl_start\n");
	sysctl_register_oid(&sysctl__debug_dummy);
	sysctl_register_oid(&sysctl__debug_dummy_name);
	return KERN_SUCCESS;
}

kern_return_t DummySysctl_stop(__unused kmod_info_t *kmod, __unused void *data)
{
	sysctl_unregister_oid(&sysctl__debug_dummy_name);
	sysctl_unregister_oid(&sysctl__debug_dummy);
	printf("DummySysctl_stop\n");
	return KERN_SUCCESS;
}
