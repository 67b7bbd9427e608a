/*
 * LZVN compression. The search is the published encoder's: four candidates for each
 * three-byte prefix and the last distance, one match held back until the next one shows
 * whether it is better. Any valid stream would serve; equal bytes make the choice
 * testable.
 */
#include <errno.h>
#include "base/buffer.h"
#include "base/memory.h"
#include "codec/lzvn.h"

#define LINES	     16384u
#define WAYS	     4u
#define TAIL	     8u /* bytes at the end where no match begins */
#define FAR_MOST     65535u
#define NEAR_END     1536u /* distances below fit an opcode of two bytes */
#define MIDDLE_END   16384u
#define MIDDLE_MATCH 34u
#define LONG_MOST    271u
#define LONG_FIRST   16u
#define PATIENCE     400u

struct place {
	size_t at;
	uint32_t word; /* the four bytes there */
};

struct match {
	size_t begin, end, distance;
	size_t gain; /* bytes saved */
};

struct encoder {
	struct place lines[LINES][WAYS]; /* newest first */
	struct bytes input;
	size_t written;	   /* input that the output stands for */
	size_t distance;   /* of the last match, 0: none yet */
	struct match held; /* end 0: none */
	struct buffer output;
};

static void put_literals(struct encoder *e, size_t count)
{
	buffer_append(&e->output, e->input.data + e->written, count);
	e->written += count;
}

/* Literals until at most `most` of `count` are left; their number. */
static size_t put_long_runs(struct encoder *e, size_t count, size_t most)
{
	while (count >= LONG_FIRST) {
		size_t run = count < LONG_MOST ? count : LONG_MOST;
		buffer_u8(&e->output, 0xe0);
		buffer_u8(&e->output, (uint8_t)(run - LONG_FIRST));
		put_literals(e, run);
		count -= run;
	}
	if (count <= most)
		return count;
	buffer_u8(&e->output, (uint8_t)(0xe0 | count));
	put_literals(e, count);
	return 0;
}

/* The opcode that carries up to three literals; returns what is left of the match. */
static size_t put_op(struct encoder *e, size_t literals, size_t match, size_t distance)
{
	struct buffer *b = &e->output;
	size_t first = match < 10 - 2 * literals ? match : 10 - 2 * literals;
	unsigned code = (unsigned)(literals << 6 | (first - 3) << 3);
	if (distance == e->distance) {
		buffer_u8(b, (uint8_t)(literals ? code | 6 : 0xf0 | first));
	} else if (distance < NEAR_END) {
		buffer_u8(b, (uint8_t)(code | distance >> 8));
		buffer_u8(b, (uint8_t)distance);
	} else if (distance >= MIDDLE_END || first == match || match > MIDDLE_MATCH) {
		buffer_u8(b, (uint8_t)(code | 7));
		buffer_u16(b, (uint16_t)distance, false);
	} else {
		buffer_u8(b, (uint8_t)(0xa0 | literals << 3 | (match - 3) >> 2));
		buffer_u16(b, (uint16_t)(distance << 2 | ((match - 3) & 3)), false);
		first = match;
	}
	return match - first;
}

static void put_match(struct encoder *e, struct match m)
{
	size_t literals = put_long_runs(e, m.begin - e->written, 3);
	size_t rest = put_op(e, literals, m.end - m.begin, m.distance);
	put_literals(e, literals);
	while (rest >= LONG_FIRST) {
		size_t run = rest < LONG_MOST ? rest : LONG_MOST;
		buffer_u8(&e->output, 0xf0);
		buffer_u8(&e->output, (uint8_t)(run - LONG_FIRST));
		rest -= run;
	}
	if (rest)
		buffer_u8(&e->output, (uint8_t)(0xf0 | rest));
	e->distance = m.distance;
	e->written = m.end;
}

static unsigned equal_bytes(uint32_t a, uint32_t b)
{
	return a == b ? 4 : (unsigned)__builtin_ctz(a ^ b) / 8;
}

/* Grows the match of position `at` with the one `distance` before it both ways. */
static struct match grow(const struct encoder *e, size_t at, size_t distance,
			 unsigned equal)
{
	const uint8_t *data = e->input.data;
	struct match m = {at, at + equal, distance, 0};
	while (equal == 4 && m.end + 4 < e->input.size) {
		equal = equal_bytes(load32(data + m.end, false),
				    load32(data + m.end - distance, false));
		m.end += equal;
	}
	while (m.begin > distance && m.begin > e->written &&
	       data[m.begin - 1] == data[m.begin - 1 - distance])
		m.begin--;
	return m;
}

static void consider(const struct encoder *e, struct place here, struct place there,
		     bool is_previous, struct match *best)
{
	size_t distance = here.at - there.at;
	unsigned equal = equal_bytes(here.word, there.word);
	if (equal < 3 || distance - 1 >= FAR_MOST)
		return;
	struct match m = grow(e, here.at, distance, equal);
	m.gain = m.end - m.begin - (is_previous ? 1 : distance < NEAR_END ? 2 : 3);
	if (m.gain > best->gain || (m.gain == best->gain && m.end > best->end + 1))
		*best = m;
}

static struct match find(const struct encoder *e, struct place here,
			 const struct place *line)
{
	struct match best = {0};
	for (unsigned i = 0; i < WAYS; i++)
		consider(e, here, line[i], false, &best);
	if (e->distance) {
		size_t at = here.at - e->distance;
		struct place there = {at, load32(e->input.data + at, false)};
		consider(e, here, there, true, &best);
	}
	return best;
}

/* Writes what is held, if anything is. */
static bool release(struct encoder *e)
{
	if (!e->held.end)
		return false;
	put_match(e, e->held);
	e->held.end = 0;
	return true;
}

/* What to do with the best match of a position. */
static void judge(struct encoder *e, size_t at, struct match m)
{
	if (!m.end) {
		if (at - e->written >= PATIENCE && !release(e))
			put_long_runs(e, LONG_MOST, 0);
		return;
	}
	if (e->held.end && e->held.end > m.begin) {
		put_match(e, m.gain > e->held.gain ? m : e->held);
		e->held.end = 0;
		return;
	}
	release(e);
	e->held = m;
}

static void start(struct encoder *e, struct bytes input)
{
	e->input = input;
	struct place first = {0, input.size >= 4 ? load32(input.data, false) : 0};
	for (unsigned i = 0; i < LINES * WAYS; i++)
		e->lines[i / WAYS][i % WAYS] = first;
}

static void encode(struct encoder *e)
{
	for (size_t at = 0; at + TAIL < e->input.size; at++) {
		struct place here = {at, load32(e->input.data + at, false)};
		uint32_t hash = (here.word & 0xffffff) * 4161u >> 12 & (LINES - 1);
		struct place *line = e->lines[hash];
		if (at >= e->written)
			judge(e, at, find(e, here, line));
		memmove(line + 1, line, (WAYS - 1) * sizeof(*line));
		line[0] = here;
	}
	put_long_runs(e, e->input.size - e->written, 0);
	buffer_u8(&e->output, 0x06);
	buffer_zeros(&e->output, 7);
}

int lzvn_pack(struct bytes input, uint8_t **ret, size_t *ret_size)
{
	_cleanup_free_ struct encoder *e = mem_zero(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	start(e, input);
	encode(e);
	int error = buffer_error(&e->output);
	if (error) {
		buffer_free(&e->output);
		return error;
	}
	*ret = buffer_steal(&e->output, ret_size);
	return 0;
}
