/*
 * LZFSE streams: blocks that are raw, LZVN, or matches coded with finite-state entropy
 * coding, up to an end mark. Each block states its size.
 */
#ifndef CODEC_LZFSE_H
#define CODEC_LZFSE_H

#include "base/bytes.h"
#include "codec/refusal.h"

/* Whether the bytes begin like an LZFSE stream that is not empty. */
bool lzfse_is(struct bytes input);
/*
 * Walks the blocks without expanding them: what they declare in all, and how long the
 * stream is with its end mark. KEXT_ERR_BAD_DATA when the chain of blocks is broken or
 * one declares more than its kind can yield. Either output may be NULL.
 */
int lzfse_measure(struct bytes input, uint64_t *ret_size, size_t *ret_consumed,
		  struct codec_refusal *reterr) __attribute__((warn_unused_result));
/*
 * Expands to exactly `size` bytes at `output`; bytes behind the end mark are ignored.
 * KEXT_ERR_BAD_DATA for streams with any flaw, -ENOMEM. `output` is undefined after a
 * failure.
 */
int lzfse_decode(struct bytes input, uint8_t *output, size_t size, size_t *ret_consumed,
		 struct codec_refusal *reterr) __attribute__((warn_unused_result));
/*
 * The same into memory that grows block by block, up to `most` bytes, with what blocks
 * have yielded: a stream gets no more than about twice that, whatever it declares. *ret
 * is malloc'ed, the caller frees.
 */
int lzfse_unpack(struct bytes input, uint64_t most, uint8_t **ret, size_t *ret_size,
		 struct codec_refusal *reterr) __attribute__((warn_unused_result));

#endif
