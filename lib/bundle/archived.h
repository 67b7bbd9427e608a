/* Bundles of archives whose executables are made only when somebody asks for them. */
#ifndef BUNDLE_ARCHIVED_H
#define BUNDLE_ARCHIVED_H

#include <kext/bundle.h>

/* Where an executable comes from; the bundle owns it. */
struct bundle_origin {
	/* The bytes, to be freed with free(). */
	int (*make)(struct bundle_origin *origin, struct kext_diagnostics *diagnostics,
		    uint8_t **ret_data, size_t *ret_size);
	void (*free)(struct bundle_origin *origin);
};

/*
 * kext_bundle_new_archived with an executable that `origin` makes; taken over, also on
 * failure.
 */
int bundle_new_from_origin(struct kext_context *context, const char *path,
			   const char *executable_path, struct kext_value *info,
			   struct bundle_origin *origin,
			   struct kext_diagnostics *diagnostics,
			   struct kext_bundle **ret_bundle)
	__attribute__((warn_unused_result));
/* NULL unless the bundle was made by the function above. */
struct bundle_origin *bundle_origin(const struct kext_bundle *bundle);

#endif
