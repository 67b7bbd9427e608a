/*
 * Reads any bytes as a folder's cache of either kind. Plain text is packed first, so that
 * mutations reach what is behind the checksum; bytes that are packed already are read as
 * they are.
 */
#include <stdlib.h>
#include <string.h>
#include "repository/cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a reader relies on: texts that are there, paths that stay below the folder. */
static void check_rows(const struct cache_rows *rows)
{
	if (!rows->folder || !rows->stamp)
		abort();
	array_for_each (row, &rows->items) {
		if (!row->path || !row->identifier || !row->stamp || *row->path == '/' ||
		    strncmp(row->path, "../", 3) == 0 || strstr(row->path, "/../"))
			abort();
	}
}

static void read_kind(enum cache_kind kind, struct bytes stored)
{
	struct cache_rows rows;
	if (cache_rows_parse(kind, stored, &rows) == 0)
		check_rows(&rows);
	else if (rows.value || rows.items.count)
		abort();
	cache_rows_free(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buffer_ struct buffer packed = {0};
	struct bytes stored = bytes_of(data, size);
	if (size && *data != 0x1f) {
		if (cache_pack((const char *)data, size, &packed) < 0)
			return 0;
		stored = bytes_of(packed.data, packed.size);
	}
	read_kind(CACHE_OF_IDENTIFIERS, stored);
	read_kind(CACHE_OF_REPOSITORY, stored);
	return 0;
}
