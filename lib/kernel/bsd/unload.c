/* What BSD's registries do when a kext goes. */
#include "kernel/bsd/files.h"
#include "kernel/bsd/registry.h"

void bsd_kmod_unloaded(const char *identifier, const void *start, const void *end)
{
	kauth_kmod_unloaded(identifier, start, end);
	registry_kmod_unloaded(identifier, start, end);
	device_switch_kmod_unloaded(identifier, start, end);
	vnode_kmod_unloaded(identifier, start, end);
}
