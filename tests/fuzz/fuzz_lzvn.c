/* LZVN streams; the mutator sets the size that a changed one yields, and gives it an end.
 */
#include "codec/lzvn.h"
#include "stream.h"

static const struct fuzz_codec lzvn = {lzvn_decode, lzvn_pack};

/* The size that lets it pass, if any does: one too small is refused for what comes after
 * it, and one too large for what is missing. */
static size_t measure(struct bytes stream)
{
	static uint8_t output[65535];
	size_t low = 0, high = sizeof(output);
	while (low < high) {
		size_t middle = (low + high) / 2;
		struct codec_refusal why;
		int error = lzvn_decode(stream, output, middle, NULL, &why);
		if (!error)
			return middle;
		if (strcmp(why.slug, CODEC_OVERLONG) == 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	if (seed % 4 == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	if (seed % 4 == 1 && size + 8 <= max_size) {
		memcpy(data + size, "\6\0\0\0\0\0\0\0", 8);
		size += 8;
	}
	return fuzz_mutate_stream(data, size, max_size, measure);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_stream(&lzvn, data, size);
}
