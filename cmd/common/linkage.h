/* The link test of all kexts at once, and what is said of the images that came out. */
#ifndef COMMON_LINKAGE_H
#define COMMON_LINKAGE_H

#include "common/world.h"

/* The number of threads that -j asks for, 0 for all; leaves with a usage error. */
unsigned linkage_jobs(const struct offline *options);
/*
 * Links the candidates that can be, lists what was linked, writes symbol files, and sets
 * the error of candidates that fail. 0 or an error that ends it all; *ret_written is the
 * first error of symbol files, or 0.
 */
int linkage_run(struct world *world, struct kext_diagnostics *diagnostics,
		int *ret_written);

#endif
