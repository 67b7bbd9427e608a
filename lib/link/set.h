/*
 * A set of kexts while it is linked: set.c decides what is in it, schedule.c links it.
 */
#ifndef LINK_SET_H
#define LINK_SET_H

#include <pthread.h>
#include <kext/linkset.h>
#include <kext/providers.h>
#include "base/array.h"
#include "base/map.h"

struct set_item {
	struct kext_linked linked;
	struct kext_diagnostics *diagnostics; /* of its link */
	struct kext_image *image; /* to link against; a component's interface */
	uint8_t *data;		  /* linked.data */
	size_t *indirect;	  /* positions; `linked.direct` likewise */
	size_t indirect_count;
	size_t level;	/* above every dependency with code */
	bool has_users; /* something links against it */
};

struct kext_linkset {
	struct kext_linkset_options options;
	const char *kernel_name;
	ARRAY_OF(struct set_item) items;
	struct map by_identifier; /* position + 1 */
	struct {
		int error;
		size_t position;
	} * asked; /* per kext asked for */

	pthread_mutex_t advice_lock;
	struct kext_providers *providers; /* made when the first name is unresolved */
};

/* Whether an item goes through the linker. */
static inline bool set_item_is_kext(const struct set_item *item)
{
	return item->linked.bundle && !item->linked.is_kernel_component &&
	       kext_bundle_has_executable(item->linked.bundle);
}

/* schedule.c: links all items. 0 or -ENOMEM and the like; failures stay in their items.
 */
int set_link(struct kext_linkset *set) __attribute__((warn_unused_result));

#endif
