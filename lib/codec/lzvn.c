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

enum kind { COPY, NOTHING, END, UNDEFINED };

struct op {
	size_t size; /* bytes before the literals */
	size_t literals, match;
	size_t distance; /* of the last match when read_op is called */
};

/* Literals alone (e0 to ef), or a match at the last distance (f0 to ff). */
static inline void read_run(const uint8_t *p, struct op *op)
{
	unsigned count = *p & 15u;
	op->size = count ? 1 : 2;
	size_t length = count ? count : p[1] + LONG_FIRST;
	op->literals = *p < 0xf0 ? length : 0;
	op->match = *p < 0xf0 ? 0 : length;
}

/* Low bits 110: up to three literals and a match at the last distance, or a lone code. */
static inline enum kind read_previous(const uint8_t *p, struct op *op)
{
	op->size = 1;
	if (op->literals)
		return COPY;
	if (*p == 0x06)
		return END;
	return *p == 0x0e || *p == 0x16 ? NOTHING : UNDEFINED;
}

static inline enum kind read_op(const uint8_t *p, struct op *op)
{
	unsigned code = *p;
	if (code >= 0xe0) {
		read_run(p, op);
		return COPY;
	}
	if ((code & 0xe0) == 0xa0) {
		unsigned word = load16(p + 1, false);
		op->size = 3;
		op->literals = code >> 3 & 3;
		op->match = ((code & 7) << 2 | (word & 3)) + 3;
		op->distance = word >> 2;
		return COPY;
	}
	if ((code & 0xf0) == 0x70 || (code & 0xf0) == 0xd0)
		return UNDEFINED;
	op->literals = code >> 6;
	op->match = (code >> 3 & 7) + 3;
	if ((code & 7) == 6)
		return read_previous(p, op);
	bool is_far = (code & 7) == 7;
	op->size = is_far ? 3 : 2;
	op->distance = is_far ? load16(p + 1, false) : (code & 7) << 8 | p[1];
	return COPY;
}

struct unpacker {
	struct bytes input;
	size_t at;
	struct lzvn_output output;
	size_t used;
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

/* Opcodes up to one that copies nothing: its kind, or a refusal. */
static int unpack_copies(struct unpacker *state, enum kind *ret)
{
	struct unpacker u = *state;
	struct op op = {0};
	enum kind kind = COPY;
	int error = 0;
	while (u.input.size - u.at >= END_SIZE) {
		kind = read_op(u.input.data + u.at, &op);
		if (kind == NOTHING)
			u.at++;
		if (kind == END || kind == UNDEFINED)
			break;
		if (kind == NOTHING)
			continue;
		size_t literals_at = u.at + op.size;
		size_t left = u.input.size - literals_at;
		/* A distance of 0 wraps around and is too far as well. */
		bool is_bad = op.match && op.distance - 1 >= u.used + op.literals;
		if (op.literals > left || op.literals + op.match > u.output.to - u.used ||
		    is_bad) {
			error = refuse_op(&u, &op, left);
			break;
		}
		copy_op(&u, &op, u.input.data + literals_at);
		u.at = literals_at + op.literals;
		u.used += op.literals + op.match;
	}
	*state = u;
	*ret = kind;
	return error;
}

int lzvn_continue(struct bytes input, struct lzvn_output output, size_t *ret_consumed,
		  struct codec_refusal *reterr)
{
	struct unpacker u = {input, 0, output, output.from, reterr};
	enum kind kind;
	int error = unpack_copies(&u, &kind);
	if (error)
		return error;
	if (input.size - u.at < END_SIZE)
		return codec_refuse(reterr, CODEC_TRUNCATED, u.at,
				    "%zu bytes left, expected an end mark of %u",
				    input.size - u.at, END_SIZE);
	if (kind == UNDEFINED)
		return codec_refuse(reterr, CODEC_OPCODE, u.at, "undefined opcode 0x%02x",
				    input.data[u.at]);
	if (u.used != output.to)
		return codec_refuse(reterr, CODEC_SHORT, u.at,
				    "stream ends after %zu bytes of output, expected %zu",
				    u.used - output.from, output.to - output.from);
	if (ret_consumed)
		*ret_consumed = u.at + END_SIZE;
	return 0;
}
