/*
 * LZSS streams (ring of 4096 bytes, matches of 3 to 18) as mkext 1 archives hold them.
 */
#ifndef CODEC_LZSS_H
#define CODEC_LZSS_H

#include "base/bytes.h"

/* Most bytes that `size` bytes of a stream can yield; a bound before allocating. */
static inline uint64_t lzss_most(uint64_t size)
{
	return size * 9 + 18;
}

/*
 * Expands to exactly `size` bytes at `output`: KEXT_ERR_BAD_DATA when the stream ends
 * before or refers to what was never written. Bytes behind the last one needed are
 * ignored.
 */
int lzss_unpack(struct bytes input, uint8_t *output, size_t size)
	__attribute__((warn_unused_result));

#endif
