/*
 * Expansion of LZFSE's entropy-coded blocks. All literals come first, in four interleaved
 * state machines over one bit string; then triplets of literal length, match length and
 * distance over another. Bit strings are read from their end to their beginning.
 */
#include <kext/error.h>
#include "base/memory.h"
#include "codec/copy.h"
#include "codec/lzfse_block.h"

/* What a state stands for and how the next one is found: next + as many bits. */
struct literal_state {
	uint16_t next;
	uint8_t bits, symbol;
};

/* The same for numbers: base + extra bits, which follow those of the state. */
struct number_state {
	uint32_t base;
	uint16_t next;
	uint8_t bits, extra; /* bits: both together */
};

struct lzfse_decoder {
	struct literal_state literal_states[LITERAL_STATES];
	struct number_state lengths[LENGTH_STATES], matches[MATCH_STATES],
		distances[DISTANCE_STATES];
	uint8_t literals[LITERALS_MOST + COPY_SLACK];
};

struct lzfse_decoder *lzfse_decoder_new(void)
{
	return mem_zero(1, sizeof(struct lzfse_decoder));
}

/*
 * States belong to symbols in order, as many as the symbol's frequency. Sums are checked
 * before, so that all `states` are filled.
 */
static void fill_states(const uint16_t *frequencies, unsigned symbols, unsigned states,
			struct literal_state *ret)
{
	for (unsigned s = 0; s < symbols; s++) {
		unsigned frequency = frequencies[s];
		if (!frequency)
			continue;
		unsigned bits =
			(unsigned)(__builtin_clz(frequency) - __builtin_clz(states));
		unsigned wide = (2 * states >> bits) - frequency;
		for (unsigned j = 0; j < frequency; j++, ret++) {
			ret->symbol = (uint8_t)s;
			ret->bits = (uint8_t)(j < wide ? bits : bits - 1);
			ret->next =
				(uint16_t)(j < wide ? ((frequency + j) << bits) - states
						    : (j - wide) << (bits - 1));
		}
	}
}

/* extra[s]: how many bits follow symbol s; its values begin where those before it end. */
static void fill_numbers(const uint16_t *frequencies, const uint8_t *extra,
			 unsigned symbols, unsigned states, struct number_state *ret)
{
	struct literal_state plain[DISTANCE_STATES];
	uint32_t bases[DISTANCE_SYMBOLS], base = 0;
	for (unsigned s = 0; s < symbols; s++) {
		bases[s] = base;
		base += 1u << extra[s];
	}
	fill_states(frequencies, symbols, states, plain);
	for (unsigned i = 0; i < states; i++) {
		unsigned s = plain[i].symbol;
		ret[i] = (struct number_state){bases[s], plain[i].next,
					       (uint8_t)(plain[i].bits + extra[s]),
					       extra[s]};
	}
}

static void fill_tables(struct lzfse_decoder *d, const uint16_t *frequencies)
{
	static const uint8_t length_extra[LENGTH_SYMBOLS] = {[16] = 2, 3, 5, 8};
	static const uint8_t match_extra[MATCH_SYMBOLS] = {[16] = 3, 5, 8, 11};
	uint8_t distance_extra[DISTANCE_SYMBOLS];
	for (unsigned s = 0; s < DISTANCE_SYMBOLS; s++)
		distance_extra[s] = (uint8_t)(s / 4);
	fill_numbers(frequencies, length_extra, LENGTH_SYMBOLS, LENGTH_STATES,
		     d->lengths);
	frequencies += LENGTH_SYMBOLS;
	fill_numbers(frequencies, match_extra, MATCH_SYMBOLS, MATCH_STATES, d->matches);
	frequencies += MATCH_SYMBOLS;
	fill_numbers(frequencies, distance_extra, DISTANCE_SYMBOLS, DISTANCE_STATES,
		     d->distances);
	frequencies += DISTANCE_SYMBOLS;
	fill_states(frequencies, LITERAL_SYMBOLS, LITERAL_STATES, d->literal_states);
}

/*
 * A bit string that is read backwards. A refill yields 57 bits, which may reach into the
 * eight bytes before the payload (a header lies there); `left` below 0 tells afterwards
 * that bits were taken which the payload did not have.
 */
struct bits {
	const uint8_t *payload;
	int64_t left;
	uint64_t top; /* the next bits, the next one on top */
};

static inline void refill(struct bits *bits)
{
	int64_t end = (bits->left + 7) / 8;
	bits->top = load64(bits->payload + end - 8, false) << (end * 8 - bits->left);
}

static inline unsigned take(struct bits *bits, unsigned count)
{
	uint64_t value = bits->top >> 1 >> (63 - count);
	bits->top <<= count;
	bits->left -= count;
	return (unsigned)value;
}

/* False: bits above the string's end that are not zero, or no bytes to take them from. */
static bool bits_start(struct bytes payload, int unused, struct bits *ret)
{
	if (unused && (!payload.size || payload.data[payload.size - 1] >> (8 + unused)))
		return false;
	*ret = (struct bits){payload.data, (int64_t)payload.size * 8 + unused, 0};
	return true;
}

static inline uint8_t next_literal(const struct literal_state *states, struct bits *bits,
				   unsigned *state)
{
	struct literal_state s = states[*state];
	*state = s.next + take(bits, s.bits);
	return s.symbol;
}

static int read_literals(struct lzfse_decoder *d, struct bytes payload, size_t offset,
			 const struct lzfse_header *h, struct codec_refusal *reterr)
{
	const struct literal_state *states = d->literal_states;
	struct bits bits;
	unsigned state[4];
	uint32_t i = 0;
	if (!bits_start(payload, h->literal_bits, &bits))
		return codec_refuse(reterr, CODEC_HEADER, offset,
				    "bits above the end of the literals, expected zeros");
	for (unsigned k = 0; k < 4; k++)
		state[k] = h->literal_states[k];
	for (; i + 4 <= h->literals && bits.left >= 0; i += 4) {
		refill(&bits);
		for (unsigned k = 0; k < 4; k++)
			d->literals[i + k] = next_literal(states, &bits, &state[k]);
	}
	for (; i < h->literals && bits.left >= 0; i++) {
		refill(&bits);
		d->literals[i] = next_literal(states, &bits, &state[i % 4]);
	}
	if (bits.left < 0)
		return codec_refuse(reterr, CODEC_TRUNCATED, offset,
				    "bits for %u literals, expected %u", i, h->literals);
	return 0;
}

static inline uint32_t next_number(const struct number_state *states, struct bits *bits,
				   unsigned *state)
{
	struct number_state s = states[*state];
	unsigned value = take(bits, s.bits);
	*state = s.next + (value >> s.extra);
	return s.base + (value & ((1u << s.extra) - 1));
}

/* Where a block's output is. */
struct target {
	uint8_t *output;
	size_t used, end, size;
	const uint8_t *literals, *literals_end;
};

struct triplet {
	uint32_t length, match, distance;
};

static bool is_valid(const struct target *t, const struct triplet *m)
{
	size_t length = m->length;
	return length <= (size_t)(t->literals_end - t->literals) &&
	       length + m->match <= t->end - t->used && m->distance &&
	       m->distance <= t->used + length;
}

static int refuse_triplet(const struct target *t, const struct triplet *m, size_t offset,
			  struct codec_refusal *reterr)
{
	size_t literals = (size_t)(t->literals_end - t->literals),
	       room = t->end - t->used;
	if (m->length > literals)
		return codec_refuse(reterr, CODEC_TRUNCATED, offset,
				    "%u literals wanted, expected at most the %zu left",
				    m->length, literals);
	if ((size_t)m->length + m->match > room)
		return codec_refuse(reterr, CODEC_OVERLONG, offset,
				    "%zu bytes of output, expected at most %zu",
				    (size_t)m->length + m->match, room);
	return codec_refuse(reterr, CODEC_DISTANCE, offset,
			    "distance %u at output byte %zu, expected 1 to %zu",
			    m->distance, t->used, t->used + m->length);
}

static inline void copy_triplet(struct target *t, const struct triplet *m)
{
	uint8_t *to = t->output + t->used;
	size_t room = t->size - t->used - m->length;
	if (room >= m->match + COPY_SLACK) {
		copy_run_wide(to, t->literals, m->length);
		copy_match_wide(to + m->length, m->distance, m->match);
	} else {
		memcpy(to, t->literals, m->length);
		copy_match_exact(to + m->length, m->distance, m->match);
	}
	t->literals += m->length;
	t->used += m->length + m->match;
}

static int read_matches(const struct lzfse_decoder *d, struct bytes payload,
			size_t offset, const struct lzfse_header *h, struct target *t,
			struct codec_refusal *reterr)
{
	struct bits bits;
	unsigned states[3] = {h->states[0], h->states[1], h->states[2]};
	uint32_t previous = 0;
	/* Encoders put eight zero bytes in front; the classic decoder insists on them. */
	if (payload.size < (h->match_bits ? 8 : 7) ||
	    !bits_start(payload, h->match_bits, &bits))
		return codec_refuse(
			reterr, CODEC_HEADER, offset,
			"bits above the end of the matches, or fewer than 64");
	for (uint32_t i = 0; i < h->matches; i++) {
		struct triplet m;
		refill(&bits);
		m.length = next_number(d->lengths, &bits, &states[LENGTHS]);
		m.match = next_number(d->matches, &bits, &states[MATCHES]);
		m.distance = next_number(d->distances, &bits, &states[DISTANCES]);
		m.distance = m.distance ? m.distance : previous;
		if (bits.left < 0)
			return codec_refuse(reterr, CODEC_TRUNCATED, offset,
					    "bits for %u matches, expected %u", i,
					    h->matches);
		if (!is_valid(t, &m))
			return refuse_triplet(t, &m, offset, reterr);
		previous = m.distance;
		copy_triplet(t, &m);
	}
	return 0;
}

int lzfse_expand(struct lzfse_decoder *decoder, struct bytes input, size_t offset,
		 const struct lzfse_header *header, uint8_t *output, size_t from,
		 size_t size, struct codec_refusal *reterr)
{
	size_t literals_at = offset + header->size;
	size_t matches_at = literals_at + header->literal_bytes;
	struct bytes literals, matches;
	if (!bytes_slice(input, literals_at, header->literal_bytes, &literals) ||
	    !bytes_slice(input, matches_at, header->match_bytes, &matches))
		return codec_refuse(reterr, CODEC_TRUNCATED, offset,
				    "payload is cut off");
	fill_tables(decoder, header->frequencies);
	int error = read_literals(decoder, literals, literals_at, header, reterr);
	if (error)
		return error;
	struct target t = {output,
			   from,
			   from + header->raw_size,
			   size,
			   decoder->literals,
			   decoder->literals + header->literals};
	error = read_matches(decoder, matches, matches_at, header, &t, reterr);
	if (!error && t.used != t.end)
		error = codec_refuse(reterr, CODEC_SHORT, offset,
				     "block ends after %zu bytes of output, expected %u",
				     t.used - from, header->raw_size);
	return error;
}
