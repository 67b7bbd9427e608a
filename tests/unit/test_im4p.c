/* Image4 payloads: parts, lengths, what is refused. */
#include "vectors.h"
#include <kext/error.h>
#include "codec/im4p.h"

static void check_row(const struct vector *v)
{
	struct im4p image;
	struct codec_refusal why = {0};
	int error = im4p_read(v->packed, &image, &why);
	if (is_verdict(v, "refuse")) {
		assert_true(error < 0);
		assert_non_null(why.slug);
		return;
	}
	assert_int_equal(error, 0);
	assert_int_equal(image.payload.size, v->plain.size);
	assert_memory_equal(image.payload.data, v->plain.data, v->plain.size);
	assert_true(im4p_is(v->packed));
	assert_int_equal(image.is_signed, !strcmp(v->name, "img4"));
	assert_int_equal(image.key_bag.size != 0, !strcmp(v->name, "keybag"));
	bool has_size = strcmp(v->name, "complzss") && strcmp(v->name, "extra") &&
			strcmp(v->name, "keybag");
	if (image.is_compressed && has_size)
		assert_int_equal(image.plain_size, 64);
	assert_true(image.is_compressed || !has_size);
	/* Cut anywhere, it is refused; changed anywhere, it does no harm. */
	for (size_t cut = 0; cut < v->packed.size; cut++) {
		uint8_t *copy = exact(v->packed.data, cut);
		assert_true(im4p_read(bytes_of(copy, cut), &image, &why) < 0);
		im4p_is(bytes_of(copy, cut));
		exact_free(copy, cut);
	}
	for (size_t at = 0; at < v->packed.size * 8; at++) {
		uint8_t *copy = exact(v->packed.data, v->packed.size);
		copy[at / 8] ^= (uint8_t)(1u << at % 8);
		if (!im4p_read(bytes_of(copy, v->packed.size), &image, &why))
			assert_true(image.payload.data + image.payload.size <=
				    copy + v->packed.size);
		exact_free(copy, v->packed.size);
	}
}

static void vectors(void **state)
{
	(void)state;
	assert_int_equal(each_vector("im4p", check_row), 9);
}

#define HEAD "\x16\4IM4P\x16\4krnl\x16\0\4\2ab"

static int read(const char *text, size_t size, struct im4p *ret,
		struct codec_refusal *why)
{
	return im4p_read(bytes_of(text, size), ret, why);
}

/* The optional tail in any order: size, hash, key bag, properties, unknown. */
static void tail_by_tag(void **state)
{
	(void)state;
	struct im4p image;
	struct codec_refusal why;
	static const char all[] = "\x30\x2c" HEAD "\xa0\2\x31\0"
				  "\4\4\x30\2\5\0"
				  "\4\3hsh"
				  "\x30\7\2\1\0\2\2\1\0"
				  "\x85\0";
	assert_int_equal(read(all, sizeof(all) - 1, &image, &why), 0);
	assert_string_equal(image.type, "krnl");
	assert_int_equal(image.description.size, 0);
	assert_memory_equal(image.payload.data, "ab", 2);
	assert_int_equal(image.key_bag.size, 4);
	assert_true(image.is_compressed);
	assert_int_equal(image.algorithm, IM4P_LZSS);
	assert_int_equal(image.plain_size, 256);
}

/* All forms of the payload's length; a long one whose payload is cut off. */
static void lengths(void **state)
{
	(void)state;
	struct im4p image;
	struct codec_refusal why;
	static const char four[] = "\x30\x16\x16\4IM4P\x16\4krnl\x16\0\4\x84\0\0\0\2ab";
	static const char five[] = "\x30\x17\x16\4IM4P\x16\4krnl\x16\0\4\x85\0\0\0\0\2ab";
	static const char huge[] =
		"\x30\x16\x16\4IM4P\x16\4krnl\x16\0\4\x84\xff\xff\xff\xff"
		"ab";
	static const char none[] = "\x30\x12\x16\4IM4P\x16\4krnl\x16\x80\4\2ab";
	assert_int_equal(read(none, sizeof(none) - 1, &image, &why), KEXT_ERR_BAD_DATA);
	assert_int_equal(why.offset, 15);
	assert_int_equal(read(four, sizeof(four) - 1, &image, &why), 0);
	assert_memory_equal(image.payload.data, "ab", 2);
	assert_int_equal(read(five, sizeof(five) - 1, &image, &why), KEXT_ERR_BAD_DATA);
	assert_int_equal(why.offset, 17);
	assert_int_equal(read(huge, sizeof(huge) - 1, &image, &why), KEXT_ERR_BAD_DATA);
	assert_string_equal(why.slug, CODEC_TRUNCATED);
}

static void refusals(void **state)
{
	(void)state;
	struct im4p image;
	struct codec_refusal why;
	static const char strange[] = "\x30\x1a" HEAD "\x30\6\2\1\2\2\1\5";
	static const char negative[] = "\x30\x1a" HEAD "\x30\6\2\1\1\2\1\x85";
	static const char type[] = "\x30\x13\x16\4IM4P\x16\5krnlx\x16\0\4\2ab";
	static const char nested[] = "\x30\x10\x16\4IMG4\x30\x08\x16\4IMG4\x30\0";
	assert_int_equal(read(strange, sizeof(strange) - 1, &image, &why),
			 KEXT_ERR_UNSUPPORTED);
	assert_non_null(strstr(why.message, "algorithm 2"));
	assert_int_equal(read(negative, sizeof(negative) - 1, &image, &why),
			 KEXT_ERR_BAD_DATA);
	assert_int_equal(read(type, sizeof(type) - 1, &image, &why), KEXT_ERR_BAD_DATA);
	assert_int_equal(read(nested, sizeof(nested) - 1, &image, &why),
			 KEXT_ERR_BAD_DATA);
	assert_non_null(strstr(why.message, "expected IM4P"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(tail_by_tag),
		cmocka_unit_test(lengths),
		cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
