/*
 * The choices that a prelinked kernel's maker leaves to the volume it is made for: which
 * kernel, how it is compressed, and for the system's own, which folders and which file.
 */
#ifndef COMMON_PRELINKING_H
#define COMMON_PRELINKING_H

#include "common/cachefile.h"

struct prelinking {
	const char *volume;			  /* whose bootcaches.plist is asked */
	bool chooses_compression;		  /* none was named */
	const struct option_list *system_folders; /* of the system's own; NULL: another */
};

/*
 * Completes `file`, whose kernel may be NULL and, of the system's own, the path, and
 * makes it. An exit status.
 */
int prelinking_make(struct kext_context *context, const struct prelinking *how,
		    struct cachefile *file);

#endif
