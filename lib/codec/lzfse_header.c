/* Headers of LZFSE's entropy-coded blocks; see lzfse_block.h. */
#include <kext/error.h>
#include "codec/lzfse_block.h"

#define PACKED_FIXED 32u
#define PLAIN_SIZE   772u
#define PLAIN_TABLES 50u /* offset of the frequencies in a bvx1 header */

static unsigned field(uint64_t word, unsigned shift, unsigned width)
{
	return (unsigned)(word >> shift & ((1u << width) - 1));
}

static void read_packed(struct cursor *c, struct lzfse_header *h)
{
	h->raw_size = cursor_u32(c);
	uint64_t a = cursor_u64(c), b = cursor_u64(c), d = cursor_u64(c);
	h->literals = field(a, 0, 20);
	h->literal_bytes = field(a, 20, 20);
	h->matches = field(a, 40, 20);
	h->literal_bits = (int)field(a, 60, 3) - 7;
	for (unsigned i = 0; i < 4; i++)
		h->literal_states[i] = (uint16_t)field(b, 10 * i, 10);
	h->match_bytes = field(b, 40, 20);
	h->match_bits = (int)field(b, 60, 3) - 7;
	h->size = d & 0xffffffff;
	for (unsigned i = 0; i < 3; i++)
		h->states[i] = (uint16_t)field(d, 32 + 10 * i, 10);
}

static void read_plain(struct cursor *c, struct lzfse_header *h)
{
	h->size = PLAIN_SIZE;
	h->raw_size = cursor_u32(c);
	cursor_u32(c); /* sum of the two payloads, said again below */
	h->literals = cursor_u32(c);
	h->matches = cursor_u32(c);
	h->literal_bytes = cursor_u32(c);
	h->match_bytes = cursor_u32(c);
	h->literal_bits = (int)cursor_u32(c);
	for (unsigned i = 0; i < 4; i++)
		h->literal_states[i] = cursor_u16(c);
	h->match_bits = (int)cursor_u32(c);
	for (unsigned i = 0; i < 3; i++)
		h->states[i] = cursor_u16(c);
}

struct limit {
	const char *name;
	int64_t value, least, most;
};

static int check_limits(const struct lzfse_header *h, size_t offset,
			struct codec_refusal *reterr)
{
	const struct limit limits[] = {
		{"header size", (int64_t)h->size, PACKED_FIXED + 1, UINT32_MAX},
		{"number of literals", h->literals, 0, LITERALS_MOST},
		{"number of matches", h->matches, 0, MATCHES_MOST},
		{"literal bits", h->literal_bits, -7, 0},
		{"match bits", h->match_bits, -7, 0},
		{"literal state 0", h->literal_states[0], 0, LITERAL_STATES - 1},
		{"literal state 1", h->literal_states[1], 0, LITERAL_STATES - 1},
		{"literal state 2", h->literal_states[2], 0, LITERAL_STATES - 1},
		{"literal state 3", h->literal_states[3], 0, LITERAL_STATES - 1},
		{"length state", h->states[LENGTHS], 0, LENGTH_STATES - 1},
		{"match state", h->states[MATCHES], 0, MATCH_STATES - 1},
		{"distance state", h->states[DISTANCES], 0, DISTANCE_STATES - 1},
		/* Also keeps a chain of tiny headers from declaring gigabytes. */
		{"block size", h->raw_size, 0,
		 (int64_t)h->matches * MATCH_LONGEST + h->literals},
	};
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		const struct limit *l = &limits[i];
		if (l->value < l->least || l->value > l->most)
			return codec_refuse(reterr, CODEC_HEADER, offset,
					    "%s %lld, expected %lld to %lld", l->name,
					    (long long)l->value, (long long)l->least,
					    (long long)l->most);
	}
	return 0;
}

int lzfse_read_header(struct bytes input, size_t offset, struct lzfse_header *ret,
		      struct codec_refusal *reterr)
{
	struct lzfse_header h = {0};
	struct cursor c = cursor_at(input, offset, false);
	if (cursor_u32(&c) == LZFSE_PACKED)
		read_packed(&c, &h);
	else
		read_plain(&c, &h);
	if (c.failed)
		return codec_refuse(reterr, CODEC_TRUNCATED, offset,
				    "%zu bytes of a block's header, expected %u",
				    input.size - offset, PACKED_FIXED);
	int error = check_limits(&h, offset, reterr);
	if (error)
		return error;
	uint64_t whole = h.size + h.literal_bytes + h.match_bytes;
	if (!bytes_holds(input, offset, whole))
		return codec_refuse(reterr, CODEC_TRUNCATED, offset,
				    "block of %llu bytes, expected at most the %zu left",
				    (unsigned long long)whole, input.size - offset);
	*ret = h;
	return 0;
}

/* Bits of the packed tables, the low ones of a byte first. */
struct bits {
	struct cursor bytes;
	uint64_t word;
	unsigned count;
};

/* How a frequency is coded is told by how many of the lowest bits are 1. */
static const struct form {
	uint8_t width, marker, first, mask;
} forms[] = {{2, 1, 0, 1}, {3, 2, 2, 1}, {5, 3, 4, 3}, {8, 4, 8, 15}};

/* False: a code that is wider than what is left. */
static bool read_frequency(struct bits *bits, uint16_t *ret)
{
	while (bits->count < 14 && bits->bytes.at < bits->bytes.bytes.size) {
		bits->word |= (uint64_t)cursor_u8(&bits->bytes) << bits->count;
		bits->count += 8;
	}
	unsigned ones = (unsigned)__builtin_ctzll(~bits->word);
	unsigned width = ones < 4 ? forms[ones].width : 14;
	if (width > bits->count)
		return false;
	if (ones < 4)
		*ret = (uint16_t)(forms[ones].first +
				  (bits->word >> forms[ones].marker & forms[ones].mask));
	else
		*ret = (uint16_t)(24 + (bits->word >> 4 & 1023));
	bits->word >>= width;
	bits->count -= width;
	return true;
}

static int unpack_frequencies(struct bytes tables, size_t offset, struct lzfse_header *h,
			      struct codec_refusal *reterr)
{
	struct bits bits = {.bytes = cursor_at(tables, 0, false)};
	for (unsigned i = 0; i < SYMBOLS; i++)
		if (!read_frequency(&bits, &h->frequencies[i]))
			return codec_refuse(reterr, CODEC_TABLE, offset,
					    "tables end at symbol %u, expected %u", i,
					    SYMBOLS);
	size_t left = tables.size - bits.bytes.at + bits.count / 8;
	if (left)
		return codec_refuse(reterr, CODEC_TABLE, offset,
				    "%zu bytes behind the tables, expected none", left);
	return 0;
}

static int check_sums(const struct lzfse_header *h, size_t offset,
		      struct codec_refusal *reterr)
{
	static const struct {
		const char *name;
		unsigned symbols, states;
	} alphabets[] = {{"lengths", LENGTH_SYMBOLS, LENGTH_STATES},
			 {"matches", MATCH_SYMBOLS, MATCH_STATES},
			 {"distances", DISTANCE_SYMBOLS, DISTANCE_STATES},
			 {"literals", LITERAL_SYMBOLS, LITERAL_STATES}};
	const uint16_t *frequency = h->frequencies;
	for (unsigned a = 0; a < ALPHABETS; a++) {
		unsigned sum = 0;
		for (unsigned i = 0; i < alphabets[a].symbols; i++)
			sum += *frequency++;
		if (sum != alphabets[a].states)
			return codec_refuse(reterr, CODEC_TABLE, offset,
					    "frequencies of %s sum to %u, expected %u",
					    alphabets[a].name, sum, alphabets[a].states);
	}
	return 0;
}

int lzfse_read_frequencies(struct bytes input, size_t offset, struct lzfse_header *header,
			   struct codec_refusal *reterr)
{
	struct cursor c = cursor_at(input, offset, false);
	bool is_packed = cursor_u32(&c) == LZFSE_PACKED;
	size_t first = is_packed ? PACKED_FIXED : PLAIN_TABLES;
	struct bytes tables;
	if (!bytes_slice(input, offset + first, header->size - first, &tables))
		return codec_refuse(reterr, CODEC_TRUNCATED, offset,
				    "tables are cut off");
	if (is_packed) {
		int error = unpack_frequencies(tables, offset + first, header, reterr);
		if (error)
			return error;
	} else {
		for (unsigned i = 0; i < SYMBOLS; i++)
			header->frequencies[i] = load16(tables.data + 2 * i, false);
	}
	return check_sums(header, offset + first, reterr);
}
