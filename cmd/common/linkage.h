/* The link test of all kexts at once, and what is said of the images that came out. */
#ifndef COMMON_LINKAGE_H
#define COMMON_LINKAGE_H

#include "common/world.h"

/* The number of threads that -j asks for, 0 for all; leaves with a usage error. */
unsigned linkage_jobs(const struct offline *options);
/*
 * Links the candidates that can be, and sets the error of those that fail.
 * 0 or an error that ends it all.
 */
int linkage_make(struct world *world, struct kext_diagnostics *diagnostics,
		 struct kext_linkset **ret_set);
/* Lists what was linked, and writes symbol files. 0 or the first error. */
int linkage_report(struct world *world, const struct kext_linkset *set,
		   struct kext_diagnostics *diagnostics);

#endif
