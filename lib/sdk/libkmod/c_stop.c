/* The exit that a kext's kmod_info names: calls the project's own stop routine, if any. */
#include <mach/mach_types.h>

extern kmod_stop_func_t *_antimain;

__attribute__((visibility("hidden"))) kern_return_t _stop(kmod_info_t *kmod, void *data);

kern_return_t _stop(kmod_info_t *kmod, void *data)
{
	return _antimain ? (*_antimain)(kmod, data) : KERN_SUCCESS;
}
