/* Expands any bytes as an LZVN stream, of a size that the first two say, into a block of
 * just that size; then compresses them and expects them back. */
#include <stdlib.h>
#include "codec/lzvn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is accepted is the same whatever was in the block before. */
static void expand(struct bytes stream, size_t size)
{
	uint8_t *blocks[2];
	int errors[2];
	struct codec_refusal why;
	for (int i = 0; i < 2; i++) {
		blocks[i] = malloc(size ? size : 1);
		memset(blocks[i], i ? 0xff : 0, size ? size : 1);
		errors[i] = lzvn_decode(stream, blocks[i], size, NULL, &why);
	}
	if (errors[0] != errors[1] || (!errors[0] && memcmp(blocks[0], blocks[1], size)))
		abort();
	free(blocks[0]);
	free(blocks[1]);
}

static void round_trip(const uint8_t *data, size_t size)
{
	struct bytes input = bytes_of(data, size);
	uint8_t *packed, *output = malloc(size);
	size_t packed_size, consumed;
	if (lzvn_pack(input, &packed, &packed_size))
		abort();
	if (lzvn_decode(bytes_of(packed, packed_size), output, size, &consumed, NULL) ||
	    consumed != packed_size || memcmp(output, data, size))
		abort();
	free(packed);
	free(output);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	expand(bytes_of(data + 2, size - 2), load16(data, false));
	if (data[0] % 32 == 0) /* the slower of the two */
		round_trip(data, size);
	return 0;
}
