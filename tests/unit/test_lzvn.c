/* LZVN: the published encoder's bytes, every opcode, damage. */
#include "vectors.h"
#include <kext/error.h>
#include "base/memory.h"
#include "codec/lzvn.h"

#define END_MARK "\x06\0\0\0\0\0\0\0"

static int decode(struct bytes input, uint8_t *output, size_t size, size_t *ret_consumed,
		  struct codec_refusal *reterr)
{
	return lzvn_decode(input, output, size, ret_consumed, reterr);
}

static void check_encoder(const struct vector *v)
{
	uint8_t *packed;
	size_t size;
	assert_int_equal(lzvn_pack(v->plain, &packed, &size), 0);
	assert_is_packed(v, packed, size);
	assert_int_equal(
		assert_decodes(decode, bytes_of(packed, size), v->plain, v->name), size);
	free(packed);
}

static void check_row(const struct vector *v)
{
	if (is_verdict(v, "both"))
		check_encoder(v);
	if (is_verdict(v, "refuse"))
		assert_refused(decode, v->packed, v->size, v->name);
	else if (!v->packed_sha256)
		damage(decode, v->packed,
		       assert_decodes(decode, v->packed, v->plain, v->name),
		       v->plain.size);
}

static void vectors(void **state)
{
	(void)state;
	assert_int_equal(each_vector("lzvn", check_row), 100);
}

/* Literals in opcodes of the longest form. */
static void put_literals(struct buffer *b, const uint8_t *data, size_t size)
{
	for (size_t run; size; size -= run, data += run) {
		run = size < 271 ? size : 271;
		if (run >= 16) {
			buffer_u8(b, 0xe0);
			buffer_u8(b, (uint8_t)(run - 16));
		} else {
			buffer_u8(b, (uint8_t)(0xe0 | run));
		}
		buffer_append(b, data, run);
	}
}

/* `size` literals, then one opcode that repeats the first `match` of them. */
static void far_match(size_t size, const char *opcode, size_t match, const char *sha256)
{
	struct buffer b = {0}, plain = {0};
	char digest[SHA256_DIGEST_STRING_LENGTH];
	make_lcg(&plain, size);
	put_literals(&b, plain.data, size);
	buffer_append(&b, opcode, 3);
	buffer_append(&b, END_MARK, 8);
	for (size_t i = 0; i < match; i++)
		buffer_u8(&plain, plain.data[i]);
	assert_string_equal(SHA256Data(plain.data, plain.size, digest), sha256);
	assert_decodes(decode, bytes_of(b.data, b.size), bytes_of(plain.data, plain.size),
		       opcode);
	buffer_free(&b);
	buffer_free(&plain);
}

static void largest_distances(void **state)
{
	(void)state;
	far_match(16383, "\xa0\xfe\xff", 5,
		  "681421809a7277071cc903e5ae2ef06eca4fa2b1a77ef1554c725c2ecabc9719");
	far_match(65535, "\x3f\xff\xff", 10,
		  "d063bb116106becccb8e994c3b18c7cce8a1ea5bd49975a4f8a6e1b929e89115");
}

/* What a first byte means, from the table of opcodes, in the plainest words. */
struct meaning {
	bool is_defined, sets_distance;
	unsigned size, literals, match;
};

static struct meaning meaning_of(unsigned c)
{
	unsigned low = c & 7, l = c >> 6, m = (c >> 3 & 7) + 3;
	if (c >= 0xf0)
		return (struct meaning){true, false, c == 0xf0 ? 2 : 1, 0,
					c == 0xf0 ? 16 : c & 15};
	if (c >= 0xe0)
		return (struct meaning){true, false, c == 0xe0 ? 2 : 1,
					c == 0xe0 ? 16 : c & 15, 0};
	if (c >= 0xa0 && c < 0xc0)
		return (struct meaning){true, true, 3, c >> 3 & 3, (c & 7) * 4 + 3};
	if ((c >= 0x70 && c < 0x80) || (c >= 0xd0 && c < 0xe0))
		return (struct meaning){0};
	if (low == 6 && l == 0)
		return (struct meaning){c == 0x0e || c == 0x16, false, 1, 0, 0};
	return (struct meaning){true, low != 6, low == 7 ? 3 : low == 6 ? 1 : 2, l, m};
}

/*
 * Each first byte, behind 40 literals and a match of distance 9 and before `tail`
 * literals, which decide whether the fast or the careful way is taken. Distances of
 * opcodes are 5.
 */
static void check_opcode(unsigned c, size_t tail)
{
	struct meaning meaning = meaning_of(c);
	struct buffer b = {0}, plain = {0}, rest = {0};
	make_lcg(&plain, 40);
	put_literals(&b, plain.data, 40);
	buffer_append(&b, "\x00\x09", 2);
	for (int i = 0; i < 3; i++)
		buffer_u8(&plain, plain.data[plain.size - 9]);
	bool is_middle = c >= 0xa0 && c < 0xc0;
	unsigned distance = meaning.sets_distance ? 5 : 9;
	if (meaning.size == 2 && meaning.sets_distance)
		distance = (c & 7) << 8 | 5;
	buffer_u8(&b, (uint8_t)c);
	if (meaning.size == 2)
		buffer_u8(&b, meaning.sets_distance ? 5 : 0);
	else if (meaning.size == 3)
		buffer_u16(&b, is_middle ? 5 << 2 : 5, false);
	buffer_append(&b, "ABCDEFGHIJKLMNOP", meaning.literals);
	buffer_append(&plain, "ABCDEFGHIJKLMNOP", meaning.literals);
	bool is_too_far = distance > plain.size;
	for (unsigned i = 0; i < meaning.match && !is_too_far; i++)
		buffer_u8(&plain, plain.data[plain.size - distance]);
	make_lcg(&rest, tail);
	put_literals(&b, rest.data, tail);
	buffer_append(&plain, rest.data, tail);
	buffer_append(&b, END_MARK, 8);
	char name[32];
	snprintf(name, sizeof(name), "opcode %02x", c);
	if (!meaning.is_defined || is_too_far)
		assert_refused(decode, bytes_of(b.data, b.size), plain.size, name);
	else
		assert_decodes(decode, bytes_of(b.data, b.size),
			       bytes_of(plain.data, plain.size), name);
	buffer_free(&b);
	buffer_free(&plain);
	buffer_free(&rest);
}

static void every_opcode(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		if (c == 0x06)
			continue; /* the end mark */
		check_opcode(c, 0);
		check_opcode(c, 300);
	}
}

/* Matches of every short distance and many lengths, with more or less behind them. */
static void overlapping_matches(void **state)
{
	(void)state;
	for (unsigned distance = 1; distance <= 40; distance++)
		for (unsigned count = 0; count < 256; count += 15) {
			struct buffer b = {0}, plain = {0};
			make_lcg(&plain, 40);
			put_literals(&b, plain.data, 40);
			buffer_u8(&b, 0x00);
			buffer_u8(&b, (uint8_t)distance);
			buffer_u8(&b, 0xf7);
			buffer_u8(&b, 0xf0);
			buffer_u8(&b, (uint8_t)count);
			for (unsigned i = 0; i < 3 + 7 + 16 + count; i++)
				buffer_u8(&plain, plain.data[plain.size - distance]);
			put_literals(&b, plain.data, 15 * (count % 2 + 1));
			for (unsigned i = 0; i < 15 * (count % 2 + 1); i++)
				buffer_u8(&plain, plain.data[i]);
			buffer_append(&b, END_MARK, 8);
			assert_decodes(decode, bytes_of(b.data, b.size),
				       bytes_of(plain.data, plain.size), "overlap");
			buffer_free(&b);
			buffer_free(&plain);
		}
}

/*
 * Every opcode as the last one, with bytes behind the end mark: whatever the fast way may
 * copy too much must not leave the block, and a block that is too small is too small.
 */
static void opcodes_at_the_end(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		struct meaning meaning = meaning_of(c);
		struct buffer b = {0}, plain = {0};
		if (!meaning.is_defined || meaning.size == 2 || c == 0x06)
			continue;
		make_lcg(&plain, 40);
		put_literals(&b, plain.data, 40);
		buffer_append(&b, "\x00\x09", 2);
		buffer_u8(&b, (uint8_t)c);
		if (meaning.size == 3)
			buffer_u16(&b, 9 << (c >= 0xa0 && c < 0xc0 ? 2 : 0), false);
		for (int i = 0; i < 3; i++)
			buffer_u8(&plain, plain.data[plain.size - 9]);
		buffer_append(&b, "ABCDEFGHIJKLMNO", meaning.literals);
		buffer_append(&plain, "ABCDEFGHIJKLMNO", meaning.literals);
		for (unsigned i = 0; i < meaning.match; i++)
			buffer_u8(&plain, plain.data[plain.size - 9]);
		buffer_append(&b, END_MARK, 8);
		buffer_zeros(&b, 100);
		struct bytes stream = bytes_of(b.data, b.size);
		assert_decodes(decode, stream, bytes_of(plain.data, plain.size), "last");
		for (size_t size = 0; size < plain.size; size++)
			assert_refused(decode, stream, size, "a block too small");
		buffer_free(&b);
		buffer_free(&plain);
	}
}

static void reasons(void **state)
{
	(void)state;
	static const struct {
		const char *stream;
		size_t stream_size, size;
		const char *slug;
		unsigned offset;
	} cases[] = {
		{"\xe1\x41\x1e" END_MARK, 11, 1, CODEC_OPCODE, 2},
		{"\xe1\x41\x00\x02" END_MARK, 12, 4, CODEC_DISTANCE, 2},
		{"\xe1\x41\xf1" END_MARK, 11, 2, CODEC_DISTANCE, 2},
		{"\xe1\x41\x06\0\0\0\0\0\0", 9, 1, CODEC_TRUNCATED, 2},
		{"\xe1\x41" END_MARK, 10, 2, CODEC_SHORT, 2},
		{"\xe2\x41\x42" END_MARK, 11, 1, CODEC_OVERLONG, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct codec_refusal why = {0};
		uint8_t output[16];
		struct bytes stream = bytes_of(cases[i].stream, cases[i].stream_size);
		assert_int_equal(decode(stream, output, cases[i].size, NULL, &why),
				 KEXT_ERR_BAD_DATA);
		assert_string_equal(why.slug, cases[i].slug);
		assert_int_equal(why.offset, cases[i].offset);
	}
}

static void no_memory(void **state)
{
	(void)state;
	uint8_t *packed;
	size_t size;
	for (unsigned n = 1; n <= 2; n++) {
		fault_arm_allocation(n);
		assert_true(lzvn_pack(bytes_of("abc", 3), &packed, &size) < 0);
		fault_arm_allocation(0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(largest_distances),
		cmocka_unit_test(every_opcode),
		cmocka_unit_test(overlapping_matches),
		cmocka_unit_test(opcodes_at_the_end),
		cmocka_unit_test(reasons),
		cmocka_unit_test(no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
