/* LZSS: the classic encoder's bytes, streams made by hand, damage. */
#include "vectors.h"
#include <kext/error.h>
#include "base/memory.h"
#include "codec/lzss.h"

static void check_encoder(const struct vector *v)
{
	uint8_t *packed;
	size_t size;
	assert_int_equal(lzss_pack(v->plain, lzss_worst(v->plain.size), &packed, &size),
			 0);
	if (is_verdict(v, "none")) {
		assert_null(packed);
		return;
	}
	assert_non_null(packed);
	assert_is_packed(v, packed, size);
	assert_int_equal(
		assert_decodes(lzss_decode, bytes_of(packed, size), v->plain, v->name),
		size);
	free(packed);
	/* A byte less than needed is no room, the very size is. */
	assert_int_equal(lzss_pack(v->plain, size - 1, &packed, &size), 0);
	assert_null(packed);
	assert_int_equal(lzss_pack(v->plain, v->packed_sha256 ? 60000 : v->packed.size,
				   &packed, &size),
			 0);
	assert_non_null(packed);
	free(packed);
}

static void check_row(const struct vector *v)
{
	if (is_verdict(v, "both") || is_verdict(v, "none"))
		check_encoder(v);
	if (is_verdict(v, "refuse"))
		assert_refused(lzss_decode, v->packed, v->size, v->name);
	if (!is_verdict(v, "decode") && (!is_verdict(v, "both") || v->packed_sha256))
		return;
	struct bytes plain = bytes_of(v->plain.data, v->size);
	size_t consumed = assert_decodes(lzss_decode, v->packed, plain, v->name);
	damage(lzss_decode, v->packed, consumed, v->size);
}

static void vectors(void **state)
{
	(void)state;
	assert_int_equal(each_vector("lzss", check_row), 37);
}

/* A group of eight pairs of 18 bytes: 17 bytes of stream for 144, the most there is. */
static void longest_runs_and_bounds(void **state)
{
	(void)state;
	struct buffer b = {0};
	size_t size = 100 * 8 * 18;
	uint8_t *output = malloc(size), *plain = malloc(size);
	for (int group = 0; group < 100; group++) {
		buffer_u8(&b, 0);
		for (int i = 0; i < 8; i++)
			buffer_append(&b, "\0\x0f", 2); /* ring index 0: blanks */
	}
	memset(plain, ' ', size);
	struct bytes stream = bytes_of(b.data, b.size);
	assert_int_equal(lzss_unpack(stream, output, size), 0);
	assert_memory_equal(output, plain, size);
	assert_true(size <= lzss_most(b.size));
	assert_refused(lzss_decode, stream, size + 1, "one byte more");
	buffer_free(&b);
	free(output);
	free(plain);
}

/* Every distance and length once: a match at distance d repeats what lies d back. */
static void every_distance(void **state)
{
	(void)state;
	for (unsigned distance = 1; distance <= 4096;
	     distance += distance < 40 ? 1 : 97) {
		struct buffer b = {0}, plain = {0};
		make_lcg(&plain, 4200);
		for (size_t i = 0; i < 4200; i += 8) {
			buffer_u8(&b, 0xff);
			buffer_append(&b, plain.data + i, 8);
		}
		buffer_u8(&b, 0);
		for (unsigned length = 3; length <= 10; length++) {
			unsigned index = (4078 + (unsigned)plain.size - distance) % 4096;
			buffer_u8(&b, (uint8_t)index);
			buffer_u8(&b, (uint8_t)((index >> 4 & 0xf0) | (length - 3)));
			for (unsigned i = 0; i < length; i++)
				buffer_u8(&plain, plain.data[plain.size - distance]);
		}
		assert_decodes(lzss_decode, bytes_of(b.data, b.size),
			       bytes_of(plain.data, plain.size), "distances");
		buffer_free(&b);
		buffer_free(&plain);
	}
}

static void reasons(void **state)
{
	(void)state;
	struct codec_refusal why = {0};
	uint8_t output[10];
	struct bytes cut = bytes_of("\x01\x41\x00", 3),
		     garbage = bytes_of("\x00\xf0\xf0", 3);
	assert_int_equal(lzss_decode(cut, output, 4, NULL, &why), KEXT_ERR_BAD_DATA);
	assert_string_equal(why.slug, CODEC_TRUNCATED);
	assert_int_equal(why.offset, 3);
	assert_int_equal(lzss_decode(garbage, output, 3, NULL, &why), KEXT_ERR_BAD_DATA);
	assert_string_equal(why.slug, CODEC_DISTANCE);
	assert_non_null(strstr(why.message, "4080"));
	assert_int_equal(lzss_decode(bytes_of("", 0), output, 0, NULL, &why), 0);
}

static void no_memory(void **state)
{
	(void)state;
	uint8_t *packed;
	size_t size;
	for (unsigned n = 1; n <= 2; n++) {
		fault_arm_allocation(n);
		assert_true(lzss_pack(bytes_of("abc", 3), 10, &packed, &size) < 0);
		fault_arm_allocation(0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(longest_runs_and_bounds),
		cmocka_unit_test(every_distance),
		cmocka_unit_test(reasons),
		cmocka_unit_test(no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
