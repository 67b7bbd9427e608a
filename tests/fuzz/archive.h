/* Opens bytes as an archive of kexts, whatever its checksum says, and takes all out of
 * it. */
#ifndef TESTS_FUZZ_ARCHIVE_H
#define TESTS_FUZZ_ARCHIVE_H

#include <stdlib.h>
#include <kext/archive.h>

static int fuzz_visit(void *data, const struct kext_foreign_pointer *pointer)
{
	(void)data;
	return pointer->collection > KEXT_COLLECTION_AUXILIARY ? -1 : 0;
}

static void fuzz_take_all(const struct kext_archive *archive)
{
	for (size_t i = 0; i < kext_archive_count(archive); i++) {
		struct kext_bundle *bundle = kext_archive_at(archive, i);
		struct kext_prelink_info place;
		const void *executable;
		size_t size;
		if (kext_bundle_executable(bundle, NULL, &executable, &size) == 0 &&
		    !executable)
			abort();
		if (kext_archive_parent(archive, i) == i ||
		    !kext_archive_folder_name(archive, i))
			abort();
		(void)kext_archive_prelink_info(archive, i, &place);
		if (kext_archive_visit_foreign(archive, i, fuzz_visit, NULL, NULL) == -1)
			abort();
	}
}

/* What was read can be written, in either version, and has as many kexts then. */
static void fuzz_write_again(struct kext_context *context,
			     const struct kext_archive *archive, unsigned version)
{
	size_t count = kext_archive_count(archive), size;
	struct kext_mkext_options options = {.version = version};
	struct kext_bundle **bundles = calloc(count + 1, sizeof(*bundles));
	struct kext_archive *again = NULL;
	void *written = NULL;
	for (size_t i = 0; i < count; i++)
		bundles[i] = kext_archive_at(archive, i);
	if (kext_mkext_write(bundles, count, &options, NULL, &written, &size) == 0 &&
	    (kext_archive_open(context, written, size, "again", NULL, NULL, &again) ||
	     kext_archive_verify(again, 1, NULL) || kext_archive_count(again) > count))
		abort();
	kext_archive_free(again);
	free(written);
	free(bundles);
}

static struct kext_archive *fuzz_open(const uint8_t *data, size_t size,
				      const struct kext_archive_options *options)
{
	static struct kext_context *context;
	struct kext_archive *archive = NULL;
	struct kext_diagnostics *list = kext_diagnostics_new();
	if (!context && kext_context_new(&context) < 0)
		abort();
	int error =
		kext_archive_open(context, data, size, "input", options, list, &archive);
	if (error == 0)
		error = kext_archive_verify(archive, 1, list);
	/* Every refusal has its reason. */
	if (error && !kext_diagnostics_count(list, KEXT_ERROR))
		abort();
	if (error)
		archive = kext_archive_free(archive);
	if (archive) {
		fuzz_take_all(archive);
		fuzz_write_again(context, archive, KEXT_MKEXT_1);
		fuzz_write_again(context, archive, KEXT_MKEXT_2);
	}
	kext_diagnostics_free(list);
	return archive;
}

/* Strictly, and if that is refused, whatever its checksums say. */
static struct kext_archive *fuzz_open_somehow(const uint8_t *data, size_t size)
{
	static const struct kext_archive_options
		strict = {.max_bytes = 8u << 20},
		lenient = {.flags = KEXT_ARCHIVE_IGNORE_CHECKSUM, .max_bytes = 8u << 20};
	struct kext_archive *archive = fuzz_open(data, size, &strict);
	return archive ? archive : fuzz_open(data, size, &lenient);
}

static inline int fuzz_archive(const uint8_t *data, size_t size)
{
	kext_archive_free(fuzz_open_somehow(data, size));
	return 0;
}

#endif
