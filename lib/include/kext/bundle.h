/*
 * A kext as a bundle: its property list, executable and plug-ins, from a folder or from an
 * archive entry. Reference-counted and, once opened, never changed.
 */
#ifndef KEXT_BUNDLE_H
#define KEXT_BUNDLE_H

#include <stdbool.h>
#include <sys/types.h>
#include <kext/arch.h>
#include <kext/context.h>
#include <kext/diagnostic.h>
#include <kext/value.h>

struct kext_bundle;

/*
 * Opens the bundle in folder `path` (layouts Contents/, flat, Support Files/) and reads its
 * Info.plist by descriptor; the executable is read when asked for. No descriptor stays open:
 * what is read later is read only if the same folder still stands there. Errors:
 * -ENOENT and other system errors, KEXT_ERR_NOT_A_KEXT (no bundle), KEXT_ERR_VALIDATION (the
 * property list is broken, over 1 MiB, or lacks CFBundleIdentifier), each with a diagnostic.
 */
KEXT_API KEXT_MUST_CHECK int kext_bundle_open(struct kext_context *context, const char *path,
					      struct kext_diagnostics *diagnostics,
					      struct kext_bundle **ret_bundle);
/*
 * A bundle that stands in an archive: `path` is its stored path (NULL: synthesised later),
 * `executable_path` relative to it or NULL. `info` is referenced; `executable` (NULL when
 * codeless) is taken over, also on failure, and freed with free().
 */
KEXT_API KEXT_MUST_CHECK int
kext_bundle_new_archived(struct kext_context *context, const char *path,
			 const char *executable_path, struct kext_value *info,
			 void *executable, size_t executable_size,
			 struct kext_diagnostics *diagnostics,
			 struct kext_bundle **ret_bundle);
KEXT_API struct kext_bundle *kext_bundle_ref(struct kext_bundle *bundle);
/* Takes NULL. Returns NULL. */
KEXT_API struct kext_bundle *kext_bundle_unref(struct kext_bundle *bundle);

/* Absolute path (realpath at the time of opening), or the stored path of an archived one
 * ("" when there is none). */
KEXT_API const char *kext_bundle_path(const struct kext_bundle *bundle);
/* Path as given to kext_bundle_open, for messages. */
KEXT_API const char *kext_bundle_name(const struct kext_bundle *bundle);
KEXT_API const char *kext_bundle_identifier(const struct kext_bundle *bundle);
/* CFBundleVersion as written, or "" ; packed, or 0 when missing or unparseable. */
KEXT_API const char *kext_bundle_version_text(const struct kext_bundle *bundle);
KEXT_API int64_t kext_bundle_version(const struct kext_bundle *bundle);
/* Packed OSBundleCompatibleVersion; 0: not a library. */
KEXT_API int64_t kext_bundle_compatible_version(const struct kext_bundle *bundle);
/* The context it was opened with, whose era says which rules it is judged by; borrowed. */
KEXT_API struct kext_context *kext_bundle_context(const struct kext_bundle *bundle);
KEXT_API const struct kext_value *kext_bundle_info(const struct kext_bundle *bundle);
/* Property `key` for an architecture (KEY_ARCH overrides KEY for OS… and IO… keys); or NULL. */
KEXT_API const struct kext_value *kext_bundle_property(const struct kext_bundle *bundle,
						       const char *key,
						       const struct kext_arch *arch);
KEXT_API bool kext_bundle_is_kernel_component(const struct kext_bundle *bundle);
KEXT_API bool kext_bundle_is_interface(const struct kext_bundle *bundle);
/* Whether CFBundleExecutable names one. */
KEXT_API bool kext_bundle_has_executable(const struct kext_bundle *bundle);
/* Identifier of the kext whose executable it shares; NULL when there is none. */
KEXT_API const char *kext_bundle_shared_executable(const struct kext_bundle *bundle,
						   const struct kext_arch *arch);
/*
 * A legal OSBundleRequired of the kext, or the OSBundleRequiredPromotion that stands in for
 * it; NULL when it has neither, so that it stays out of a safe boot.
 */
KEXT_API const char *kext_bundle_required(const struct kext_bundle *bundle,
					  const struct kext_arch *arch);
/* Path of the executable relative to the bundle; NULL without one. */
KEXT_API const char *kext_bundle_executable_path(const struct kext_bundle *bundle);
/*
 * The executable's bytes, whole file (mapped at first use, owned by the bundle, at most
 * 1 GiB): KEXT_ERR_NOT_FOUND without one, system errors, with a diagnostic.
 */
KEXT_API KEXT_MUST_CHECK int kext_bundle_executable(struct kext_bundle *bundle,
						    struct kext_diagnostics *diagnostics,
						    const void **ret_data, size_t *ret_size);
/* The slice of it for an architecture; KEXT_ERR_ARCH_NOT_FOUND with a diagnostic. */
KEXT_API KEXT_MUST_CHECK int kext_bundle_slice(struct kext_bundle *bundle,
					       const struct kext_arch *arch,
					       struct kext_diagnostics *diagnostics,
					       const void **ret_data, size_t *ret_size);

/* Paths of the kexts in PlugIns (one level); the array and texts belong to the bundle. */
KEXT_API size_t kext_bundle_plugin_count(const struct kext_bundle *bundle);
KEXT_API const char *kext_bundle_plugin_path(const struct kext_bundle *bundle, size_t index);

/*
 * The rules for properties, personalities and executables that make a kext
 * unloadable, as diagnostics: 0, or KEXT_ERR_VALIDATION / KEXT_ERR_ARCH_NOT_FOUND.
 */
KEXT_API KEXT_MUST_CHECK int kext_bundle_validate(struct kext_bundle *bundle,
						  const struct kext_arch *arch,
						  struct kext_diagnostics *diagnostics);
/*
 * Ownership and modes of everything in the bundle, by descriptor, for an
 * instance owned by `owner`: root demands 0:0, a user his own or root's; never writable by
 * group or others. Also checks that what was read when opening is what now stands there.
 * 0, or KEXT_ERR_AUTHENTICATION with a diagnostic "auth.…" per file.
 */
KEXT_API KEXT_MUST_CHECK int kext_bundle_authenticate(struct kext_bundle *bundle, uid_t owner,
						      struct kext_diagnostics *diagnostics);

#endif
