/*
 * Chained fixups: images put together by hand with one data page, whose links are written
 * as the format lays them out, for every format that is read, and every way they can be
 * wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <kext/arch.h>
#include "archive/fixups.h"

#define TEXT	  UINT64_C(0xfffffe0007004000)
#define DATA	  (TEXT + 0x8000)
#define PAGE	  0x4000u
#define DATA_AT	  0x4000u /* in the file */
#define CHAIN_AT  0xc000u /* the payload */
#define FILE_SIZE 0xd000u

struct image {
	uint8_t data[FILE_SIZE];
	struct macho macho;
};

static void put_segment(uint8_t *at, const char *name, uint64_t address, uint64_t size,
			uint64_t offset, uint64_t file_size)
{
	store32(at, LC_SEGMENT_64, false);
	store32(at + 4, 72, false);
	memcpy(at + 8, name, strlen(name));
	store64(at + 24, address, false);
	store64(at + 32, size, false);
	store64(at + 40, offset, false);
	store64(at + 48, file_size, false);
}

/* Two pages of data with chains of the given format; the links are the test's. */
static void make_image(struct image *image, uint32_t cputype, uint16_t format,
		       uint16_t start, uint16_t second_start)
{
	uint8_t *d = image->data, *c = d + CHAIN_AT;
	memset(image, 0, sizeof(*image));
	store32(d, MH_MAGIC_64, false);
	store32(d + 4, cputype, false);
	store32(d + 12, MH_FILESET, false);
	store32(d + 16, 3, false);
	store32(d + 20, 72 * 2 + 16, false);
	put_segment(d + 32, "__TEXT", TEXT, 0x4000, 0, 0x4000);
	put_segment(d + 104, "__DATA", DATA, 2 * PAGE, DATA_AT, 2 * PAGE);
	store32(d + 176, LC_DYLD_CHAINED_FIXUPS, false);
	store32(d + 180, 16, false);
	store32(d + 184, CHAIN_AT, false);
	store32(d + 188, 0x100, false);
	store32(c + 4, 28, false); /* starts: two segments, the first has none */
	store32(c + 28, 2, false);
	store32(c + 36, 12, false); /* from the starts on */
	c += 40;
	store32(c, 22 + 4, false);
	store16(c + 4, PAGE, false);
	store16(c + 6, format, false);
	store64(c + 8, DATA - TEXT, false);
	store16(c + 20, 2, false);
	store16(c + 22, start, false);
	store16(c + 24, second_start, false);
}

static void put_link(struct image *image, uint32_t at, uint64_t link)
{
	store64(image->data + DATA_AT + at, link, false);
}

static uint64_t word(const struct image *image, uint32_t at)
{
	return load64(image->data + DATA_AT + at, false);
}

/* target 30, level 2, diversity 16, address diversity 1, key 2, next 12, signed 1 */
static uint64_t cache_link(uint64_t target, uint64_t level, uint64_t next)
{
	return target | level << 30 | next << 51;
}

struct outcome {
	uint64_t pointers, is_signed, elsewhere;
};

static int apply(struct image *image, const struct fixups_bases *bases, const char *slug,
		 struct outcome *outcome)
{
	struct kext_diagnostics *list = kext_diagnostics_new();
	struct bytes bytes = bytes_of(image->data, FILE_SIZE);
	assert_int_equal(macho_parse(bytes, "test", list, &image->macho), 0);
	struct fixups f = {.data = image->data,
			   .macho = &image->macho,
			   .bases = bases,
			   .subject = "test",
			   .diagnostics = list};
	struct fixups_image whole = {FIXUPS_FILE, NULL, false, TEXT, TEXT};
	int error = fixups_apply(&f, &whole);
	assert_int_equal(kext_diagnostics_length(list), error < 0);
	if (error < 0)
		assert_string_equal(kext_diagnostics_at(list, 0)->slug, slug);
	else
		*outcome = (struct outcome){f.pointers, f.is_signed, f.elsewhere.count};
	fixups_finish(&f);
	macho_free(&image->macho);
	kext_diagnostics_free(list);
	return error;
}

static const struct fixups_bases bases = {.address = {TEXT, 0x1000000},
					  .is_known = {true, true}};
static struct image image;

static void kernel_cache_arm64(void **state)
{
	struct outcome count = {0};
	(void)state;
	make_image(&image, KEXT_CPU_ARM64, POINTER_64_KERNEL_CACHE, 8, 0x3ff8);
	put_link(&image, 8, cache_link(0x123, 0, 3)); /* the next one: 12 bytes on */
	put_link(&image, 20, cache_link(0x3fffffff, 1, 0xfea)); /* 0x3fa8 bytes on */
	put_link(&image, 0x3fbc,
		 cache_link(0x10, 0, 0) | UINT64_C(1) << 63 | UINT64_C(0x7ffff) << 32);
	put_link(&image, 0x7ff8, cache_link(4, 3, 0));
	assert_int_equal(apply(&image, &bases, NULL, &count), 0);
	assert_int_equal(word(&image, 8), TEXT + 0x123);
	assert_int_equal(word(&image, 20), 0x40ffffff);
	assert_int_equal(word(&image, 0x3fbc), TEXT + 0x10);
	assert_int_equal(word(&image, 0x7ff8), 4);
	assert_int_equal(word(&image, 0x1000), 0);
	assert_int_equal(count.pointers, 4);
	assert_int_equal(count.is_signed, 1);
	assert_int_equal(count.elsewhere, 1);
}

/* Distances are in bytes, so that pointers may lie anywhere. */
static void kernel_cache_x86_64(void **state)
{
	struct outcome count = {0};
	(void)state;
	make_image(&image, KEXT_CPU_X86_64, POINTER_X86_64_KERNEL_CACHE, 1, 0xffff);
	put_link(&image, 1, cache_link(7, 0, 8));
	put_link(&image, 9, cache_link(8, 0, 0xfff));
	put_link(&image, 0x1008, cache_link(9, 0, 0));
	assert_int_equal(apply(&image, &bases, NULL, &count), 0);
	assert_int_equal(word(&image, 1), TEXT + 7);
	assert_int_equal(word(&image, 9), TEXT + 8);
	assert_int_equal(word(&image, 0x1008), TEXT + 9);
	assert_int_equal(count.pointers, 3);
}

/* target 36, high 8, 7 unused, next 12, bind 1 */
static void executables(void **state)
{
	struct outcome count = {0};
	(void)state;
	make_image(&image, KEXT_CPU_ARM64, POINTER_64, 0, 0xffff);
	put_link(&image, 0,
		 UINT64_C(0xabcdef012) | UINT64_C(0x80) << 36 | UINT64_C(2) << 51);
	put_link(&image, 8, 5);
	assert_int_equal(apply(&image, &bases, NULL, &count), 0);
	assert_int_equal(word(&image, 0), UINT64_C(0x8000000abcdef012));
	assert_int_equal(word(&image, 8), 5);
	make_image(&image, KEXT_CPU_ARM64, POINTER_64_OFFSET, 0, 0xffff);
	put_link(&image, 0, 0x40);
	assert_int_equal(apply(&image, &bases, NULL, &count), 0);
	assert_int_equal(word(&image, 0), TEXT + 0x40);
	put_link(&image, 0, 0x40 | UINT64_C(1) << 63);
	assert_int_equal(apply(&image, &bases, "fixups.bind", &count),
			 KEXT_ERR_UNSUPPORTED);
}

#define NEXT(count) ((uint64_t)(count) << 51)
#define SIGNED	    (UINT64_C(1) << 63)
#define BOUND	    (UINT64_C(1) << 62)
/* What a signature is made with, bits 32 to 50; of no use to a plain pointer. */
#define SIGNATURE (UINT64_C(0x6beef) << 32)

/* target 43, high 8, next 11, bind, signed; signed ones: target 32 from the header */
static void arm64e(void **state)
{
	static const struct {
		uint16_t format;
		uint64_t stride, base;
	} rows[] = {
		{POINTER_ARM64E, 8, 0},
		{POINTER_ARM64E_KERNEL, 4, TEXT},
		{POINTER_ARM64E_USERLAND, 8, TEXT},
		{POINTER_ARM64E_FIRMWARE, 4, 0},
		{POINTER_ARM64E_USERLAND24, 8, TEXT},
	};
	struct outcome count = {0};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		make_image(&image, KEXT_CPU_ARM64, rows[i].format, 8, 0xffff);
		put_link(&image, 8, 0x123456789 | NEXT(16 / rows[i].stride));
		put_link(&image, 24,
			 0x89abcdef | SIGNATURE | SIGNED | NEXT(8 / rows[i].stride));
		put_link(&image, 32, 0x77 | UINT64_C(0x80) << 43);
		assert_int_equal(apply(&image, &bases, NULL, &count), 0);
		assert_int_equal(word(&image, 8), rows[i].base + 0x123456789);
		assert_int_equal(word(&image, 24), TEXT + 0x89abcdef);
		assert_int_equal(word(&image, 32),
				 rows[i].base + 0x77 + (UINT64_C(0x80) << 56));
		assert_int_equal(count.pointers, 3);
		assert_int_equal(count.is_signed, 1);
		make_image(&image, KEXT_CPU_ARM64, rows[i].format, 0, 0xffff);
		put_link(&image, 0, BOUND);
		assert_int_equal(apply(&image, &bases, "fixups.bind", &count),
				 KEXT_ERR_UNSUPPORTED);
		put_link(&image, 0, BOUND | SIGNED);
		assert_int_equal(apply(&image, &bases, "fixups.bind", &count),
				 KEXT_ERR_UNSUPPORTED);
	}
	/* A kernel's address: the top byte apart, the sign of the other 43 bits. */
	make_image(&image, KEXT_CPU_ARM64, POINTER_ARM64E, 0, 0xffff);
	put_link(&image, 0, (DATA & 0x7ffffffffff) | UINT64_C(0xff) << 43);
	assert_int_equal(apply(&image, &bases, NULL, &count), 0);
	assert_int_equal(word(&image, 0), DATA);
}

/* ---- section __thread_starts ---- */

/* No command of chains, but a section at the end of __TEXT. */
static void make_threads(const uint32_t *words, uint32_t count)
{
	make_image(&image, KEXT_CPU_ARM64, POINTER_ARM64E, 0xffff, 0xffff);
	uint8_t *d = image.data, *section = d + 32 + 72;
	memset(section, 0, 0x200);
	store32(d + 20, 72 * 2 + 80, false);
	store32(d + 16, 2, false);
	store32(d + 36, 72 + 80, false);
	store32(d + 32 + 64, 1, false);
	memcpy(section, "__thread_starts", 15);
	memcpy(section + 16, "__TEXT", 6);
	store64(section + 32, TEXT + 0x1000, false);
	store64(section + 40, 4 * (uint64_t)count, false);
	store32(section + 48, 0x1000, false);
	put_segment(section + 80, "__DATA", DATA, 2 * PAGE, DATA_AT, 2 * PAGE);
	for (uint32_t i = 0; i < count; i++)
		store32(d + 0x1000 + 4 * i, words[i], false);
}

#define DATA_START ((uint32_t)(DATA - TEXT))

static void threads(void **state)
{
	struct outcome count = {0};
	(void)state;
	/* Distances in fours; the last word ends the list before its end. */
	make_threads((const uint32_t[]){0, DATA_START + 0x20, DATA_START, 0xffffffff, 7},
		     5);
	/* The second one follows across a page. */
	put_link(&image, 0x20, 0x1234 | SIGNED | SIGNATURE | NEXT(0x7f8));
	put_link(&image, 0x2000, (DATA & 0x7ffffffffff) | UINT64_C(0xff) << 43);
	assert_int_equal(apply(&image, &bases, NULL, &count), 0);
	assert_int_equal(count.pointers, 3);
	assert_int_equal(count.is_signed, 1);
	assert_int_equal(word(&image, 0x20), TEXT + 0x1234);
	assert_int_equal(word(&image, 0x2000), DATA);
	/* In eights, across the end of a page. */
	make_threads((const uint32_t[]){1, DATA_START + 0x3ff8}, 2);
	put_link(&image, 0x3ff8, 1 | SIGNED | NEXT(1));
	put_link(&image, 0x4000, 2 | SIGNED);
	assert_int_equal(apply(&image, &bases, NULL, &count), 0);
	assert_int_equal(word(&image, 0x3ff8), TEXT + 1);
	assert_int_equal(word(&image, 0x4000), TEXT + 2);
	/* None at all. */
	make_threads((const uint32_t[]){0}, 0);
	assert_int_equal(apply(&image, &bases, NULL, &count), 0);
	assert_int_equal(count.pointers, 0);
}

static void refuse(const char *slug, int error);

static void damaged_threads(void **state)
{
	struct outcome count = {0};
	(void)state;
	/* Two that meet: what is plain already must not be taken for a link. */
	make_threads((const uint32_t[]){0, DATA_START, DATA_START + 8}, 3);
	put_link(&image, 0, 1 | NEXT(2));
	refuse("fixups.damaged", KEXT_ERR_BAD_DATA);
	make_threads((const uint32_t[]){0, DATA_START, DATA_START + 4}, 3);
	refuse("fixups.damaged", KEXT_ERR_BAD_DATA);
	/* Out of the file, and not where pointers are. */
	make_threads((const uint32_t[]){0, DATA_START + 2 * PAGE - 4}, 2);
	refuse("fixups.damaged", KEXT_ERR_BAD_DATA);
	make_threads((const uint32_t[]){0, 0xfffffff0}, 2);
	refuse("fixups.damaged", KEXT_ERR_BAD_DATA);
	make_threads((const uint32_t[]){0, DATA_START + 2}, 2);
	refuse("fixups.damaged", KEXT_ERR_BAD_DATA);
	make_threads((const uint32_t[]){0, DATA_START}, 2);
	put_link(&image, 0, BOUND);
	assert_int_equal(apply(&image, &bases, "fixups.bind", &count),
			 KEXT_ERR_UNSUPPORTED);
	/* Only arm64e has them. */
	make_threads((const uint32_t[]){0, DATA_START}, 2);
	store32(image.data + 4, KEXT_CPU_X86_64, false);
	refuse("fixups.damaged", KEXT_ERR_BAD_DATA);
}

static void none(void **state)
{
	struct outcome count = {.pointers = 77};
	(void)state;
	make_image(&image, KEXT_CPU_ARM64, POINTER_64_KERNEL_CACHE, 0, 0xffff);
	store32(image.data + 16, 2, false);
	store32(image.data + 20, 144, false);
	assert_int_equal(apply(&image, &bases, NULL, &count), 0);
	assert_int_equal(count.pointers, 0);
}

/* ---- what is refused ---- */

static void refuse(const char *slug, int error)
{
	struct outcome count = {.pointers = 77};
	assert_int_equal(apply(&image, &bases, slug, &count), error);
	assert_int_equal(count.pointers, 77);
}

static void make_good(void)
{
	make_image(&image, KEXT_CPU_ARM64, POINTER_64_KERNEL_CACHE, 0, 0xffff);
}

static void damaged_chains(void **state)
{
	(void)state;
	make_good();
	put_link(&image, 0, cache_link(1, 0, 1)); /* 4 bytes on, within itself */
	refuse("fixups.damaged", KEXT_ERR_BAD_DATA);
	make_good();
	put_link(&image, 0, cache_link(1, 0, 0xfff));
	put_link(&image, 0x3ffc, cache_link(1, 0, 1)); /* leaves the page */
	refuse("fixups.damaged", KEXT_ERR_BAD_DATA);
	/* A pointer across the end of its page, into the first one of the next. */
	make_image(&image, KEXT_CPU_ARM64, POINTER_64_KERNEL_CACHE, 0x3ffc, 0);
	refuse("fixups.damaged", KEXT_ERR_BAD_DATA);
	/* The last one ends outside the file's part of the segment. */
	make_image(&image, KEXT_CPU_ARM64, POINTER_64_KERNEL_CACHE, 0xffff, 0x3ffc);
	refuse("fixups.damaged", KEXT_ERR_BAD_DATA);
	make_image(&image, KEXT_CPU_X86_64, POINTER_X86_64_KERNEL_CACHE, 0, 0xffff);
	put_link(&image, 0, UINT64_C(1) << 63);
	refuse("fixups.damaged", KEXT_ERR_BAD_DATA);
	make_image(&image, KEXT_CPU_X86_64, POINTER_64_KERNEL_CACHE, 0, 0xffff);
	refuse("fixups.format", KEXT_ERR_UNSUPPORTED);
	for (uint16_t format = 0; format < 300; format++) {
		if (format == 1 || format == 2 || (format >= 6 && format <= 10) ||
		    format == 12)
			continue;
		make_image(&image, KEXT_CPU_ARM64, format, 0, 0xffff);
		refuse("fixups.format", KEXT_ERR_UNSUPPORTED);
	}
}

static void damaged_tables(void **state)
{
	uint8_t *c = image.data + CHAIN_AT;
	(void)state;
	make_good();
	store32(c + 36, 0xe0, false); /* the record ends outside the payload */
	refuse("fixups.damaged", KEXT_ERR_BAD_DATA);
	make_good();
	store32(c + 40, 22, false); /* room for no page */
	refuse("fixups.damaged", KEXT_ERR_BAD_DATA);
	make_good();
	store16(c + 60, 0xffff, false);
	store32(c + 40, 22 + 2 * 0xffff, false);
	refuse("fixups.damaged", KEXT_ERR_BAD_DATA);
	make_good();
	store32(c + 32, 12, false); /* the same record for both segments */
	refuse("fixups.damaged", KEXT_ERR_BAD_DATA);
	make_good();
	store64(c + 48, UINT64_MAX - TEXT, false); /* at the very end of all addresses */
	refuse("fixups.damaged", KEXT_ERR_BAD_DATA);
	make_good();
	store32(c + 28, 1025, false);
	refuse("fixups.damaged", KEXT_ERR_BAD_DATA);
	make_good();
	store32(c, 1, false);
	refuse("fixups.version", KEXT_ERR_UNSUPPORTED);
}

/* Images that all name the same load commands, of which each is read in no time. */
static void commands_of_many_images_overlap(void **state)
{
	struct kext_diagnostics *list = kext_diagnostics_new();
	(void)state;
	make_image(&image, KEXT_CPU_ARM64, POINTER_64_KERNEL_CACHE, 0xffff, 0xffff);
	struct bytes bytes = bytes_of(image.data, FILE_SIZE);
	assert_int_equal(macho_parse(bytes, "test", list, &image.macho), 0);
	struct fixups f = {.data = image.data,
			   .macho = &image.macho,
			   .bases = &bases,
			   .subject = "test",
			   .diagnostics = list};
	struct fixups_image whole = {FIXUPS_FILE, NULL, false, TEXT, TEXT};
	struct fixups_image member = {FIXUPS_MEMBER, "member", false, TEXT, TEXT};
	unsigned count = 0;
	assert_int_equal(fixups_apply(&f, &whole), 0);
	while (count < 1000 && fixups_apply(&f, &member) == 0)
		count++;
	/* 32 bytes of header and 160 of commands each */
	assert_int_equal(count, FILE_SIZE / 192);
	assert_non_null(strstr(kext_diagnostics_at(list, 0)->message,
			       "of member, offset 0x0: the load commands"));
	fixups_finish(&f);
	macho_free(&image.macho);
	kext_diagnostics_free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_cache_arm64),
		cmocka_unit_test(kernel_cache_x86_64),
		cmocka_unit_test(executables),
		cmocka_unit_test(arm64e),
		cmocka_unit_test(threads),
		cmocka_unit_test(damaged_threads),
		cmocka_unit_test(none),
		cmocka_unit_test(damaged_chains),
		cmocka_unit_test(damaged_tables),
		cmocka_unit_test(commands_of_many_images_overlap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
