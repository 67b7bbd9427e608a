/*
 * Links any bytes as the only input, plainly and with everything that thins the result;
 * what comes out is parsed as an image.
 */
#include "base/buffer.h"
#include "ld/linker.h"
#include "macho/macho.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_link(struct kext_context *context, const uint8_t *data, size_t size,
		     bool thin)
{
	struct kext_ld_input input = {
		.path = "input.o", .data = data, .size = size, .all_members = true};
	struct kext_ld_options options = {
		.output = "output",
		.inputs = &input,
		.input_count = 1,
		.dead_strip = thin,
		.strip_locals = thin,
	};
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	struct buffer image = {0};
	int error = ld_link(context, &options, diagnostics, &image);
	if (error == 0) {
		struct macho macho;
		if (macho_parse(bytes_of(image.data, image.size), "output", NULL, &macho))
			abort();
		macho_free(&macho);
	} else if (error == KEXT_ERR_LINK &&
		   kext_diagnostics_count(diagnostics, KEXT_ERROR) == 0) {
		abort();
	}
	buffer_free(&image);
	kext_diagnostics_free(diagnostics);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kext_context *context;
	if (kext_context_new(&context))
		return 0;
	/* The linker takes no data for "read the file". */
	static const uint8_t nothing[1];
	try_link(context, size ? data : nothing, size, false);
	try_link(context, size ? data : nothing, size, true);
	kext_context_unref(context);
	return 0;
}
