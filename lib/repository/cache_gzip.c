/* The gzip streams that caches are. */
#include <errno.h>
#include <zlib.h>
#include "repository/cache.h"

#define EXPANDED_LIMIT (UINT64_C(64) << 20)
#define GZIP_WINDOW    31 /* zlib's number for a gzip stream */

int cache_pack(const char *text, size_t size, struct buffer *out)
{
	z_stream z = {.next_in = (Bytef *)text, .avail_in = (uInt)size};
	if (deflateInit2(&z, 6, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	size_t room = deflateBound(&z, size);
	z.next_out = buffer_extend(out, room);
	z.avail_out = (uInt)room;
	int result = z.next_out ? deflate(&z, Z_FINISH) : Z_MEM_ERROR;
	out->size = z.total_out;
	deflateEnd(&z);
	return result == Z_STREAM_END ? 0 : -ENOMEM;
}

char *cache_expand(struct bytes stored, size_t *ret_size)
{
	z_stream z = {.next_in = (Bytef *)stored.data, .avail_in = (uInt)stored.size};
	struct buffer out = {0};
	int result = inflateInit2(&z, GZIP_WINDOW) == Z_OK ? Z_OK : Z_MEM_ERROR;
	if (result != Z_OK)
		return NULL;
	while (result == Z_OK && out.size <= EXPANDED_LIMIT) {
		size_t at = out.size;
		uint8_t *room = buffer_extend(&out, 1 << 16);
		if (!room)
			break;
		z.next_out = room;
		z.avail_out = 1 << 16;
		result = inflate(&z, Z_NO_FLUSH);
		out.size = at + ((1 << 16) - z.avail_out);
		if (result == Z_OK && z.avail_out)
			break; /* the input ends too early */
	}
	inflateEnd(&z);
	if (result != Z_STREAM_END || z.avail_in || out.size > EXPANDED_LIMIT) {
		buffer_free(&out);
		return NULL;
	}
	return (char *)buffer_steal(&out, ret_size);
}
