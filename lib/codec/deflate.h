/*
 * zlib streams as archives hold them: made by zlib at level 6 (the bytes must equal
 * Darwin's), read by libdeflate because the size is known.
 */
#ifndef CODEC_DEFLATE_H
#define CODEC_DEFLATE_H

#include "base/bytes.h"

/* Most bytes that `size` bytes of a stream can yield: a bit makes a match of 258, two
 * bits with its distance; a bound before allocating. */
static inline uint64_t deflate_most(uint64_t size)
{
	return size * 1032;
}

/*
 * Compresses; *ret (malloc'ed, the caller frees) and *ret_size. 0 with *ret NULL when the
 * result would not be smaller than the input; -ENOMEM.
 */
int deflate_pack(struct bytes input, uint8_t **ret, size_t *ret_size)
	__attribute__((warn_unused_result));
/* Expands to exactly `size` bytes at `output`, or KEXT_ERR_BAD_DATA. */
int deflate_unpack(struct bytes input, uint8_t *output, size_t size)
	__attribute__((warn_unused_result));
/* The same when the checksum at the end may be wrong: the one that was found, and that.
 */
int deflate_unpack_leniently(struct bytes input, uint8_t *output, size_t size,
			     uint32_t *ret_found, uint32_t *ret_expected)
	__attribute__((warn_unused_result));
uint32_t adler32_of(struct bytes bytes);

#endif
