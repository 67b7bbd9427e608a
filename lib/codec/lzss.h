/*
 * LZSS streams (ring of 4096 bytes, matches of 3 to 18) as mkext 1 archives and
 * compressed kernels hold them. A stream states neither its size nor its end.
 */
#ifndef CODEC_LZSS_H
#define CODEC_LZSS_H

#include "base/bytes.h"
#include "codec/refusal.h"

/* Most bytes that `size` bytes of a stream can yield; a bound before allocating. */
static inline uint64_t lzss_most(uint64_t size)
{
	return size * 9 + 18;
}

/* Most bytes that a stream of `size` bytes takes: a flag for each eight literals. */
static inline size_t lzss_worst(size_t size)
{
	return size + size / 8 + 1;
}

/*
 * Expands to exactly `size` bytes at `output`: KEXT_ERR_BAD_DATA when the stream ends
 * before or refers to what was never written. A match that leads past `size` is cut and
 * bytes behind the last one needed are ignored, as Darwin's readers have it;
 * *ret_consumed (which may be NULL) tells how many were used. `output` is undefined after
 * a failure.
 */
int lzss_decode(struct bytes input, uint8_t *output, size_t size, size_t *ret_consumed,
		struct codec_refusal *reterr) __attribute__((warn_unused_result));

/* lzss_decode for callers that need no reason. */
static inline int __attribute__((warn_unused_result))
lzss_unpack(struct bytes input, uint8_t *output, size_t size)
{
	return lzss_decode(input, output, size, NULL, NULL);
}

/*
 * Compresses to the very bytes that Darwin's encoder makes: *ret (malloc'ed, the caller
 * frees) and *ret_size. 0 with *ret NULL when the input is empty or the result would take
 * more than `room` bytes; -ENOMEM.
 */
int lzss_pack(struct bytes input, size_t room, uint8_t **ret, size_t *ret_size)
	__attribute__((warn_unused_result));

#endif
