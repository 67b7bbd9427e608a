/* Opens any bytes as an archive of kexts, whatever its checksum says, and makes every
 * executable in it. */
#include <stdlib.h>
#include <kext/archive.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const struct kext_archive *archive)
{
	for (size_t i = 0; i < kext_archive_count(archive); i++) {
		struct kext_bundle *bundle = kext_archive_at(archive, i);
		struct kext_prelink_info place;
		const void *executable;
		size_t size;
		if (kext_bundle_executable(bundle, NULL, &executable, &size) == 0 &&
		    !executable)
			abort();
		if (kext_archive_parent(archive, i) == i)
			abort();
		(void)kext_archive_prelink_info(archive, i, &place);
	}
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
		read_all(archive);
	kext_archive_free(archive);
	kext_diagnostics_free(list);
	return 0;
}
