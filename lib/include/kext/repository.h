/*
 * The kexts one may choose from: folders scanned and bundles added, indexed by identifier.
 */
#ifndef KEXT_REPOSITORY_H
#define KEXT_REPOSITORY_H

#include <kext/bundle.h>

struct kext_repository;

KEXT_API KEXT_MUST_CHECK int kext_repository_new(struct kext_context *context,
						 struct kext_repository **ret_repository);
/* Takes NULL. Returns NULL. Bundles that others reference stay. */
KEXT_API struct kext_repository *kext_repository_free(struct kext_repository *repository);

/* Adds a bundle and its plug-ins; an equal path replaces. References it. 0 or -ENOMEM. */
KEXT_API KEXT_MUST_CHECK int kext_repository_add(struct kext_repository *repository,
						 struct kext_bundle *bundle);
/* Adds the very bundles that another repository holds; they win ties. 0 or -ENOMEM. */
KEXT_API KEXT_MUST_CHECK int kext_repository_add_all(struct kext_repository *repository,
						     const struct kext_repository *other);
/*
 * Adds every *.kext directly in a folder, with their plug-ins. Broken neighbours are
 * diagnostics, not failures. -errno when the folder cannot be read.
 */
KEXT_API KEXT_MUST_CHECK int kext_repository_add_folder(struct kext_repository *repository,
							const char *path,
							struct kext_diagnostics *diagnostics);
/* Adds /System/Library/Extensions and /Library/Extensions below the context's root. */
KEXT_API KEXT_MUST_CHECK int kext_repository_add_system(struct kext_repository *repository,
							struct kext_diagnostics *diagnostics);
/*
 * Adds our own share/kext, unless kernel components are there already: KPI plug-ins belong
 * to one kernel, so a System.kext that was added before keeps ours out.
 */
KEXT_API KEXT_MUST_CHECK int kext_repository_add_own(struct kext_repository *repository,
						     struct kext_diagnostics *diagnostics);
/* Both, the former unless `no_system`. */
KEXT_API KEXT_MUST_CHECK int kext_repository_add_default(struct kext_repository *repository,
							 bool no_system,
							 struct kext_diagnostics *diagnostics);
KEXT_API size_t kext_repository_count(const struct kext_repository *repository);
/* By position: identifiers in byte order, versions descending, latest added first. */
KEXT_API struct kext_bundle *kext_repository_at(const struct kext_repository *repository,
						size_t index);
/* Highest version of an identifier, borrowed; NULL. */
KEXT_API struct kext_bundle *kext_repository_find(const struct kext_repository *repository,
						  const char *identifier);
/* Version number `index` (0 = highest) of an identifier, borrowed; NULL past the last. */
KEXT_API struct kext_bundle *kext_repository_version(const struct kext_repository *repository,
						     const char *identifier, size_t index);

/*
 * Writes the identifier cache of a folder, below the context's root in
 * System/Library/Caches/com.apple.kext.caches/Directories/, with which the calls above know
 * a folder's kexts without reading each. It is believed only while owner, mode and time are
 * right and every kext is the file it was. Not written, with a diagnostic "cache.…", when the
 * folder holds broken kexts or symbolic links or changes meanwhile: KEXT_ERR_CACHE. On a
 * file system that is read-only: 0, with a note.
 */
KEXT_API KEXT_MUST_CHECK int
kext_repository_write_cache(struct kext_context *context, const char *folder,
			    struct kext_diagnostics *diagnostics);
/*
 * Writes the repository cache of a folder, FOLDER.kextcache beside it, as 10.4 does; calls
 * above know kexts by it if there is no identifier cache. It must be newer than the folder's
 * change of status; all else as above.
 */
KEXT_API KEXT_MUST_CHECK int
kext_repository_write_beside(struct kext_context *context, const char *folder,
			     struct kext_diagnostics *diagnostics);
/*
 * Writes all personalities of these folders' kexts for an architecture, compressed, to
 * …/com.apple.kext.caches/Startup/IOKitPersonalities_ARCH.ioplist.gz; as above.
 */
KEXT_API KEXT_MUST_CHECK int
kext_repository_write_personalities(struct kext_context *context,
				    const char *const *folders, size_t count,
				    const struct kext_arch *arch,
				    struct kext_diagnostics *diagnostics);
/*
 * Writes what kexts of these folders have as property `key`, an array of dictionaries with Data,
 * CFBundleIdentifier, OSBundlePath and CFBundleVersion, to
 * …/com.apple.kext.caches/Startup/KextPropertyValues_KEY_ARCH.plist.gz; as above.
 */
KEXT_API KEXT_MUST_CHECK int
kext_repository_write_property(struct kext_context *context, const char *const *folders,
			       size_t count, const struct kext_arch *arch,
			       const char *key, struct kext_diagnostics *diagnostics);

/*
 * What only the repository knows about a bundle's property list: warnings about personalities
 * that name a kext which is not here, has no executable or is not valid (other than the
 * bundle itself), and whether the kext whose executable it shares is here.
 * KEXT_ERR_VALIDATION with "executable.shared-missing" if not, or -ENOMEM.
 */
KEXT_API KEXT_MUST_CHECK int kext_repository_check(const struct kext_repository *repository,
						   struct kext_bundle *bundle,
						   const struct kext_arch *arch,
						   struct kext_diagnostics *diagnostics);

#endif
