/*
 * The inside of an archive of kexts, for lib/archive alone: its entries, and the readers
 * of the formats that fill them.
 */
#ifndef ARCHIVE_ARCHIVE_H
#define ARCHIVE_ARCHIVE_H

#include <kext/archive.h>
#include "archive/image.h"
#include "archive/mkext.h"
#include "base/array.h"
#include "base/map.h"

#define ARCHIVE_MAX_KEXTS 4096u
#define ARCHIVE_NO_PARENT SIZE_MAX

struct archive_resource {
	char *name; /* as stored: not yet known to be safe */
	uint8_t *data;
	size_t size;
};

struct archive_entry {
	struct kext_bundle *bundle;
	char *folder_name;    /* "Foo.kext", unique in the archive whatever the case */
	char *folded_name;    /* the same in lower case */
	bool has_unsafe_path; /* its stored path leads upwards */
	bool has_place;	      /* of a prelinked kernel or a collection, with code */
	struct prelink_place place;
	ARRAY_OF(struct archive_resource) resources;
	size_t parent; /* the kext it is a plug-in of; ARCHIVE_NO_PARENT */
};

struct kext_archive {
	struct kext_context *context;
	enum kext_archive_format format;
	const struct kext_arch *arch; /* NULL: not known */
	char *subject;
	uint64_t expanded, max_bytes; /* made so far, and at most */
	ARRAY_OF(struct archive_entry) entries;
	struct map names; /* their folded names */
};

/* A stream that is expanded when all of them are known, by all cores. */
struct archive_stream {
	struct bytes stored;
	uint8_t *data; /* room for `full` bytes, owned by the entry */
	size_t full;
	uint64_t offset;
	const char *what; /* borrowed from the property list */
};

/* An open archive while it is read. */
struct archive_reader {
	struct kext_archive *archive;
	struct bytes bytes; /* of the slice, from the header on */
	struct mkext_header header;
	struct kext_diagnostics *diagnostics;
	ARRAY_OF(struct archive_stream) streams;
};

int mkext1_read(struct archive_reader *reader) __attribute__((warn_unused_result));
int mkext2_read(struct archive_reader *reader) __attribute__((warn_unused_result));
/* Of a Mach-O file in memory, which is taken over, also on failure. */
int prelinked_read(struct archive_reader *reader, uint8_t *data, size_t size)
	__attribute__((warn_unused_result));

/* Diagnoses damage in an archive: KEXT_ERR_BAD_DATA. */
int archive_damaged(struct archive_reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/*
 * Memory for `size` expanded bytes that come from `stored` ones of a codec that makes at
 * most `most` bytes of them. NULL with *reterr_error after a diagnostic, or -ENOMEM.
 */
uint8_t *archive_room(struct archive_reader *reader, uint64_t size, uint64_t most,
		      int *reterr_error);
/*
 * Adds a kext. `path` may be NULL; `info` is referenced, `executable` (NULL: codeless)
 * taken over, also on failure. One whose property list is unfit is left out with its
 * diagnostic.
 */
int archive_add(struct archive_reader *reader, const char *path,
		const char *executable_path, struct kext_value *info, uint8_t *executable,
		size_t executable_size) __attribute__((warn_unused_result));

/*
 * The same with an executable that `origin` makes, taken over also on failure; both it
 * and `place` are NULL for a kext without code.
 */
struct bundle_origin;
int archive_add_from_origin(struct archive_reader *reader, const char *path,
			    const char *executable_path, struct kext_value *info,
			    struct bundle_origin *origin,
			    const struct prelink_place *place)
	__attribute__((warn_unused_result));

/* Finds out which kexts are plug-ins of others, by their stored paths (names.c). */
int archive_find_parents(struct kext_archive *archive)
	__attribute__((warn_unused_result));
/* Names the folder an entry is unpacked to (names.c); `index` is its position. */
int archive_name_entry(struct kext_archive *archive, size_t index)
	__attribute__((warn_unused_result));
/* Whether a path is relative and made of plain names: no "..", ".", nothing empty. */
bool archive_is_safe_path(const char *path);

#endif
