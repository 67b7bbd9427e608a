/*
 * The Mach-O view, on images written out from the format and on objects of clang as
 * LLVM's tools read them.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>
#include <kext/arch.h>
#include "base/file.h"
#include "base/memory.h"
#include "image.h"
#include "macho/macho.h"

static void parse(const struct image *image, struct macho *m)
{
	assert_int_equal(macho_parse(image_bytes(image), "image", NULL, m), 0);
}

static void check_structure(const struct image *image, const struct macho *m)
{
	assert_int_equal(m->is_64, image->is_64);
	assert_int_equal(m->big, image->big);
	assert_int_equal(m->filetype, MH_KEXT_BUNDLE);
	assert_int_equal(m->flags, 0x85);
	assert_int_equal(m->commands.count, 4);
	assert_int_equal(m->commands.items[1].type, LC_SYMTAB);
	assert_int_equal(m->commands.items[1].offset, image_symtab_at(image));
	assert_int_equal(m->segments.count, 1);
	const struct macho_segment *segment = macho_segment_named(m, "__DATA");
	assert_non_null(segment);
	assert_int_equal(segment->address, 0x1000);
	assert_int_equal(segment->size, 0x1000);
	assert_int_equal(segment->file_offset, 0x200);
	assert_int_equal(segment->file_size, 0x10);
	assert_int_equal(segment->maxprot, 7);
	assert_int_equal(segment->initprot, 3);
	assert_int_equal(segment->section_count, 2);
	assert_memory_equal(m->uuid, "0123456789abcdef", 16);
	assert_true(m->has_symtab && m->has_dysymtab && m->has_uuid);
}

static void check_sections(const struct macho *m)
{
	const struct macho_section *s = macho_section_named(m, "__DATA", "__const");
	assert_non_null(s);
	assert_int_equal(s->address, 0x1000);
	assert_int_equal(s->size, 0x10);
	assert_int_equal(s->align, 3);
	assert_int_equal(s->reserved1, 11);
	assert_int_equal(s->reserved2, 12);
	assert_int_equal(s->content.size, 16);
	assert_memory_equal(s->content.data, "sixteen bytes...", 16);
	s = macho_section_named(m, "__DATA", "__bss");
	assert_non_null(s);
	assert_int_equal(s->address, 0x1010);
	assert_int_equal(s->content.size, 0);
	assert_int_equal(s->flags, S_ZEROFILL);
	assert_null(macho_section_named(m, "__TEXT", "__bss"));
	assert_null(macho_segment_named(m, "__TEXT"));
}

static void check_symbols(const struct macho *m)
{
	struct macho_symbol symbol;
	uint32_t index;
	assert_true(macho_symbol_at(m, 0, &symbol));
	assert_string_equal(symbol.name, "_a");
	assert_int_equal(symbol.type, N_SECT | N_EXT);
	assert_int_equal(symbol.section, 1);
	assert_int_equal(symbol.desc, N_WEAK_DEF);
	assert_int_equal(symbol.value, 0x1008);
	assert_true(macho_symbol_at(m, 1, &symbol));
	assert_string_equal(symbol.name, "_bc");
	assert_int_equal(symbol.strx, 4);
	assert_false(macho_symbol_at(m, 2, &symbol));
	assert_true(macho_find_symbol(m, "_a", &symbol));
	assert_false(macho_find_symbol(m, "_bc", &symbol)); /* undefined */
	assert_true(macho_indirect_at(m, 0, &index));
	assert_int_equal(index, INDIRECT_SYMBOL_LOCAL);
	assert_false(macho_indirect_at(m, 1, &index));
}

static void check_relocation(const struct macho_relocation *r,
			     struct macho_relocation wanted)
{
	assert_int_equal(r->address, wanted.address);
	assert_int_equal(r->symbol, wanted.symbol);
	assert_int_equal(r->value, wanted.value);
	assert_int_equal(r->type, wanted.type);
	assert_int_equal(r->length, wanted.length);
	assert_int_equal(r->pcrel, wanted.pcrel);
	assert_int_equal(r->external, wanted.external);
	assert_int_equal(r->scattered, wanted.scattered);
}

/* 0xa4000010 is scattered, pc-relative 0, length 2, type 4, address 0x10, save on x86_64.
 */
static void check_relocations(const struct image *image, const struct macho *m)
{
	const struct macho_section *s = macho_section_named(m, "__DATA", "__const");
	struct macho_relocation r;
	struct macho_table table = {s->reloff, s->nreloc};
	assert_true(macho_relocation_at(m, table, 0, &r));
	check_relocation(
		&r, (struct macho_relocation){.address = 4, .symbol = 1, .length = 3});
	assert_false(macho_relocation_at(m, table, 1, &r));
	assert_true(macho_relocation_at(m, m->local_relocations, 0, &r));
	check_relocation(
		&r, (struct macho_relocation){.address = 8, .symbol = 1, .length = 2});
	assert_true(macho_relocation_at(m, m->external_relocations, 0, &r));
	check_relocation(&r, (struct macho_relocation){.address = 12,
						       .symbol = 1,
						       .length = 2,
						       .type = 2,
						       .pcrel = true,
						       .external = true});
	assert_true(macho_relocation_at(m, m->external_relocations, 1, &r));
	if (image->is_64 && !image->big)
		check_relocation(&r, (struct macho_relocation){.address = 0xa4000010,
							       .symbol = 0x1234});
	else
		check_relocation(&r, (struct macho_relocation){.address = 0x10,
							       .value = 0x1234,
							       .length = 2,
							       .type = 4,
							       .scattered = true});
	assert_false(macho_relocation_at(m, m->external_relocations, 2, &r));
}

static void reads_both_widths_and_orders(void **state)
{
	(void)state;
	for (int form = 0; form < 4; form++) {
		struct image image;
		_cleanup_macho_ struct macho m = {0};
		image_make(&image, form & 1, form & 2);
		parse(&image, &m);
		check_structure(&image, &m);
		check_sections(&m);
		check_symbols(&m);
		check_relocations(&image, &m);
		image_free(&image);
	}
}

static void addresses_lead_to_segments_and_bytes(void **state)
{
	(void)state;
	struct image image;
	_cleanup_macho_ struct macho m = {0};
	struct bytes content;
	image_make(&image, true, false);
	parse(&image, &m);
	assert_non_null(macho_segment_holding(&m, 0x1000, 0x1000));
	assert_null(macho_segment_holding(&m, 0x1000, 0x1001));
	assert_null(macho_segment_holding(&m, 0xfff, 2));
	assert_null(macho_segment_holding(&m, 0x2000, 0));
	assert_null(macho_segment_holding(&m, 0x1001, UINT64_MAX));
	assert_true(macho_at_address(&m, 0x1008, 8, &content));
	assert_memory_equal(content.data, "bytes...", 8);
	assert_false(macho_at_address(&m, 0x1008, 9, &content));
	image_free(&image);
}

/* Everything a reader can reach. */
static uint64_t walk(const struct macho *m)
{
	uint64_t sum = 0;
	struct macho_symbol symbol;
	struct macho_relocation r;
	uint32_t index;
	for (uint32_t i = 0; i < m->symbols.count; i++)
		if (macho_symbol_at(m, i, &symbol))
			sum += strlen(symbol.name) + symbol.value;
	for (uint32_t i = 0; macho_relocation_at(m, m->local_relocations, i, &r); i++)
		sum += r.address;
	for (uint32_t i = 0; macho_relocation_at(m, m->external_relocations, i, &r); i++)
		sum += r.address;
	for (uint32_t i = 0; macho_indirect_at(m, i, &index); i++)
		sum += index;
	array_for_each (section, &m->sections)
		for (size_t i = 0; i < section->content.size; i++)
			sum += section->content.data[i];
	return sum;
}

static void every_prefix_is_refused(void **state)
{
	(void)state;
	for (int form = 0; form < 4; form++) {
		struct image image;
		image_make(&image, form & 1, form & 2);
		for (size_t size = 0; size < IMAGE_SIZE; size++) {
			struct kext_diagnostics *list = kext_diagnostics_new();
			struct macho m;
			uint8_t *copy = malloc(size);
			memcpy(copy, image.data, size);
			assert_int_equal(macho_parse(bytes_of(copy, size), "x", list, &m),
					 KEXT_ERR_VALIDATION);
			assert_int_equal(kext_diagnostics_length(list), 1);
			kext_diagnostics_free(list);
			free(copy);
		}
		image_free(&image);
	}
}

/* Each 32-bit word in turn takes values that lie at edges; nothing may be read outside.
 */
static void edited_words_do_no_harm(void **state)
{
	(void)state;
	static const uint32_t values[] = {0,	      1,	  0x25f,      0x260,
					  0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff};
	uint64_t sum = 0;
	for (int form = 0; form < 4; form++)
		for (uint32_t at = 0; at < IMAGE_SIZE; at += 4)
			for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
				struct image image;
				_cleanup_macho_ struct macho m = {0};
				image_make(&image, form & 1, form & 2);
				image_set(&image, at, values[v]);
				if (macho_parse(image_bytes(&image), "x", NULL, &m) == 0)
					sum += walk(&m);
				image_free(&image);
			}
	assert_true(sum > 0);
}

static void refuses(struct image *image, const char *slug, const char *part)
{
	struct kext_diagnostics *list = kext_diagnostics_new();
	struct macho m;
	assert_int_equal(macho_parse(image_bytes(image), "some file", list, &m),
			 KEXT_ERR_VALIDATION);
	const struct kext_diagnostic *found = kext_diagnostics_at(list, 0);
	assert_string_equal(found->slug, slug);
	assert_string_equal(found->subject, "some file");
	if (!strstr(found->message, part))
		fail_msg("no \"%s\" in \"%s\"", part, found->message);
	kext_diagnostics_free(list);
	image_free(image);
}

static void says_what_is_wrong_and_where(void **state)
{
	(void)state;
	/* offsets in the 64-bit little-endian image: segment at 0x20, sections at 0x68
	 * and 0xb8, symtab at 0x108, dysymtab at 0x120, uuid at 0x170 */
	static const struct {
		uint32_t offset, value;
		const char *slug, *part;
		struct {
			uint32_t offset, value;
		} also;
	} cases[] = {
		{0x00, 0xcafebabe, "macho.magic", "0xcafebabe", {0, 0}},
		{0x10, 0x10001, "macho.command", "65537 load commands", {0, 0}},
		{0x14, 0x241, "macho.truncated", "577 bytes of load commands", {0, 0}},
		{0x14, 0x100, "macho.command", "load command 3 of 4", {0, 0}},
		{0x24, 0xea, "macho.command", "no multiple of 4", {0, 0}},
		{0x24, 4, "macho.command", "size 4", {0, 0}},
		{0x20,
		 1,
		 "macho.segment",
		 "32-bit segment command in a 64-bit image",
		 {0, 0}},
		{0x3c,
		 0xffffffff,
		 "macho.segment",
		 "exceeds the address space",
		 {0x44, 1}},
		{0x48, 0x251, "macho.segment", "0x10 bytes at 0x251", {0, 0}},
		{0x60, 3, "macho.segment", "room for 2", {0, 0}},
		{0x88, 0xff8, "macho.section", "outside its segment", {0, 0}},
		{0x90, 0x1000, "macho.section", "0x1000 bytes at 0x200", {0, 0}},
		{0x98, 0x258, "macho.section", "0x258", {0, 0}},
		{0xa0, 0x25c, "macho.section", "1 relocations", {0, 0}},
		{0x110, 0x248, "macho.symtab", "2 symbols at 0x248", {0, 0}},
		{0x114, 0x10000000, "macho.symtab", "268435456 symbols", {0, 0}},
		{0x11c, 9, "macho.symtab", "0x9 bytes of strings at 0x258", {0, 0}},
		{0x120, 2, "macho.command", "LC_SYMTAB occurs twice", {0, 0}},
		{0x15c, 0x100, "macho.command", "indirect", {0, 0}},
		{0x164, 0x100, "macho.command", "relocations", {0, 0}},
		{0x120, 0x1b, "macho.command", "LC_UUID occurs twice", {0, 0}},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct image image;
		image_make(&image, true, false);
		image_set(&image, cases[i].offset, cases[i].value);
		if (cases[i].also.offset)
			image_set(&image, cases[i].also.offset, cases[i].also.value);
		refuses(&image, cases[i].slug, cases[i].part);
	}
}

static void strings_that_do_not_end_have_no_name(void **state)
{
	(void)state;
	struct image image;
	_cleanup_macho_ struct macho m = {0};
	struct macho_symbol symbol;
	image_make(&image, true, false);
	image_set(&image, 0x11c, 6); /* strings: "\0_a\0_b" */
	parse(&image, &m);
	assert_true(macho_symbol_at(&m, 0, &symbol));
	assert_string_equal(symbol.name, "_a");
	assert_false(macho_symbol_at(&m, 1, &symbol));
	image_set(&image, 0x238, 0); /* no name at all */
	assert_true(macho_symbol_at(&m, 0, &symbol));
	assert_string_equal(symbol.name, "");
	image_free(&image);
}

static void no_memory_is_an_error_without_leaks(void **state)
{
	(void)state;
	struct image image;
	image_make(&image, true, false);
	for (unsigned n = 1; n <= 3; n++) {
		struct macho m;
		fault_arm_allocation(n);
		assert_int_equal(macho_parse(image_bytes(&image), "x", NULL, &m),
				 -ENOMEM);
	}
	fault_arm_allocation(0);
	image_free(&image);
}

static void architectures_have_names_and_numbers(void **state)
{
	(void)state;
	assert_int_equal(kext_arch_named("x86_64")->cputype, 0x01000007);
	assert_int_equal(kext_arch_named("arm64e")->cpusubtype, 2);
	assert_null(kext_arch_named("vax"));
	assert_string_equal(kext_arch_numbered(12, 9)->name, "armv7");
	assert_string_equal(kext_arch_numbered(12, 99)->name, "arm");
	assert_string_equal(kext_arch_numbered(0x0100000c, 0xc1000002)->name, "arm64e");
	assert_null(kext_arch_numbered(6, 0));
	assert_string_equal(kext_arch_host()->name, "x86_64");
	assert_string_equal(kext_arch_generic_name(18), "ppc");
	assert_null(kext_arch_generic_name(1));
}

static char folder[] = "/tmp/test_macho.XXXXXX";

static void shell(const char *format, ...)
{
	char line[1024];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (system(line))
		fail_msg("failed: %s", line);
}

static struct file_map compile(const char *target)
{
	char path[64];
	struct file_map map;
	snprintf(path, sizeof(path), "%s/a.o", folder);
	shell("printf 'int g, h = 3; extern int u(int); static int s(int x) { return x + "
	      "g; }"
	      "const char *f(int x) { h += u(s(x)); return \"text\"; } int *p = &h;'"
	      " | clang-14 --target=%s -c -x c - -o %s",
	      target, path);
	assert_int_equal(file_map_path(AT_FDCWD, path, 1 << 20, &map), 0);
	return map;
}

/* Reads "name type value size" as llvm-nm prints it, and compares in the file's order. */
static void compare_symbols(const struct macho *m)
{
	char line[512], name[256], kind;
	unsigned long value;
	uint32_t index = 0;
	snprintf(line, sizeof(line), "llvm-nm-14 --no-sort --format=posix %s/a.o",
		 folder);
	FILE *pipe = popen(line, "r");
	while (fgets(line, sizeof(line), pipe)) {
		struct macho_symbol symbol;
		assert_true(macho_symbol_at(m, index++, &symbol));
		assert_int_equal(sscanf(line, "%255s %c %lx", name, &kind, &value), 3);
		assert_string_equal(symbol.name, name);
		assert_int_equal(symbol.value, value);
		assert_int_equal((symbol.type & N_TYPE) == N_UNDF, kind == 'U');
	}
	assert_int_equal(pclose(pipe), 0);
	assert_int_equal(index, m->symbols.count);
	assert_true(index >= 6);
}

/* "  0 __text 0000004a 0000000000000000 TEXT" */
static void compare_sections(const struct macho *m)
{
	char line[512], name[64];
	unsigned long size, address;
	unsigned index, count = 0;
	snprintf(line, sizeof(line), "llvm-objdump-14 --section-headers %s/a.o", folder);
	FILE *pipe = popen(line, "r");
	while (fgets(line, sizeof(line), pipe)) {
		if (sscanf(line, "%u %63s %lx %lx", &index, name, &size, &address) != 4)
			continue;
		assert_true(index < m->sections.count);
		assert_string_equal(m->sections.items[index].name, name);
		assert_int_equal(m->sections.items[index].size, size);
		assert_int_equal(m->sections.items[index].address, address);
		count++;
	}
	assert_int_equal(pclose(pipe), 0);
	assert_int_equal(count, m->sections.count);
}

/* "00000019 True  long   True   BRANCH  False  _u", grouped by section as in the file */
static void compare_relocations(const struct macho *m)
{
	char line[512], pcrel[16], length[16], external[16], type[32], scattered[16];
	unsigned address, count = 0, section = 0, index = 0;
	snprintf(line, sizeof(line), "llvm-objdump-14 --macho --reloc %s/a.o", folder);
	FILE *pipe = popen(line, "r");
	while (fgets(line, sizeof(line), pipe)) {
		struct macho_relocation r;
		if (strncmp(line, "address", 7) == 0 ||
		    sscanf(line, "%x %15s %15s %15s %31s %15s", &address, pcrel, length,
			   external, type, scattered) != 6)
			continue;
		while (index == m->sections.items[section].nreloc) {
			section++;
			index = 0;
		}
		const struct macho_section *s = &m->sections.items[section];
		struct macho_table table = {s->reloff, s->nreloc};
		assert_true(macho_relocation_at(m, table, index++, &r));
		assert_int_equal(r.address, address);
		assert_int_equal(r.pcrel, strcmp(pcrel, "True") == 0);
		assert_int_equal(r.external, strcmp(external, "True") == 0);
		assert_int_equal(r.length, strcmp(length, "quad") == 0 ? 3 : 2);
		count++;
	}
	assert_int_equal(pclose(pipe), 0);
	assert_true(count >= 3);
}

static void agrees_with_llvm_on_objects(void **state)
{
	(void)state;
	static const char *const targets[] = {"x86_64-apple-macosx10.15 -mkernel",
					      "arm64-apple-ios12", "armv7-apple-ios6"};
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < 3; i++) {
		_cleanup_file_map_ struct file_map map = compile(targets[i]);
		_cleanup_macho_ struct macho m = {0};
		assert_int_equal(macho_parse(map.bytes, targets[i], NULL, &m), 0);
		compare_symbols(&m);
		compare_sections(&m);
		if (i ==
		    0) /* elsewhere LLVM prints pairs and scattered ones its own way */
			compare_relocations(&m);
	}
	shell("rm -r %s", folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_both_widths_and_orders),
		cmocka_unit_test(addresses_lead_to_segments_and_bytes),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(edited_words_do_no_harm),
		cmocka_unit_test(says_what_is_wrong_and_where),
		cmocka_unit_test(strings_that_do_not_end_have_no_name),
		cmocka_unit_test(no_memory_is_an_error_without_leaks),
		cmocka_unit_test(architectures_have_names_and_numbers),
		cmocka_unit_test(agrees_with_llvm_on_objects),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
