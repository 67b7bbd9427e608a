/*
 * The entry that a kext's kmod_info names: calls the project's own start routine, if it has one,
 * and answers who the kext is. Linked into every kext from libkmod.a.
 */
#include <libkern/OSKextLib.h>
#include <mach/mach_types.h>

#define PRIVATE __attribute__((visibility("hidden")))

extern kmod_start_func_t *_realmain;
extern kmod_info_t kmod_info;

PRIVATE kern_return_t _start(kmod_info_t *kmod, void *data);

kern_return_t _start(kmod_info_t *kmod, void *data)
{
	return _realmain ? (*_realmain)(kmod, data) : KERN_SUCCESS;
}

PRIVATE const char *OSKextGetCurrentIdentifier(void)
{
	return kmod_info.name;
}

PRIVATE const char *OSKextGetCurrentVersionString(void)
{
	return kmod_info.version;
}

PRIVATE OSKextLoadTag OSKextGetCurrentLoadTag(void)
{
	return kmod_info.id;
}
