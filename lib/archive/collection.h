/*
 * Kernel collections: Mach-O files of type MH_FILESET whose load commands name the images
 * in them.
 */
#ifndef ARCHIVE_COLLECTION_H
#define ARCHIVE_COLLECTION_H

#include <kext/archive.h>
#include <kext/value.h>
#include "archive/image.h"
#include "base/map.h"

/* What others that lead into a collection must know of it. Pointers have the number of
 * the collection, enum kext_collection. */
struct collection_identity {
	bool is_collection; /* else a prelinked kernel or an mkext */
	enum kext_collection collection;
	uint32_t cputype;
	uint64_t base; /* its lowest address */
	bool has_id;
	uint8_t id[16];
};

/*
 * Fills `ret` (zeroed) with the address of each member (a uint64_t of the caller's to
 * free with collection_free_members) by its identifier, within the image.
 * KEXT_ERR_BAD_DATA with a diagnostic, or -ENOMEM.
 */
int collection_members(const struct prelink_image *image,
		       struct kext_diagnostics *diagnostics, struct map *ret)
	__attribute__((warn_unused_result));
void collection_free_members(struct map *members);

/* Who a file is, from its members and its dictionary. */
struct collection_identity collection_identify(const struct prelink_image *image,
					       const struct map *members,
					       const struct kext_value *root);

/*
 * Makes all pointers of a file plain, a collection's with its members or a kernel's with
 * its kexts, whose images are `parts`; those that lead
 * into a collection which is not given (or not the one it was made for:
 * KEXT_ERR_BAD_DATA) stay in the image's list, with a warning. Fails as fixups_apply
 * does.
 */
struct collection_others {
	const struct collection_identity *boot, *system; /* or NULL */
};
struct collection_parts {
	struct fixups_image *items;
	size_t count, capacity;
};
int collection_make_plain(struct prelink_image *image,
			  const struct collection_parts *parts,
			  const struct collection_identity *self,
			  const struct kext_value *root,
			  const struct collection_others *others,
			  struct kext_diagnostics *diagnostics)
	__attribute__((warn_unused_result));

#endif
