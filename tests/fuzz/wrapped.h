/* Peels any bytes, strictly and with checksums ignored, and touches all that comes out.
 */
#ifndef TESTS_FUZZ_WRAPPED_H
#define TESTS_FUZZ_WRAPPED_H

#include <stdlib.h>
#include <kext/arch.h>
#include "codec/wrap.h"

static volatile unsigned fuzz_sink;

static void fuzz_peel(struct bytes input, const struct wrap_options *options)
{
	struct unwrapped result;
	struct kext_diagnostics *list = kext_diagnostics_new();
	int error = unwrap(input, options, "input", list, &result);
	/* Every refusal has its reason. */
	if (error && !kext_diagnostics_count(list, KEXT_ERROR))
		abort();
	if (!error) {
		for (size_t i = 0; i < result.bytes.size; i++)
			fuzz_sink += result.bytes.data[i];
		for (unsigned i = 0; i < result.count; i++)
			fuzz_sink += (unsigned)result.layers[i].packed_size;
		unwrapped_free(&result);
	}
	kext_diagnostics_free(list);
}

static int fuzz_wrapped(const uint8_t *data, size_t size)
{
	const struct wrap_options strict = {KEXT_CPU_ANY, 0, 0, 1u << 20};
	const struct wrap_options lenient = {KEXT_CPU_X86_64, 3, WRAP_IGNORE_CHECKSUM,
					     1u << 20};
	fuzz_peel(bytes_of(data, size), &strict);
	fuzz_peel(bytes_of(data, size), &lenient);
	return 0;
}

#endif
