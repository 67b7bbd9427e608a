/*
 * Expansion of LZSS streams. They address a ring of 4096 bytes that starts with blanks
 * and is written from index 4078 on. Here the output is its own ring: index p is the byte
 * that lies
 * ((written + 4077 - p) mod 4096) + 1 back, and what lies before the output is blanks,
 * 4078 of them, then 18 bytes that nobody defines.
 */
#include <kext/error.h>
#include "codec/copy.h"
#include "codec/lzss.h"

#define RING_SIZE  4096u
#define BLANKS	   4078u
#define MATCH_MIN  3u
#define GROUP_MOST (8 * 18u)

struct unpacker {
	struct bytes input;
	size_t at; /* in the input */
	uint8_t *output;
	size_t used, size;
	struct codec_refusal *reterr;
};

struct match {
	size_t distance, length;
};

static inline struct match match_at(const uint8_t *pair, size_t used)
{
	size_t position = pair[0] | (pair[1] & 0xf0u) << 4;
	return (struct match){((used + BLANKS - 1 - position) % RING_SIZE) + 1,
			      (pair[1] & 15u) + MATCH_MIN};
}

/* A match that begins before the output. False: in bytes that nobody defined. */
static bool copy_blanks(uint8_t *output, size_t used, struct match match)
{
	size_t before = match.distance - used;
	if (before > BLANKS)
		return false;
	for (size_t i = 0; i < match.length; i++)
		output[used + i] = i < before ? ' ' : output[i - before];
	return true;
}

static int cut_short(const struct unpacker *u)
{
	return codec_refuse(u->reterr, CODEC_TRUNCATED, u->input.size,
			    "stream ends after %zu bytes of output, expected %zu",
			    u->used, u->size);
}

static int unpack_match(struct unpacker *u)
{
	if (u->input.size - u->at < 2)
		return cut_short(u);
	struct match match = match_at(u->input.data + u->at, u->used);
	if (match.length > u->size - u->used)
		match.length = u->size - u->used;
	if (match.distance <= u->used)
		copy_match(u->output + u->used, match.distance, match.length,
			   u->size - u->used);
	else if (!copy_blanks(u->output, u->used, match))
		return codec_refuse(
			u->reterr, CODEC_DISTANCE, u->at,
			"match reads ring index %zu, which nothing has written",
			(u->used + BLANKS - match.distance) % RING_SIZE);
	u->at += 2;
	u->used += match.length;
	return 0;
}

/* One group: a flag byte and up to eight items, every byte checked. */
static int unpack_group(struct unpacker *u)
{
	if (u->at == u->input.size)
		return cut_short(u);
	unsigned flags = u->input.data[u->at++];
	for (int i = 0; i < 8 && u->used < u->size; i++, flags >>= 1) {
		if (u->at == u->input.size)
			return cut_short(u);
		int error = 0;
		if (flags & 1)
			u->output[u->used++] = u->input.data[u->at++];
		else
			error = unpack_match(u);
		if (error)
			return error;
	}
	return 0;
}

/*
 * Groups far from either end, where neither can be overrun. Stops before a group that is
 * not for it: near an end, or one that reads from before the output.
 */
static void unpack_inner_groups(struct unpacker *u)
{
	const uint8_t *at = u->input.data + u->at;
	const uint8_t *last = u->input.data + u->input.size;
	uint8_t *output = u->output;
	size_t used = u->used, room = u->size;
	while (last - at >= 17 && room - used >= GROUP_MOST + 2 * COPY_SLACK) {
		const uint8_t *next = at + 1;
		size_t written = used;
		unsigned flags = *at;
		for (int i = 0; i < 8; i++, flags >>= 1) {
			if (flags & 1) {
				output[written++] = *next++;
				continue;
			}
			struct match match = match_at(next, written);
			if (match.distance > written)
				goto out;
			copy_match_wide(output + written, match.distance, match.length);
			written += match.length;
			next += 2;
		}
		at = next;
		used = written;
	}
out:
	u->at = (size_t)(at - u->input.data);
	u->used = used;
}

int lzss_decode(struct bytes input, uint8_t *output, size_t size, size_t *ret_consumed,
		struct codec_refusal *reterr)
{
	struct unpacker u = {input, 0, output, 0, size, reterr};
	while (u.used < u.size) {
		unpack_inner_groups(&u);
		int error = unpack_group(&u);
		if (error)
			return error;
	}
	if (ret_consumed)
		*ret_consumed = u.at;
	return 0;
}
