/* Measures any bytes as an LZFSE stream and expands them into a block of just that size,
 * and into one that grows. The mutator gives the first block the length that the stream
 * has. */
#include <stdlib.h>
#include <kext/error.h>
#include "codec/lzfse.h"
#include "mutate.h"

#define MOST (4u << 20)

static int expand(struct bytes stream, size_t size, int fill, uint8_t **ret)
{
	struct codec_refusal why;
	uint8_t *output = malloc(size ? size : 1);
	memset(output, fill, size ? size : 1);
	*ret = output;
	return lzfse_decode(stream, output, size, NULL, &why);
}

/* Raw and LZVN blocks say how long they are; all streams have an end. */
static void mend(uint8_t *data, size_t size)
{
	memcpy(data + size - 4, "bvx$", 4);
	if (memcmp(data, "bvx-", 4) == 0)
		store32(data + 4, (uint32_t)size - 12, false);
	if (memcmp(data, "bvxn", 4) == 0 && size > 16)
		store32(data + 8, (uint32_t)size - 16, false);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	unsigned state = seed, how = draw_from(&state, 4);
	if (how == 0 || size < 16)
		return LLVMFuzzerMutate(data, size, max_size);
	if (how < 3) {
		mutate_in_place(data, 4, size, &state);
		return size;
	}
	size = mutate_tail(data, 4, size, max_size);
	if (size >= 12)
		mend(data, size);
	return size;
}

/* Growing memory gives what a block of the right size does. */
static void check_growing(struct bytes stream, const uint8_t *expected, size_t size)
{
	uint8_t *grown;
	size_t grown_size;
	if (lzfse_unpack(stream, size, &grown, &grown_size, NULL) || grown_size != size ||
	    memcmp(grown, expected, size))
		abort();
	free(grown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes stream = bytes_of(data, size);
	struct codec_refusal why;
	uint64_t measured;
	uint8_t *a, *b;
	int error = lzfse_measure(stream, &measured, NULL, &why);
	/* A stream that cannot be measured must not be expanded either. */
	size_t declared = !error && measured <= MOST ? (size_t)measured : 64;
	int error_a = expand(stream, declared, 0, &a),
	    error_b = expand(stream, declared, 255, &b);
	if (error_a != error_b || (error && !error_a) ||
	    (!error_a && memcmp(a, b, declared)))
		abort();
	if (!error_a)
		check_growing(stream, a, declared);
	free(a);
	free(b);
	return 0;
}
