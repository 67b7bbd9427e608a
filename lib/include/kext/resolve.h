/*
 * Dependencies: which bundles a kext needs, given what is already loaded, in the order in
 * which they must be loaded, and why not.
 */
#ifndef KEXT_RESOLVE_H
#define KEXT_RESOLVE_H

#include <sys/types.h>
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
/*
 * One load list for many kexts, each member once, dependencies first. All go into one kernel,
 * which holds one version of an identifier: the first that is chosen is everybody's. results[i]
 * is 0 or KEXT_ERR_DEPENDENCIES for bundles[i]; those that fail are left out of the list, with
 * diagnostics. Libraries come from the repository. 0 or -ENOMEM.
 */
KEXT_API KEXT_MUST_CHECK int
kext_resolve_all(const struct kext_repository *repository,
		 struct kext_bundle *const *bundles, size_t count,
		 const struct kext_loaded *loaded, size_t loaded_count,
		 const struct kext_arch *arch, struct kext_diagnostics *diagnostics,
		 int *results, struct kext_load_list **ret_list);

/* What else decides whether a load list may be loaded. */
struct kext_load_checks {
	const struct kext_arch *arch;
	bool authenticates;	/* ownership and modes, for an instance of `owner` */
	uid_t owner;
	bool is_safe_boot;	/* only kexts with a legal OSBundleRequired */
};
/*
 * Checks the members before the last, which its caller has judged, apart from the boot level,
 * which is checked of all. KEXT_ERR_DEPENDENCIES with "dependency.invalid",
 * KEXT_ERR_AUTHENTICATION with "dependency.inauthentic", KEXT_ERR_BOOT_LEVEL with "boot.level"
 * or "boot.dependency", or -ENOMEM; the reasons are among the diagnostics. Kernel components
 * and what is loaded already are not checked.
 */
KEXT_API KEXT_MUST_CHECK int kext_load_list_check(const struct kext_load_list *list,
						  const struct kext_load_checks *checks,
						  struct kext_diagnostics *diagnostics);
KEXT_API size_t kext_load_list_count(const struct kext_load_list *list);
KEXT_API const struct kext_load_item *kext_load_list_at(const struct kext_load_list *list,
							size_t index);
/* Takes NULL. Returns NULL. */
KEXT_API struct kext_load_list *kext_load_list_free(struct kext_load_list *list);

#endif
