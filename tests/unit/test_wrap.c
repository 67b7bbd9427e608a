/* Layers in any nesting: peeled, bounded, and named when they are refused. */
#include "vectors.h"
#include <sys/resource.h>
#include <kext/arch.h>
#include <kext/error.h>
#include "base/memory.h"
#include "codec/comp.h"
#include "codec/deflate.h"
#include "codec/lzfse.h"
#include "codec/wrap.h"

static const struct wrap_options any = {KEXT_CPU_ANY, 0, 0, 0};

static void put_der(struct buffer *b, unsigned tag, const void *data, size_t size)
{
	buffer_u8(b, (uint8_t)tag);
	buffer_u8(b, 0x83);
	buffer_u8(b, (uint8_t)(size >> 16));
	buffer_u16(b, (uint16_t)size, true);
	buffer_append(b, data, size);
}

/* Replaces what is in `b` by an IM4P around it. algorithm < 0: says nothing of it. */
static void in_im4p(struct buffer *b, int algorithm, uint32_t plain_size)
{
	struct buffer inner = {0}, outer = {0};
	put_der(&inner, 0x16, "IM4P", 4);
	put_der(&inner, 0x16, "krnl", 4);
	put_der(&inner, 0x16, "", 0);
	put_der(&inner, 0x04, b->data, b->size);
	if (algorithm >= 0) {
		uint8_t size[5] = {0};
		struct buffer element = {0};
		uint8_t number = (uint8_t)algorithm;
		store32(size + 1, plain_size, true);
		put_der(&element, 0x02, &number, 1);
		put_der(&element, 0x02, size, 5);
		put_der(&inner, 0x30, element.data, element.size);
		buffer_free(&element);
	}
	put_der(&outer, 0x30, inner.data, inner.size);
	buffer_free(&inner);
	buffer_free(b);
	*b = outer;
}

static void in_raw_lzfse(struct buffer *b)
{
	struct buffer outer = {0};
	buffer_string(&outer, "bvx-");
	buffer_u32(&outer, (uint32_t)b->size, false);
	buffer_append(&outer, b->data, b->size);
	buffer_string(&outer, "bvx$");
	buffer_free(b);
	*b = outer;
}

static void in_comp(struct buffer *b, enum comp_kind kind)
{
	struct buffer outer = {0};
	uint8_t *packed;
	size_t size;
	assert_int_equal(comp_pack(bytes_of(b->data, b->size), kind, 0, &packed, &size),
			 0);
	buffer_append(&outer, packed, size);
	free(packed);
	buffer_free(b);
	*b = outer;
}

/* Two slices: one of another CPU, then what is in `b` for x86_64. */
static void in_fat(struct buffer *b)
{
	struct buffer outer = {0};
	const uint32_t words[] = {
		0xcafebabe,	   2, 18, 0, 48, 4, 0, KEXT_CPU_X86_64, 3, 52,
		(uint32_t)b->size, 0};
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		buffer_u32(&outer, words[i], true);
	buffer_string(&outer, "ppc!");
	buffer_append(&outer, b->data, b->size);
	buffer_free(b);
	*b = outer;
}

static struct buffer kernel(void)
{
	struct buffer b = {0};
	buffer_u32(&b, 0xfeedfacf, false);
	make_text(&b, 5000);
	return b;
}

static struct kext_diagnostics *refused(struct bytes input,
					const struct wrap_options *options, int error,
					const char *slug)
{
	struct unwrapped result;
	struct kext_diagnostics *list = kext_diagnostics_new();
	assert_int_equal(unwrap(input, options, "kernelcache", list, &result), error);
	assert_int_equal(kext_diagnostics_length(list), 1);
	assert_string_equal(kext_diagnostics_at(list, 0)->slug, slug);
	assert_string_equal(kext_diagnostics_at(list, 0)->subject, "kernelcache");
	return list;
}

static void plain_bytes_stay(void **state)
{
	(void)state;
	struct unwrapped result;
	static const char *const plain[] = {"", "MKXTMOSX", "bvx", "0",
					    "\xcf\xfa\xed\xfe"};
	for (size_t i = 0; i < 5; i++) {
		struct bytes input = bytes_of(plain[i], strlen(plain[i]));
		assert_int_equal(unwrap(input, &any, "x", NULL, &result), 0);
		assert_int_equal(result.count, 0);
		assert_ptr_equal(result.bytes.data, plain[i]);
		unwrapped_free(&result);
	}
}

static void nested_layers(void **state)
{
	(void)state;
	struct wrap_options options = {KEXT_CPU_X86_64, 3, 0, 0};
	struct buffer plain = kernel(), b = kernel();
	struct unwrapped result;
	in_comp(&b, COMP_LZVN);
	size_t comp_size = b.size;
	buffer_string(&b, "another image");
	in_im4p(&b, -1, 0);
	in_raw_lzfse(&b);
	in_fat(&b);
	in_comp(&b, COMP_LZSS);
	assert_int_equal(unwrap(bytes_of(b.data, b.size), &options, "x", NULL, &result),
			 0);
	assert_int_equal(result.count, 5);
	static const enum wrap_kind kinds[] = {WRAP_COMP_LZSS, WRAP_FAT, WRAP_LZFSE,
					       WRAP_IM4P, WRAP_COMP_LZVN};
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(result.layers[i].kind, kinds[i]);
	assert_string_equal(result.layers[3].type, "krnl");
	assert_int_equal(result.layers[4].packed_size, comp_size);
	assert_int_equal(result.layers[4].trailing, 13);
	assert_int_equal(result.layers[4].plain_size, plain.size);
	assert_int_equal(result.bytes.size, plain.size);
	assert_memory_equal(result.bytes.data, plain.data, plain.size);
	unwrapped_free(&result);
	buffer_free(&b);
	buffer_free(&plain);
}

static void the_size_an_im4p_states(void **state)
{
	(void)state;
	struct unwrapped result;
	for (uint32_t size = 4999; size <= 5001; size++) {
		struct buffer b = kernel();
		b.size = 5000;
		in_raw_lzfse(&b);
		in_im4p(&b, 1, size);
		struct bytes input = bytes_of(b.data, b.size);
		if (size == 5000)
			assert_int_equal(unwrap(input, &any, "x", NULL, &result), 0);
		else
			kext_diagnostics_free(
				refused(input, &any, KEXT_ERR_BAD_DATA, "codec.short"));
		if (size == 5000)
			unwrapped_free(&result);
		buffer_free(&b);
	}
}

/* A bare LZSS stream has its size from the IM4P alone: 01 41 ee ff is A and 18 more. */
static void bare_lzss(void **state)
{
	(void)state;
	struct unwrapped result;
	struct buffer b = {0};
	buffer_append(&b, "\x01\x41\xee\xff", 4);
	in_im4p(&b, 0, 19);
	assert_int_equal(unwrap(bytes_of(b.data, b.size), &any, "x", NULL, &result), 0);
	assert_int_equal(result.layers[1].kind, WRAP_LZSS);
	assert_memory_equal(result.bytes.data, "AAAAAAAAAAAAAAAAAAA", 19);
	unwrapped_free(&result);
	buffer_free(&b);
	buffer_append(&b, "\x01\x41\xee\xff", 4);
	in_im4p(&b, 0, 4 * 9 + 19);
	kext_diagnostics_free(
		refused(bytes_of(b.data, b.size), &any, KEXT_ERR_BAD_DATA, "codec.bomb"));
	buffer_free(&b);
	buffer_string(&b, "not LZFSE");
	in_im4p(&b, 1, 20);
	kext_diagnostics_free(refused(bytes_of(b.data, b.size), &any, KEXT_ERR_BAD_DATA,
				      "codec.header"));
	buffer_free(&b);
}

static void depth_is_capped(void **state)
{
	(void)state;
	struct unwrapped result;
	struct buffer b = kernel();
	for (unsigned i = 0; i < WRAP_MAX_LAYERS; i++)
		in_raw_lzfse(&b);
	assert_int_equal(unwrap(bytes_of(b.data, b.size), &any, "x", NULL, &result), 0);
	assert_int_equal(result.count, WRAP_MAX_LAYERS);
	unwrapped_free(&result);
	in_raw_lzfse(&b);
	kext_diagnostics_free(refused(bytes_of(b.data, b.size), &any, KEXT_ERR_BAD_DATA,
				      "codec.depth"));
	buffer_free(&b);
}

/* A block of an LZFSE stream whose header declares the most it may, 23,590,000 bytes, and
 * whose tables are empty. */
static void append_hollow_block(struct buffer *b)
{
	buffer_string(b, "bvx2");
	buffer_u32(b, 23590000, false);
	buffer_u64(b, (uint64_t)10000 << 40, false);
	buffer_u64(b, 0, false);
	buffer_u64(b, 122, false);
	buffer_zeros(b, 90);
}

/* The sum of what layers make is bounded; 2 GiB unless something else is asked for. */
static void output_is_capped(void **state)
{
	(void)state;
	struct unwrapped result;
	struct wrap_options few = {KEXT_CPU_ANY, 0, 0, 10008};
	struct buffer b = kernel();
	b.size = 5000;
	in_raw_lzfse(&b);
	in_raw_lzfse(&b); /* makes 5012 and 5000 */
	struct bytes input = bytes_of(b.data, b.size);
	struct kext_diagnostics *list =
		refused(input, &few, KEXT_ERR_BAD_DATA, "codec.bomb");
	const char *message = kext_diagnostics_at(list, 0)->message;
	assert_non_null(strstr(message, "in LZFSE stream: "));
	assert_non_null(strstr(message, "5000 bytes"));
	assert_non_null(strstr(message, "4996"));
	kext_diagnostics_free(list);
	few.max_bytes = 10012;
	assert_int_equal(unwrap(input, &few, "x", NULL, &result), 0);
	assert_int_equal(result.made, 10012);
	unwrapped_free(&result);
	buffer_free(&b);
	/* A hundred headers that declare 23,590,000 bytes each: 2.3 GB of 13 kB. */
	for (int i = 0; i < 100; i++)
		append_hollow_block(&b);
	buffer_string(&b, "bvx$");
	list = refused(bytes_of(b.data, b.size), &any, KEXT_ERR_BAD_DATA, "codec.bomb");
	assert_non_null(strstr(kext_diagnostics_at(list, 0)->hint, "--max-size"));
	assert_non_null(strstr(kext_diagnostics_at(list, 0)->message, "2147483648"));
	kext_diagnostics_free(list);
	buffer_free(&b);
}

static long peak_kilobytes(void)
{
	struct rusage usage;
	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_maxrss;
}

/* A stream gets memory for what its blocks yield: one that declares 1.9 GB and then is
 * damaged gets next to none, nor address space for it. */
static void lzfse_grows_block_by_block(void **state)
{
	(void)state;
	struct buffer b = {0};
	struct rlimit before, tight;
	for (int i = 0; i < 80; i++)
		append_hollow_block(&b);
	buffer_string(&b, "bvx$");
	long peak = peak_kilobytes();
	assert_int_equal(getrlimit(RLIMIT_DATA, &before), 0);
	tight = before;
#if !defined(__SANITIZE_ADDRESS__)
	tight.rlim_cur = 256u << 20;
#endif
	assert_int_equal(setrlimit(RLIMIT_DATA, &tight), 0);
	kext_diagnostics_free(refused(bytes_of(b.data, b.size), &any, KEXT_ERR_BAD_DATA,
				      "codec.table"));
	assert_int_equal(setrlimit(RLIMIT_DATA, &before), 0);
	assert_true(peak_kilobytes() - peak < 64 << 10);
	buffer_free(&b);
}

/* What a codec cannot yield is refused before memory is asked for; what it may is not. */
static void a_declared_size_is_believed(void **state)
{
	static const struct {
		enum comp_kind kind;
		uint32_t most;
	} bounds[] = {{COMP_LZSS, 100 * 9 + 18}, {COMP_LZVN, 100 * 256}};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct comp_header header;
		struct codec_refusal why;
		struct buffer b = kernel();
		in_comp(&b, bounds[i].kind);
		b.size = COMP_HEADER_SIZE + 100;
		buffer_set_u32(&b, 12, bounds[i].most, true);
		assert_int_equal(comp_read(bytes_of(b.data, b.size), &header, &why), 0);
		buffer_set_u32(&b, 12, bounds[i].most + 1, true);
		assert_int_equal(comp_read(bytes_of(b.data, b.size), &header, &why),
				 KEXT_ERR_BAD_DATA);
		assert_string_equal(why.slug, CODEC_BOMB);
		buffer_free(&b);
	}
}

static void checksum_can_be_ignored(void **state)
{
	(void)state;
	struct wrap_options lenient = {KEXT_CPU_ANY, 0, WRAP_IGNORE_CHECKSUM, 0};
	struct kext_diagnostics *list = kext_diagnostics_new();
	struct unwrapped result;
	struct buffer b = kernel();
	in_comp(&b, COMP_LZSS);
	b.data[8] ^= 0x80;
	struct bytes input = bytes_of(b.data, b.size);
	kext_diagnostics_free(refused(input, &any, KEXT_ERR_BAD_DATA, "codec.checksum"));
	assert_int_equal(unwrap(input, &lenient, "x", list, &result), 0);
	assert_true(result.layers[0].is_damaged);
	assert_int_equal(kext_diagnostics_count(list, KEXT_WARNING), 1);
	assert_int_equal(kext_diagnostics_count(list, KEXT_ERROR), 0);
	unwrapped_free(&result);
	kext_diagnostics_free(list);
	buffer_free(&b);
}

static void architectures(void **state)
{
	(void)state;
	struct wrap_options arm = {KEXT_CPU_ARM64, 0, 0, 0};
	struct buffer b = kernel();
	in_fat(&b);
	struct bytes input = bytes_of(b.data, b.size);
	kext_diagnostics_free(
		refused(input, &arm, KEXT_ERR_ARCH_NOT_FOUND, "codec.architecture"));
	kext_diagnostics_free(
		refused(input, &any, KEXT_ERR_ARCH_NOT_FOUND, "codec.architecture"));
	buffer_free(&b);
}

static void known_but_not_read(void **state)
{
	(void)state;
	kext_diagnostics_free(refused(bytes_of("3gmI....", 8), &any, KEXT_ERR_UNSUPPORTED,
				      "codec.img3"));
}

static void encrypted(const struct vector *v)
{
	if (!strcmp(v->name, "keybag"))
		kext_diagnostics_free(refused(v->packed, &any, KEXT_ERR_UNSUPPORTED,
					      "codec.encrypted"));
}

static void encrypted_payloads(void **state)
{
	(void)state;
	assert_int_equal(each_vector("im4p", encrypted), 9);
}

/* The abc of the other Image4 vectors comes out whole. */
static void expands(const struct vector *v)
{
	struct unwrapped result;
	if (is_verdict(v, "refuse") || !strcmp(v->name, "keybag"))
		return;
	assert_int_equal(unwrap(v->packed, &any, "x", NULL, &result), 0);
	assert_int_equal(result.bytes.size, 64);
	assert_memory_equal(result.bytes.data, "abcabcabcabcabcabcabcabc", 24);
	assert_int_equal(result.layers[1].trailing, strcmp(v->name, "extra") ? 0 : 13);
	unwrapped_free(&result);
}

static void image4_vectors_expand(void **state)
{
	(void)state;
	assert_int_equal(each_vector("im4p", expands), 9);
}

static void no_memory(void **state)
{
	(void)state;
	struct unwrapped result;
	struct buffer b = kernel();
	in_comp(&b, COMP_LZSS);
	in_raw_lzfse(&b);
	for (unsigned n = 1; n <= 2; n++) {
		fault_arm_allocation(n);
		assert_int_equal(
			unwrap(bytes_of(b.data, b.size), &any, "x", NULL, &result), -12);
	}
	fault_arm_allocation(0);
	buffer_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_bytes_stay),
		cmocka_unit_test(nested_layers),
		cmocka_unit_test(the_size_an_im4p_states),
		cmocka_unit_test(bare_lzss),
		cmocka_unit_test(depth_is_capped),
		cmocka_unit_test(output_is_capped),
		cmocka_unit_test(lzfse_grows_block_by_block),
		cmocka_unit_test(a_declared_size_is_believed),
		cmocka_unit_test(checksum_can_be_ignored),
		cmocka_unit_test(architectures),
		cmocka_unit_test(known_but_not_read),
		cmocka_unit_test(encrypted_payloads),
		cmocka_unit_test(image4_vectors_expand),
		cmocka_unit_test(no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
