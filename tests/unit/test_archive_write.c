/* Writing mkext 1, fat files and compressed kernels; caches; all when memory or disk
 * fail. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <kext/archive.h>
#include <kext/prelink.h>
#include <kext/repository.h>
#include "base/file.h"
#include "base/memory.h"

#define SIZE 5000u

static struct kext_context *context;
static char root[] = "/tmp/kext-archive-write.XXXXXX";

static struct kext_bundle *make_bundle(void)
{
	static const uint32_t header[8] = {0xfeedfacf, 0x01000007, 3, 11};
	static const char text[] =
		"<dict><key>CFBundleIdentifier</key>"
		"<string>com.example.Foo</string>"
		"<key>CFBundleVersion</key><string>1.0</string>"
		"<key>CFBundleExecutable</key><string>Foo</string></dict>";
	struct kext_value *info;
	struct kext_bundle *bundle;
	assert_int_equal(kext_value_from_xml(text, strlen(text), "x", NULL, &info), 0);
	uint8_t *executable = calloc(1, SIZE);
	memcpy(executable, header, sizeof(header));
	assert_int_equal(kext_bundle_new_archived(context, "/S/Foo.kext",
						  "Contents/MacOS/Foo", info, executable,
						  SIZE, NULL, &bundle),
			 0);
	kext_value_unref(info);
	return bundle;
}

/* Writes twice, joins, and reads one slice back. */
static int write_and_read(struct kext_bundle *bundle)
{
	struct kext_mkext_options options = {.version = KEXT_MKEXT_1, .jobs = 1};
	struct kext_archive *archive = NULL;
	void *data = NULL, *fat = NULL;
	size_t size, fat_size;
	struct kext_archive_options x86_64 = {.arch = kext_arch_named("x86_64")};
	int error = kext_mkext_write(&bundle, 1, &options, NULL, &data, &size);
	if (error == 0) {
		struct kext_archive_slice slices[] = {
			{kext_arch_named("i386"), data, 40},
			{kext_arch_named("x86_64"), data, size}};
		error = kext_archive_join(slices, 2, &fat, &fat_size);
	}
	if (error == 0)
		error = kext_archive_open(context, fat, fat_size, "fat", &x86_64, NULL,
					  &archive);
	if (error == 0) {
		const void *code;
		size_t code_size;
		assert_int_equal(kext_archive_count(archive), 1);
		error = kext_bundle_executable(kext_archive_at(archive, 0), NULL, &code,
					       &code_size);
		assert_true(error || code_size == SIZE);
	}
	kext_archive_free(archive);
	free(data);
	free(fat);
	return error;
}

static void mkext1_without_memory(void **state)
{
	(void)state;
	struct kext_bundle *bundle = make_bundle();
	unsigned n = 1;
	for (int error = -1; error; n++) {
		fault_arm_allocation(n);
		error = write_and_read(bundle);
		fault_arm_allocation(0);
		assert_true(error == 0 || error == -ENOMEM);
	}
	assert_true(n > 20);
	kext_bundle_unref(bundle);
}

static int wrap_and_back(const void *kernel, enum kext_compression compression)
{
	void *packed = NULL, *plain = NULL;
	size_t packed_size, size;
	int error = kext_prelinked_wrap(kernel, SIZE, compression, &packed, &packed_size);
	if (error == 0)
		error = kext_prelinked_convert(packed, packed_size, KEXT_COMPRESSION_NONE,
					       "kernel", NULL, &plain, &size);
	if (error == 0) {
		assert_true(size == SIZE && memcmp(plain, kernel, SIZE) == 0);
		assert_memory_equal(packed, "comp", 4);
		/* Sizes and checksum: 5,000 bytes 'k' by Adler's sums, 107 each. */
		uint32_t a = (1 + 107 * SIZE) % 65521, b = 0;
		for (uint32_t i = 1; i <= SIZE; i++)
			b = (b + 1 + 107 * i) % 65521;
		assert_int_equal(load32((uint8_t *)packed + 8, true), b << 16 | a);
		assert_int_equal(load32((uint8_t *)packed + 12, true), SIZE);
		assert_int_equal(load32((uint8_t *)packed + 16, true), packed_size - 384);
	}
	free(packed);
	free(plain);
	return error;
}

static void kernels_without_memory(void **state)
{
	(void)state;
	uint8_t kernel[SIZE];
	memset(kernel, 'k', sizeof(kernel));
	for (int form = KEXT_COMPRESSION_LZSS; form <= KEXT_COMPRESSION_LZVN; form++) {
		int error = -1;
		for (unsigned n = 1; error; n++) {
			fault_arm_allocation(n);
			error = wrap_and_back(kernel, (enum kext_compression)form);
			fault_arm_allocation(0);
			assert_true(error == 0 || error == -ENOMEM);
		}
	}
}

static void disk_that_fails(void **state)
{
	(void)state;
	char path[64], text[8] = "";
	snprintf(path, sizeof(path), "%s/file", root);
	assert_int_equal(kext_archive_save(path, "old", 3, NULL), 0);
	fault_arm_io(1);
	assert_int_equal(kext_archive_save(path, "new", 3, NULL), -EIO);
	fault_arm_io(0);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	assert_string_equal(fgets(text, sizeof(text), file), "old");
	fclose(file);
}

/* ---- caches ---- */

static void make_kext(const char *folder, const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "mkdir -p %s/%s.kext/Contents", folder, name);
	assert_int_equal(system(path), 0);
	snprintf(path, sizeof(path), "%s/%s.kext/Contents/Info.plist", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file,
		"<dict><key>CFBundleIdentifier</key><string>com.example.%s</string>"
		"<key>CFBundleVersion</key><string>1.0</string></dict>",
		name);
	fclose(file);
}

static int use_cache(const char *folder)
{
	struct kext_repository *repository = NULL;
	int error = kext_repository_write_cache(context, folder, NULL);
	if (error == 0)
		error = kext_repository_new(context, &repository);
	if (error == 0)
		error = kext_repository_add_folder(repository, folder, NULL);
	if (error == 0 && !kext_repository_find(repository, "com.example.B"))
		error = -ENOMEM; /* not read for want of it */
	if (error == 0 && kext_repository_count(repository) != 2)
		error = -ENOMEM;
	kext_repository_free(repository);
	return error;
}

static void caches_without_memory(void **state)
{
	(void)state;
	char folder[64];
	snprintf(folder, sizeof(folder), "%s/Extensions", root);
	make_kext(folder, "A");
	make_kext(folder, "B");
	int error = -1;
	unsigned n = 1;
	for (; error; n++) {
		fault_arm_allocation(n);
		error = use_cache(folder);
		fault_arm_allocation(0);
		assert_true(error == 0 || error == -ENOMEM || error == KEXT_ERR_CACHE);
	}
	assert_true(n > 20);
}

static void a_path_replaces_what_a_cache_says(void **state)
{
	(void)state;
	char folder[64], path[128];
	struct kext_repository *repository;
	struct kext_bundle *bundle;
	snprintf(folder, sizeof(folder), "%s/Extensions", root);
	snprintf(path, sizeof(path), "%s/A.kext", folder);
	assert_int_equal(kext_repository_write_cache(context, folder, NULL), 0);
	assert_int_equal(kext_repository_new(context, &repository), 0);
	assert_int_equal(kext_repository_add_folder(repository, folder, NULL), 0);
	assert_int_equal(kext_bundle_open(context, path, NULL, &bundle), 0);
	assert_int_equal(kext_repository_add(repository, bundle), 0);
	assert_ptr_equal(kext_repository_find(repository, "com.example.A"), bundle);
	assert_int_equal(kext_repository_count(repository), 2);
	assert_string_equal(kext_bundle_identifier(kext_repository_at(repository, 1)),
			    "com.example.B");
	kext_bundle_unref(bundle);
	kext_repository_free(repository);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mkext1_without_memory),
		cmocka_unit_test(kernels_without_memory),
		cmocka_unit_test(disk_that_fails),
		cmocka_unit_test(caches_without_memory),
		cmocka_unit_test(a_path_replaces_what_a_cache_says),
	};
	char command[64];
	umask(022);
	if (!mkdtemp(root) || kext_context_new(&context) < 0 ||
	    kext_context_set_root(context, root) < 0)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	kext_context_unref(context);
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command) ? 1 : failed;
}
