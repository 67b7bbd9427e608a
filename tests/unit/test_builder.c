/* The Mach-O writer, judged by the LLVM tools and by the format's own numbers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>
#include <kext/arch.h>
#include "base/file.h"
#include "base/memory.h"
#include "macho/builder.h"
#include "macho/macho.h"
#include "macho/uuid.h"

#define KERNEL UINT64_C(0x200000000000)
#define TRAP   (KERNEL + 0x100000)

static void build_kernel(struct macho_builder *b)
{
	static const uint8_t table[24] = {1, 2, 3, 4, 5, 6, 7, 8, [16] = 9};
	*b = (struct macho_builder){.cputype = KEXT_CPU_X86_64,
				    .cpusubtype = 3,
				    .filetype = MH_EXECUTE,
				    .flags = MH_NOUNDEFS};
	unsigned text = macho_builder_segment(b, "__TEXT", KERNEL, 0x4000, 5);
	unsigned data = macho_builder_segment(b, "__DATA", KERNEL + 0x4000, 0x2000, 3);
	unsigned trap = macho_builder_segment(b, "__TRAP", TRAP, 0x3000, 0);
	unsigned code = macho_builder_section(b, text, "__text", KERNEL, 0x4000, 4,
					      S_ATTR_PURE_INSTRUCTIONS, NULL);
	unsigned vtables = macho_builder_section(b, data, "__const", KERNEL + 0x4010,
						 sizeof(table), 3, S_REGULAR, table);
	unsigned traps =
		macho_builder_section(b, trap, "__trap", TRAP, 0x3000, 12, 0, NULL);
	assert_int_equal(traps, 3);
	macho_builder_symbol(b, "_printf", N_SECT | N_EXT, code, 0, KERNEL + 0x123);
	macho_builder_symbol(b, "__ZTV8OSObject", N_SECT | N_EXT, vtables, 0,
			     KERNEL + 0x4010);
	macho_builder_symbol(b, "_missing", N_SECT | N_EXT, traps, 0, TRAP + 0x1000);
	macho_builder_symbol(b, "_version_major", N_ABS | N_EXT, 0, 0, 19);
	char name[32];
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "_f%u", i);
		macho_builder_symbol(b, name, N_SECT | N_EXT, code, 0, KERNEL + 2 * i);
	}
}

static void finish(struct macho_builder *b, uint8_t **data, size_t *size)
{
	assert_int_equal(macho_builder_finish(b, data, size), 0);
	macho_builder_free(b);
}

static void squeeze_spaces(char *text)
{
	char *to = text;
	for (const char *from = text; *from; from++)
		if (*from != ' ' || (from > text && from[-1] != ' ' && from[-1] != '\n'))
			*to++ = *from;
	*to = '\0';
}

/*
 * The output of a shell command in which %s is a file with these bytes, runs of spaces
 * made one; its status must be 0.
 */
static char *run_on(const char *command, const uint8_t *data, size_t size)
{
	static char output[1 << 20];
	char path[] = "/tmp/test_builder.XXXXXX", line[512];
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, data, size), 0);
	close(fd);
	snprintf(line, sizeof(line), command, path);
	FILE *pipe = popen(line, "r");
	size_t have = fread(output, 1, sizeof(output) - 1, pipe);
	output[have] = '\0';
	int status = pclose(pipe);
	unlink(path);
	if (status)
		fail_msg("%s: status %#x: %.2000s", line, status, output);
	squeeze_spaces(output);
	return output;
}

static void has_line(const char *output, const char *line)
{
	if (!strstr(output, line))
		fail_msg("no \"%s\" in:\n%.4000s", line, output);
}

static void kernel_is_read_by_llvm(void **state)
{
	(void)state;
	struct macho_builder b;
	uint8_t *data;
	size_t size;
	build_kernel(&b);
	finish(&b, &data, &size);
	char *text =
		run_on("llvm-objdump-14 --macho --private-headers %s 2>&1", data, size);
	has_line(text, "segname __TRAP\nvmaddr 0x0000200000100000\n"
		       "vmsize 0x0000000000003000\nfileoff 0\nfilesize 0\n");
	has_line(text, "segname __DATA\nvmaddr 0x0000200000004000\n"
		       "vmsize 0x0000000000002000\nfileoff 4096\nfilesize 40\n");
	has_line(text, "sectname __const\nsegname __DATA\naddr 0x0000200000004010\n"
		       "size 0x0000000000000018\noffset 4112\n");
	has_line(text, "nsyms 5004\n");
	has_line(text, "segname __LINKEDIT\nvmaddr 0x0000200000103000\n");
	text = run_on("llvm-nm-14 --no-sort %s 2>&1", data, size);
	has_line(text, "0000200000000123 T _printf\n");
	has_line(text, "0000200000004010 S __ZTV8OSObject\n");
	has_line(text, "0000200000101000 S _missing\n");
	has_line(text, "0000000000000013 A _version_major\n");
	has_line(text, "000020000000270e T _f4999\n");
	free(data);
}

static void content_lies_where_its_address_says(void **state)
{
	(void)state;
	struct macho_builder b;
	uint8_t *data;
	size_t size;
	build_kernel(&b);
	finish(&b, &data, &size);
	_cleanup_macho_ struct macho m = {0};
	assert_int_equal(macho_parse(bytes_of(data, size), "kernel", NULL, &m), 0);
	struct bytes content;
	assert_true(macho_at_address(&m, KERNEL + 0x4010, 24, &content));
	assert_memory_equal(content.data, "\1\2\3\4\5\6\7\10\0\0\0\0\0\0\0\0\11\0\0", 19);
	assert_false(macho_at_address(&m, KERNEL + 0x4010, 25, &content));
	assert_false(macho_at_address(&m, KERNEL, 1, &content));
	struct macho_symbol symbol;
	assert_true(macho_find_symbol(&m, "_f1234", &symbol));
	assert_int_equal(symbol.value, KERNEL + 2468);
	free(data);
}

static void build_set(struct macho_builder *b, uint32_t cputype)
{
	*b = (struct macho_builder){.cputype = cputype,
				    .filetype = MH_KEXT_BUNDLE,
				    .flags = MH_INCRLINK,
				    .linkedit_flags = SG_NORELOC};
	macho_builder_indirect(b, "_IOLockLock", "_lck_mtx_lock", 0);
	macho_builder_symbol(b, "_bcopy", N_UNDF | N_EXT, 0, N_DESC_DISCARDED, 0);
	macho_builder_symbol(b, "_lck_mtx_lock", N_UNDF | N_EXT, 0, 0, 0);
}

/* strings: 4 zeros, "_IOLockLock" at 4, "_lck_mtx_lock" at 16, "_bcopy" at 30, to 37 → 40
 */
static void symbol_set_has_the_layout_of_real_ones(void **state)
{
	(void)state;
	struct macho_builder b;
	uint8_t *data;
	size_t size;
	build_set(&b, KEXT_CPU_X86_64);
	finish(&b, &data, &size);
	char *text =
		run_on("llvm-objdump-14 --macho --private-headers %s 2>&1", data, size);
	has_line(text, "KEXTBUNDLE 3 120 INCRLINK");
	has_line(text, "segname __LINKEDIT\nvmaddr 0x0000000000000000\n"
		       "vmsize 0x0000000000000058\nfileoff 4096\nfilesize 88\n");
	has_line(text, "flags NORELOC");
	has_line(text, "symoff 4096\nnsyms 3\nstroff 4144\nstrsize 40\n");
	text = run_on("llvm-nm-14 --no-sort %s 2>&1", data, size);
	has_line(text, "I _IOLockLock (indirect for _lck_mtx_lock)\n");
	has_line(text, "U _bcopy\n");
	assert_int_equal(load32(data + 4096, false), 4);
	assert_int_equal(load64(data + 4096 + 8, false), 16);
	assert_int_equal(load16(data + 4096 + 16 + 6, false), 0x20);
	assert_int_equal(size, 4096 + 88);
	free(data);
}

static void other_cpus_have_their_width_and_order(void **state)
{
	(void)state;
	static const struct {
		uint32_t cputype, magic;
		const char *nm;
	} cases[] = {
		{KEXT_CPU_PPC, 0xcefaedfe, "I _IOLockLock (indirect for _lck_mtx_lock)"},
		{KEXT_CPU_ARM, 0xfeedface, "I _IOLockLock (indirect for _lck_mtx_lock)"},
		{KEXT_CPU_ARM64, 0xfeedfacf, "U _lck_mtx_lock"}};
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct macho_builder b;
		uint8_t *data;
		size_t size;
		build_set(&b, cases[i].cputype);
		finish(&b, &data, &size);
		assert_int_equal(load32(data, false), cases[i].magic);
		has_line(run_on("llvm-nm-14 %s 2>&1", data, size), cases[i].nm);
		free(data);
	}
}

static void uuid_comes_from_content(void **state)
{
	(void)state;
	uint8_t *data[3];
	size_t size[3];
	for (int i = 0; i < 3; i++) {
		struct macho_builder b;
		build_set(&b, KEXT_CPU_X86_64);
		if (i == 2)
			macho_builder_symbol(&b, "_more", N_UNDF | N_EXT, 0, 0, 0);
		finish(&b, &data[i], &size[i]);
	}
	assert_int_equal(size[0], size[1]);
	assert_memory_equal(data[0], data[1], size[0]);
	assert_memory_not_equal(data[0] + 32 + 104, data[2] + 32 + 104, 16);
	for (int i = 0; i < 3; i++)
		free(data[i]);

	/* md5sum of "abc" is 900150983cd24fb0d6963f7d28e17f72 */
	uint8_t uuid[16];
	char text[MACHO_UUID_TEXT_SIZE];
	macho_uuid_from_content(bytes_of("abc", 3), uuid);
	macho_uuid_text(uuid, text);
	assert_string_equal(text, "90015098-3CD2-3FB0-9696-3F7D28E17F72");
}

static void dysymtab_only_over_ordered_symbols(void **state)
{
	(void)state;
	struct macho_builder b = {.cputype = KEXT_CPU_X86_64,
				  .filetype = MH_KEXT_BUNDLE,
				  .with_dysymtab = true};
	uint8_t *data;
	size_t size;
	macho_builder_symbol(&b, "_a", N_ABS, 0, 0, 1);
	macho_builder_symbol(&b, "_b", N_ABS | N_EXT, 0, 0, 1);
	macho_builder_symbol(&b, "_c", N_UNDF | N_EXT, 0, 0, 0);
	assert_int_equal(macho_builder_finish(&b, &data, &size), 0);
	char *text =
		run_on("llvm-objdump-14 --macho --private-headers %s 2>&1", data, size);
	has_line(text, "ilocalsym 0\nnlocalsym 1\niextdefsym 1\n"
		       "nextdefsym 1\niundefsym 2\nnundefsym 1\n");
	free(data);
	macho_builder_symbol(&b, "_late", N_ABS, 0, 0, 1);
	assert_int_equal(macho_builder_finish(&b, &data, &size),
			 KEXT_ERR_INVALID_ARGUMENT);
	macho_builder_free(&b);
}

static void what_does_not_fit_is_refused(void **state)
{
	(void)state;
	uint8_t *data;
	size_t size;
	struct macho_builder b = {.cputype = KEXT_CPU_X86_64};
	unsigned text = macho_builder_segment(&b, "__TEXT", 0x1000, 0x1000, 5);
	assert_int_equal(macho_builder_section(&b, text, "__x", 0x1fff, 2, 0, 0, "ab"),
			 0);
	assert_int_equal(macho_builder_finish(&b, &data, &size),
			 KEXT_ERR_INVALID_ARGUMENT);
	macho_builder_free(&b);

	b = (struct macho_builder){.cputype = KEXT_CPU_X86_64};
	macho_builder_segment(&b, "__SEVENTEEN_CHARS", 0, 0, 0);
	assert_int_equal(macho_builder_finish(&b, &data, &size),
			 KEXT_ERR_INVALID_ARGUMENT);
	macho_builder_free(&b);
}

static void survives_every_failed_allocation(void **state)
{
	(void)state;
	unsigned failures = 0;
	for (unsigned n = 1;; n++) {
		struct macho_builder b;
		uint8_t *data;
		size_t size;
		fault_arm_allocation(n);
		build_set(&b, KEXT_CPU_X86_64);
		int error = macho_builder_finish(&b, &data, &size);
		macho_builder_free(&b);
		fault_arm_allocation(0);
		if (!error) {
			free(data);
			break;
		}
		assert_int_equal(error, -ENOMEM);
		failures++;
	}
	assert_true(failures > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_is_read_by_llvm),
		cmocka_unit_test(content_lies_where_its_address_says),
		cmocka_unit_test(symbol_set_has_the_layout_of_real_ones),
		cmocka_unit_test(other_cpus_have_their_width_and_order),
		cmocka_unit_test(uuid_comes_from_content),
		cmocka_unit_test(dysymtab_only_over_ordered_symbols),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(survives_every_failed_allocation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
