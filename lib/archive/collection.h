/*
 * Kernel collections: Mach-O files of type MH_FILESET whose load commands name the images
 * in them.
 */
#ifndef ARCHIVE_COLLECTION_H
#define ARCHIVE_COLLECTION_H

#include <kext/value.h>
#include "archive/fixups.h"
#include "archive/image.h"
#include "base/map.h"

/* Which one, by the number pointers give their targets. */
enum collection_level { COLLECTION_BOOT, COLLECTION_SYSTEM, COLLECTION_AUXILIARY };

/*
 * Fills `ret` (zeroed) with the address of each member (a uint64_t of the caller's to
 * free with collection_free_members) by its identifier, within the image.
 * KEXT_ERR_BAD_DATA with a diagnostic, or -ENOMEM.
 */
int collection_members(const struct prelink_image *image,
		       struct kext_diagnostics *diagnostics, struct map *ret)
	__attribute__((warn_unused_result));
void collection_free_members(struct map *members);

/* The level of a collection, from its members and what its dictionary asks for. */
enum collection_level collection_level(const struct map *members,
				       const struct kext_value *root);

/*
 * Makes all pointers of an image plain, a collection's (of this level) or a kernel's,
 * with a warning about those that lead into collections that lie elsewhere.
 */
int collection_make_plain(struct prelink_image *image, enum collection_level level,
			  struct kext_diagnostics *diagnostics)
	__attribute__((warn_unused_result));

#endif
