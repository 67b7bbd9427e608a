/*
 * Digests, AES, random numbers and zlib. Expected values: the digests of "abc" and the
 * AES vectors of FIPS 180, 197 and SP 800-38A.
 */
#include "kpi.h"
#include <libkern/crypto/aes.h>
#include <libkern/crypto/md5.h>
#include <libkern/crypto/sha1.h>
#include <libkern/crypto/sha2.h>
#include <libkern/zlib.h>
#include <sys/random.h>

void sha1_init(SHA1_CTX *context);
void sha1_loop(SHA1_CTX *context, const void *data, size_t size);
void sha1_result(SHA1_CTX *context, void *digest);
int random_buf(void *data, size_t size);
int register_crypto_functions(const void *table);
struct prng {
	int (*init)(void *context, size_t generators, size_t pool_size, void *pool,
		    const int *samples, size_t seed_size, const void *seed,
		    size_t nonce_size, const void *nonce);
	void (*initgen)(void *context, unsigned int index);
};
void register_and_init_prng(void *context, const struct prng *functions);

/* Whether the bytes are those that the hexadecimal digits name. */
static int is_hex(const unsigned char *bytes, const char *digits)
{
	char pair[3];

	for (; *digits; digits += 2, bytes++) {
		snprintf(pair, sizeof(pair), "%02x", *bytes);
		if (pair[0] != digits[0] || pair[1] != digits[1])
			return 0;
	}
	return 1;
}

static void check_digests(void)
{
	unsigned char digest[64];
	MD5_CTX md5;
	SHA1_CTX sha1;
	SHA256_CTX sha256;
	SHA512_CTX sha512;

	MD5Init(&md5);
	MD5Update(&md5, "ab", 2);
	MD5Update(&md5, "c", 1);
	MD5Final(digest, &md5);
	CHECK("md5", is_hex(digest, "900150983cd24fb0d6963f7d28e17f72"));
	SHA1Init(&sha1);
	SHA1Update(&sha1, "abc", 3);
	SHA1Final(digest, &sha1);
	CHECK("sha1", is_hex(digest, "a9993e364706816aba3e25717850c26c9cd0d89d"));
	memset(digest, 0, sizeof(digest));
	sha1_init(&sha1);
	sha1_loop(&sha1, "abc", 3);
	sha1_result(&sha1, digest);
	CHECK("sha1-old-names",
	      is_hex(digest, "a9993e364706816aba3e25717850c26c9cd0d89d"));
	SHA256_Init(&sha256);
	SHA256_Update(&sha256, "abc", 3);
	SHA256_Final(digest, &sha256);
	CHECK("sha256", is_hex(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9c"
				       "b410ff61f20015ad"));
	SHA384_Init(&sha512);
	SHA384_Update(&sha512, "abc", 3);
	SHA384_Final(digest, &sha512);
	CHECK("sha384",
	      is_hex(digest, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"));
	SHA512_Init(&sha512);
	SHA512_Update(&sha512, "abc", 3);
	SHA512_Final(digest, &sha512);
	CHECK("sha512",
	      is_hex(digest, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea2"));
}

static void check_aes(void)
{
	unsigned char key[32], text[32], out[32];
	aes_encrypt_ctx encrypt;
	aes_decrypt_ctx decrypt;

	for (int i = 0; i < 32; i++) {
		key[i] = (unsigned char)i;
		text[i] = (unsigned char)(i % 16 * 0x11);
	}
	CHECK("aes-128-key", aes_encrypt_key128(key, &encrypt) == 0 &&
				     aes_decrypt_key128(key, &decrypt) == 0);
	CHECK("aes-128", aes_encrypt_cbc(text, NULL, 1, out, &encrypt) == 0 &&
				 is_hex(out, "69c4e0d86a7b0430d8cdb78070b4c55a"));
	CHECK("aes-128-back", aes_decrypt_cbc(out, NULL, 1, out, &decrypt) == 0 &&
				      !memcmp(out, text, 16));
	aes_encrypt_cbc(text, NULL, 1, out, &encrypt);
	CHECK("aes-one-block",
	      aes_decrypt(out, out, &decrypt) == 0 && !memcmp(out, text, 16));
	CHECK("aes-192", aes_encrypt_key(key, 24, &encrypt) == 0 &&
				 aes_encrypt_cbc(text, NULL, 1, out, &encrypt) == 0 &&
				 is_hex(out, "dda97ca4864cdfe06eaf70a0ec0d7191"));
	CHECK("aes-192-back", aes_decrypt_key(key, 24, &decrypt) == 0 &&
				      aes_decrypt_cbc(out, NULL, 1, out, &decrypt) == 0 &&
				      !memcmp(out, text, 16));
	CHECK("aes-256", aes_encrypt_key256(key, &encrypt) == 0 &&
				 aes_encrypt_cbc(text, NULL, 1, out, &encrypt) == 0 &&
				 is_hex(out, "8ea2b7ca516745bfeafc49904b496089"));
	CHECK("aes-256-chained", aes_encrypt_cbc(text, key, 2, out, &encrypt) == 0 &&
					 memcmp(out, out + 16, 16) != 0);
	CHECK("aes-256-back", aes_decrypt_key256(key, &decrypt) == 0 &&
				      aes_decrypt_cbc(out, key, 2, out, &decrypt) == 0 &&
				      !memcmp(out, text, 32));
	CHECK("aes-key-size", aes_encrypt_key(key, 17, &encrypt) == -1);
}

/* The first example of SP 800-38A, F.2.1. */
static void check_chaining(void)
{
	static const unsigned char key[] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae,
					    0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88,
					    0x09, 0xcf, 0x4f, 0x3c};
	static const unsigned char text[] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40,
					     0x9f, 0x96, 0xe9, 0x3d, 0x7e, 0x11,
					     0x73, 0x93, 0x17, 0x2a};
	unsigned char vector[16], out[16];
	aes_encrypt_ctx encrypt;

	for (int i = 0; i < 16; i++)
		vector[i] = (unsigned char)i;
	aes_encrypt_key128(key, &encrypt);
	aes_encrypt_cbc(text, vector, 1, out, &encrypt);
	CHECK("aes-cbc", is_hex(out, "7649abac8119b246cee98e9b12e9197d"));
	CHECK("aes-vector-stays", vector[0] == 0 && vector[15] == 15);
}

static void check_random(void)
{
	unsigned char a[32] = {0}, b[32] = {0}, c[32] = {0};
	static int table;

	read_random(a, 32);
	read_frandom(b, 32);
	CHECK("random", !all_bytes(a, 0, 32) && !all_bytes(b, 0, 32) && memcmp(a, b, 32));
	CHECK("random-buf",
	      random_buf(c, 32) == 0 && memcmp(a, c, 32) && memcmp(b, c, 32));
	CHECK("write-random", write_random(a, 32) == 0);
	CHECK("random-is-31-bits", random() <= 0x7fffffff && random() != random());
	CHECK("crypto-table", register_crypto_functions(&table) <= 0 &&
				      register_crypto_functions(&table) == -1);
}

static int seeded, generators;

static int init_prng(void *context, size_t count, size_t pool_size, void *pool,
		     const int *samples, size_t seed_size, const void *seed,
		     size_t nonce_size, const void *nonce)
{
	seeded = context == &generators && count >= 1 && pool_size && pool && *samples &&
		 seed_size && !all_bytes(seed, 0, seed_size) && nonce_size && nonce;
	return 0;
}

static void init_generator(void *context, unsigned int index)
{
	generators += seeded && index == 0;
}

static void check_generator(void)
{
	static const struct prng functions = {init_prng, init_generator};

	register_and_init_prng(&generators, &functions);
	CHECK("prng-is-seeded", seeded && generators == 1);
}

static unsigned char plain[4000], packed[4000], unpacked[4000];

/* One whole pass; returns how many bytes came out, or 0. */
static size_t deflated(z_stream *stream)
{
	stream->next_in = plain;
	stream->avail_in = sizeof(plain);
	stream->next_out = packed;
	stream->avail_out = sizeof(packed);
	return deflate(stream, Z_FINISH) == Z_STREAM_END
		       ? sizeof(packed) - stream->avail_out
		       : 0;
}

static int inflated(z_stream *stream, size_t size)
{
	memset(unpacked, 0, sizeof(unpacked));
	stream->next_in = packed;
	stream->avail_in = (uInt)size;
	stream->next_out = unpacked;
	stream->avail_out = sizeof(unpacked);
	return inflate(stream, Z_FINISH) == Z_STREAM_END &&
	       !memcmp(plain, unpacked, sizeof(plain));
}

static void check_zlib(void)
{
	z_stream out = {0}, in = {0}, copy = {0};
	size_t size;

	for (unsigned i = 0; i < sizeof(plain); i++)
		plain[i] = (unsigned char)(i * i % 97);
	CHECK("zlib-version",
	      zlibVersion()[0] == '1' && zError(Z_OK) && zError(Z_MEM_ERROR)[0]);
	CHECK("zlib-wrong-version",
	      inflateInit_(&in, "2.0", 112) == Z_VERSION_ERROR &&
		      deflateInit_(&out, 1, "1", 100) == Z_VERSION_ERROR);
	CHECK("deflate-init", deflateInit(&out, Z_DEFAULT_COMPRESSION) == Z_OK &&
				      inflateInit(&in) == Z_OK);
	CHECK("deflate-params", deflateParams(&out, 9, Z_DEFAULT_STRATEGY) == Z_OK);
	size = deflated(&out);
	CHECK("deflate", size > 0 && size < 2000);
	CHECK("inflate", inflated(&in, size));
	CHECK("inflate-reset", inflateReset(&in) == Z_OK && inflated(&in, size));
	CHECK("deflate-reset", deflateReset(&out) == Z_OK &&
				       deflateCopy(&copy, &out) == Z_OK &&
				       deflated(&copy) == size);
	CHECK("zlib-end", deflateEnd(&out) == Z_OK && deflateEnd(&copy) == Z_OK &&
				  inflateEnd(&in) == Z_OK);
}

static void check_zlib_raw(void)
{
	z_stream out = {0}, in = {0};
	size_t size;

	CHECK("deflate-raw", deflateInit2(&out, 6, Z_DEFLATED, -15, 8, 0) == Z_OK &&
				     deflateSetDictionary(&out, plain, 200) == Z_OK);
	size = deflated(&out);
	CHECK("inflate-raw", size && inflateInit2(&in, -15) == Z_OK &&
				     inflateSetDictionary(&in, plain, 200) == Z_OK &&
				     inflated(&in, size));
	CHECK("inflate-no-sync", inflateSyncPoint(&in) == 0);
	in.next_in = packed;
	in.avail_in = 0;
	CHECK("inflate-sync", inflateSync(&in) == Z_BUF_ERROR);
	deflateEnd(&out);
	inflateEnd(&in);
}

void check(void)
{
	check_digests();
	check_aes();
	check_chaining();
	check_random();
	check_generator();
	check_zlib();
	check_zlib_raw();
}
