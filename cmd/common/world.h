/*
 * What kextutil works with without loading anything: the kexts that were named, the
 * repository they are in, the kernel to link against, and known load addresses.
 */
#ifndef COMMON_WORLD_H
#define COMMON_WORLD_H

#include <kext/linkset.h>
#include "common/offline.h"

/* One of the kexts that were named. */
struct candidate {
	const char *name;
	bool is_identifier;
	struct kext_bundle *bundle;
	struct kext_diagnostics *findings; /* of opening it, and of its tests */
	int error;			   /* the first */
	bool links;	/* whatever the error: a link test makes sense */
	unsigned round; /* of linking: kexts of one identifier are linked apart */
};

struct world {
	const struct offline *options;
	const struct kext_arch *arch;
	enum kext_era era;
	struct kext_context *context;
	struct kext_kernel_file *kernel; /* NULL: nothing is linked */
	struct kext_repository *repository;
	struct candidate *candidates;
	size_t candidate_count;
	struct addresses addresses;
	bool asks;	       /* for addresses that it was not given */
	uint64_t next_address; /* of kexts whose address is not known */
};

/* -arch, or the host's; NULL when there is none of that name. */
const struct kext_arch *world_arch(const struct offline *options);
/* Opens all that the options name. 0, or an error with a diagnostic or a message. */
int world_open(struct world *world, const struct offline *options,
	       struct kext_diagnostics *diagnostics);
/* The kext that a candidate names: what opening it said, or KEXT_ERR_NOT_FOUND. */
int world_find(const struct world *world, struct candidate *candidate);
void world_close(struct world *world);

#endif
