/*
 * Streams that do not state their size, LZSS and LZVN: any bytes are expanded to the size
 * that the first two say, into a block of just that size; then they are compressed and
 * expected back.
 */
#ifndef TESTS_FUZZ_STREAM_H
#define TESTS_FUZZ_STREAM_H

#include <stdlib.h>
#include "codec/refusal.h"
#include "mutate.h"

#define FUZZ_PREFIX 2u

struct fuzz_codec {
	int (*decode)(struct bytes input, uint8_t *output, size_t size,
		      size_t *ret_consumed, struct codec_refusal *reterr);
	int (*pack)(struct bytes input, uint8_t **ret, size_t *ret_size);
};

/* Whatever is accepted is the same whatever was in the block before. */
static void fuzz_expand(const struct fuzz_codec *codec, struct bytes stream, size_t size)
{
	uint8_t *blocks[2];
	int errors[2];
	struct codec_refusal why;
	for (int i = 0; i < 2; i++) {
		blocks[i] = malloc(size ? size : 1);
		memset(blocks[i], i ? 0xff : 0, size ? size : 1);
		errors[i] = codec->decode(stream, blocks[i], size, NULL, &why);
	}
	if (errors[0] != errors[1] || (!errors[0] && memcmp(blocks[0], blocks[1], size)))
		abort();
	free(blocks[0]);
	free(blocks[1]);
}

static void fuzz_round_trip(const struct fuzz_codec *codec, const uint8_t *data,
			    size_t size)
{
	uint8_t *packed, *output = malloc(size);
	size_t packed_size, consumed;
	if (codec->pack(bytes_of(data, size), &packed, &packed_size))
		abort();
	if (codec->decode(bytes_of(packed, packed_size), output, size, &consumed, NULL) ||
	    consumed != packed_size || memcmp(output, data, size))
		abort();
	free(packed);
	free(output);
}

static int fuzz_stream(const struct fuzz_codec *codec, const uint8_t *data, size_t size)
{
	if (size < FUZZ_PREFIX)
		return 0;
	fuzz_expand(codec, bytes_of(data + FUZZ_PREFIX, size - FUZZ_PREFIX),
		    load16(data, false));
	if (data[0] % 32 == 0) /* the slower of the two */
		fuzz_round_trip(codec, data, size);
	return 0;
}

/* Changes the stream, then says how much it yields as far as `measure` can tell. */
static size_t fuzz_mutate_stream(uint8_t *data, size_t size, size_t max_size,
				 size_t (*measure)(struct bytes stream))
{
	size = LLVMFuzzerMutate(data, size, max_size);
	if (size <= FUZZ_PREFIX)
		return size;
	size_t yield = measure(bytes_of(data + FUZZ_PREFIX, size - FUZZ_PREFIX));
	data[0] = (uint8_t)yield;
	data[1] = (uint8_t)(yield >> 8);
	return size;
}

#endif
