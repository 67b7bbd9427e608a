/*
 * The bytes of an archive, in memory and owned in common by everything that is still to
 * be read from them, and files as an mkext holds them: expanded when somebody asks.
 */
#ifndef ARCHIVE_STORE_H
#define ARCHIVE_STORE_H

#include <stdatomic.h>
#include <kext/diagnostic.h>
#include "base/bytes.h"
#include "bundle/archived.h"

struct archive_store {
	atomic_uint references;
	uint8_t *data;
	size_t size;
	char *subject; /* what messages call the archive */
};

/* `data` is taken over, also on failure: -ENOMEM. */
int archive_store_new(uint8_t *data, size_t size, const char *subject,
		      struct archive_store **ret) __attribute__((warn_unused_result));
struct archive_store *archive_store_ref(struct archive_store *store);
/* Takes NULL. Returns NULL. */
struct archive_store *archive_store_unref(struct archive_store *store);

enum packed_codec { PACKED_STORED, PACKED_ZLIB, PACKED_LZSS };

struct packed_file {
	enum packed_codec codec;
	struct bytes stored;
	uint64_t offset; /* of `stored` in the archive, for messages */
	size_t size;	 /* when expanded */
	bool ignores_checksum;
};

/* The largest size that may be declared for what is stored. */
uint64_t packed_most(enum packed_codec codec, uint64_t stored);
/*
 * The expanded bytes, *ret to be freed; `what` is theirs in messages. KEXT_ERR_BAD_DATA
 * with a diagnostic when they do not come to file->size or their checksum is wrong (a
 * warning, when that is to be ignored); -ENOMEM.
 */
int packed_expand(const struct packed_file *file, const char *subject, const char *what,
		  struct kext_diagnostics *diagnostics, uint8_t **ret)
	__attribute__((warn_unused_result));
/* An executable that is a file of the store, which it references. NULL without memory. */
struct bundle_origin *packed_origin_new(struct archive_store *store,
					const struct packed_file *file, const char *what);

#endif
