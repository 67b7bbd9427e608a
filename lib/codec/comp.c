/* Compressed kernels; see comp.h. The header is big-endian whatever the kernel is. */
#include <errno.h>
#include <kext/error.h>
#include "base/buffer.h"
#include "base/memory.h"
#include "codec/comp.h"
#include "codec/deflate.h"
#include "codec/lzss.h"
#include "codec/lzvn.h"

#define MAGIC	  0x636f6d70u /* 'comp' */
#define TYPE_LZSS 0x6c7a7373u
#define TYPE_LZVN 0x6c7a766eu

bool comp_is(struct bytes input)
{
	return input.size >= 4 && load32(input.data, true) == MAGIC;
}

static void read_text(struct cursor *c, size_t size, char *ret)
{
	const uint8_t *text = cursor_take(c, size);
	memcpy(ret, text ? text : (const uint8_t *)"", text ? size : 1);
	ret[text ? size : 0] = '\0';
}

static int check_sizes(const struct comp_header *h, size_t packed,
		       struct codec_refusal *reterr)
{
	uint64_t most = h->kind == COMP_LZSS ? lzss_most(packed) : lzvn_most(packed);
	if (h->plain_size <= most)
		return 0;
	return codec_refuse(reterr, CODEC_BOMB, 12,
			    "%u bytes declared, expected at most %llu of %zu compressed",
			    h->plain_size, (unsigned long long)most, packed);
}

int comp_read(struct bytes input, struct comp_header *ret, struct codec_refusal *reterr)
{
	struct comp_header h = {0};
	struct cursor c = cursor_at(input, 0, true);
	uint32_t magic = cursor_u32(&c), type = cursor_u32(&c);
	h.checksum = cursor_u32(&c);
	h.plain_size = cursor_u32(&c);
	h.packed_size = cursor_u32(&c);
	h.prelink_version = cursor_u32(&c);
	cursor_take(&c, 40);
	read_text(&c, 64, h.platform);
	read_text(&c, 256, h.root_path);
	if (c.failed)
		return codec_refuse(reterr, CODEC_TRUNCATED, input.size,
				    "%zu bytes, expected a header of %u", input.size,
				    COMP_HEADER_SIZE);
	if (magic != MAGIC)
		return codec_refuse(reterr, CODEC_HEADER, 0,
				    "magic 0x%08x, expected 'comp'", magic);
	h.kind = type == TYPE_LZSS ? COMP_LZSS : COMP_LZVN;
	if (type != TYPE_LZSS && type != TYPE_LZVN) {
		codec_refuse(reterr, CODEC_HEADER, 4,
			     "compression type 0x%08x, expected 'lzss' or 'lzvn'", type);
		return KEXT_ERR_UNSUPPORTED;
	}
	int error = check_sizes(&h, input.size - COMP_HEADER_SIZE, reterr);
	if (error)
		return error;
	*ret = h;
	return 0;
}

/* What header and stream take up: an image that follows begins after packed_size bytes.
 */
static size_t whole_size(const struct comp_header *h, size_t stream, size_t left)
{
	size_t packed = h->packed_size < left ? h->packed_size : left;
	return COMP_HEADER_SIZE + (stream > packed ? stream : packed);
}

int comp_decode(struct bytes input, const struct comp_header *header, uint8_t *output,
		unsigned flags, uint32_t *ret_checksum, size_t *ret_consumed,
		struct codec_refusal *reterr)
{
	struct bytes stream;
	size_t stream_size;
	if (!bytes_slice(input, COMP_HEADER_SIZE, input.size - COMP_HEADER_SIZE, &stream))
		return codec_refuse(reterr, CODEC_TRUNCATED, input.size, "no header");
	size_t size = header->plain_size;
	int error = header->kind == COMP_LZSS
			    ? lzss_decode(stream, output, size, &stream_size, reterr)
			    : lzvn_decode(stream, output, size, &stream_size, reterr);
	if (error) {
		if (reterr)
			reterr->offset += COMP_HEADER_SIZE;
		return error;
	}
	uint32_t checksum = adler32_of(bytes_of(output, size));
	if (checksum != header->checksum && !(flags & COMP_IGNORE_CHECKSUM))
		return codec_refuse(
			reterr, CODEC_CHECKSUM, 8,
			"Adler-32 0x%08x of the expanded bytes, expected 0x%08x",
			checksum, header->checksum);
	if (ret_checksum)
		*ret_checksum = checksum;
	if (ret_consumed)
		*ret_consumed = whole_size(header, stream_size, stream.size);
	return 0;
}

int comp_pack(struct bytes plain, enum comp_kind kind, uint32_t prelink_version,
	      uint8_t **ret, size_t *ret_size)
{
	_cleanup_buffer_ struct buffer b = {0};
	_cleanup_free_ uint8_t *packed = NULL;
	size_t packed_size = 0;
	if (!plain.size || plain.size > UINT32_MAX)
		return KEXT_ERR_INVALID_ARGUMENT;
	int error = kind == COMP_LZSS ? lzss_pack(plain, lzss_worst(plain.size), &packed,
						  &packed_size)
				      : lzvn_pack(plain, &packed, &packed_size);
	if (error)
		return error;
	if (packed_size > UINT32_MAX)
		return KEXT_ERR_INVALID_ARGUMENT;
	buffer_u32(&b, MAGIC, true);
	buffer_u32(&b, kind == COMP_LZSS ? TYPE_LZSS : TYPE_LZVN, true);
	buffer_u32(&b, adler32_of(plain), true);
	buffer_u32(&b, (uint32_t)plain.size, true);
	buffer_u32(&b, (uint32_t)packed_size, true);
	buffer_u32(&b, prelink_version, true);
	buffer_zeros(&b, COMP_HEADER_SIZE - 24);
	buffer_append(&b, packed, packed_size);
	error = buffer_error(&b);
	if (!error)
		*ret = buffer_steal(&b, ret_size);
	return error;
}
