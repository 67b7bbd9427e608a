/* LZSS streams; the mutator sets the size that a changed one yields. */
#include "codec/lzss.h"
#include "stream.h"

static int pack(struct bytes input, uint8_t **ret, size_t *ret_size)
{
	return lzss_pack(input, lzss_worst(input.size), ret, ret_size);
}

static const struct fuzz_codec lzss = {lzss_decode, pack};

/* A flag for each of eight items: a byte, or a match whose length is in its second byte.
 */
static size_t measure(struct bytes stream)
{
	size_t yield = 0, at = 0;
	unsigned flags = 0;
	for (unsigned item = 0; at < stream.size; item++, flags >>= 1) {
		if (item % 8 == 0)
			flags = stream.data[at++];
		if (at == stream.size || (!(flags & 1) && at + 1 == stream.size))
			break;
		yield += flags & 1 ? 1 : (stream.data[at + 1] & 15u) + 3;
		at += flags & 1 ? 1 : 2;
	}
	return yield;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	return seed % 4 ? fuzz_mutate_stream(data, size, max_size, measure)
			: LLVMFuzzerMutate(data, size, max_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_stream(&lzss, data, size);
}
