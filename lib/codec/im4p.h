/*
 * Image4 payloads (IM4P), alone or inside an IMG4, as iOS and Apple silicon wrap kernel
 * caches: DER around a type, a description, the payload, and notes on how to expand it.
 */
#ifndef CODEC_IM4P_H
#define CODEC_IM4P_H

#include "base/bytes.h"
#include "codec/refusal.h"

enum im4p_algorithm { IM4P_LZSS = 0, IM4P_LZFSE = 1 };

struct im4p {
	char type[5];		  /* "krnl" */
	struct bytes description; /* text of the builder, may be empty */
	struct bytes payload;
	struct bytes key_bag; /* empty, or the payload is encrypted */
	bool is_compressed;   /* says so itself: the next two hold */
	enum im4p_algorithm algorithm;
	uint64_t plain_size;
	bool is_signed; /* came inside an IMG4 */
};

/* Whether the bytes begin like an IM4P or IMG4. */
bool im4p_is(struct bytes input);
/*
 * Finds the parts; all of them lie within `input`. KEXT_ERR_BAD_DATA for what is not DER
 * of definite lengths or lacks a part, KEXT_ERR_UNSUPPORTED for an unknown algorithm.
 * Bytes behind the outermost sequence are ignored.
 */
int im4p_read(struct bytes input, struct im4p *ret, struct codec_refusal *reterr)
	__attribute__((warn_unused_result));

#endif
