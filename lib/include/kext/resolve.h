/*
 * Dependencies: which bundles a kext needs, given what is already loaded, in the order in
 * which they must be loaded, and why not.
 */
#ifndef KEXT_RESOLVE_H
#define KEXT_RESOLVE_H

#include <kext/repository.h>

/* A kext that is loaded already: it wins over what lies on disk. Text is borrowed. */
struct kext_loaded {
	const char *identifier;
	int64_t version, compatible_version;	/* 0: no library */
	uint32_t tag;
};

struct kext_load_list;

struct kext_load_item {
	struct kext_bundle *bundle;		/* borrowed; NULL: known only as loaded */
	const struct kext_loaded *loaded;	/* NULL: not loaded */
	bool is_kernel_component;
	const size_t *direct;			/* positions of its direct dependencies … */
	size_t direct_count;			/* … in the list, in Info.plist's order */
	const size_t *indirect;			/* the rest of the closure */
	size_t indirect_count;
};

/*
 * The load list of `bundle`: post-order, dependencies first, kernel components and loaded
 * ones included, `bundle` last. KEXT_ERR_DEPENDENCIES with diagnostics "dependency.missing",
 * ".version", ".undeclared", ".loaded", ".cycle", ".indirect", ".private", … that name both sides.
 * `loaded` and the repository must outlive the list.
 */
KEXT_API KEXT_MUST_CHECK int kext_resolve(const struct kext_repository *repository,
					  struct kext_bundle *bundle,
					  const struct kext_loaded *loaded,
					  size_t loaded_count, const struct kext_arch *arch,
					  struct kext_diagnostics *diagnostics,
					  struct kext_load_list **ret_list);
KEXT_API size_t kext_load_list_count(const struct kext_load_list *list);
KEXT_API const struct kext_load_item *kext_load_list_at(const struct kext_load_list *list,
							size_t index);
/* Takes NULL. Returns NULL. */
KEXT_API struct kext_load_list *kext_load_list_free(struct kext_load_list *list);

#endif
