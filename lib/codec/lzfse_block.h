/*
 * The entropy-coded blocks of LZFSE (bvx1 and bvx2), for the files of lzfse alone: their
 * header, which is the same thing in two notations, and their expansion.
 */
#ifndef CODEC_LZFSE_BLOCK_H
#define CODEC_LZFSE_BLOCK_H

#include "base/bytes.h"
#include "codec/refusal.h"

#define LZFSE_RAW     0x2d787662u
#define LZFSE_LZVN    0x6e787662u
#define LZFSE_PLAIN   0x31787662u /* bvx1: tables as numbers */
#define LZFSE_PACKED  0x32787662u /* bvx2: tables as a bit string */
#define LZFSE_END     0x24787662u

#define LITERALS_MOST 40000u
#define MATCHES_MOST  10000u
#define MATCH_LONGEST 2359u

/* The four alphabets, in the order in which headers hold their frequencies. */
enum alphabet { LENGTHS, MATCHES, DISTANCES, LITERALS, ALPHABETS };
#define LENGTH_SYMBOLS	 20u
#define MATCH_SYMBOLS	 20u
#define DISTANCE_SYMBOLS 64u
#define LITERAL_SYMBOLS	 256u
#define SYMBOLS		 (LENGTH_SYMBOLS + MATCH_SYMBOLS + DISTANCE_SYMBOLS + LITERAL_SYMBOLS)
#define LENGTH_STATES	 64u
#define MATCH_STATES	 64u
#define DISTANCE_STATES	 256u
#define LITERAL_STATES	 1024u

struct lzfse_header {
	uint64_t size; /* of the header itself */
	uint32_t raw_size, literals, matches;
	uint32_t literal_bytes, match_bytes; /* of the two payloads */
	int literal_bits, match_bits; /* -7 to 0: unused bits of their last bytes */
	uint16_t literal_states[4];
	uint16_t states[3]; /* of lengths, matches, distances */
	uint16_t frequencies[SYMBOLS];
};

/*
 * The fixed fields of the block at `offset`, checked against their limits and the input's
 * end; frequencies are left out.
 */
int lzfse_read_header(struct bytes input, size_t offset, struct lzfse_header *ret,
		      struct codec_refusal *reterr) __attribute__((warn_unused_result));
/* The frequencies of the same block: each alphabet's make up its number of states. */
int lzfse_read_frequencies(struct bytes input, size_t offset, struct lzfse_header *header,
			   struct codec_refusal *reterr)
	__attribute__((warn_unused_result));

struct lzfse_decoder; /* tables and literals, reused from block to block */
struct lzfse_decoder *lzfse_decoder_new(void);
/*
 * Expands the block with this header to output[from, from + raw_size) of a buffer of
 * `size` that has room for it; matches may refer to the bytes before `from`. What lies
 * behind may be scribbled on.
 */
int lzfse_expand(struct lzfse_decoder *decoder, struct bytes input, size_t offset,
		 const struct lzfse_header *header, uint8_t *output, size_t from,
		 size_t size, struct codec_refusal *reterr)
	__attribute__((warn_unused_result));

#endif
