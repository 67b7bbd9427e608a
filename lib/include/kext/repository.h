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

#endif
