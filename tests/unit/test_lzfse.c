/* LZFSE: the published encoder's streams, blocks made by hand, damage. */
#include "vectors.h"
#include <kext/error.h>
#include "base/memory.h"
#include "codec/lzfse.h"
#include "codec/lzvn.h"
#include "lzfse_encoder.h"

static void assert_measures(struct bytes packed, uint64_t size, size_t consumed)
{
	uint64_t measured;
	size_t length;
	struct codec_refusal why;
	assert_int_equal(lzfse_measure(packed, &measured, &length, &why), 0);
	assert_int_equal(measured, size);
	assert_int_equal(length, consumed);
}

/* What the published encoder makes: coded blocks from 4096 bytes on, else LZVN or raw. */
static struct buffer encode(struct bytes plain)
{
	struct buffer b = {0};
	uint8_t *packed = NULL;
	size_t size = plain.size;
	if (plain.size >= 4096)
		return lzfse_encode(plain);
	if (plain.size >= 8)
		assert_int_equal(lzvn_pack(plain, &packed, &size), 0);
	bool is_smaller = size < plain.size;
	buffer_string(&b, is_smaller ? "bvxn" : "bvx-");
	buffer_u32(&b, (uint32_t)plain.size, false);
	if (is_smaller)
		buffer_u32(&b, (uint32_t)size, false);
	buffer_append(&b, is_smaller ? packed : plain.data,
		      is_smaller ? size : plain.size);
	buffer_string(&b, "bvx$");
	free(packed);
	return b;
}

static void check_encoded(const struct vector *v)
{
	struct buffer b = encode(v->plain);
	struct bytes packed = bytes_of(exact(b.data, b.size), b.size);
	assert_is_packed(v, b.data, b.size);
	assert_int_equal(assert_decodes(lzfse_decode, packed, v->plain, v->name), b.size);
	assert_measures(packed, v->plain.size, b.size);
	if (v->packed_sha256)
		damage(lzfse_decode, packed, b.size, v->plain.size);
	exact_free(packed.data, packed.size);
	buffer_free(&b);
}

static void check_row(const struct vector *v)
{
	if (is_verdict(v, "both"))
		check_encoded(v);
	if (is_verdict(v, "refuse"))
		assert_refused(lzfse_decode, v->packed, v->size, v->name);
	else if (!v->packed_sha256)
		damage(lzfse_decode, v->packed,
		       assert_decodes(lzfse_decode, v->packed, v->plain, v->name),
		       v->plain.size);
}

static void vectors(void **state)
{
	(void)state;
	assert_int_equal(each_vector("lzfse", check_row), 63);
}

/* Many blocks, of which later ones refer to earlier ones. */
static void long_streams(void **state)
{
	(void)state;
	struct buffer plain = {0};
	make_lcg(&plain, 300000);
	for (int i = 0; i < 4; i++) {
		size_t at = plain.size - 200000;
		uint8_t *again = buffer_extend(&plain, 150000);
		memcpy(again, plain.data + at, 150000);
		plain.data[plain.size - 70000] ^= 1;
	}
	struct bytes bytes = bytes_of(plain.data, plain.size);
	struct buffer packed = lzfse_encode(bytes);
	assert_true(packed.size < 310000);
	assert_int_equal(assert_decodes(lzfse_decode, bytes_of(packed.data, packed.size),
					bytes, "long"),
			 packed.size);
	buffer_free(&packed);
	buffer_free(&plain);
}

static void refused_with(const char *stream, size_t stream_size, size_t size,
			 const char *slug, uint64_t offset)
{
	struct codec_refusal why = {0};
	uint8_t output[64];
	assert_int_equal(
		lzfse_decode(bytes_of(stream, stream_size), output, size, NULL, &why),
		KEXT_ERR_BAD_DATA);
	assert_string_equal(why.slug, slug);
	assert_int_equal(why.offset, offset);
}

static void reasons(void **state)
{
	(void)state;
	refused_with("bvx-\3\0\0\0abc", 11, 3, CODEC_TRUNCATED, 11);
	refused_with("bvx-\3\0\0\0abcbvx3", 15, 3, CODEC_HEADER, 11);
	refused_with("bvx-\3\0\0\0abcbvx$", 15, 2, CODEC_OVERLONG, 0);
	refused_with("bvx-\3\0\0\0abcbvx$", 15, 4, CODEC_SHORT, 11);
	/* The opcode 1e of the stream inside: 11 + 12 + 2. */
	refused_with(
		"bvx-\3\0\0\0abcbvxn\1\0\0\0\13\0\0\0\xe1\x41\x1e\6\0\0\0\0\0\0\0bvx$",
		38, 4, CODEC_OPCODE, 25);
	refused_with("bvxn\xff\xff\0\0\10\0\0\0\6\0\0\0\0\0\0\0bvx$", 24, 64, CODEC_BOMB,
		     0);
}

/* Headers that declare what their block cannot yield are refused before memory is asked.
 */
static void measuring_refuses_bombs(void **state)
{
	(void)state;
	struct buffer b = {0};
	uint64_t size;
	struct codec_refusal why = {0};
	buffer_string(&b, "bvx2");
	buffer_u32(&b, 10000 * 2359u + 1, false);
	buffer_u64(&b, (uint64_t)10000 << 40, false); /* no literals, 10,000 matches */
	buffer_u64(&b, 0, false);
	buffer_u64(&b, 122, false);
	buffer_zeros(&b, 122 - 32);
	buffer_string(&b, "bvx$");
	assert_int_equal(lzfse_measure(bytes_of(b.data, b.size), &size, NULL, &why),
			 KEXT_ERR_BAD_DATA);
	assert_non_null(strstr(why.message, "23590001"));
	buffer_set_u32(&b, 4, 10000 * 2359u, false);
	assert_measures(bytes_of(b.data, b.size), 23590000, b.size);
	buffer_free(&b);
}

/* A byte between tables and literals, counted in: the tables must end exactly. */
static void tables_end_exactly(void **state)
{
	(void)state;
	struct buffer plain = {0}, longer = {0};
	make_text(&plain, 4096);
	struct buffer packed = lzfse_encode(bytes_of(plain.data, plain.size));
	uint32_t header = load32(packed.data + 24, false);
	struct codec_refusal why = {0};
	buffer_append(&longer, packed.data, header);
	buffer_u8(&longer, 0);
	buffer_append(&longer, packed.data + header, packed.size - header);
	buffer_set_u32(&longer, 24, header + 1, false);
	assert_int_equal(lzfse_decode(bytes_of(longer.data, longer.size), plain.data,
				      4096, NULL, &why),
			 KEXT_ERR_BAD_DATA);
	assert_string_equal(why.slug, CODEC_TABLE);
	buffer_free(&longer);
	buffer_free(&packed);
	buffer_free(&plain);
}

static void no_memory(void **state)
{
	(void)state;
	struct buffer plain = {0};
	make_text(&plain, 4096);
	struct buffer packed = lzfse_encode(bytes_of(plain.data, plain.size));
	struct codec_refusal why = {0};
	fault_arm_allocation(1);
	assert_int_equal(lzfse_decode(bytes_of(packed.data, packed.size), plain.data,
				      4096, NULL, &why),
			 -12);
	fault_arm_allocation(0);
	assert_string_equal(why.slug, CODEC_MEMORY);
	buffer_free(&packed);
	buffer_free(&plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(long_streams),
		cmocka_unit_test(reasons),
		cmocka_unit_test(measuring_refuses_bombs),
		cmocka_unit_test(tables_end_exactly),
		cmocka_unit_test(no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
