/*
 * The border between the kernel's C and libkern's C++: what either side offers the other,
 * in types that both have. The C++ files see Darwin's headers (lib/sdk/include) and never
 * the host's, so that their integers, and with them the names of their symbols, are
 * Darwin's.
 */
#ifndef KERNEL_LIBKERN_CXX_H
#define KERNEL_LIBKERN_CXX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- for C++: cxx.c, and libkern's text functions under their own names ---- */
enum libkern_lock {
	LIBKERN_CLASSES,   /* the registry of classes */
	LIBKERN_STALLED,   /* held while a kext's constructors or destructors run */
	LIBKERN_INSTANCES, /* the sets of instances */
	LIBKERN_SYMBOLS,   /* the pool of symbols */
	LIBKERN_LOCKS
};
void libkern_lock(enum libkern_lock lock, bool is_shared);
void libkern_unlock(enum libkern_lock lock);

/* Zeroed memory of an object; never NULL. The caller is who leaks it. */
void *libkern_new_object(const void *caller, size_t size);
void libkern_delete_object(const void *caller, void *object, size_t size);

/* Whether a kext of that identifier is mapped; "__kernel__" always is. */
bool libkern_is_kext(const char *identifier);
/* The kext of that identifier goes by itself when nobody uses it any more. */
void libkern_may_autounload(const char *identifier);
/* Kexts may have become free: in a minute they are looked at. */
void libkern_consider_unloads(void);
/* Whether a recursion may go on. */
bool libkern_has_stack(void);
/* The boot argument io, I/O Kit's debug bits. */
uint64_t libkern_debug_bits(void);

void kernel_log(const char *format, ...) __attribute__((format(printf, 1, 2)));
int xnu_snprintf(char *text, size_t size, const char *format, ...);
void OSReportWithBacktrace(const char *format, ...);
unsigned long xnu_strtoul(const char *text, char **ret_end, int base);
extern int debug_container_malloc_size, debug_ivars_size, debug_malloc_size;

/* ---- for C: OSMetaClass.cpp ---- */
/*
 * Registers the kernel's own classes, which were constructed before main, and makes the
 * booleans; before the first kext.
 */
void libkern_startup(void);
/* OSMetaClass's bracket around a kext's constructors or destructors. */
void *libkern_pre_mod_load(const char *kext);
bool libkern_check_mod_load(void *handle);
uint32_t libkern_post_mod_load(void *handle);
bool libkern_has_instances(const char *kext);
void libkern_report_instances(const char *kext);
/* Takes a kext's classes out of the registry unless one of them has instances. */
bool libkern_remove_classes(const char *kext);
void libkern_restore_classes(const char *kext);
/* Gives symbols whose bytes lie in the range bytes of their own. */
void libkern_keep_symbols(uint64_t start, uint64_t end);

#ifdef __cplusplus
}
#endif

#endif
