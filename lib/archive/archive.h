/*
 * The inside of an archive of kexts, for lib/archive alone: its entries, and the readers
 * of the formats that fill them.
 */
#ifndef ARCHIVE_ARCHIVE_H
#define ARCHIVE_ARCHIVE_H

#include <kext/archive.h>
#include "archive/extents.h"
#include "archive/collection.h"
#include "archive/image.h"
#include "archive/mkext.h"
#include "archive/store.h"
#include "base/array.h"
#include "base/map.h"

#define ARCHIVE_MAX_KEXTS 4096u
#define ARCHIVE_NO_PARENT SIZE_MAX

struct archive_resource {
	char *name; /* as stored: not yet known to be safe */
	struct packed_file file;
};

struct archive_entry {
	struct kext_bundle *bundle;
	char *folder_name;    /* "Foo.kext", unique in the archive whatever the case */
	char *folded_name;    /* the same in lower case */
	bool has_unsafe_path; /* its stored path leads upwards, or is too long */
	bool has_place;	      /* of a prelinked kernel or a collection, with code */
	struct prelink_place place;
	ARRAY_OF(struct archive_resource) resources;
	size_t parent; /* the kext it is a plug-in of; ARCHIVE_NO_PARENT */
};

/* A file of an mkext, and whose it is. */
struct archive_file {
	struct packed_file file;
	size_t entry;
};

struct kext_archive {
	struct kext_context *context;
	enum kext_archive_format format;
	const struct kext_arch *arch;	     /* NULL: not known */
	struct collection_identity identity; /* of a collection */
	char *subject;
	uint64_t expanded, max_bytes; /* declared so far, and at most */
	bool ignores_checksum;	      /* of streams, too */
	struct archive_store *store;  /* what its files are expanded from */
	ARRAY_OF(struct archive_entry) entries;
	ARRAY_OF(struct archive_file) files;
	struct map names;  /* their folded names */
	unsigned nameless; /* entries with nothing to call them by */
};

/* An open archive while it is read. */
struct archive_reader {
	struct kext_archive *archive;
	struct bytes bytes; /* of the slice, from the header on */
	struct mkext_header header;
	struct extents extents;
	struct kext_diagnostics *diagnostics;
};

int mkext1_read(struct archive_reader *reader) __attribute__((warn_unused_result));
int mkext2_read(struct archive_reader *reader) __attribute__((warn_unused_result));
/* Of the Mach-O file that reader->bytes are. */
int prelinked_read(struct archive_reader *reader,
		   const struct kext_archive_options *options)
	__attribute__((warn_unused_result));

/* Diagnoses damage at an offset of an archive: KEXT_ERR_BAD_DATA. */
int archive_damaged(struct archive_reader *reader, uint64_t offset, const char *format,
		    ...) __attribute__((format(printf, 3, 4)));
/*
 * A file of an mkext, `full` bytes that are stored as `compressed` ones (0: as they are):
 * within the archive, not larger than it can be, and counted. `what` is borrowed until
 * archive_check_extents.
 */
int archive_take_file(struct archive_reader *reader, uint64_t offset, uint32_t compressed,
		      uint32_t full, enum packed_codec codec, const char *what,
		      struct packed_file *ret) __attribute__((warn_unused_result));
/* That no two of them overlap. */
int archive_check_extents(struct archive_reader *reader)
	__attribute__((warn_unused_result));
/* Remembers it as one of the last entry's, for kext_archive_verify. */
int archive_keep_file(struct kext_archive *archive, const struct packed_file *file)
	__attribute__((warn_unused_result));

/*
 * Adds a kext. `path` may be NULL; `info` is referenced; `origin`, which makes the
 * executable, is taken over, also on failure, and NULL for a kext without code. `place`
 * is where that lies in a prelinked kernel or a collection, else NULL. A kext whose
 * property list is unfit is left out with its diagnostic.
 */
int archive_add(struct archive_reader *reader, const char *path,
		const char *executable_path, struct kext_value *info,
		struct bundle_origin *origin, const struct prelink_place *place)
	__attribute__((warn_unused_result));
/* The same with a file of an mkext. */
int archive_add_packed(struct archive_reader *reader, const char *path,
		       const char *executable_path, struct kext_value *info,
		       const struct packed_file *file)
	__attribute__((warn_unused_result));

/* kext_archive_open of bytes that are in a store, which is taken over, also on failure.
 */
int archive_open_store(struct kext_context *context, struct archive_store *store,
		       const struct kext_archive_options *options,
		       struct kext_diagnostics *diagnostics,
		       struct kext_archive **ret_archive)
	__attribute__((warn_unused_result));
static inline uint64_t archive_max_bytes(const struct kext_archive_options *options)
{
	return options && options->max_bytes ? options->max_bytes
					     : KEXT_ARCHIVE_MAX_BYTES;
}

/* Removes the folder of plug-ins that was made for a kext and got none (unpack.c). */
void archive_drop_plugins(const struct kext_archive *archive, size_t index, int dirfd);

/* Finds out which kexts are plug-ins of others, by their stored paths (names.c). */
int archive_find_parents(struct kext_archive *archive)
	__attribute__((warn_unused_result));
/* Names the folder an entry is unpacked to (names.c); `index` is its position. */
int archive_name_entry(struct kext_archive *archive, size_t index)
	__attribute__((warn_unused_result));
/* Whether a path is relative and made of plain names: no "..", ".", nothing empty. */
bool archive_is_safe_path(const char *path);

#endif
