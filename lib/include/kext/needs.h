/*
 * Which libraries a kext needs: its undefined symbols, each with those that export it, by
 * plain comparison of names.
 */
#ifndef KEXT_NEEDS_H
#define KEXT_NEEDS_H

#include <kext/providers.h>

struct kext_needs;

enum kext_needs_flags {
	KEXT_NEEDS_UNSUPPORTED = 1 << 0,	/* com.apple.kpi.unsupported may serve, too */
	KEXT_NEEDS_NON_KPI = 1 << 1,		/* com.apple.kernel.… instead of com.apple.kpi.… */
};

struct kext_need {
	const char *symbol;
	const struct kext_provider *const *providers;	/* identifiers in byte order */
	size_t provider_count;
};

/*
 * The needs of `bundle` on an architecture. com.apple.kpi.private and com.apple.kernel never
 * serve, nor does the kext itself. Errors of kext_bundle_slice, a damaged file, -ENOMEM. The
 * providers must outlive the result.
 */
KEXT_API KEXT_MUST_CHECK int kext_needs_new(struct kext_bundle *bundle,
					    const struct kext_arch *arch,
					    const struct kext_providers *providers,
					    unsigned flags,
					    struct kext_diagnostics *diagnostics,
					    struct kext_needs **ret_needs);
/* Takes NULL. Returns NULL. */
KEXT_API struct kext_needs *kext_needs_free(struct kext_needs *needs);
/* Undefined symbols in byte order, each once. */
KEXT_API size_t kext_needs_count(const struct kext_needs *needs);
KEXT_API const struct kext_need *kext_needs_at(const struct kext_needs *needs, size_t index);
/* Libraries that export any of them, identifiers in byte order; NULL past the last. */
KEXT_API struct kext_bundle *kext_needs_library(const struct kext_needs *needs, size_t index);

/*
 * The architectures a bundle's executable has code for, in its order, at most `room` of them.
 * Their number, or an error with a diagnostic.
 */
KEXT_API KEXT_MUST_CHECK int kext_bundle_architectures(struct kext_bundle *bundle,
						       struct kext_diagnostics *diagnostics,
						       const struct kext_arch **ret_archs,
						       size_t room);

#endif
