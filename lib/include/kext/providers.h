/*
 * Who exports what: an index from symbols to the libraries of a repository, for choosing
 * OSBundleLibraries and for explaining what stays unresolved.
 */
#ifndef KEXT_PROVIDERS_H
#define KEXT_PROVIDERS_H

#include <kext/repository.h>

struct kext_providers;

struct kext_provider {
	struct kext_bundle *bundle;	/* a KPI plug-in or a library kext */
	const char *target;		/* the kernel's name for it when that is another; or NULL */
};

/*
 * Indexes, of every identifier, the newest library that has code for the architecture. What
 * cannot be read is left out. 0 or -ENOMEM. References the bundles.
 */
KEXT_API KEXT_MUST_CHECK int kext_providers_new(const struct kext_repository *repository,
						const struct kext_arch *arch,
						struct kext_providers **ret_providers);
/* Takes NULL. Returns NULL. */
KEXT_API struct kext_providers *kext_providers_free(struct kext_providers *providers);

/* Provider number `index` of a symbol, identifiers in byte order; NULL past the last. */
KEXT_API const struct kext_provider *
kext_providers_find(const struct kext_providers *providers, const char *symbol, size_t index);

/*
 * What to do about a symbol that `bundle` leaves unresolved: the library to add, the version
 * to ask for, or why none may be used. free(); NULL when no library is known to export it.
 */
KEXT_API char *kext_providers_advise(const struct kext_providers *providers,
				     const struct kext_bundle *bundle,
				     const struct kext_arch *arch, const char *symbol);

#endif
