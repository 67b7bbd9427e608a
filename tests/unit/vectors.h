/*
 * Reads tests/golden/compression-vectors.tsv ($KEXT_VECTORS names another place), makes
 * the generated texts that its rows name, and damages streams in every way that decoders
 * must survive. All bytes are in blocks of exact size, so that a sanitizer sees overruns.
 */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sha2.h>
#include <cmocka.h>
#include "base/buffer.h"
#include "base/bytes.h"
#include "codec/refusal.h"

struct vector {
	char *codec, *name, *verdict;
	size_t size; /* declared */
	struct bytes plain, packed;
	const char *packed_sha256; /* instead of packed */
};

/* Decoder under test: 0 or negative, and how much of the input it took. */
typedef int decoder(struct bytes input, uint8_t *output, size_t size,
		    size_t *ret_consumed, struct codec_refusal *reterr);

static inline bool is_verdict(const struct vector *v, const char *verdict)
{
	return !strcmp(v->verdict, verdict);
}

static inline uint8_t *exact(const void *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	assert_non_null(copy);
	if (size)
		memcpy(copy, data, size);
	/* One byte is the least malloc gives; a copy of nothing points behind it. */
	return size ? copy : copy + 1;
}

static inline void exact_free(const uint8_t *data, size_t size)
{
	free((void *)(size ? data : data - 1));
}

/* --- generated texts -------------------------------------------------------------------
 */

static uint32_t lcg_state;

static inline unsigned lcg_next(void)
{
	lcg_state = (lcg_state * 1103515245u + 12345u) & 0x7fffffff;
	return lcg_state >> 16 & 255;
}

static inline void make_lcg(struct buffer *b, size_t size)
{
	lcg_state = 12345;
	while (size--)
		buffer_u8(b, (uint8_t)lcg_next());
}

static inline void make_text(struct buffer *b, size_t size)
{
	static const char *const words[] = {
		"the",	 "kernel", "loads",   "an",	   "extension", "when",
		"its",	 "class",  "matches", "a",	   "device",	"and",
		"every", "symbol", "it",      "needs",	   "is",	"found",
		"in",	 "one",	   "of",      "the",	   "libraries", "that",
		"the",	 "bundle", "names",   "otherwise", "load",	"fails",
		"with",	 "link",   "error"};
	lcg_state = 1;
	for (unsigned k = 1; b->size < size; k++) {
		buffer_string(b, words[lcg_next() % 33]);
		buffer_string(b, k % 13 == 0 ? ".\n" : k % 7 == 0 ? ", " : " ");
	}
	b->size = size;
}

static inline void make_records(struct buffer *b)
{
	lcg_state = 7;
	for (unsigned i = 0; i < 640; i++) {
		char name[13] = {0};
		snprintf(name, sizeof(name), "_sym_%05u", i);
		buffer_u32(b, 0x1000 + 16 * i, false);
		buffer_u32(b, lcg_next() & 3, false);
		buffer_u64(b, UINT64_C(0xffffff8000200000) + 32 * i, false);
		buffer_append(b, name, 12);
		buffer_u8(b, (uint8_t)lcg_next());
		buffer_append(b, "\0\0\1", 3);
	}
}

static inline void generate(const char *name, struct buffer *b)
{
	unsigned byte, count;
	if (!strncmp(name, "lcg", 3))
		make_lcg(b, name[3] == '1' ? 1024 : 50000);
	else if (!strncmp(name, "text", 4))
		make_text(b, name[4] == '4' ? 4096 : 60000);
	else if (!strcmp(name, "struct20k"))
		make_records(b);
	else if (!strcmp(name, "spaces4078"))
		memset(buffer_extend(b, 4078), ' ', 4078);
	else if (sscanf(name, "byte:%x:%u", &byte, &count) == 2)
		memset(buffer_extend(b, count), (int)byte, count);
	else
		fail_msg("no generator %s", name);
	if (strstr(name, ":2")) {
		size_t once = b->size;
		uint8_t *again = buffer_extend(b, once);
		memcpy(again, b->data, once);
	}
}

/* --- rows ------------------------------------------------------------------------------
 */

static inline void parse_bytes(const char *field, struct buffer *b)
{
	if (*field == '=')
		generate(field + 1, b);
	else if (*field != '.' && *field != '-' && *field != '#')
		for (; field[0] && field[1]; field += 2) {
			unsigned byte;
			assert_int_equal(sscanf(field, "%2x", &byte), 1);
			buffer_u8(b, (uint8_t)byte);
		}
}

static inline struct bytes read_bytes(const char *field)
{
	struct buffer b = {0};
	parse_bytes(field, &b);
	struct bytes bytes = bytes_of(exact(b.data, b.size), b.size);
	buffer_free(&b);
	return bytes;
}

static inline void run_row(char *line, const char *codec,
			   void (*check)(const struct vector *))
{
	char *fields[6];
	for (int i = 0; i < 6; i++) {
		fields[i] = strsep(&line, "\t");
		assert_non_null(fields[i]);
	}
	if (strcmp(fields[0], codec))
		return;
	struct vector v = {.codec = fields[0], .name = fields[1], .verdict = fields[2]};
	v.plain = read_bytes(fields[4]);
	v.packed = read_bytes(fields[5]);
	v.packed_sha256 = fields[5][0] == '#' ? fields[5] + 1 : NULL;
	v.size = fields[3][0] == '-' ? v.plain.size : strtoul(fields[3], NULL, 10);
	check(&v);
	exact_free(v.plain.data, v.plain.size);
	exact_free(v.packed.data, v.packed.size);
}

/* Runs `check` over the rows of a codec; how many there were. */
static inline unsigned each_vector(const char *codec,
				   void (*check)(const struct vector *))
{
	const char *path = getenv("KEXT_VECTORS");
	FILE *file = fopen(path ? path : "tests/golden/compression-vectors.tsv", "r");
	if (!file)
		fail_msg("no vectors; run this from the top of the source tree");
	char *line = NULL;
	size_t room = 0;
	unsigned count = 0;
	while (getline(&line, &room, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (*line == '#')
			continue;
		count += !strncmp(line, codec, strlen(codec)) &&
			 line[strlen(codec)] == '\t';
		run_row(line, codec, check);
	}
	free(line);
	fclose(file);
	return count;
}

static inline void assert_is_packed(const struct vector *v, const uint8_t *data,
				    size_t size)
{
	char digest[SHA256_DIGEST_STRING_LENGTH];
	if (v->packed_sha256) {
		assert_string_equal(SHA256Data(data, size, digest), v->packed_sha256);
		return;
	}
	if (size != v->packed.size || memcmp(data, v->packed.data, size))
		fail_msg("%s: %zu other bytes, expected %zu", v->name, size,
			 v->packed.size);
}

/* --- decoders --------------------------------------------------------------------------
 */

/* Decodes into a block of exact size that is filled with `fill` before. */
static inline int decode_exact(decoder *decode, struct bytes input, size_t size, int fill,
			       uint8_t **ret, size_t *ret_consumed)
{
	uint8_t *output = malloc(size ? size : 1);
	struct codec_refusal why = {0};
	assert_non_null(output);
	memset(output, fill, size ? size : 1);
	int error = decode(input, output, size, ret_consumed, &why);
	if (error) {
		assert_non_null(why.slug);
		assert_true(why.message[0]);
		assert_true(why.offset <= input.size);
	}
	*ret = output;
	return error;
}

static inline void assert_refused(decoder *decode, struct bytes input, size_t size,
				  const char *what)
{
	uint8_t *output;
	size_t consumed;
	if (!decode_exact(decode, input, size, 0, &output, &consumed))
		fail_msg("%s: taken, expected to be refused", what);
	free(output);
}

/* How much of the input was taken. */
static inline size_t assert_decodes(decoder *decode, struct bytes input,
				    struct bytes plain, const char *what)
{
	uint8_t *output;
	size_t consumed = 0;
	if (decode_exact(decode, input, plain.size, 0xaa, &output, &consumed))
		fail_msg("%s: refused, expected to be taken", what);
	if (plain.size && memcmp(output, plain.data, plain.size))
		fail_msg("%s: other bytes than expected", what);
	assert_true(consumed <= input.size);
	free(output);
	return consumed;
}

/* What a damaged stream gives must not depend on what was in the buffer before. */
static inline void assert_defined(decoder *decode, struct bytes input, size_t size)
{
	uint8_t *a, *b;
	size_t consumed;
	int error_a = decode_exact(decode, input, size, 0x00, &a, &consumed);
	int error_b = decode_exact(decode, input, size, 0xff, &b, &consumed);
	assert_int_equal(error_a, error_b);
	if (!error_a && size)
		assert_memory_equal(a, b, size);
	free(a);
	free(b);
}

/* Every stream that is cut off is refused; changed bytes and sizes do no harm. */
static inline void damage(decoder *decode, struct bytes packed, size_t consumed,
			  size_t size)
{
	size_t step = consumed / 150 + 1;
	for (size_t cut = 0; cut < consumed; cut += step) {
		uint8_t *copy = exact(packed.data, cut);
		/* Without output there is nothing to read for (LZSS). */
		if (size)
			assert_refused(decode, bytes_of(copy, cut), size, "cut stream");
		exact_free(copy, cut);
	}
	for (size_t at = 0; at < packed.size; at += step) {
		uint8_t *copy = exact(packed.data, packed.size);
		copy[at] = (uint8_t)(copy[at] ^ (1u << at % 8));
		assert_defined(decode, bytes_of(copy, packed.size), size);
		copy[at] = (uint8_t)(at * 37);
		assert_defined(decode, bytes_of(copy, packed.size), size);
		exact_free(copy, packed.size);
	}
}

#endif
