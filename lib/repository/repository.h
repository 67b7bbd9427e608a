/*
 * Inside of a repository, shared by the files of this folder.
 */
#ifndef REPOSITORY_REPOSITORY_H
#define REPOSITORY_REPOSITORY_H

#include <pthread.h>
#include <kext/repository.h>
#include "base/array.h"
#include "base/map.h"

/* A kext known from its folder's cache, which is read when it is asked for. */
struct cached_kext {
	char *path, *name; /* absolute; as messages call it */
	char *identifier;
	int64_t version;
	bool is_kernel_component;
};
/* Takes NULL. Returns NULL. */
struct cached_kext *cached_kext_free(struct cached_kext *cached);

struct repository_entry {
	struct kext_bundle *bundle; /* referenced; NULL: cached, not read yet */
	struct cached_kext *cached; /* owned; NULL: never was in a cache */
	uintptr_t added;	    /* serial number: later wins among equals */
	bool is_replaced;	    /* by a later one of its path; about to go */
};

struct kext_repository {
	struct kext_context *context;
	ARRAY_OF(struct repository_entry) entries; /* in the order of the public header */
	struct map by_path;			   /* path → serial of the entry */
	uintptr_t last_serial;
	bool has_unread; /* entries without a bundle */
	/* For reading them, which callers do not see: getters are const. */
	pthread_mutex_t lock;
	ARRAY_OF(struct cached_kext *) dropped; /* the map may still name their paths */
};

/* Bundles on their way into a repository; each is owned by the list. */
struct bundle_list {
	struct kext_bundle **items;
	size_t count, capacity;
};

/* Puts all of them in with one sort, in their order; references them. 0 or -ENOMEM. */
int repository_add_list(struct kext_repository *repository,
			const struct bundle_list *list)
	__attribute__((warn_unused_result));
/* The same for cached ones, which are taken over unless it fails. */
int repository_add_cached(struct kext_repository *repository,
			  struct cached_kext *const *list, size_t count)
	__attribute__((warn_unused_result));
/* kext_repository_add_folder that looks at every kext, whatever a cache says. */
int repository_scan(struct kext_repository *repository, const char *path,
		    struct kext_diagnostics *diagnostics)
	__attribute__((warn_unused_result));
/* Adds the plug-ins of `bundle` to the list; broken ones are diagnostics. 0 or -ENOMEM.
 */
int repository_open_plugins(struct kext_repository *repository,
			    struct kext_bundle *bundle, struct bundle_list *list,
			    struct kext_diagnostics *diagnostics)
	__attribute__((warn_unused_result));
/* Takes over the reference, also on failure. */
int bundle_list_push(struct bundle_list *list, struct kext_bundle *bundle)
	__attribute__((warn_unused_result));
void bundle_list_free(struct bundle_list *list);

#endif
