/* What a build system generates for every kext: its kmod_info, and its own start and stop. */
#include <mach/mach_types.h>

extern kern_return_t _start(kmod_info_t *kmod, void *data);
extern kern_return_t _stop(kmod_info_t *kmod, void *data);
extern kern_return_t LibkernTests_start(kmod_info_t *kmod, void *data);
extern kern_return_t LibkernTests_stop(kmod_info_t *kmod, void *data);

KMOD_EXPLICIT_DECL(test.LibkernTests, "1.0", _start, _stop)

__attribute__((visibility("hidden"))) kmod_start_func_t *_realmain = LibkernTests_start;
__attribute__((visibility("hidden"))) kmod_stop_func_t *_antimain = LibkernTests_stop;
