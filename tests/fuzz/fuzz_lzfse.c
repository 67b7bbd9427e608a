/* Measures any bytes as an LZFSE stream and expands them into a block of just that size.
 */
#include <stdlib.h>
#include <kext/error.h>
#include "codec/lzfse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST (4u << 20)

static int expand(struct bytes stream, size_t size, int fill, uint8_t **ret)
{
	struct codec_refusal why;
	uint8_t *output = malloc(size ? size : 1);
	memset(output, fill, size ? size : 1);
	*ret = output;
	return lzfse_decode(stream, output, size, NULL, &why);
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
	free(a);
	free(b);
	return 0;
}
