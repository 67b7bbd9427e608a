/* The chain of an LZFSE stream's blocks; what is in them is lzfse_block's and lzvn's. */
#include <errno.h>
#include <kext/error.h>
#include "base/memory.h"
#include "codec/lzfse.h"
#include "codec/lzfse_block.h"
#include "codec/lzvn.h"

#define RAW_HEADER  8u
#define LZVN_HEADER 12u

struct block {
	uint32_t magic;
	uint32_t raw_size;
	size_t offset, size;	    /* of the whole block in the input */
	struct lzfse_header header; /* of coded blocks */
};

bool lzfse_is(struct bytes input)
{
	uint32_t magic = input.size < 4 ? 0 : load32(input.data, false);
	return magic == LZFSE_RAW || magic == LZFSE_LZVN || magic == LZFSE_PLAIN ||
	       magic == LZFSE_PACKED;
}

/* Raw and LZVN blocks: their header, and that they lie within the input. */
static int read_simple(struct bytes input, struct block *block,
		       struct codec_refusal *reterr)
{
	struct cursor c = cursor_at(input, block->offset + 4, false);
	bool is_raw = block->magic == LZFSE_RAW;
	block->raw_size = cursor_u32(&c);
	uint64_t payload = is_raw ? block->raw_size : cursor_u32(&c);
	uint64_t whole = (is_raw ? RAW_HEADER : LZVN_HEADER) + payload;
	if (c.failed || !bytes_holds(input, block->offset, whole))
		return codec_refuse(reterr, CODEC_TRUNCATED, block->offset,
				    "block of %llu bytes, expected at most the %zu left",
				    (unsigned long long)whole,
				    input.size - block->offset);
	block->size = (size_t)whole;
	if (is_raw)
		return 0;
	if (!block->raw_size)
		return codec_refuse(reterr, CODEC_HEADER, block->offset,
				    "an LZVN block of 0 bytes, expected some");
	if (block->raw_size > lzvn_most(payload))
		return codec_refuse(reterr, CODEC_BOMB, block->offset,
				    "%u bytes declared, expected at most %llu",
				    block->raw_size,
				    (unsigned long long)lzvn_most(payload));
	return 0;
}

static int read_block(struct bytes input, size_t offset, struct block *ret,
		      struct codec_refusal *reterr)
{
	if (!bytes_holds(input, offset, 4))
		return codec_refuse(reterr, CODEC_TRUNCATED, offset,
				    "%zu bytes left, expected a block or the end mark",
				    input.size - offset);
	ret->offset = offset;
	ret->magic = load32(input.data + offset, false);
	ret->raw_size = 0;
	ret->size = 4;
	if (ret->magic == LZFSE_END)
		return 0;
	if (ret->magic == LZFSE_RAW || ret->magic == LZFSE_LZVN)
		return read_simple(input, ret, reterr);
	if (ret->magic != LZFSE_PLAIN && ret->magic != LZFSE_PACKED)
		return codec_refuse(
			reterr, CODEC_HEADER, offset,
			"magic 0x%08x, expected a block (bvx…) or the end mark",
			ret->magic);
	int error = lzfse_read_header(input, offset, &ret->header, reterr);
	if (error)
		return error;
	ret->raw_size = ret->header.raw_size;
	ret->size = (size_t)ret->header.size + ret->header.literal_bytes +
		    ret->header.match_bytes;
	return 0;
}

int lzfse_measure(struct bytes input, uint64_t *ret_size, size_t *ret_consumed,
		  struct codec_refusal *reterr)
{
	uint64_t size = 0;
	size_t at = 0;
	struct block block;
	do {
		int error = read_block(input, at, &block, reterr);
		if (error)
			return error;
		size += block.raw_size;
		at += block.size;
	} while (block.magic != LZFSE_END);
	if (ret_size)
		*ret_size = size;
	if (ret_consumed)
		*ret_consumed = at;
	return 0;
}

struct target {
	struct bytes input;
	uint8_t *output;
	size_t used, size; /* bytes that are there, and that there is room for */
	uint64_t most;	   /* that there may be room for */
	struct lzfse_decoder *decoder; /* made when first needed */
	struct codec_refusal *reterr;
};

/* The LZVN stream of a block must fill it to its last byte. */
static int expand_lzvn(struct target *t, const struct block *block)
{
	size_t offset = block->offset + LZVN_HEADER, consumed;
	struct bytes stream = bytes_of(t->input.data + offset, block->size - LZVN_HEADER);
	struct lzvn_output output = {t->output, t->used, t->used + block->raw_size,
				     t->size};
	int error = lzvn_continue(stream, output, &consumed, t->reterr);
	if (error) {
		if (t->reterr)
			t->reterr->offset += offset;
		return error;
	}
	if (consumed != stream.size)
		return codec_refuse(t->reterr, CODEC_HEADER, block->offset,
				    "LZVN stream of %zu bytes, expected %zu", consumed,
				    stream.size);
	return 0;
}

static int expand_coded(struct target *t, struct block *block)
{
	if (!t->decoder)
		t->decoder = lzfse_decoder_new();
	if (!t->decoder)
		return codec_no_memory(t->reterr, LITERALS_MOST);
	int error = lzfse_read_frequencies(t->input, block->offset, &block->header,
					   t->reterr);
	if (error)
		return error;
	return lzfse_expand(t->decoder, t->input, block->offset, &block->header,
			    t->output, t->used, t->size, t->reterr);
}

/* Room for so many bytes more: half as much again, so that the sum of moves stays small.
 */
static int grow(struct target *t, size_t more)
{
	if (more <= t->size - t->used)
		return 0;
	uint64_t wanted = (uint64_t)t->used + more, generous = wanted + wanted / 2;
	size_t size = (size_t)(generous < t->most ? generous : t->most);
	uint8_t *larger = mem_resize(t->output, size, 1);
	if (!larger)
		return codec_no_memory(t->reterr, size);
	t->output = larger;
	t->size = size;
	return 0;
}

static int expand_block(struct target *t, struct block *block)
{
	if (block->raw_size > t->most - t->used)
		return codec_refuse(t->reterr, CODEC_OVERLONG, block->offset,
				    "block of %u bytes of output, expected at most %llu",
				    block->raw_size,
				    (unsigned long long)(t->most - t->used));
	int error = grow(t, block->raw_size);
	if (error)
		return error;
	if (block->magic == LZFSE_LZVN)
		return expand_lzvn(t, block);
	if (block->magic != LZFSE_RAW)
		return expand_coded(t, block);
	if (block->raw_size)
		memcpy(t->output + t->used, t->input.data + block->offset + RAW_HEADER,
		       block->raw_size);
	return 0;
}

static int expand_blocks(struct target *t, size_t *ret_consumed)
{
	struct block block;
	for (size_t at = 0;; at += block.size) {
		int error = read_block(t->input, at, &block, t->reterr);
		if (error)
			return error;
		if (block.magic == LZFSE_END)
			break;
		error = expand_block(t, &block);
		if (error)
			return error;
		t->used += block.raw_size;
	}
	*ret_consumed = block.offset + block.size;
	return 0;
}

int lzfse_decode(struct bytes input, uint8_t *output, size_t size, size_t *ret_consumed,
		 struct codec_refusal *reterr)
{
	struct target t = {input, output, 0, size, size, NULL, reterr};
	size_t consumed = 0;
	int error = expand_blocks(&t, &consumed);
	free(t.decoder);
	if (error == 0 && t.used != size)
		error = codec_refuse(reterr, CODEC_SHORT, consumed - 4,
				     "stream ends after %zu bytes of output, expected "
				     "%zu",
				     t.used, size);
	if (error == 0 && ret_consumed)
		*ret_consumed = consumed;
	return error;
}

int lzfse_unpack(struct bytes input, uint64_t most, uint8_t **ret, size_t *ret_size,
		 struct codec_refusal *reterr)
{
	struct target t = {input, mem_alloc(1), 0, 0, most, NULL, reterr};
	size_t consumed;
	int error = t.output ? expand_blocks(&t, &consumed) : codec_no_memory(reterr, 1);
	free(t.decoder);
	if (error) {
		free(t.output);
		return error;
	}
	*ret = t.output;
	*ret_size = t.used;
	return 0;
}
