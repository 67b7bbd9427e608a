/* Opens any bytes as an mkext, whatever its checksum says, and writes what it holds
 * again. */
#include <stdlib.h>
#include <kext/archive.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct kext_bundle **bundles_of(const struct kext_archive *archive)
{
	size_t count = kext_archive_count(archive);
	struct kext_bundle **bundles = calloc(count + 1, sizeof(*bundles));
	for (size_t i = 0; bundles && i < count; i++)
		bundles[i] = kext_archive_at(archive, i);
	return bundles;
}

static void write_again(const struct kext_archive *archive, struct kext_diagnostics *list)
{
	struct kext_bundle **bundles = bundles_of(archive);
	void *written = NULL;
	size_t size;
	if (bundles && kext_mkext_write(bundles, kext_archive_count(archive), NULL, list,
					&written, &size) == 0)
		free(written);
	free(bundles);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct kext_archive_options lenient = {
		.flags = KEXT_ARCHIVE_IGNORE_CHECKSUM, .max_bytes = 64u << 20};
	static struct kext_context *context;
	struct kext_archive *archive = NULL;
	struct kext_diagnostics *list = kext_diagnostics_new();
	if (!context && kext_context_new(&context) < 0)
		abort();
	if (kext_archive_open(context, data, size, "input", &lenient, list, &archive) ==
	    0)
		write_again(archive, list);
	kext_archive_free(archive);
	kext_diagnostics_free(list);
	return 0;
}
