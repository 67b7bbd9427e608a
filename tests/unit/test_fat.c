/* Fat files written out from the format: which slice is found for which CPU. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <kext/error.h>
#include "base/buffer.h"
#include "codec/fat.h"

enum { X86 = 7, X86_64 = 0x01000007, ARM = 12, ARM64 = 0x0100000c, PPC = 18 };

struct entry {
	uint32_t cputype, cpusubtype;
};

/* Slice n is 16 bytes of the digit n at 0x400 + 16 n. */
static struct bytes make_fat(struct buffer *b, const struct entry *entries,
			     uint32_t count, bool is_64)
{
	buffer_u32(b, is_64 ? 0xcafebabf : 0xcafebabe, true);
	buffer_u32(b, count, true);
	for (uint32_t i = 0; i < count; i++) {
		buffer_u32(b, entries[i].cputype, true);
		buffer_u32(b, entries[i].cpusubtype, true);
		if (is_64) {
			buffer_u64(b, 0x400 + 16 * i, true);
			buffer_u64(b, 16, true);
		} else {
			buffer_u32(b, 0x400 + 16 * i, true);
			buffer_u32(b, 16, true);
		}
		buffer_u32(b, 4, true);
		if (is_64)
			buffer_u32(b, 0, true);
	}
	buffer_zeros(b, 0x400 - b->size);
	for (uint32_t i = 0; i < count; i++)
		memset(buffer_extend(b, 16), (int)('0' + i), 16);
	return bytes_of(b->data, b->size);
}

static void lists_slices_of_both_widths(void **state)
{
	(void)state;
	static const struct entry entries[] = {
		{X86, 3}, {X86_64, 0x80000003}, {ARM64, 2}};
	for (int is_64 = 0; is_64 < 2; is_64++) {
		struct buffer b = {0};
		struct fat_slice slices[FAT_MAX_SLICES];
		struct bytes file = make_fat(&b, entries, 3, is_64);
		assert_true(fat_is(file));
		assert_int_equal(fat_slices(file, slices), 3);
		assert_int_equal(slices[1].cputype, X86_64);
		assert_int_equal(slices[1].cpusubtype, 0x80000003);
		assert_int_equal(slices[1].align, 4);
		assert_int_equal(slices[2].bytes.size, 16);
		assert_memory_equal(slices[2].bytes.data, "2222222222222222", 16);
		buffer_free(&b);
	}
}

static char found(struct bytes file, uint32_t cputype, uint32_t cpusubtype)
{
	struct bytes slice;
	int error = fat_find(file, cputype, cpusubtype, &slice);
	return error == KEXT_ERR_ARCH_NOT_FOUND ? '-' : error ? '!' : (char)slice.data[0];
}

static void finds_the_best_subtype(void **state)
{
	(void)state;
	static const struct entry entries[] = {{ARM, 6},
					       {ARM, 9},
					       {ARM, 0},
					       {X86_64, 8},
					       {PPC, 100},
					       {ARM64, 0},
					       {X86_64, 0x80000003},
					       {PPC, 9}};
	struct buffer b = {0};
	struct bytes file = make_fat(&b, entries, 8, false);
	assert_int_equal(found(file, ARM, 9), '1');
	assert_int_equal(found(file, ARM, 11), '2');   /* the generic subtype */
	assert_int_equal(found(file, X86_64, 3), '6'); /* capability bits do not matter */
	assert_int_equal(found(file, X86_64, 8), '3');
	assert_int_equal(found(file, X86_64, 4), '6');
	assert_int_equal(found(file, PPC, 0), '4'); /* neither: the first of the CPU */
	assert_int_equal(found(file, X86, 3), '-');
	buffer_free(&b);
}

static void thin_file_is_its_own_slice(void **state)
{
	(void)state;
	static const uint8_t little[12] = {0xcf, 0xfa, 0xed, 0xfe, 7, 0, 0, 1, 3},
			     big[12] = {0xfe, 0xed, 0xfa, 0xce, 0, 0,
					0,    18,   0,	  0,	0, 100};
	struct fat_slice slices[FAT_MAX_SLICES];
	assert_false(fat_is(bytes_of(little, 12)));
	assert_int_equal(fat_slices(bytes_of(little, 12), slices), 1);
	assert_int_equal(slices[0].cputype, X86_64);
	assert_ptr_equal(slices[0].bytes.data, little);
	assert_int_equal(found(bytes_of(little, 12), X86_64, 3), (char)0xcf);
	assert_int_equal(found(bytes_of(little, 12), ARM64, 0), '-');
	assert_int_equal(found(bytes_of(big, 12), PPC, 0), (char)0xfe);
	assert_int_equal(found(bytes_of(little, 11), X86_64, 3), '!');
	assert_int_equal(found(bytes_of("#!/bin/sh\n# no Mach-O", 21), X86_64, 3), '!');
	assert_int_equal(found(bytes_of("", 0), X86_64, 3), '!');
}

static void every_prefix_is_refused(void **state)
{
	(void)state;
	static const struct entry entries[] = {{X86, 3}, {X86_64, 3}};
	struct buffer b = {0};
	struct bytes file = make_fat(&b, entries, 2, false);
	for (size_t size = 0; size < file.size; size++) {
		uint8_t *copy = malloc(size);
		memcpy(copy, file.data, size);
		assert_int_equal(found(bytes_of(copy, size), X86_64, 3), '!');
		free(copy);
	}
	buffer_free(&b);
}

static void wild_numbers_are_refused(void **state)
{
	(void)state;
	static const struct entry entries[] = {{X86_64, 3}};
	struct buffer b = {0};
	struct bytes file = make_fat(&b, entries, 1, true);
	store64(b.data + 16, UINT64_MAX, true); /* offset */
	assert_int_equal(found(file, X86_64, 3), '!');
	store64(b.data + 16, 0x400, true);
	store64(b.data + 24, UINT64_MAX - 0x3ff, true); /* size: the sum wraps around */
	assert_int_equal(found(file, X86_64, 3), '!');
	store64(b.data + 24, 16, true);
	assert_int_equal(found(file, X86_64, 3), '0');
	store32(b.data + 4, FAT_MAX_SLICES + 1, true);
	assert_int_equal(found(file, X86_64, 3), '!');
	store32(b.data + 4, 0, true);
	assert_int_equal(found(file, X86_64, 3), '-');
	buffer_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_slices_of_both_widths),
		cmocka_unit_test(finds_the_best_subtype),
		cmocka_unit_test(thin_file_is_its_own_slice),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(wild_numbers_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
