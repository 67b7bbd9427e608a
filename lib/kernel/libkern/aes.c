/*
 * AES (FIPS 197) with its cipher block chaining, byte by byte: what few kexts encrypt is
 * small. The context is the caller's, 288 bytes aligned to 4: round keys and their
 * number.
 */
#include <string.h>
#include "kernel/libkern/libkern.h"

enum { BLOCK = 16, ROUNDS_MAX = 14 };

struct aes_context {
	uint8_t keys[(ROUNDS_MAX + 1) * BLOCK];
	uint32_t rounds;
};
_Static_assert(sizeof(struct aes_context) <= 288, "a kext's aes_encrypt_ctx holds it");

int aes_encrypt_key(const uint8_t *key, int size, struct aes_context *context);
int aes_encrypt_key128(const uint8_t *key, struct aes_context *context);
int aes_encrypt_key256(const uint8_t *key, struct aes_context *context);
int aes_decrypt_key(const uint8_t *key, int size, struct aes_context *context);
int aes_decrypt_key128(const uint8_t *key, struct aes_context *context);
int aes_decrypt_key256(const uint8_t *key, struct aes_context *context);
int aes_encrypt_cbc(const uint8_t *in, const uint8_t *iv, unsigned blocks, uint8_t *out,
		    const struct aes_context *context);
int aes_decrypt_cbc(const uint8_t *in, const uint8_t *iv, unsigned blocks, uint8_t *out,
		    const struct aes_context *context);
int aes_decrypt(const uint8_t *in, uint8_t *out, const struct aes_context *context);

/* ---- arithmetic in the field of 256 elements ---- */

static uint8_t times_x(uint8_t a)
{
	return (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1b : 0));
}

static uint8_t times(uint8_t a, uint8_t b)
{
	uint8_t product = 0;

	for (; b; b >>= 1, a = times_x(a))
		product ^= b & 1 ? a : 0;
	return product;
}

static uint8_t substitute[256], restore[256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

/* Inverses, by walking the powers of 3 up and those of 1/3 down; then the affine map. */
static void make_tables(void)
{
	uint8_t power = 1, inverse = 1;

	do {
		uint8_t s = inverse, mapped = 0x63;

		for (int i = 0; i < 5; i++) {
			mapped ^= s;
			s = (uint8_t)(s << 1 | s >> 7);
		}
		substitute[power] = mapped;
		power = times(power, 3);
		inverse = times(inverse, 0xf6);
	} while (power != 1);
	substitute[0] = 0x63;
	for (int i = 0; i < 256; i++)
		restore[substitute[i]] = (uint8_t)i;
}

/* ---- keys ---- */

/* Sizes are bytes, as Darwin takes them, or bits. */
static int words_of(int size)
{
	switch (size) {
	case 16:
	case 128:
		return 4;
	case 24:
	case 192:
		return 6;
	case 32:
	case 256:
		return 8;
	default:
		return 0;
	}
}

int aes_encrypt_key(const uint8_t *key, int size, struct aes_context *context)
{
	int words = words_of(size), total = (words + 7) * 4;
	uint8_t *keys = context->keys, turn = 1;

	if (!words)
		return -1;
	pthread_once(&tables_once, make_tables);
	context->rounds = (uint32_t)words + 6;
	memcpy(keys, key, (size_t)words * 4);
	for (int i = words; i < total; i++) {
		uint8_t w[4];

		memcpy(w, keys + (i - 1) * 4, 4);
		if (i % words == 0) {
			uint8_t first = w[0];
			w[0] = substitute[w[1]] ^ turn;
			w[1] = substitute[w[2]];
			w[2] = substitute[w[3]];
			w[3] = substitute[first];
			turn = times_x(turn);
		} else if (words == 8 && i % 8 == 4) {
			for (int b = 0; b < 4; b++)
				w[b] = substitute[w[b]];
		}
		for (int b = 0; b < 4; b++)
			keys[i * 4 + b] = keys[(i - words) * 4 + b] ^ w[b];
	}
	return 0;
}
KPI(aes_encrypt_key);

int aes_encrypt_key128(const uint8_t *key, struct aes_context *context)
{
	return aes_encrypt_key(key, 16, context);
}
KPI(aes_encrypt_key128);

int aes_encrypt_key256(const uint8_t *key, struct aes_context *context)
{
	return aes_encrypt_key(key, 32, context);
}
KPI(aes_encrypt_key256);

/* Decryption uses the same round keys, from the last to the first. */
int aes_decrypt_key(const uint8_t *key, int size, struct aes_context *context)
{
	return aes_encrypt_key(key, size, context);
}
KPI(aes_decrypt_key);

int aes_decrypt_key128(const uint8_t *key, struct aes_context *context)
{
	return aes_encrypt_key(key, 16, context);
}
KPI(aes_decrypt_key128);

int aes_decrypt_key256(const uint8_t *key, struct aes_context *context)
{
	return aes_encrypt_key(key, 32, context);
}
KPI(aes_decrypt_key256);

/* ---- blocks: byte i is row i % 4 of column i / 4 ---- */

static void add_key(uint8_t s[BLOCK], const struct aes_context *context, uint32_t round)
{
	for (int i = 0; i < BLOCK; i++)
		s[i] ^= context->keys[round * BLOCK + (uint32_t)i];
}

/* Substitutes each byte and moves row r by r columns, to the left or back. */
static void shift_rows(uint8_t s[BLOCK], const uint8_t table[256], int direction)
{
	uint8_t old[BLOCK];

	memcpy(old, s, BLOCK);
	for (int i = 0; i < BLOCK; i++)
		s[i] = table[old[(i + direction * 4 * (i % 4) + 4 * BLOCK) % BLOCK]];
}

/* Multiplies each column by the circulant matrix of these four. */
static void mix_columns(uint8_t s[BLOCK], const uint8_t factors[4])
{
	for (int c = 0; c < BLOCK; c += 4) {
		uint8_t old[4];

		memcpy(old, s + c, 4);
		for (int r = 0; r < 4; r++) {
			s[c + r] = 0;
			for (int i = 0; i < 4; i++)
				s[c + r] ^= times(old[i], factors[(i - r + 4) % 4]);
		}
	}
}

static void encrypt(uint8_t s[BLOCK], const struct aes_context *context)
{
	static const uint8_t factors[4] = {2, 3, 1, 1};

	add_key(s, context, 0);
	for (uint32_t round = 1; round <= context->rounds; round++) {
		shift_rows(s, substitute, 1);
		if (round < context->rounds)
			mix_columns(s, factors);
		add_key(s, context, round);
	}
}

static void decrypt(uint8_t s[BLOCK], const struct aes_context *context)
{
	static const uint8_t factors[4] = {14, 11, 13, 9};

	add_key(s, context, context->rounds);
	for (uint32_t round = context->rounds; round-- > 0;) {
		shift_rows(s, restore, -1);
		add_key(s, context, round);
		if (round > 0)
			mix_columns(s, factors);
	}
}

static bool is_keyed(const struct aes_context *context)
{
	return context->rounds == 10 || context->rounds == 12 || context->rounds == 14;
}

/* `in` and `out` may be the same; no vector is one of zeros. */
int aes_encrypt_cbc(const uint8_t *in, const uint8_t *iv, unsigned blocks, uint8_t *out,
		    const struct aes_context *context)
{
	uint8_t chain[BLOCK] = {0};

	if (!is_keyed(context))
		return -1;
	if (iv)
		memcpy(chain, iv, BLOCK);
	for (; blocks; blocks--, in += BLOCK, out += BLOCK) {
		for (int i = 0; i < BLOCK; i++)
			chain[i] ^= in[i];
		encrypt(chain, context);
		memcpy(out, chain, BLOCK);
	}
	return 0;
}
KPI(aes_encrypt_cbc);

int aes_decrypt_cbc(const uint8_t *in, const uint8_t *iv, unsigned blocks, uint8_t *out,
		    const struct aes_context *context)
{
	uint8_t chain[BLOCK] = {0}, next[BLOCK], s[BLOCK];

	if (!is_keyed(context))
		return -1;
	if (iv)
		memcpy(chain, iv, BLOCK);
	for (; blocks; blocks--, in += BLOCK, out += BLOCK) {
		memcpy(next, in, BLOCK);
		memcpy(s, in, BLOCK);
		decrypt(s, context);
		for (int i = 0; i < BLOCK; i++)
			out[i] = s[i] ^ chain[i];
		memcpy(chain, next, BLOCK);
	}
	return 0;
}
KPI(aes_decrypt_cbc);

int aes_decrypt(const uint8_t *in, uint8_t *out, const struct aes_context *context)
{
	return aes_decrypt_cbc(in, NULL, 1, out, context);
}
KPI(aes_decrypt);
