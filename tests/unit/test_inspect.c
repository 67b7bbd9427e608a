/*
 * The second opinion through the real worker: agreement on good files, findings on files
 * that lie, one warning when LIEF dies. The worker is libexec/kext/kext-inspect of this
 * build.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <kext/arch.h>
#include <kext/inspect.h>
#include "base/file.h"
#include "image.h"
#include "macho/builder.h"
#include "macho/inspect.h"

#define KERNEL UINT64_C(0x200000000000)

static struct kext_diagnostics *findings;

static int setup(void **state)
{
	(void)state;
	findings = kext_diagnostics_new();
	return findings ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	findings = kext_diagnostics_free(findings);
	return 0;
}

static void agrees(const void *data, size_t size)
{
	int error = kext_inspect(NULL, data, size, "x", findings);
	if (error)
		fail_msg("%d: %s", error, kext_diagnostics_at(findings, 0)->message);
	assert_int_equal(kext_diagnostics_length(findings), 0);
}

static void has_one(enum kext_severity severity, const char *slug, const char *part)
{
	assert_int_equal(kext_diagnostics_length(findings), 1);
	const struct kext_diagnostic *found = kext_diagnostics_at(findings, 0);
	if (found->severity != severity || strcmp(found->slug, slug) != 0 ||
	    !strstr(found->message, part))
		fail_msg("%d %s: %s", found->severity, found->slug, found->message);
}

/* The place of the worker is found once per process, so this needs one of its own. */
static void missing_worker_is_one_warning(void **state)
{
	(void)state;
	pid_t child = fork();
	if (child == 0) {
		struct image image;
		setenv("KEXT_LIBEXECDIR", "/nonexistent", 1);
		image_make(&image, true, false);
		int error = kext_inspect(NULL, image.data, IMAGE_SIZE, "x", findings);
		image_free(&image);
		const struct kext_diagnostic *found = kext_diagnostics_at(findings, 0);
		bool is_right = error == KEXT_ERR_VALIDATION && found &&
				strcmp(found->slug, "inspect.worker") == 0 &&
				strstr(found->message, "/nonexistent/kext-inspect");
		teardown(NULL);
		_exit(is_right ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void agrees_on_good_images(void **state)
{
	(void)state;
	for (int is_64 = 0; is_64 < 2; is_64++) {
		struct image image;
		image_make(&image, is_64, false);
		agrees(image.data, IMAGE_SIZE);
		image_free(&image);
	}
}

static void agrees_on_a_kernel_and_a_symbol_set(void **state)
{
	(void)state;
	uint8_t *data;
	size_t size;
	char name[32];
	struct macho_builder b = {.cputype = KEXT_CPU_X86_64, .filetype = MH_EXECUTE};
	unsigned text = macho_builder_segment(&b, "__TEXT", KERNEL, 0x4000, 5);
	unsigned code =
		macho_builder_section(&b, text, "__text", KERNEL, 0x4000, 4, 0, NULL);
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "_function%u", i);
		macho_builder_symbol(&b, name, N_SECT | N_EXT, code, 0, KERNEL + i);
	}
	assert_int_equal(macho_builder_finish(&b, &data, &size), 0);
	macho_builder_free(&b);
	agrees(data, size);
	free(data);

	b = (struct macho_builder){.cputype = KEXT_CPU_ARM64, .filetype = MH_KEXT_BUNDLE};
	macho_builder_indirect(&b, "_IOLockLock", "_lck_mtx_lock", 0);
	assert_int_equal(macho_builder_finish(&b, &data, &size), 0);
	macho_builder_free(&b);
	agrees(data, size);
	free(data);
}

static void agrees_on_an_object_of_clang(void **state)
{
	(void)state;
	char path[] = "/tmp/test_inspect.XXXXXX", line[256];
	close(mkstemp(path));
	snprintf(line, sizeof(line),
		 "printf 'int g; extern int u(int); int f(int x) { return u(x) + g; }' | "
		 "clang-14 --target=x86_64-apple-macosx10.15 -mkernel -c -x c - -o %s",
		 path);
	assert_int_equal(system(line), 0);
	struct file_map map;
	assert_int_equal(file_map_path(AT_FDCWD, path, 1 << 20, &map), 0);
	unlink(path);
	agrees(map.bytes.data, map.bytes.size);
	file_unmap(&map);
}

/* A fat file of one slice, the 64-bit image at 0x1000, under the CPU that `cputype` says.
 */
static void make_fat(struct buffer *b, uint32_t cputype)
{
	struct image image;
	const uint32_t words[] = {0xcafebabe, 1, cputype, 3, 0x1000, IMAGE_SIZE, 12};
	for (int i = 0; i < 7; i++)
		buffer_u32(b, words[i], true);
	buffer_zeros(b, 0x1000 - b->size);
	image_make(&image, true, false);
	buffer_append(b, image.data, IMAGE_SIZE);
	image_free(&image);
}

static void fat_header_that_lies_is_found(void **state)
{
	(void)state;
	struct buffer b = {0};
	make_fat(&b, KEXT_CPU_X86_64);
	agrees(b.data, b.size);
	buffer_free(&b);
	make_fat(&b, KEXT_CPU_ARM64);
	assert_int_equal(kext_inspect(NULL, b.data, b.size, "x", findings),
			 KEXT_ERR_VALIDATION);
	has_one(KEXT_WARNING, "inspect.differs",
		"cputype in the fat header is 0x100000c to us, 0x1000007 to LIEF");
	buffer_free(&b);
}

/* LIEF reads an unterminated last name as it stands, we do not. */
static void name_without_an_end_is_found(void **state)
{
	(void)state;
	struct image image;
	image_make(&image, true, false);
	image_set(&image, image_symtab_at(&image) + 20, 6);
	assert_int_equal(kext_inspect(NULL, image.data, IMAGE_SIZE, "x", findings),
			 KEXT_ERR_VALIDATION);
	has_one(KEXT_WARNING, "inspect.differs", "symbol 1: name is outside the strings");
	image_free(&image);
}

/* Zero-fill with a file offset: held back, and without the preflight fatal to the worker.
 */
static void worker_that_dies_is_one_warning(void **state)
{
	(void)state;
	struct image image;
	image_make(&image, true, false);
	image_set(&image, 0xb8 + 48, 0x10);
	assert_int_equal(kext_inspect(NULL, image.data, IMAGE_SIZE, "x", findings),
			 KEXT_ERR_VALIDATION);
	has_one(KEXT_NOTE, "inspect.preflight", "__bss");
	teardown(NULL);
	setup(NULL);
	assert_int_equal(inspect_unguarded(image_bytes(&image), "x", findings),
			 KEXT_ERR_VALIDATION);
	has_one(KEXT_WARNING, "inspect.worker", "signal 6");
	image_free(&image);
}

static void what_we_refuse_is_not_shown(void **state)
{
	(void)state;
	assert_int_equal(kext_inspect(NULL, "#!/bin/sh\necho no Mach-O\nexit 0\n", 31,
				      "x", findings),
			 KEXT_ERR_VALIDATION);
	has_one(KEXT_ERROR, "macho.magic", "0x622f2123");
}

static unsigned count_descriptors(void)
{
	unsigned count = 0;
	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void leaves_no_descriptors_or_children(void **state)
{
	(void)state;
	struct image image;
	image_make(&image, true, false);
	unsigned before = count_descriptors();
	for (int i = 0; i < 3; i++)
		agrees(image.data, IMAGE_SIZE);
	image_set(&image, 0xb8 + 48, 0x10);
	assert_int_equal(inspect_unguarded(image_bytes(&image), "x", findings),
			 KEXT_ERR_VALIDATION);
	assert_int_equal(count_descriptors(), before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	image_free(&image);
}

#define test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(missing_worker_is_one_warning),
		test(agrees_on_good_images),
		test(agrees_on_a_kernel_and_a_symbol_set),
		test(agrees_on_an_object_of_clang),
		test(fat_header_that_lies_is_found),
		test(name_without_an_end_is_found),
		test(worker_that_dies_is_one_warning),
		test(what_we_refuse_is_not_shown),
		test(leaves_no_descriptors_or_children),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
