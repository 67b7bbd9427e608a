/*
 * Opening a bundle that stands in a folder which is open already; for scans.
 */
#ifndef BUNDLE_FOLDER_H
#define BUNDLE_FOLDER_H

#include <kext/bundle.h>

/*
 * kext_bundle_open for `entry` below `dirfd`; `name` is what messages call it.
 * `real_path` is its absolute path when the caller knows it (then `entry` is not a
 * symbolic link), else NULL.
 */
int bundle_open_at(struct kext_context *context, int dirfd, const char *entry,
		   const char *name, const char *real_path,
		   struct kext_diagnostics *diagnostics, struct kext_bundle **ret_bundle)
	__attribute__((warn_unused_result));

#endif
