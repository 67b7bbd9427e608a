/* Compressed kernels: header, both codecs, checksum, damage. */
#include "vectors.h"
#include <zlib.h>
#include <kext/error.h>
#include "base/memory.h"
#include "codec/comp.h"

static int decode(struct bytes input, uint8_t *output, size_t size, size_t *ret_consumed,
		  struct codec_refusal *reterr)
{
	struct comp_header header;
	int error = comp_read(input, &header, reterr);
	if (!error && header.plain_size != size)
		return codec_refuse(reterr, CODEC_HEADER, 12, "another size");
	return error ? error
		     : comp_decode(input, &header, output, 0, NULL, ret_consumed, reterr);
}

static void check_row(const struct vector *v)
{
	struct comp_header header;
	if (is_verdict(v, "refuse")) {
		size_t size =
			comp_read(v->packed, &header, NULL) ? 64 : header.plain_size;
		assert_refused(decode, v->packed, size, v->name);
		return;
	}
	assert_decodes(decode, v->packed, v->plain, v->name);
	/* Behind the packed size may be padding: cut from where the stream ends. */
	assert_int_equal(comp_read(v->packed, &header, NULL), 0);
	damage(decode, v->packed, COMP_HEADER_SIZE + header.packed_size, v->plain.size);
}

static void vectors(void **state)
{
	(void)state;
	assert_int_equal(each_vector("comp", check_row), 7);
}

static void fields(void **state)
{
	(void)state;
	struct comp_header header;
	uint8_t bytes[COMP_HEADER_SIZE + 8] = "complzvn\1\2\3\4\0\0\0\7\0\0\0\10\0\0\0\1";
	memset(bytes + 64, 'p', 64);
	memcpy(bytes + 128, "root", 4);
	assert_true(comp_is(bytes_of(bytes, sizeof(bytes))));
	assert_false(comp_is(bytes_of(bytes, 3)));
	assert_int_equal(comp_read(bytes_of(bytes, sizeof(bytes)), &header, NULL), 0);
	assert_int_equal(header.kind, COMP_LZVN);
	assert_int_equal(header.checksum, 0x01020304);
	assert_int_equal(header.plain_size, 7);
	assert_int_equal(header.packed_size, 8);
	assert_int_equal(header.prelink_version, 1);
	assert_int_equal(strlen(header.platform), 64);
	assert_string_equal(header.root_path, "root");
}

static void packs_what_it_reads(void **state)
{
	(void)state;
	struct buffer plain = {0};
	make_records(&plain);
	struct bytes bytes = bytes_of(plain.data, plain.size);
	for (int kind = COMP_LZSS; kind <= COMP_LZVN; kind++) {
		uint8_t *packed;
		size_t size;
		struct comp_header header;
		assert_int_equal(
			comp_pack(bytes, (enum comp_kind)kind, 1, &packed, &size), 0);
		assert_int_equal(comp_read(bytes_of(packed, size), &header, NULL), 0);
		assert_int_equal(header.checksum,
				 adler32(1, plain.data, (uInt)plain.size));
		assert_int_equal(header.packed_size, size - COMP_HEADER_SIZE);
		assert_int_equal(
			assert_decodes(decode, bytes_of(packed, size), bytes, "packed"),
			size);
		free(packed);
	}
	uint8_t *packed;
	size_t size;
	assert_int_equal(comp_pack(bytes_of("", 0), COMP_LZSS, 0, &packed, &size),
			 KEXT_ERR_INVALID_ARGUMENT);
	buffer_free(&plain);
}

static void checksum(void **state)
{
	(void)state;
	uint8_t *packed, output[5];
	size_t size;
	uint32_t found;
	struct comp_header header;
	struct codec_refusal why;
	assert_int_equal(comp_pack(bytes_of("hello", 5), COMP_LZSS, 0, &packed, &size),
			 0);
	packed[11] ^= 1;
	struct bytes bytes = bytes_of(packed, size);
	assert_int_equal(comp_read(bytes, &header, NULL), 0);
	assert_int_equal(comp_decode(bytes, &header, output, 0, NULL, NULL, &why),
			 KEXT_ERR_BAD_DATA);
	assert_string_equal(why.slug, CODEC_CHECKSUM);
	/* 062c0215 is the Adler-32 of "hello". */
	assert_non_null(strstr(why.message, "0x062c0215"));
	assert_int_equal(comp_decode(bytes, &header, output, COMP_IGNORE_CHECKSUM, &found,
				     NULL, &why),
			 0);
	assert_int_equal(found, 0x062c0215);
	assert_memory_equal(output, "hello", 5);
	free(packed);
}

static void refuses_bombs_and_strangers(void **state)
{
	(void)state;
	struct comp_header header;
	struct codec_refusal why;
	uint8_t bytes[COMP_HEADER_SIZE + 10] = "complzss\0\0\0\0\0\0\0\x6d";
	/* 10 bytes of LZSS yield at most 108. */
	assert_int_equal(comp_read(bytes_of(bytes, sizeof(bytes)), &header, &why),
			 KEXT_ERR_BAD_DATA);
	assert_string_equal(why.slug, CODEC_BOMB);
	bytes[15] = 0x6c;
	assert_int_equal(comp_read(bytes_of(bytes, sizeof(bytes)), &header, &why), 0);
	memcpy(bytes + 4, "lzfs", 4);
	assert_int_equal(comp_read(bytes_of(bytes, sizeof(bytes)), &header, &why),
			 KEXT_ERR_UNSUPPORTED);
	assert_int_equal(why.offset, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(fields),
		cmocka_unit_test(packs_what_it_reads),
		cmocka_unit_test(checksum),
		cmocka_unit_test(refuses_bombs_and_strangers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
