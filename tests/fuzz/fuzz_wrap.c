/* Peels any bytes, strictly and with checksums ignored, and touches all that comes out.
 */
#include <stdlib.h>
#include <kext/arch.h>
#include "codec/wrap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sink;

static void peel(struct bytes input, const struct wrap_options *options)
{
	struct unwrapped result;
	struct kext_diagnostics *list = kext_diagnostics_new();
	int error = unwrap(input, options, "input", list, &result);
	/* Every refusal has its reason. */
	if (error && !kext_diagnostics_count(list, KEXT_ERROR))
		abort();
	if (!error) {
		for (size_t i = 0; i < result.bytes.size; i++)
			sink += result.bytes.data[i];
		for (unsigned i = 0; i < result.count; i++)
			sink += (unsigned)result.layers[i].packed_size;
		unwrapped_free(&result);
	}
	kext_diagnostics_free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct wrap_options strict = {KEXT_CPU_ANY, 0, 0, 4u << 20};
	const struct wrap_options lenient = {KEXT_CPU_X86_64, 3, WRAP_IGNORE_CHECKSUM,
					     4u << 20};
	peel(bytes_of(data, size), &strict);
	peel(bytes_of(data, size), &lenient);
	return 0;
}
