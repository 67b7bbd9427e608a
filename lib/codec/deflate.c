/* zlib streams; see deflate.h. */
#include <errno.h>
#include <libdeflate.h>
#include <zlib.h>
#include <kext/error.h>
#include "base/memory.h"
#include "codec/deflate.h"

int deflate_pack(struct bytes input, uint8_t **ret, size_t *ret_size)
{
	/* Darwin's parameters: level 6, window 15, memory level 8, in a single call. */
	z_stream stream = {.next_in = (Bytef *)input.data, .avail_in = (uInt)input.size};
	if (input.size > UINT32_MAX)
		return KEXT_ERR_INVALID_ARGUMENT;
	/* One byte less than the input: what does not fit is not worth keeping. */
	size_t room = input.size ? input.size - 1 : 0;
	uint8_t *output = mem_alloc(room);
	if (!output)
		return -ENOMEM;
	if (deflateInit2(&stream, 6, Z_DEFLATED, 15, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
		free(output);
		return -ENOMEM;
	}
	stream.next_out = output;
	stream.avail_out = (uInt)room;
	bool is_smaller = room && deflate(&stream, Z_FINISH) == Z_STREAM_END;
	size_t size = stream.total_out;
	deflateEnd(&stream);
	if (!is_smaller) {
		free(output);
		output = NULL;
		size = 0;
	}
	*ret = output;
	*ret_size = size;
	return 0;
}

int deflate_unpack(struct bytes input, uint8_t *output, size_t size)
{
	struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
	if (!decompressor)
		return -ENOMEM;
	/* Bytes behind the stream are damage, too: an entry states its exact length. */
	size_t consumed = 0, produced = 0;
	enum libdeflate_result result = libdeflate_zlib_decompress_ex(
		decompressor, input.data, input.size, output, size, &consumed, &produced);
	libdeflate_free_decompressor(decompressor);
	bool is_whole = result == LIBDEFLATE_SUCCESS && produced == size;
	return is_whole && consumed == input.size ? 0 : KEXT_ERR_BAD_DATA;
}

int deflate_unpack_leniently(struct bytes input, uint8_t *output, size_t size,
			     uint32_t *ret_found, uint32_t *ret_expected)
{
	/* Two bytes that say it is deflate with a window of at most 32 KiB and without
	 * a dictionary, the data, and the checksum. */
	if (input.size < 6 || (input.data[0] & 15) != 8 || input.data[0] >> 4 > 7 ||
	    input.data[1] & 0x20 || load16(input.data, true) % 31)
		return KEXT_ERR_BAD_DATA;
	struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
	if (!decompressor)
		return -ENOMEM;
	size_t consumed = 0, produced = 0;
	enum libdeflate_result result = libdeflate_deflate_decompress_ex(
		decompressor, input.data + 2, input.size - 6, output, size, &consumed,
		&produced);
	libdeflate_free_decompressor(decompressor);
	if (result != LIBDEFLATE_SUCCESS || produced != size ||
	    consumed != input.size - 6)
		return KEXT_ERR_BAD_DATA;
	*ret_found = adler32_of(bytes_of(output, size));
	*ret_expected = load32(input.data + input.size - 4, true);
	return 0;
}

uint32_t adler32_of(struct bytes bytes)
{
	return libdeflate_adler32(1, bytes.size ? bytes.data : (const uint8_t *)"",
				  bytes.size);
}
