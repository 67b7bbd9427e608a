/*
 * A load under way, shared by its parts: load.c drives it, candidate.c finds and judges
 * the bundle, place.c links one kext and puts it into the kernel.
 */
#ifndef DAEMON_LOAD_H
#define DAEMON_LOAD_H

#include <kext/resolve.h>
#include "daemon/daemon.h"

struct load {
	struct daemon *daemon;
	struct request *request;
	struct kernel *kernel;
	struct kext_diagnostics *diagnostics;
	struct patience patience;
	const char *path, *identifier; /* what was asked for */
	bool no_system, allow_missing, delays_autounload;
	struct kext_repository *repository;	/* borrowed from the catalog, or … */
	struct kext_repository *own_repository; /* … with the request's own folders */
	struct kext_bundle *bundle;		/* the target; a reference */
	bool is_retried;			/* with a repository read anew */
	struct frame list; /* the kernel's answer; `loaded` borrows from it */
	ARRAY_OF(struct kext_loaded) loaded;
	uint32_t start_result;
};

/* ---- candidate.c; all under load_lock ---- */
/* Chooses load->repository and, the first time, load->bundle; validates and
 * authenticates. */
int candidate_find(struct load *load) __attribute__((warn_unused_result));
/* Whether one who is not the owner may load this list (OSBundleAllowUserLoad in each). */
int candidate_allow(struct load *load, const struct kext_load_list *list)
	__attribute__((warn_unused_result));
/* Validates and authenticates a bundle that is about to be linked. */
int candidate_check(struct load *load, struct kext_bundle *bundle)
	__attribute__((warn_unused_result));
/* 1 when the loaded kext of the target's identifier is the target, 0 when none is loaded.
 */
int candidate_is_loaded(struct load *load, uint32_t *ret_tag)
	__attribute__((warn_unused_result));

/* ---- place.c ---- */
/* Reserves, links and maps item number `index` of the list: it can be started then. */
int place_item(struct load *load, const struct kext_load_list *list, size_t index,
	       uint32_t *ret_tag) __attribute__((warn_unused_result));

#endif
