/*
 * LZVN streams, as compressed kernels and LZFSE's blocks for short data hold them. A
 * stream states its end but not its size.
 */
#ifndef CODEC_LZVN_H
#define CODEC_LZVN_H

#include "base/bytes.h"
#include "codec/refusal.h"

/* More than `size` bytes of a stream can yield, of which two make a match of 271; a bound
 * before allocating. */
static inline uint64_t lzvn_most(uint64_t size)
{
	return size * 256;
}

/* Where a stream expands to: bytes [from, to) of a buffer of `size`. */
struct lzvn_output {
	uint8_t *data;
	size_t from, to, size;
};

/*
 * Expands to exactly the bytes [from, to): KEXT_ERR_BAD_DATA when the stream has no end
 * mark, makes more or fewer bytes, holds an undefined opcode, or refers to what lies
 * before `data`. Matches may refer to the bytes before `from`. What lies behind `to` may
 * be scribbled on. *ret_consumed (which may be NULL) counts the stream with its end mark.
 */
int lzvn_continue(struct bytes input, struct lzvn_output output, size_t *ret_consumed,
		  struct codec_refusal *reterr) __attribute__((warn_unused_result));

/* The same for a stream that stands alone. */
static inline int __attribute__((warn_unused_result))
lzvn_decode(struct bytes input, uint8_t *output, size_t size, size_t *ret_consumed,
	    struct codec_refusal *reterr)
{
	struct lzvn_output whole = {output, 0, size, size};
	return lzvn_continue(input, whole, ret_consumed, reterr);
}

/* Compresses; *ret (malloc'ed, the caller frees) and *ret_size. -ENOMEM. */
int lzvn_pack(struct bytes input, uint8_t **ret, size_t *ret_size)
	__attribute__((warn_unused_result));

#endif
