/*
 * An encoder of LZFSE's coded blocks (bvx2), so that tests have streams of any length:
 * the published encoder's search, tables and bit order, written without regard to speed.
 * Its streams equal those in tests/golden/compression-vectors.tsv.
 */
#ifndef TESTS_LZFSE_ENCODER_H
#define TESTS_LZFSE_ENCODER_H

#include <stdlib.h>
#include "base/buffer.h"
#include "base/bytes.h"

enum {
	LE_LINES = 16384,
	LE_FAR = 262139,
	LE_RUN = 315,
	LE_MATCH = 2359,
	LE_GOOD = 40,
	LE_LITERALS = 40000,
	LE_TRIPLETS = 10000,
};

struct le_triplet {
	uint32_t v[3]; /* literals, match, distance */
};

struct le_match {
	size_t begin, end, distance; /* end 0: none */
};

struct le_place {
	int64_t at;
	uint32_t word;
};

struct le_encoder {
	struct bytes input;
	struct le_place lines[LE_LINES][4];
	size_t done, block_start; /* input in triplets, input in earlier blocks */
	struct le_triplet triplets[LE_TRIPLETS];
	uint8_t literals[LE_LITERALS];
	uint32_t triplet_count, literal_count;
	struct buffer output;
};

/* --- numbers as symbols ----------------------------------------------------------------
 */

static unsigned le_extra(unsigned alphabet, unsigned symbol)
{
	static const uint8_t few[2][4] = {{2, 3, 5, 8}, {3, 5, 8, 11}};
	if (alphabet == 2)
		return symbol / 4;
	return symbol < 16 ? 0 : few[alphabet][symbol - 16];
}

static unsigned le_symbol(unsigned alphabet, uint32_t value, uint32_t *ret_rest)
{
	unsigned symbol = 0;
	while (value >= 1u << le_extra(alphabet, symbol))
		value -= 1u << le_extra(alphabet, symbol++);
	*ret_rest = value;
	return symbol;
}

/* --- tables ----------------------------------------------------------------------------
 */

static void le_shrink(uint32_t *f, unsigned symbols, uint32_t over)
{
	for (int shift = 3; over; shift -= shift > 0)
		for (unsigned s = 0; s < symbols && over; s++) {
			uint32_t q = f[s] > 1 ? (f[s] - 1) >> shift : 0;
			q = q < over ? q : over;
			f[s] -= q;
			over -= q;
		}
}

/* Counts that sum to anything become frequencies that sum to `states`. */
static void le_normalise(uint32_t *f, unsigned symbols, unsigned states)
{
	uint32_t total = 0, sum = 0;
	unsigned max = 0;
	for (unsigned s = 0; s < symbols; s++)
		total += f[s];
	uint32_t step = total ? (1u << 31) / total : 0;
	int shift = __builtin_clz(states) - 1;
	for (unsigned s = 0; s < symbols; s++) {
		uint32_t scaled = ((f[s] * step >> shift) + 1) >> 1;
		f[s] = scaled || !f[s] ? scaled : 1;
		sum += f[s];
		if (f[s] > f[max])
			max = s;
	}
	int64_t left = (int64_t)states - sum;
	if (-left < (int64_t)(f[max] >> 2))
		f[max] = (uint32_t)(f[max] + left);
	else
		le_shrink(f, symbols, (uint32_t)-left);
}

/* --- bits ------------------------------------------------------------------------------
 */

struct le_bits {
	struct buffer *to;
	uint64_t word;
	unsigned count;
};

static void le_put(struct le_bits *b, uint32_t value, unsigned width)
{
	b->word |= (uint64_t)value << b->count;
	for (b->count += width; b->count >= 8; b->count -= 8, b->word >>= 8)
		buffer_u8(b->to, (uint8_t)b->word);
}

/* Unused bits of the last byte. */
static unsigned le_flush(struct le_bits *b)
{
	unsigned unused = b->count ? 8 - b->count : 0;
	if (b->count)
		buffer_u8(b->to, (uint8_t)b->word);
	return unused;
}

static void le_put_symbol(struct le_bits *b, const uint32_t *f, unsigned states,
			  unsigned symbol, uint32_t *state)
{
	int64_t offset = 0;
	for (unsigned s = 0; s < symbol; s++)
		offset += f[s];
	int k = __builtin_clz(f[symbol]) - __builtin_clz(states);
	bool is_wide = *state >= (f[symbol] << k) - states;
	int width = is_wide ? k : k - 1;
	le_put(b, *state & ((1u << width) - 1), (unsigned)width);
	*state = (uint32_t)(offset - f[symbol] + (states >> width) + (*state >> width));
}

static void le_put_frequency(struct le_bits *b, uint32_t f)
{
	if (f < 2)
		le_put(b, f << 1, 2);
	else if (f < 4)
		le_put(b, 1 | (f - 2) << 2, 3);
	else if (f < 8)
		le_put(b, 3 | (f - 4) << 3, 5);
	else if (f < 24)
		le_put(b, 7 | (f - 8) << 4, 8);
	else
		le_put(b, 15 | (f - 24) << 4, 14);
}

/* --- a block ---------------------------------------------------------------------------
 */

struct le_block {
	uint32_t f[4][256];
	uint32_t literal_states[4], states[3];
	struct buffer tables, literals, matches;
	unsigned literal_unused, match_unused;
};

static const unsigned le_symbols[4] = {20, 20, 64, 256},
		      le_states[4] = {64, 64, 256, 1024};

static void le_count(struct le_encoder *e, struct le_block *b)
{
	uint32_t previous = 0, rest;
	for (uint32_t i = 0; i < e->triplet_count; i++) {
		uint32_t *v = e->triplets[i].v, distance = v[2];
		if (distance == previous)
			v[2] = 0;
		previous = distance;
		for (unsigned a = 0; a < 3; a++)
			b->f[a][le_symbol(a, v[a], &rest)]++;
	}
	while (e->literal_count % 4)
		e->literals[e->literal_count++] = 0;
	for (uint32_t i = 0; i < e->literal_count; i++)
		b->f[3][e->literals[i]]++;
	for (unsigned a = 0; a < 4; a++)
		le_normalise(b->f[a], le_symbols[a], le_states[a]);
}

static void le_code(struct le_encoder *e, struct le_block *b)
{
	struct le_bits tables = {.to = &b->tables}, literals = {.to = &b->literals};
	struct le_bits matches = {.to = &b->matches};
	for (unsigned a = 0; a < 4; a++)
		for (unsigned s = 0; s < le_symbols[a]; s++)
			le_put_frequency(&tables, b->f[a][s]);
	le_flush(&tables);
	for (uint32_t i = e->literal_count; i--;)
		le_put_symbol(&literals, b->f[3], 1024, e->literals[i],
			      &b->literal_states[i % 4]);
	b->literal_unused = le_flush(&literals);
	buffer_zeros(&b->matches, 8);
	for (uint32_t i = e->triplet_count; i--;)
		for (unsigned a = 3; a--;) {
			uint32_t rest;
			unsigned s = le_symbol(a, e->triplets[i].v[a], &rest);
			le_put(&matches, rest, le_extra(a, s));
			le_put_symbol(&matches, b->f[a], le_states[a], s, &b->states[a]);
		}
	b->match_unused = le_flush(&matches);
}

static void le_write_block(struct le_encoder *e)
{
	struct le_block *b = calloc(1, sizeof(*b));
	struct buffer *out = &e->output;
	le_count(e, b);
	le_code(e, b);
	buffer_string(out, "bvx2");
	buffer_u32(out, (uint32_t)(e->done - e->block_start), false);
	buffer_u64(out,
		   e->literal_count | (uint64_t)b->literals.size << 20 |
			   (uint64_t)e->triplet_count << 40 |
			   (uint64_t)(7 - b->literal_unused) << 60,
		   false);
	uint64_t word = (uint64_t)b->matches.size << 40 | (uint64_t)(7 - b->match_unused)
								  << 60;
	for (unsigned i = 0; i < 4; i++)
		word |= (uint64_t)b->literal_states[i] << (10 * i);
	buffer_u64(out, word, false);
	word = 32 + b->tables.size;
	for (unsigned i = 0; i < 3; i++)
		word |= (uint64_t)b->states[i] << (32 + 10 * i);
	buffer_u64(out, word, false);
	buffer_append(out, b->tables.data, b->tables.size);
	buffer_append(out, b->literals.data, b->literals.size);
	buffer_append(out, b->matches.data, b->matches.size);
	buffer_free(&b->tables);
	buffer_free(&b->literals);
	buffer_free(&b->matches);
	free(b);
	e->block_start = e->done;
	e->triplet_count = e->literal_count = 0;
}

/* --- triplets --------------------------------------------------------------------------
 */

static bool le_push(struct le_encoder *e, uint32_t run, uint32_t match, size_t distance)
{
	if (e->triplet_count + 9 > LE_TRIPLETS ||
	    e->literal_count + run + 16 > LE_LITERALS)
		return false;
	if (run)
		memcpy(e->literals + e->literal_count, e->input.data + e->done, run);
	e->literal_count += run;
	e->triplets[e->triplet_count++] =
		(struct le_triplet){{run, match, (uint32_t)distance}};
	e->done += run + match;
	return true;
}

static bool le_try(struct le_encoder *e, size_t run, size_t match, size_t distance)
{
	for (; run > LE_RUN; run -= LE_RUN)
		if (!le_push(e, LE_RUN, 0, 1))
			return false;
	for (; match > LE_MATCH; match -= LE_MATCH, run = 0)
		if (!le_push(e, (uint32_t)run, LE_MATCH, distance))
			return false;
	return !(run + match) || le_push(e, (uint32_t)run, (uint32_t)match, distance);
}

/* What does not fit is undone, the block written, and all of it tried again. */
static void le_emit(struct le_encoder *e, struct le_match m)
{
	size_t done = e->done;
	uint32_t triplets = e->triplet_count, literals = e->literal_count;
	if (le_try(e, m.begin - e->done, m.end - m.begin, m.distance))
		return;
	e->done = done;
	e->triplet_count = triplets;
	e->literal_count = literals;
	le_write_block(e);
	if (!le_try(e, m.begin - e->done, m.end - m.begin, m.distance))
		abort();
}

/* --- search ----------------------------------------------------------------------------
 */

static size_t le_length(const struct le_encoder *e, size_t at, size_t from)
{
	const uint8_t *data = e->input.data;
	size_t length = 4, limit = e->input.size - at - 8;
	while (length < limit) {
		size_t n = 0;
		while (n < 8 && data[at + length + n] == data[from + length + n])
			n++;
		length += n;
		if (n < 8)
			break;
	}
	return length;
}

static struct le_match le_find(const struct le_encoder *e, size_t at,
			       const struct le_place *line, uint32_t word)
{
	const uint8_t *data = e->input.data;
	size_t best = 0, distance = 0;
	for (int i = 0; i < 4; i++) {
		if (line[i].at < 0 || line[i].word != word ||
		    at - (size_t)line[i].at > LE_FAR)
			continue;
		size_t length = le_length(e, at, (size_t)line[i].at);
		if (length > best) {
			best = length;
			distance = at - (size_t)line[i].at;
		}
	}
	if (!best)
		return (struct le_match){0};
	best = best < 100 * LE_MATCH ? best : 100 * LE_MATCH;
	struct le_match m = {at, at + best, distance};
	while (m.begin > e->done && m.begin > distance &&
	       data[m.begin - 1] == data[m.begin - 1 - distance])
		m.begin--;
	return m;
}

static void le_judge(struct le_encoder *e, size_t at, struct le_match m,
		     struct le_match *held)
{
	struct le_match chosen = {0}, keep = {0};
	if (!m.end) {
		if (at - e->done <= 8 * LE_RUN)
			return;
		chosen = held->end ? *held
				   : (struct le_match){e->done + LE_RUN, e->done + LE_RUN,
						       1};
	} else if (m.end - m.begin >= LE_GOOD) {
		chosen = m;
	} else if (!held->end || held->end <= m.begin) {
		chosen = *held;
		keep = m;
	} else {
		chosen = m.end - m.begin > held->end - held->begin ? m : *held;
	}
	if (chosen.end)
		le_emit(e, chosen);
	*held = keep;
}

/* Blocks and end mark for at least 4096 bytes; the caller frees the buffer. */
static struct buffer lzfse_encode(struct bytes input)
{
	struct le_encoder *e = calloc(1, sizeof(*e));
	struct le_match held = {0};
	e->input = input;
	for (unsigned i = 0; i < 4 * LE_LINES; i++)
		e->lines[i / 4][i % 4].at = -1;
	for (size_t at = 0; at + 8 < input.size; at++) {
		uint32_t word = load32(input.data + at, false);
		struct le_place *line = e->lines[word * 2654435761u >> 18];
		if (at >= e->done)
			le_judge(e, at, le_find(e, at, line, word), &held);
		memmove(line + 1, line, 3 * sizeof(*line));
		line[0] = (struct le_place){(int64_t)at, word};
	}
	if (held.end)
		le_emit(e, held);
	le_emit(e, (struct le_match){input.size, input.size, 1});
	le_write_block(e);
	buffer_string(&e->output, "bvx$");
	struct buffer output = e->output;
	free(e);
	return output;
}

#endif
