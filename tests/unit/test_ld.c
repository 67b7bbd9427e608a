/*
 * The static linker over objects written here byte by byte: what compilers do not emit,
 * what must be refused, and the arithmetic of section-relative relocations.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include "base/memory.h"
#include "ld/linker.h"

#define TEXT_SIZE   32u
#define DATA_OFFSET 32u
#define DATA_SIZE   32u
#define STRING_SIZE 12u

enum { TEXT = 1, DATA, STRINGS };

struct entry {
	uint32_t address, word;
};

/* An object with __TEXT,__text at 0, __DATA,__data at 32 and __TEXT,__cstring at 64. */
struct object {
	uint8_t text[TEXT_SIZE], data[DATA_SIZE];
	char strings[STRING_SIZE];
	struct entry text_relocations[4], data_relocations[4];
	uint32_t text_count, data_count;
	struct {
		const char *name;
		uint8_t type, section;
		uint16_t desc;
		uint64_t value;
	} symbols[6];
	uint32_t symbol_count, flags, cputype, filetype;
	uint32_t data_flags;
};

static uint32_t relocation(uint32_t number, bool pcrel, unsigned length, bool external,
			   unsigned type)
{
	return number | (uint32_t)pcrel << 24 | length << 25 | (uint32_t)external << 27 |
	       type << 28;
}

static void put_section(struct buffer *out, const char *segment, const char *name,
			uint64_t address, uint64_t size, uint32_t offset, uint32_t reloff,
			uint32_t nreloc, uint32_t flags)
{
	char field[32] = {0};
	memcpy(field, name, strlen(name));
	memcpy(field + 16, segment, strlen(segment));
	buffer_append(out, field, sizeof(field));
	buffer_u64(out, address, false);
	buffer_u64(out, size, false);
	const uint32_t words[8] = {offset, 3, reloff, nreloc, flags};
	for (size_t i = 0; i < 8; i++)
		buffer_u32(out, words[i], false);
}

#define COMMANDS_SIZE (72u + 3u * 80u + 24u)
#define CONTENT	      (32u + COMMANDS_SIZE)

static void put_commands(struct buffer *out, const struct object *o, uint32_t symbols,
			 uint32_t strings, uint32_t string_size)
{
	const uint32_t header[8] = {
		MH_MAGIC_64, o->cputype ? o->cputype : KEXT_CPU_X86_64,
		3,	     o->filetype ? o->filetype : MH_OBJECT,
		2,	     COMMANDS_SIZE,
		o->flags,    0};
	for (size_t i = 0; i < 8; i++)
		buffer_u32(out, header[i], false);
	uint32_t all = TEXT_SIZE + DATA_SIZE + STRING_SIZE, relocs = CONTENT + all;
	buffer_u32(out, LC_SEGMENT_64, false);
	buffer_u32(out, 72 + 3 * 80, false);
	buffer_zeros(out, 24);
	buffer_u64(out, all, false);
	buffer_u64(out, CONTENT, false);
	buffer_u64(out, all, false);
	const uint32_t rest[4] = {7, 7, 3, 0};
	for (size_t i = 0; i < 4; i++)
		buffer_u32(out, rest[i], false);
	put_section(out, "__TEXT", "__text", 0, TEXT_SIZE, CONTENT, relocs, o->text_count,
		    S_ATTR_PURE_INSTRUCTIONS);
	put_section(out, "__DATA", "__data", DATA_OFFSET, DATA_SIZE, CONTENT + TEXT_SIZE,
		    relocs + 8 * o->text_count, o->data_count, o->data_flags);
	put_section(out, "__TEXT", "__cstring", DATA_OFFSET + DATA_SIZE, STRING_SIZE,
		    CONTENT + TEXT_SIZE + DATA_SIZE, 0, 0, S_CSTRING_LITERALS);
	const uint32_t symtab[6] = {LC_SYMTAB,	     24,      symbols,
				    o->symbol_count, strings, string_size};
	for (size_t i = 0; i < 6; i++)
		buffer_u32(out, symtab[i], false);
}

static struct buffer write_object(const struct object *o)
{
	struct buffer out = {0}, strings = {0}, symbols = {0};
	buffer_zeros(&strings, 1);
	for (uint32_t i = 0; i < o->symbol_count; i++) {
		buffer_u32(&symbols, (uint32_t)strings.size, false);
		buffer_u8(&symbols, o->symbols[i].type);
		buffer_u8(&symbols, o->symbols[i].section);
		buffer_u16(&symbols, o->symbols[i].desc, false);
		buffer_u64(&symbols, o->symbols[i].value, false);
		buffer_append(&strings, o->symbols[i].name,
			      strlen(o->symbols[i].name) + 1);
	}
	uint32_t at = CONTENT + TEXT_SIZE + DATA_SIZE + STRING_SIZE +
		      8 * (o->text_count + o->data_count);
	put_commands(&out, o, at, at + (uint32_t)symbols.size, (uint32_t)strings.size);
	assert_int_equal(out.size, CONTENT);
	buffer_append(&out, o->text, TEXT_SIZE);
	buffer_append(&out, o->data, DATA_SIZE);
	buffer_append(&out, o->strings, STRING_SIZE);
	buffer_append(&out, o->text_relocations, 8 * o->text_count);
	buffer_append(&out, o->data_relocations, 8 * o->data_count);
	buffer_append(&out, symbols.data, symbols.size);
	buffer_append(&out, strings.data, strings.size);
	buffer_free(&strings);
	buffer_free(&symbols);
	return out;
}

struct link {
	struct kext_context *context;
	struct kext_diagnostics *diagnostics;
	struct buffer image;
	struct macho macho;
	int error;
};

static void run(struct link *l, const struct object *const *objects, size_t count)
{
	static const char *const names[] = {"first.o", "second.o", "third.o"};
	struct buffer files[3];
	struct kext_ld_input inputs[3];
	*l = (struct link){.diagnostics = kext_diagnostics_new()};
	assert_int_equal(kext_context_new(&l->context), 0);
	for (size_t i = 0; i < count; i++) {
		files[i] = write_object(objects[i]);
		inputs[i] = (struct kext_ld_input){
			.path = names[i], .data = files[i].data, .size = files[i].size};
	}
	struct kext_ld_options options = {
		.output = "out", .inputs = inputs, .input_count = count};
	l->error = ld_link(l->context, &options, l->diagnostics, &l->image);
	if (!l->error)
		assert_int_equal(macho_parse(bytes_of(l->image.data, l->image.size),
					     "out", l->diagnostics, &l->macho),
				 0);
	for (size_t i = 0; i < count; i++)
		buffer_free(&files[i]);
}

static void end(struct link *l)
{
	if (!l->error)
		macho_free(&l->macho);
	buffer_free(&l->image);
	kext_diagnostics_free(l->diagnostics);
	kext_context_unref(l->context);
}

static uint64_t address_of(const struct link *l, const char *name)
{
	struct macho_symbol symbol;
	assert_true(macho_find_symbol(&l->macho, name, &symbol));
	return symbol.value;
}

static const uint8_t *bytes_at(const struct link *l, uint64_t address, uint64_t size)
{
	struct bytes bytes;
	assert_true(macho_at_address(&l->macho, address, size, &bytes));
	return bytes.data;
}

/* The first error's subject and message hold these texts. */
static void expect_error(struct link *l, const struct object *object, const char *slug,
			 const char *text)
{
	run(l, &object, 1);
	assert_int_equal(l->error, KEXT_ERR_LINK);
	assert_int_not_equal(kext_diagnostics_length(l->diagnostics), 0);
	const struct kext_diagnostic *d = kext_diagnostics_at(l->diagnostics, 0);
	assert_string_equal(d->slug, slug);
	assert_string_equal(d->subject, "first.o");
	if (!strstr(d->message, text))
		fail_msg("'%s' is not in '%s'", text, d->message);
	end(l);
}

static struct object plain(void)
{
	return (struct object){
		.strings = "left\0right",
		.symbols = {{"_code", N_SECT | N_EXT, TEXT, 0, 0},
			    {"_data", N_SECT | N_EXT, DATA, 0, DATA_OFFSET}},
		.symbol_count = 2,
		.flags = MH_SUBSECTIONS_VIA_SYMBOLS,
	};
}

/* Behind a section-relative relocation the bytes in place lead to the object's address.
 */
static void test_section_relative(void **state)
{
	(void)state;
	struct object o = plain();
	struct link l;
	/* At 4, a distance to "right" at 64 + 5; at 12, with two bytes behind, to data
	 * + 8. */
	store32(o.text + 4, 64 + 5 - (4 + 4), false);
	store32(o.text + 12, DATA_OFFSET + 8 - (12 + 4 + 2), false);
	o.text_relocations[0] = (struct entry){
		4, relocation(STRINGS, true, 2, false, X86_64_RELOC_SIGNED)};
	o.text_relocations[1] = (struct entry){
		12, relocation(DATA, true, 2, false, X86_64_RELOC_SIGNED_2)};
	o.text_count = 2;
	/* At 8, the address of "right". */
	store64(o.data + 8, 64 + 5, false);
	o.data_relocations[0] =
		(struct entry){DATA_OFFSET - 32 + 8, relocation(STRINGS, false, 3, false,
								X86_64_RELOC_UNSIGNED)};
	o.data_count = 1;
	run(&l, (const struct object *[]){&o}, 1);
	assert_int_equal(l.error, 0);
	uint64_t code = address_of(&l, "_code"), data = address_of(&l, "_data");
	int32_t distance = (int32_t)load32(bytes_at(&l, code + 4, 4), false);
	uint64_t right = code + 4 + 4 + (uint64_t)(int64_t)distance;
	assert_memory_equal(bytes_at(&l, right, 6), "right", 6);
	distance = (int32_t)load32(bytes_at(&l, code + 12, 4), false);
	assert_int_equal(code + 12 + 4 + 2 + (uint64_t)(int64_t)distance, data + 8);
	assert_int_equal(load64(bytes_at(&l, data + 8, 8), false), right);
	assert_int_equal(l.macho.local_relocations.count, 1);
	assert_int_equal(l.macho.external_relocations.count, 0);
	struct macho_relocation r;
	assert_true(macho_relocation_at(&l.macho, l.macho.local_relocations, 0, &r));
	assert_int_equal(r.address, data + 8);
	assert_string_equal(l.macho.sections.items[r.symbol - 1].name, "__cstring");
	end(&l);
}

/*
 * Both objects define _shared weakly. The second one's copy stays only because its own
 * data refers to it by section, and that reference leads to it, not to the winner.
 */
static void test_overridden_copy_referred_to_by_section(void **state)
{
	(void)state;
	struct link l;
	struct object o = {
		.symbols = {{"_shared", N_SECT | N_EXT, TEXT, N_WEAK_DEF, 0},
			    {"_own", N_SECT | N_EXT, TEXT, 0, 16},
			    {"_data", N_SECT | N_EXT, DATA, 0, DATA_OFFSET}},
		.symbol_count = 3,
		.flags = MH_SUBSECTIONS_VIA_SYMBOLS,
	};
	struct object p = o;
	memset(o.text, 0x11, sizeof(o.text));
	memset(p.text, 0x22, sizeof(p.text));
	p.symbols[1].name = "_own_too";
	p.symbols[2].name = "_data_too";
	run(&l, (const struct object *[]){&o, &p}, 2);
	assert_int_equal(l.error, 0);
	/* 32 bytes of the first, 16 of the second. */
	assert_int_equal(macho_section_named(&l.macho, "__TEXT", "__text")->size, 48);
	end(&l);
	store64(p.data, 4, false);
	p.data_relocations[0] = (struct entry){
		0, relocation(TEXT, false, 3, false, X86_64_RELOC_UNSIGNED)};
	p.data_relocations[1] =
		(struct entry){8, relocation(0, false, 3, true, X86_64_RELOC_UNSIGNED)};
	p.data_count = 2;
	run(&l, (const struct object *[]){&o, &p}, 2);
	assert_int_equal(l.error, 0);
	assert_int_equal(macho_section_named(&l.macho, "__TEXT", "__text")->size, 64);
	uint64_t data = address_of(&l, "_data_too");
	uint64_t by_section = load64(bytes_at(&l, data, 8), false);
	uint64_t by_name = load64(bytes_at(&l, data + 8, 8), false);
	assert_int_equal(*bytes_at(&l, by_section, 1), 0x22);
	assert_int_equal(by_name, address_of(&l, "_shared"));
	assert_int_equal(*bytes_at(&l, by_name, 1), 0x11);
	end(&l);
}

/* The larger common wins in size and alignment, and a definition over both. */
static void test_commons(void **state)
{
	(void)state;
	struct link l;
	struct object o = {.symbols = {{"_shared", N_UNDF | N_EXT, 0, 4 << 8, 8}},
			   .symbol_count = 1};
	struct object p = {.symbols = {{"_shared", N_UNDF | N_EXT, 0, 2 << 8, 40}},
			   .symbol_count = 1};
	run(&l, (const struct object *[]){&o, &p}, 2);
	assert_int_equal(l.error, 0);
	const struct macho_section *common =
		macho_section_named(&l.macho, "__DATA", "__common");
	assert_int_equal(common->size, 40);
	assert_int_equal(common->align, 4);
	assert_int_equal(address_of(&l, "_shared"), common->address);
	end(&l);
	struct object q = {.symbols = {{"_shared", N_SECT | N_EXT, DATA, 0, DATA_OFFSET}},
			   .symbol_count = 1};
	run(&l, (const struct object *[]){&o, &q, &p}, 3);
	assert_int_equal(l.error, 0);
	assert_null(macho_section_named(&l.macho, "__DATA", "__common"));
	end(&l);
}

/* What is undefined is weak in the result only if every object says so. */
static void test_weak_references(void **state)
{
	(void)state;
	struct link l;
	struct object o = plain();
	o.symbols[2].name = "_maybe";
	o.symbols[2].type = N_EXT;
	o.symbols[2].desc = N_WEAK_REF;
	o.symbol_count = 3;
	o.data_relocations[0] =
		(struct entry){0, relocation(2, false, 3, true, X86_64_RELOC_UNSIGNED)};
	o.data_count = 1;
	run(&l, (const struct object *[]){&o}, 1);
	assert_int_equal(l.error, 0);
	struct macho_symbol symbol;
	assert_true(macho_symbol_at(&l.macho, l.macho.symbols.count - 1, &symbol));
	assert_string_equal(symbol.name, "_maybe");
	assert_int_equal(symbol.desc, N_WEAK_REF);
	end(&l);
	struct object p = {.symbols = {{"_maybe", N_EXT, 0, 0, 0}}, .symbol_count = 1};
	run(&l, (const struct object *[]){&o, &p}, 2);
	assert_int_equal(l.error, 0);
	assert_true(macho_symbol_at(&l.macho, l.macho.symbols.count - 1, &symbol));
	assert_int_equal(symbol.desc, 0);
	end(&l);
}

static void test_refused_relocations(void **state)
{
	(void)state;
	static const struct {
		uint32_t address, word;
		const char *text;
	} cases[] = {
		{30, X86_64_RELOC_SIGNED << 28 | 2 << 25 | 1 << 24 | 2,
		 "outside its section"},
		{0, 0, "a form that x86_64 does not use"},
		{0, 9u << 28 | 2 << 25 | 1 << 24 | 1 << 27, "thread-local"},
		{0, 10u << 28 | 2 << 25 | 1 << 27, "unknown type"},
		{0, 5u << 28 | 3 << 25 | 1 << 27, "lacks the second half"},
		{0, 2u << 28 | 3 << 25 | 1 << 24 | 1 << 27,
		 "not a distance of four bytes"},
		{0, 3 << 25 | 1 << 24 | 1, "relative to the pc"},
		{0, 3 << 25 | 7, "a section that does not exist"},
		{0, 3 << 25 | 1 << 27 | 77, "does not exist"},
		{0, 3u << 28 | 2 << 25 | 1 << 24 | 2, "of the GOT without a symbol"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct object o = plain();
		struct link l;
		o.text_relocations[0] = (struct entry){cases[i].address, cases[i].word};
		o.text_count = 1;
		expect_error(&l, &o, "ld.object", cases[i].text);
	}
}

static void test_overlapping_relocations(void **state)
{
	(void)state;
	struct object o = plain();
	struct link l;
	uint32_t word = relocation(DATA, false, 3, false, X86_64_RELOC_UNSIGNED);
	store64(o.data, DATA_OFFSET, false);
	o.data_relocations[0] = (struct entry){0, word};
	o.data_relocations[1] = (struct entry){4, word};
	o.data_count = 2;
	expect_error(&l, &o, "ld.object", "crosses another");
	o.data_count = 1;
	o.symbols[2].name = "_inside";
	o.symbols[2].type = N_SECT;
	o.symbols[2].section = DATA;
	o.symbols[2].value = DATA_OFFSET + 4;
	o.symbol_count = 3;
	expect_error(&l, &o, "ld.object", "crosses a symbol");
}

static void test_refused_objects(void **state)
{
	(void)state;
	struct link l;
	struct object o = plain();
	o.cputype = KEXT_CPU_ARM64;
	expect_error(&l, &o, "ld.arch", "built for arm64");
	o = plain();
	o.filetype = MH_EXECUTE;
	expect_error(&l, &o, "ld.object", "file type is 2, expected 1");
	o = plain();
	o.data_flags = S_SYMBOL_STUBS;
	expect_error(&l, &o, "ld.object", "type 0x8");
	o = plain();
	o.symbols[0].section = 9;
	expect_error(&l, &o, "ld.object", "is in section 9 of 3");
	o = plain();
	o.symbols[1].value = 0x1000;
	expect_error(&l, &o, "ld.object", "is outside its section");
	o = plain();
	o.symbols[1].type = N_INDR | N_EXT;
	expect_error(&l, &o, "ld.object", "not supported");
}

static void test_duplicate(void **state)
{
	(void)state;
	struct link l;
	struct object o = plain(), p = plain();
	run(&l, (const struct object *[]){&o, &p}, 2);
	assert_int_equal(l.error, KEXT_ERR_LINK);
	/* Both names, not the first alone. */
	assert_int_equal(kext_diagnostics_count(l.diagnostics, KEXT_ERROR), 2);
	const struct kext_diagnostic *d = kext_diagnostics_at(l.diagnostics, 1);
	assert_string_equal(d->slug, "ld.duplicate");
	assert_string_equal(d->subject, "second.o");
	assert_non_null(strstr(d->message, "_data is defined here and in first.o"));
	end(&l);
}

/* Archives byte by byte: long names in front, in a table, and headers that lie. */
static void put_member(struct buffer *out, const char *name, const char *size,
		       const char *content)
{
	char header[61];
	snprintf(header, sizeof(header), "%-16s%-12d%-6d%-6d%-8d%-10s`\n", name, 0, 0, 0,
		 100644, size);
	buffer_append(out, header, 60);
	buffer_string(out, content);
}

static void test_archive_members(void **state)
{
	(void)state;
	_cleanup_buffer_ struct buffer out = {0};
	buffer_string(&out, "!<arch>\n");
	put_member(&out, "/", "4", "junk");
	put_member(&out, "//", "20", "a_long_name_of_gnu/\n");
	put_member(&out, "short.o/", "3", "one\n");
	put_member(&out, "/0", "4", "two!");
	put_member(&out, "#1/12", "17", "darwin_nameXthree\n");
	put_member(&out, "__.SYMDEF", "2", "xx");
	put_member(&out, "plain.o", "0", "");
	out.data[8 + 64 + 80 + 64 + 64 + 60 + 11] = 0;
	static const char *const names[] = {"short.o", "a_long_name_of_gnu",
					    "darwin_name", "plain.o"};
	static const char *const contents[] = {"one", "two!", "three", ""};
	struct ld_ar ar;
	assert_true(ld_ar_begin(bytes_of(out.data, out.size), &ar));
	for (size_t i = 0; i < 4; i++) {
		char *name;
		struct bytes content;
		size_t offset;
		assert_int_equal(ld_ar_next(&ar, &name, &content, &offset), 1);
		assert_string_equal(name, names[i]);
		assert_int_equal(content.size, strlen(contents[i]));
		assert_memory_equal(content.data, contents[i], content.size);
		free(name);
	}
	char *name;
	struct bytes content;
	size_t offset;
	assert_int_equal(ld_ar_next(&ar, &name, &content, &offset), 0);
}

static void test_archive_broken(void **state)
{
	(void)state;
	static const struct {
		const char *name, *size;
	} cases[] = {
		{"a.o", "99"}, {"a.o", "x"},  {"a.o", "4 4"}, {"a.o", ""},
		{"/7", "4"},   {"#1/9", "4"}, {"#1/", "4"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_buffer_ struct buffer out = {0};
		struct ld_ar ar;
		char *name;
		struct bytes content;
		size_t offset;
		buffer_string(&out, "!<arch>\n");
		put_member(&out, cases[i].name, cases[i].size, "four");
		assert_true(ld_ar_begin(bytes_of(out.data, out.size), &ar));
		assert_int_equal(ld_ar_next(&ar, &name, &content, &offset),
				 KEXT_ERR_BAD_DATA);
		assert_int_equal(offset, 8);
	}
}

/* Whichever allocation fails, the link fails cleanly (leaks are the sanitizer's to find).
 */
static void test_no_memory(void **state)
{
	(void)state;
	struct object o = plain();
	o.data_relocations[0] =
		(struct entry){0, relocation(0, false, 3, true, X86_64_RELOC_UNSIGNED)};
	o.data_count = 1;
	struct buffer file = write_object(&o);
	struct kext_ld_input input = {
		.path = "first.o", .data = file.data, .size = file.size};
	struct kext_ld_options options = {
		.output = "out", .inputs = &input, .input_count = 1};
	struct kext_context *context;
	assert_int_equal(kext_context_new(&context), 0);
	int error = -ENOMEM;
	unsigned n = 0;
	while (error) {
		struct buffer image = {0};
		fault_arm_allocation(++n);
		error = ld_link(context, &options, NULL, &image);
		fault_arm_allocation(0);
		if (error)
			assert_int_equal(error, -ENOMEM);
		buffer_free(&image);
		assert_true(n < 1000);
	}
	assert_true(n > 10);
	kext_context_unref(context);
	buffer_free(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_section_relative),
		cmocka_unit_test(test_overridden_copy_referred_to_by_section),
		cmocka_unit_test(test_commons),
		cmocka_unit_test(test_weak_references),
		cmocka_unit_test(test_refused_relocations),
		cmocka_unit_test(test_overlapping_relocations),
		cmocka_unit_test(test_refused_objects),
		cmocka_unit_test(test_duplicate),
		cmocka_unit_test(test_archive_members),
		cmocka_unit_test(test_archive_broken),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
