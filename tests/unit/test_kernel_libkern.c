/* Strings, numbers, memory, atomics, digests and UUIDs as kexts get them. */
#include "kernel_stand_ins.h"
#include "kernel/libkern/libkern.h"

static void numbers_in_text(void **state)
{
	char *end;
	const char *blank = "\r5", *bare = "0xg";

	(void)state;
	assert_int_equal(xnu_strtoul("0b101z", &end, 0), 5);
	assert_string_equal(end, "z");
	assert_int_equal(xnu_strtol(blank, &end, 10), 0);
	assert_ptr_equal(end, blank);
	assert_int_equal(xnu_atoi("-3"), 0);
	assert_int_equal(xnu_atoi("12x"), 12);
	assert_int_equal(xnu_strtol(" \t\n-0x1F", NULL, 0), -31);
	assert_int_equal(xnu_strtol("017", NULL, 0), 15);
	assert_int_equal(xnu_strtol("zz", NULL, 36), 35 * 36 + 35);
	assert_true(xnu_strtoul("-1", NULL, 10) == UINT64_MAX);
	assert_true(xnu_strtol("9223372036854775808", NULL, 10) == INT64_MAX);
	assert_true(xnu_strtol("-9223372036854775809", NULL, 10) == INT64_MIN);
	assert_true(xnu_strtouq("18446744073709551616", NULL, 10) == UINT64_MAX);
	assert_true(xnu_strtoq("-9223372036854775808", NULL, 10) == INT64_MIN);
	assert_int_equal(xnu_strtol(bare, &end, 0), 0);
	assert_ptr_equal(end, bare);
}

static void comparing(void **state)
{
	(void)state;
	assert_true(xnu_strcmp("\x80", "a") < 0);
	assert_true(xnu_strcmp("b", "a") > 0);
	assert_int_equal(xnu_strcmp("same", "same"), 0);
	assert_true(xnu_strncmp("abX", "abY", 3) < 0);
	assert_int_equal(xnu_strncmp("abX", "abY", 2), 0);
	assert_int_equal(xnu_strncmp("ab", "ab", 9), 0);
	assert_int_equal(xnu_strcasecmp("HeLLo", "hEllO"), 0);
	assert_int_equal(xnu_strncasecmp("ABc", "abD", 2), 0);
	assert_int_equal(xnu_strcasecmp("a", "C"), 'a' - 'c');
	assert_true(xnu_memcmp("\xff", "\x01", 1) > 0);
	assert_int_equal(xnu_bcmp("a", "b", 1), 1);
	assert_int_equal(xnu_timingsafe_bcmp("ab", "ab", 2), 0);
	assert_int_equal(xnu_timingsafe_bcmp("ab", "aa", 2), 1);
}

static void copying(void **state)
{
	char to[8] = "", full[4] = {'a', 'b', 'c', 'd'};

	(void)state;
	to[0] = '!';
	assert_int_equal(xnu_strlcpy(to, "hello", 0), 5);
	assert_int_equal(to[0], '!');
	assert_int_equal(xnu_strlcpy(to, "hello", 3), 5);
	assert_string_equal(to, "he");
	assert_int_equal(xnu_strlcat(to, "XYZ", 5), 5);
	assert_string_equal(to, "heXY");
	assert_int_equal(xnu_strlcat(full, "ef", 4), 6);
	assert_memory_equal(full, "abcd", 4);
	memset(to, '!', sizeof(to));
	xnu_strncpy(to, "ab", 5);
	assert_memory_equal(to, "ab\0\0\0!!!", 8);
	xnu_strncpy(to, "abcdef", 3);
	assert_memory_equal(to, "abc\0\0!!!", 8);
	strcpy(to, "ab");
	assert_string_equal(xnu_strncat(to, "cdef", 2), "abcd");
	memcpy(to, "012345", 7);
	xnu_memcpy(to + 1, to, 5); /* overlapping on purpose */
	assert_string_equal(to, "001234");
	xnu_bcopy("xy", to, 3);
	assert_string_equal(to, "xy");
}

static void searching(void **state)
{
	char words[] = "a,b;c", *rest = words;
	const char *text = "needle";

	(void)state;
	assert_null(xnu_strchr(NULL, 'x'));
	assert_ptr_equal(xnu_strchr(text, 0), text + 6);
	assert_ptr_equal(xnu_strchr(text, 'd'), text + 3);
	assert_ptr_equal(xnu_strnstr(text, "dl", 6), text + 3);
	assert_null(xnu_strnstr(text, "dl", 4));
	assert_string_equal(xnu_strsep(&rest, ",;"), "a");
	assert_string_equal(rest, "b;c");
	assert_int_equal(strprefix("kernel", "kern"), 1);
	assert_int_equal(strprefix("ker", "kern"), 0);
	assert_int_equal(xnu_ffs(0), 0);
	assert_int_equal(xnu_ffs(8), 4);
	assert_int_equal(xnu_strnlen("abc", 2), 2);
}

static void filling(void **state)
{
	uint8_t to[8] = {0};

	(void)state;
	assert_int_equal(xnu_memset_s(to, 4, 1, 8), 84);
	assert_memory_equal(to, "\1\1\1\1\0\0\0\0", 8);
	assert_int_equal(xnu_memset_s(NULL, 4, 1, 4), XNU_EINVAL);
	assert_int_equal(xnu_memset_s(to, SIZE_MAX, 1, 4), XNU_E2BIG);
	assert_int_equal(xnu_memset_s(to, 8, 2, 8), 0);
	xnu_bzero(to, 3);
	assert_memory_equal(to, "\0\0\0\2\2\2\2\2", 8);
}

static void checked_forms(void **state)
{
	char to[16] = "abc";

	(void)state;
	assert_panic("__memcpy_chk", xnu_memcpy_chk(to, "123456789", 9, 8));
	assert_panic("__memmove_chk", xnu_memmove_chk(to, "123456789", 9, 8));
	assert_panic("__memset_chk", xnu_memset_chk(to, 0, 9, 8));
	assert_panic("__strcpy_chk", xnu_strcpy_chk(to, "12345678", 8));
	assert_panic("__strncpy_chk", xnu_strncpy_chk(to, "1", 9, 8));
	assert_panic("__strcat_chk", xnu_strcat_chk(to, "12345", 8));
	assert_panic("__strncat_chk", xnu_strncat_chk(to, "12345678", 5, 8));
	assert_panic("__strlcpy_chk", xnu_strlcpy_chk(to, "1", 9, 8));
	assert_panic("__strlcat_chk", xnu_strlcat_chk(to, "1", 9, 8));
	assert_string_equal(xnu_strcat_chk(to, "1234", 8), "abc1234");
	assert_string_equal(xnu_strcpy_chk(to, "1234567", 8), "1234567");
	assert_int_equal(xnu_strlcpy_chk(to, "1234567", 8, SIZE_MAX), 7);
}

static void scanning(void **state)
{
	int a = 0, n = 0;
	unsigned x = 0;
	long long big = 0;
	char word[8], set[8], c;
	uint8_t small = 0;

	(void)state;
	assert_int_equal(xnu_sscanf("12 ff word", "%d %x %7s", &a, &x, word), 3);
	assert_int_equal(a, 12);
	assert_int_equal(x, 0xff);
	assert_string_equal(word, "word");
	assert_int_equal(xnu_sscanf("abc:z", "%2[a-c]%c:%n", set, &c, &n), 2);
	assert_string_equal(set, "ab");
	assert_int_equal(c, 'c');
	assert_int_equal(n, 4);
	assert_int_equal(xnu_sscanf("5 -6", "%*d %lld", &big), 1);
	assert_int_equal(big, -6);
	assert_int_equal(xnu_sscanf("300", "%hhu", &small), 1);
	assert_int_equal(small, 44);
	assert_int_equal(xnu_sscanf("0x1f", "%i", &a), 1);
	assert_int_equal(a, 31);
	assert_int_equal(xnu_sscanf("1234", "%2d%d", &a, &n), 2);
	assert_int_equal(a, 12);
	assert_int_equal(n, 34);
	assert_int_equal(xnu_sscanf("", "%d", &a), -1);
	assert_int_equal(xnu_sscanf("x", "%d", &a), 0);
	assert_int_equal(xnu_sscanf("7%", "%d%%", &a), 1);
	assert_int_equal(xnu_sscanf("]a", "%[]]", set), 1);
	assert_string_equal(set, "]");
	assert_int_equal(xnu_sscanf("ab1", "%[^0-9]", set), 1);
	assert_string_equal(set, "ab");
}

static void atomics(void **state)
{
	uint8_t bits[2] = {0};
	int32_t x = 1;
	uint32_t u = 6;
	int64_t big = 1;
	int8_t tiny = 127;
	uint16_t half = 0x0ff0;
	void *pointer = NULL;
	uint64_t wide = 5;

	(void)state;
	assert_int_equal(OSTestAndSet(0, bits), 0);
	assert_int_equal(OSTestAndSet(0, bits), 1);
	assert_int_equal(bits[0], 0x80);
	assert_int_equal(OSTestAndSet(15, bits), 0);
	assert_int_equal(bits[1], 1);
	assert_int_equal(OSTestAndClear(0, bits), 0);
	assert_int_equal(OSTestAndClear(0, bits), 1);
	assert_int_equal(OSAddAtomic(5, &x), 1);
	assert_int_equal(x, 6);
	assert_int_equal(OSCompareAndSwap(6, 9, &u), 1);
	assert_int_equal(u, 9);
	assert_int_equal(OSCompareAndSwap(6, 1, &u), 0);
	assert_int_equal(u, 9);
	assert_int_equal(OSAddAtomic64(-3, &big), 1);
	assert_int_equal(big, -2);
	assert_int_equal(OSIncrementAtomic8(&tiny), 127);
	assert_int_equal(tiny, -128);
	assert_int_equal(OSDecrementAtomic(&x), 6);
	assert_int_equal(OSBitAndAtomic16(0x00ff, &half), 0x0ff0);
	assert_int_equal(half, 0x00f0);
	assert_int_equal(OSBitOrAtomic(0x10, &u), 9);
	assert_int_equal(OSBitXorAtomic(0x11, &u), 0x19);
	assert_int_equal(u, 8);
	assert_int_equal(OSCompareAndSwapPtr(NULL, bits, &pointer), 1);
	assert_ptr_equal(pointer, bits);
	assert_int_equal(OSCompareAndSwap64(5, UINT64_MAX, &wide), 1);
	assert_true(OSSpinLockTry(&(int32_t){0}));
	assert_false(OSSpinLockTry(&(int32_t){1}));
}

static void reference_counts(void **state)
{
	struct os_refcnt count;

	(void)state;
	os_ref_init_count_internal(&count, NULL, 1);
	os_ref_retain_internal(&count, NULL);
	assert_int_equal(os_ref_release_internal(&count, NULL), 1);
	assert_true(os_ref_retain_try_internal(&count, NULL));
	os_ref_release_internal(&count, NULL);
	assert_int_equal(os_ref_release_internal(&count, NULL), 0);
	assert_false(os_ref_retain_try_internal(&count, NULL));
	assert_panic("underflow", os_ref_release_internal(&count, NULL));
	os_ref_init_count_internal(&count, NULL, 0x0fffffff);
	assert_panic("overflow", os_ref_retain_internal(&count, NULL));
}

static void checksums(void **state)
{
	uint32_t crc;

	(void)state;
	assert_int_equal(xnu_crc32(0, "123456789", 9), 0xCBF43926);
	crc = xnu_crc32(0, "1234", 4);
	assert_int_equal(xnu_crc32(crc, "56789", 5), 0xCBF43926);
	assert_int_equal(xnu_adler32(1, (const uint8_t *)"Wikipedia", 9), 0x11E60398);
	assert_int_equal(xnu_adler32(0, NULL, 0), 1);
}

/* Contexts exactly as large as Darwin's, at an odd multiple of 4, fed in two pieces. */
static uint8_t context_room[212] __attribute__((aligned(8)));

#define assert_digest(expected, size, context_size, Init, Update, Final)                 \
	do {                                                                             \
		uint8_t *c_ = context_room + 4, digest_[64];                             \
		char hex_[129];                                                          \
		memset(context_room, 0x5a, sizeof(context_room));                        \
		Init(c_);                                                                \
		Update(c_, "a", 1);                                                      \
		Update(c_, "bc", 2);                                                     \
		Final(digest_, c_);                                                      \
		for (unsigned i_ = 0; i_ < (size); i_++)                                 \
			sprintf(hex_ + 2 * i_, "%02x", digest_[i_]);                     \
		assert_string_equal(hex_, expected);                                     \
		for (unsigned i_ = (context_size) + 4; i_ < sizeof(context_room); i_++)  \
			assert_int_equal(context_room[i_], 0x5a);                        \
	} while (0)

/* The digests of "abc" from RFC 1321 and FIPS 180. */
static void digests(void **state)
{
	(void)state;
	assert_digest("900150983cd24fb0d6963f7d28e17f72", 16, 88, xnu_MD5Init,
		      xnu_MD5Update, xnu_MD5Final);
	assert_digest("a9993e364706816aba3e25717850c26c9cd0d89d", 20, 104, xnu_SHA1Init,
		      xnu_SHA1Update, xnu_SHA1Final);
	assert_digest("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		      32, 112, xnu_SHA256_Init, xnu_SHA256_Update, xnu_SHA256_Final);
	assert_digest("cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
		      "8086072ba1e7cc2358baeca134c825a7",
		      48, 208, xnu_SHA384_Init, xnu_SHA384_Update, xnu_SHA384_Final);
	assert_digest("ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
		      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
		      64, 208, xnu_SHA512_Init, xnu_SHA512_Update, xnu_SHA512_Final);
}

/* More than one block, so that the packed context carries state and count. */
static void sha256_of_many_blocks(void **state)
{
	uint8_t context[112], digest[32];
	char hex[65], piece[1000];

	(void)state;
	memset(piece, 'a', sizeof(piece));
	xnu_SHA256_Init(context);
	for (int i = 0; i < 1000; i++)
		xnu_SHA256_Update(context, piece, sizeof(piece));
	xnu_SHA256_Final(digest, context);
	for (int i = 0; i < 32; i++)
		sprintf(hex + 2 * i, "%02x", digest[i]);
	assert_string_equal(
		hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void uuids(void **state)
{
	const char *text = "9a3e5f00-0B1C-4d2e-8F3A-4B5C6D7E8F90";
	uint8_t uuid[16], other[16];
	char unparsed[37];

	(void)state;
	assert_int_equal(xnu_uuid_parse("9a3e5f00-0B1C-4d2e-8F3A-4B5C6D7E8F9", uuid), -1);
	assert_int_equal(xnu_uuid_parse("9a3e5f0000B1C-4d2e-8F3A-4B5C6D7E8F90", uuid),
			 -1);
	assert_int_equal(xnu_uuid_parse("9a3e5f00-0B1C-4d2e-8F3A-4B5C6D7E8F9g", uuid),
			 -1);
	assert_int_equal(xnu_uuid_parse(text, uuid), 0);
	assert_memory_equal(
		uuid, "\x9a\x3e\x5f\x00\x0b\x1c\x4d\x2e\x8f\x3a\x4b\x5c\x6d\x7e\x8f\x90",
		16);
	xnu_uuid_unparse(uuid, unparsed);
	assert_string_equal(unparsed, "9A3E5F00-0B1C-4D2E-8F3A-4B5C6D7E8F90");
	xnu_uuid_unparse_lower(uuid, unparsed);
	assert_string_equal(unparsed, "9a3e5f00-0b1c-4d2e-8f3a-4b5c6d7e8f90");
	xnu_uuid_copy(other, uuid);
	assert_int_equal(xnu_uuid_compare(uuid, other), 0);
	xnu_uuid_clear(other);
	assert_true(xnu_uuid_compare(uuid, other) > 0);
	assert_int_equal(xnu_uuid_is_null(other), 1);
	assert_int_equal(xnu_uuid_is_null(uuid), 0);
	xnu_uuid_generate(uuid);
	assert_int_equal(uuid[6] >> 4, 4);
	assert_int_equal(uuid[8] >> 6, 2);
	xnu_uuid_generate_time(uuid);
	assert_int_equal(uuid[6] >> 4, 1);
}

static void random_numbers(void **state)
{
	uint8_t a[32] = {0}, b[32] = {0};

	(void)state;
	read_random(a, sizeof(a));
	read_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	for (int i = 0; i < 100; i++)
		assert_int_equal(xnu_random() >> 31, 0);
	assert_int_equal(register_crypto_functions(a), 0);
	assert_int_equal(register_crypto_functions(b), -1);
}

static void addresses_as_text(void **state)
{
	static const uint8_t four[4] = {127, 0, 0, 1};
	uint8_t six[16] = {0}, parsed[4];
	char text[46];

	(void)state;
	six[15] = 1;
	assert_string_equal(xnu_inet_ntop(2, four, text, sizeof(text)), "127.0.0.1");
	assert_string_equal(xnu_inet_ntop(30, six, text, sizeof(text)), "::1");
	assert_null(xnu_inet_ntop(10, six, text, sizeof(text)));
	assert_null(xnu_inet_ntop(2, four, text, 9));
	assert_int_equal(xnu_inet_aton("127.0.0.1", parsed), 1);
	assert_memory_equal(parsed, four, 4);
}

static void stack_guard(void **state)
{
	(void)state;
	stack_guard_startup();
	assert_int_not_equal(xnu_stack_chk_guard[0], 0);
	assert_int_equal(xnu_stack_chk_guard[0] >> 8 & 0xff, 0);
	assert_panic("Kernel stack memory corruption detected", xnu_stack_chk_fail());
	assert_panic("f.c:7 Assertion failed: x", Assert("f.c", 7, "x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_in_text),
		cmocka_unit_test(comparing),
		cmocka_unit_test(copying),
		cmocka_unit_test(searching),
		cmocka_unit_test(filling),
		cmocka_unit_test(checked_forms),
		cmocka_unit_test(scanning),
		cmocka_unit_test(atomics),
		cmocka_unit_test(reference_counts),
		cmocka_unit_test(checksums),
		cmocka_unit_test(digests),
		cmocka_unit_test(sha256_of_many_blocks),
		cmocka_unit_test(uuids),
		cmocka_unit_test(random_numbers),
		cmocka_unit_test(addresses_as_text),
		cmocka_unit_test(stack_guard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
