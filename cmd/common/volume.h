/*
 * Keeping the boot cache of a volume, as bootcaches.h knows it, as new as its sources.
 */
#ifndef COMMON_VOLUME_H
#define COMMON_VOLUME_H

#include "common/cachefile.h"

enum volume_result { VOLUME_UPDATED = 0x10000 }; /* beside exit statuses */

enum volume_update {
	VOLUME_IF_STALE,   /* missing, or not as old as its sources say */
	VOLUME_FORCE,	   /* in any case */
	VOLUME_INVALIDATE, /* and give its folders the time of now */
};

/*
 * Makes the cache anew, and the caches of folders if the system runs from the volume ("/"
 * is the context's root). `base` has what does not come from the volume. Returns EX_OK
 * when there is nothing to do, VOLUME_UPDATED, or an exit status.
 */
int volume_update(struct kext_context *context, const char *volume,
		  enum volume_update how, const struct cachefile *base);

#endif
