/*
 * The boot cache of a volume, as its usr/standalone/bootcaches.plist describes it: which
 * file, of what kind, from which folders and kernel; and whether it is still good.
 */
#ifndef COMMON_VOLUME_H
#define COMMON_VOLUME_H

#include "common/cachefile.h"

enum volume_result { VOLUME_UPDATED = 0x10000 }; /* beside exit statuses */

/*
 * Makes the cache anew if it is missing or not as old as its sources say, or if `force`.
 * `base` has what does not come from the volume. Returns EX_OK when there is nothing to
 * do, VOLUME_UPDATED, or an exit status.
 */
int volume_update(struct kext_context *context, const char *volume, bool force,
		  const struct cachefile *base);

#endif
