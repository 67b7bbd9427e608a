/* What a build system generates for every kext: its kmod_info, and its own start and stop. */
#include <mach/mach_types.h>

extern kern_return_t _start(kmod_info_t *kmod, void *data);
extern kern_return_t _stop(kmod_info_t *kmod, void *data);
extern kern_return_t DummySysctl_start(kmod_info_t *kmod, void *data);
extern kern_return_t DummySysctl_stop(kmod_info_t *kmod, void *data);

KMOD_EXPLICIT_DECL(com.osxbook.kext.DummySysctl, "1.0.0d1", _start, _stop)

__attribute__((visibility("hidden"))) kmod_start_func_t *_realmain = DummySysctl_start;
__attribute__((visibility("hidden"))) kmod_stop_func_t *_antimain = DummySysctl_stop;
