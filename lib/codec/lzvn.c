/*
 * Expansion of LZVN streams: opcodes that each bring literals, a match, or both. The only
 * state is the distance of the last match. A valid stream ends with eight bytes of end
 * mark, so eight bytes can always be read where an opcode begins.
 */
#include <kext/error.h>
#include "codec/copy.h"
#include "codec/lzvn.h"

#define END_SIZE   8u
#define LONG_FIRST 16u /* what a count byte of 0 stands for */
#define INNER_IN   40u /* input that the fast loop may read for one opcode, */
#define INNER_OUT  96u /* output that it may write */

enum kind { COPY, LONG_COPY, NOTHING, END, UNDEFINED };

/* What a first byte says. Its distance: (word & mask) >> shift | high, word the next two.
 */
struct code {
	uint8_t kind, size, literals, match;
	uint16_t mask; /* 0: the distance of the last match */
	uint16_t high;
	uint8_t shift, more; /* more: these bits of the word add to the match */
};

/*
 * The 256 codes: e0 to ff are runs, of literals below f0, at the last distance above; a0
 * to bf have a middling distance; 70 to 7f and d0 to df are nothing; in all others the
 * low bits tell where the distance is, 7 in two bytes, 6 the last one, below 6 in 11
 * bits.
 */
#define IS_RUN(c)    ((c) >= 0xe0)
#define IS_MIDDLE(c) (((c)&0xe0) == 0xa0)
#define IS_HOLE(c)   (((c)&0xf0) == 0x70 || ((c)&0xf0) == 0xd0)
#define LOW(c)	     ((c)&7)
#define LONE_KIND(c)                                                                     \
	((c) == 0x06 ? END : (c) == 0x0e || (c) == 0x16 ? NOTHING : UNDEFINED)
#define KIND(c)                                                                          \
	(IS_RUN(c)		     ? ((c)&15 ? COPY : LONG_COPY)                       \
	 : IS_MIDDLE(c)		     ? COPY                                              \
	 : IS_HOLE(c)		     ? UNDEFINED                                         \
	 : LOW(c) == 6 && (c) < 0x40 ? LONE_KIND(c)                                      \
				     : COPY)
#define SIZE(c)                                                                          \
	(IS_RUN(c)	? ((c)&15 ? 1 : 2)                                               \
	 : IS_MIDDLE(c) ? 3                                                              \
	 : LOW(c) == 7	? 3                                                              \
	 : LOW(c) == 6	? 1                                                              \
			: 2)
#define LITERALS(c)                                                                      \
	(IS_RUN(c) ? ((c) < 0xf0 ? (c)&15 : 0) : IS_MIDDLE(c) ? (c) >> 3 & 3 : (c) >> 6)
#define MATCH(c)                                                                         \
	(IS_RUN(c)	? ((c) < 0xf0 ? 0 : (c)&15)                                      \
	 : IS_MIDDLE(c) ? (LOW(c) << 2) + 3                                              \
			: ((c) >> 3 & 7) + 3)
#define MASK(c)                                                                          \
	(IS_RUN(c) ? 0 : IS_MIDDLE(c) || LOW(c) == 7 ? 0xffff : LOW(c) == 6 ? 0 : 0xff)
#define HIGH(c) (IS_RUN(c) || IS_MIDDLE(c) || LOW(c) > 5 ? 0 : LOW(c) << 8)
#define CODE(c)                                                                          \
	{                                                                                \
		KIND(c), SIZE(c), LITERALS(c), MATCH(c), MASK(c), HIGH(c),               \
			IS_MIDDLE(c) ? 2 : 0, IS_MIDDLE(c) ? 3 : 0                       \
	}
#define CODES_4(c)  CODE(c), CODE((c) + 1), CODE((c) + 2), CODE((c) + 3)
#define CODES_16(c) CODES_4(c), CODES_4((c) + 4), CODES_4((c) + 8), CODES_4((c) + 12)
#define CODES_64(c)                                                                      \
	CODES_16(c), CODES_16((c) + 16), CODES_16((c) + 32), CODES_16((c) + 48)

static const struct code codes[256] = {CODES_64(0), CODES_64(64), CODES_64(128),
				       CODES_64(192)};

struct op {
	size_t size; /* bytes before the literals */
	size_t literals, match;
	size_t distance; /* of the last match when read_op is called */
};

/* The short opcode at `p`, of kind COPY. */
static inline void read_op(const uint8_t *p, const struct code *code, struct op *op)
{
	unsigned word = load16(p + 1, false);
	size_t distance = (word & code->mask) >> code->shift | code->high;
	op->distance = code->mask ? distance : op->distance;
	op->size = code->size;
	op->literals = code->literals;
	op->match = code->match + (word & code->more);
}

/* e0 and f0, whose length is in the next byte. */
static inline void read_long_op(const uint8_t *p, struct op *op)
{
	size_t length = p[1] + LONG_FIRST;
	op->size = 2;
	op->literals = *p < 0xf0 ? length : 0;
	op->match = *p < 0xf0 ? 0 : length;
}

struct unpacker {
	struct bytes input;
	size_t at;
	struct lzvn_output output;
	size_t used, distance;
	struct codec_refusal *reterr;
};

static int refuse_op(const struct unpacker *u, const struct op *op, size_t literals_left)
{
	size_t room = u->output.to - u->used;
	if (op->literals > literals_left)
		return codec_refuse(u->reterr, CODEC_TRUNCATED, u->at,
				    "%zu literals, expected at most the %zu bytes left",
				    op->literals, literals_left);
	if (op->literals + op->match > room)
		return codec_refuse(u->reterr, CODEC_OVERLONG, u->at,
				    "%zu bytes of output, expected at most %zu",
				    op->literals + op->match, room);
	return codec_refuse(u->reterr, CODEC_DISTANCE, u->at,
			    "distance %zu, expected 1 to %zu", op->distance,
			    u->used + op->literals);
}

/* Both copies of an opcode that refuse_op would not refuse. */
static inline void copy_op(const struct unpacker *u, const struct op *op,
			   const uint8_t *literals)
{
	uint8_t *to = u->output.data + u->used;
	size_t room = u->output.size - u->used - op->literals;
	size_t left = (size_t)(u->input.data + u->input.size - literals);
	bool is_wide = room >= COPY_SLACK && left >= op->literals + COPY_SLACK;
	if (op->literals && is_wide)
		copy_run_wide(to, literals, op->literals);
	else if (op->literals)
		memcpy(to, literals, op->literals);
	if (op->match)
		copy_match(to + op->literals, op->distance, op->match, room);
}

/* A distance of 0 wraps around and is too far as well. */
static inline bool is_too_far(const struct op *op, size_t used)
{
	return op->match && op->distance - 1 >= used + op->literals;
}

/*
 * Short opcodes far from the end of input and output: copies of fixed width instead of
 * branches. Stops before an opcode that is not for it, valid or not.
 */
static void unpack_inner(struct unpacker *u)
{
	const uint8_t *at = u->input.data + u->at;
	const uint8_t *last = u->input.data + u->input.size;
	uint8_t *output = u->output.data;
	size_t used = u->used, room = u->output.to;
	struct op op = {.distance = u->distance};
	while (last - at >= INNER_IN && room - used >= INNER_OUT) {
		const struct code *code = &codes[*at];
		size_t previous = op.distance;
		if (code->kind != COPY)
			break;
		read_op(at, code, &op);
		if (is_too_far(&op, used)) {
			op.distance = previous;
			break;
		}
		copy_16(output + used, at + op.size);
		at += op.size + op.literals;
		used += op.literals;
		uint8_t *to = output + used;
		if (op.distance >= 16) {
			copy_16(to, to - op.distance);
			if (op.match > 16)
				copy_run_wide(to + 16, to + 16 - op.distance,
					      op.match - 16);
		} else if (op.match) {
			copy_match_wide(to, op.distance, op.match);
		}
		used += op.match;
	}
	u->at = (size_t)(at - u->input.data);
	u->used = used;
	u->distance = op.distance;
}

/* One opcode of kind COPY or LONG_COPY with all checks. */
static int unpack_op(struct unpacker *u, const struct code *code)
{
	const uint8_t *p = u->input.data + u->at;
	struct op op = {.distance = u->distance};
	if (code->kind == LONG_COPY)
		read_long_op(p, &op);
	else
		read_op(p, code, &op);
	size_t left = u->input.size - u->at - op.size;
	if (op.literals > left || op.literals + op.match > u->output.to - u->used ||
	    is_too_far(&op, u->used))
		return refuse_op(u, &op, left);
	copy_op(u, &op, p + op.size);
	u->at += op.size + op.literals;
	u->used += op.literals + op.match;
	u->distance = op.distance;
	return 0;
}

/* Opcodes up to the end mark or one that is none. */
static int unpack_ops(struct unpacker *u)
{
	for (;;) {
		unpack_inner(u);
		if (u->input.size - u->at < END_SIZE)
			return codec_refuse(u->reterr, CODEC_TRUNCATED, u->at,
					    "%zu bytes left, expected an end mark of %u",
					    u->input.size - u->at, END_SIZE);
		const struct code *code = &codes[u->input.data[u->at]];
		if (code->kind == END)
			return 0;
		if (code->kind == UNDEFINED)
			return codec_refuse(u->reterr, CODEC_OPCODE, u->at,
					    "undefined opcode 0x%02x",
					    u->input.data[u->at]);
		int error = code->kind == NOTHING ? 0 : unpack_op(u, code);
		if (error)
			return error;
		u->at += code->kind == NOTHING;
	}
}

int lzvn_continue(struct bytes input, struct lzvn_output output, size_t *ret_consumed,
		  struct codec_refusal *reterr)
{
	struct unpacker u = {input, 0, output, output.from, 0, reterr};
	int error = unpack_ops(&u);
	if (error)
		return error;
	if (u.used != output.to)
		return codec_refuse(reterr, CODEC_SHORT, u.at,
				    "stream ends after %zu bytes of output, expected %zu",
				    u.used - output.from, output.to - output.from);
	if (ret_consumed)
		*ret_consumed = u.at + END_SIZE;
	return 0;
}
