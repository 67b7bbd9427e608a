/* Each rule of the preflight holds back an image that breaks it, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include "image.h"
#include "macho/preflight.h"

/* 0 and no finding, or one note that contains `part`. */
static void judge(int error, struct kext_diagnostics *list, const char *part)
{
	if (!part) {
		assert_int_equal(error, 0);
		assert_int_equal(kext_diagnostics_length(list), 0);
		return;
	}
	assert_int_equal(error, KEXT_ERR_VALIDATION);
	assert_int_equal(kext_diagnostics_length(list), 1);
	const struct kext_diagnostic *found = kext_diagnostics_at(list, 0);
	assert_int_equal(found->severity, KEXT_NOTE);
	assert_string_equal(found->slug, "inspect.preflight");
	if (!strstr(found->message, part))
		fail_msg("no \"%s\" in \"%s\"", part, found->message);
}

static void judge_bytes(struct bytes bytes, const char *part)
{
	struct kext_diagnostics *list = kext_diagnostics_new();
	_cleanup_macho_ struct macho m = {0};
	assert_int_equal(macho_parse(bytes, "x", NULL, &m), 0);
	judge(preflight_image(&m, "x", list), list, part);
	kext_diagnostics_free(list);
}

/* Offsets in the 64-bit image: __const's header at 0x68, __bss's at 0xb8. */
static void sections_lie_within_their_segment(void **state)
{
	(void)state;
	static const struct {
		uint32_t offset, value;
		const char *part;
	} cases[] = {
		{0x20, 0x19, NULL},			    /* unchanged */
		{0xb8 + 48, 0x200, "section __DATA,__bss"}, /* zero-fill, offset not 0 */
		{0x68 + 48, 0x1f8, "section __DATA,__const"},
		{0x68 + 48, 0x201, "section __DATA,__const"},
		{0x68 + 40, 0xf, NULL},
		{0x68 + 64, 8, NULL}, /* stubs; reserved2 is 12 */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct image image;
		image_make(&image, true, false);
		image_set(&image, cases[i].offset, cases[i].value);
		judge_bytes(image_bytes(&image), cases[i].part);
		image_free(&image);
	}
}

static void stubs_have_a_size(void **state)
{
	(void)state;
	struct image image;
	image_make(&image, true, false);
	image_set(&image, 0x68 + 64, 8);
	image_set(&image, 0x68 + 72, 0);
	judge_bytes(image_bytes(&image), "stubs of size 0");
	image_free(&image);
}

static void only_little_endian(void **state)
{
	(void)state;
	for (int is_64 = 0; is_64 < 2; is_64++) {
		struct image image;
		image_make(&image, is_64, true);
		judge_bytes(image_bytes(&image), "big-endian");
		image_free(&image);
		image_make(&image, is_64, false);
		judge_bytes(image_bytes(&image), NULL);
		image_free(&image);
	}
}

/* An image of `count` equal commands followed by `tail` zeros. */
static struct bytes make_repeated(struct buffer *b, uint32_t count,
				  const uint32_t *command, uint32_t words, size_t tail)
{
	static const uint32_t start[] = {0xfeedfacf, 0x01000007, 3, 11};
	for (int i = 0; i < 4; i++)
		buffer_u32(b, start[i], false);
	buffer_u32(b, count, false);
	buffer_u32(b, count * words * 4, false);
	buffer_u64(b, 0, false);
	for (uint32_t i = 0; i < count * words; i++)
		buffer_u32(b, command[i % words], false);
	buffer_zeros(b, tail);
	return bytes_of(b->data, b->size);
}

static void at_most_255_commands(void **state)
{
	(void)state;
	static const uint32_t source_version[] = {0x2a, 16, 0, 0};
	struct buffer b = {0};
	judge_bytes(make_repeated(&b, 255, source_version, 4, 0), NULL);
	buffer_free(&b);
	judge_bytes(make_repeated(&b, 256, source_version, 4, 0), "256 load commands");
	buffer_free(&b);
}

/* Segments of the first 0x1000 bytes of a file of 0x1000: two are twice the file, four
 * more. */
static void segments_hold_at_most_twice_the_file(void **state)
{
	(void)state;
	static const uint32_t segment[18] = {
		0x19, 72, 0x415f5f, [8] = 0x1000, 0, [12] = 0x1000};
	struct buffer b = {0};
	judge_bytes(make_repeated(&b, 2, segment, 18, 0x1000 - 32 - 2 * 72), NULL);
	buffer_free(&b);
	judge_bytes(make_repeated(&b, 4, segment, 18, 0x1000 - 32 - 4 * 72),
		    "over twice");
	buffer_free(&b);
}

static void at_most_65535_relocations(void **state)
{
	(void)state;
	uint32_t segment[18 + 20] = {0x19, 72 + 80, [16] = 1};
	segment[18 + 14] = 0x100; /* reloff */
	for (uint32_t count = 65535; count <= 65536; count++) {
		struct buffer b = {0};
		segment[18 + 15] = count;
		judge_bytes(make_repeated(&b, 1, segment, 38, 0x100 + 8 * 65536),
			    count == 65535 ? NULL : "65536 relocations");
		buffer_free(&b);
	}
}

static void fat_files(void **state)
{
	(void)state;
	static const uint8_t fat_64[8] = {0xca, 0xfe, 0xba, 0xbf},
			     fat[8] = {0xca, 0xfe, 0xba, 0xbe};
	static const struct {
		const uint8_t *file;
		int count;
		const char *part;
	} cases[] = {{fat, 10, NULL}, {fat, 11, "11 slices"}, {fat_64, 1, "64-bit fat"}};
	for (int i = 0; i < 3; i++) {
		struct kext_diagnostics *list = kext_diagnostics_new();
		judge(preflight_file(bytes_of(cases[i].file, 8), cases[i].count, "x",
				     list),
		      list, cases[i].part);
		kext_diagnostics_free(list);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_lie_within_their_segment),
		cmocka_unit_test(stubs_have_a_size),
		cmocka_unit_test(only_little_endian),
		cmocka_unit_test(at_most_255_commands),
		cmocka_unit_test(segments_hold_at_most_twice_the_file),
		cmocka_unit_test(at_most_65535_relocations),
		cmocka_unit_test(fat_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
