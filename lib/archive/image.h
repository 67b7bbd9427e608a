/*
 * A prelinked kernel or kernel collection in memory, shared by the kexts read from it,
 * and the part of it that is one of them.
 */
#ifndef ARCHIVE_IMAGE_H
#define ARCHIVE_IMAGE_H

#include <stdatomic.h>
#include "archive/store.h"
#include "archive/fixups.h"

struct prelink_image {
	atomic_uint references;
	atomic_uint_least64_t made;  /* bytes of executables made from it so far */
	struct archive_store *store; /* which has `data` */
	uint8_t *data;		     /* chained fixups already plain */
	size_t size;
	struct macho macho; /* of `data`; its symbols are not to be read */
	char *subject;
	/* Pointers that could not be made plain, by address. */
	ARRAY_OF(struct fixups_elsewhere) elsewhere;
};

/*
 * Parses `bytes`, a part of the store, which it references and in which it makes fixups
 * plain. KEXT_ERR_BAD_DATA with a diagnostic, or -ENOMEM.
 */
int prelink_image_new(struct archive_store *store, struct bytes bytes,
		      struct kext_diagnostics *diagnostics, struct prelink_image **ret)
	__attribute__((warn_unused_result));
struct prelink_image *prelink_image_ref(struct prelink_image *image);
/* Takes NULL. Returns NULL. */
struct prelink_image *prelink_image_unref(struct prelink_image *image);

/*
 * Where a kext lies in an image: its Mach-O header at `source`. If it was linked for
 * another place, [load, load + size) stands for [source, source + size).
 */
struct prelink_place {
	uint64_t load, source, size, kmod_info;
	uint64_t state, state_size; /* address and size of its link state; 0: none */
};

/* The bytes at an address of the kext's own; false when they are not in the file. */
bool prelink_bytes_at(const struct prelink_image *image,
		      const struct prelink_place *place, uint64_t address, uint64_t size,
		      struct bytes *ret);

#endif
