/* zlib streams and LZSS, against bytes made by python3's zlib and by hand from the
 * format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <kext/error.h>
#include "base/memory.h"
#include "codec/deflate.h"
#include "codec/lzss.h"

/* "kernel extension " 20 times: zlib.compress(text, 6) and zlib.adler32(text). */
static const uint8_t packed_text[] = {
	0x78, 0x9c, 0xcb, 0x4e, 0x2d, 0xca, 0x4b, 0xcd, 0x51, 0x48,
	0xad, 0x28, 0x49, 0xcd, 0x2b, 0xce, 0xcc, 0xcf, 0x53, 0xc8,
	0x1e, 0x15, 0xa0, 0x54, 0x00, 0x00, 0x47, 0x9c, 0x84, 0x59,
};

static size_t make_text(char *text)
{
	for (unsigned i = 0; i < 20; i++)
		memcpy(text + i * 17, "kernel extension ", 17);
	return 340;
}

static void packs_as_zlib_level_6(void **state)
{
	(void)state;
	char text[340];
	uint8_t *packed = NULL;
	size_t size = 0;
	assert_int_equal(deflate_pack(bytes_of(text, make_text(text)), &packed, &size),
			 0);
	assert_int_equal(size, sizeof(packed_text));
	assert_memory_equal(packed, packed_text, size);
	free(packed);
	assert_int_equal(adler32_of(bytes_of(text, 340)), 0x479c8459);
	assert_int_equal(adler32_of(bytes_of(NULL, 0)), 1);
}

static void keeps_only_what_is_smaller(void **state)
{
	(void)state;
	/* zlib makes 13 bytes of the first and 12 of the second, which have 13. */
	uint8_t *packed = (uint8_t *)"x";
	size_t size = 7;
	assert_int_equal(deflate_pack(bytes_of("aaaaaaaaaaaAB", 13), &packed, &size), 0);
	assert_null(packed);
	assert_int_equal(deflate_pack(bytes_of("aaaaaaaaaaaaA", 13), &packed, &size), 0);
	assert_int_equal(size, 12);
	free(packed);
	assert_int_equal(deflate_pack(bytes_of("", 0), &packed, &size), 0);
	assert_null(packed);
}

static void expands_exactly(void **state)
{
	(void)state;
	char expected[340];
	uint8_t text[341];
	uint8_t damaged[sizeof(packed_text) + 1];
	struct bytes packed = bytes_of(packed_text, sizeof(packed_text));
	make_text(expected);
	assert_int_equal(deflate_unpack(packed, text, 340), 0);
	assert_memory_equal(text, expected, 340);
	assert_int_equal(deflate_unpack(packed, text, 339), KEXT_ERR_BAD_DATA);
	assert_int_equal(deflate_unpack(packed, text, 341), KEXT_ERR_BAD_DATA);
	memcpy(damaged, packed_text, sizeof(packed_text));
	damaged[sizeof(packed_text) - 1] ^= 1;
	assert_int_equal(
		deflate_unpack(bytes_of(damaged, sizeof(packed_text)), text, 340),
		KEXT_ERR_BAD_DATA);
	damaged[sizeof(packed_text) - 1] ^= 1;
	assert_int_equal(deflate_unpack(bytes_of(damaged, sizeof(damaged)), text, 340),
			 KEXT_ERR_BAD_DATA);
	for (size_t cut = 0; cut < sizeof(packed_text); cut++)
		assert_int_equal(deflate_unpack(bytes_of(packed_text, cut), text, 340),
				 KEXT_ERR_BAD_DATA);
}

static void allocation_may_fail(void **state)
{
	(void)state;
	char text[340];
	uint8_t *packed = NULL;
	size_t size;
	struct bytes input = bytes_of(text, make_text(text));
	fault_arm_allocation(1);
	assert_int_equal(deflate_pack(input, &packed, &size), -12);
	assert_null(packed);
}

static void lzss_streams(void **state)
{
	(void)state;
	static const struct {
		const char *stream;
		size_t stream_size;
		const char *plain;
		size_t size;
	} cases[] = {
		{"", 0, "", 0},
		{"\x01\x4b", 2, "K", 1},
		{"\x07\x61\x62\x63\xee\xff\x00\x0f\x12\x0f\x1b\x04", 12,
		 "abcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabca", 64},
		{"\x01\x41\xee\xfc", 4, "AAAAAAAAAAAAAAAA", 16},
		/* The ring is blank before it is written; a match may run into its own
		   bytes. */
		{"\x00\x00\x0f", 3, "                  ", 18},
		{"\x00\xed\xf0", 3, "   ", 3},
		{"\xff"
		 "ABCDEFGH"
		 "\xff"
		 "I",
		 11, "ABCDEFGHI", 9},
		/* Writing wraps from 4095 to 0. */
		{"\xff"
		 "01234567"
		 "\xff"
		 "89abcdef"
		 "\x03"
		 "gh"
		 "\xff\xf0",
		 23, "0123456789abcdefghhhh", 21},
		/* What follows the last byte is ignored; a last match may be too long. */
		{"\x07"
		 "ABC"
		 "\0\0\0\0",
		 8, "ABC", 3},
		{"\x00\x00\x0f", 3, "     ", 5},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t plain[80];
		memset(plain, '?', sizeof(plain));
		assert_int_equal(
			lzss_unpack(bytes_of(cases[i].stream, cases[i].stream_size),
				    plain, cases[i].size),
			0);
		assert_memory_equal(plain, cases[i].plain, cases[i].size);
		assert_int_equal(plain[cases[i].size], '?');
	}
}

static void broken_lzss_streams(void **state)
{
	(void)state;
	static const struct {
		const char *stream;
		size_t stream_size, size;
	} cases[] = {
		{"", 0, 1},
		{"\xff", 1, 1},
		{"\x01\x41\x00", 3, 4},
		{"\x07"
		 "ABC",
		 4, 10},
		{"\x00\xf0\xf0", 3, 3}, /* bytes of the ring that nobody wrote */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t plain[16];
		assert_int_equal(
			lzss_unpack(bytes_of(cases[i].stream, cases[i].stream_size),
				    plain, cases[i].size),
			KEXT_ERR_BAD_DATA);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packs_as_zlib_level_6),
		cmocka_unit_test(keeps_only_what_is_smaller),
		cmocka_unit_test(expands_exactly),
		cmocka_unit_test(allocation_may_fail),
		cmocka_unit_test(lzss_streams),
		cmocka_unit_test(broken_lzss_streams),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
