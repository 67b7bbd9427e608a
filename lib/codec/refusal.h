/*
 * Why a decoder refused its input: a stable slug, where, what was found and what was
 * expected. The decoders fill one; whoever knows the file's name makes a diagnostic of
 * it.
 */
#ifndef CODEC_REFUSAL_H
#define CODEC_REFUSAL_H

#include <stdint.h>

struct codec_refusal {
	const char *slug;  /* "codec.truncated"; static storage */
	uint64_t offset;   /* in the input of the decoder that refused */
	char message[120]; /* "distance 5, expected 1 to 4" */
};

/* The slugs. */
#define CODEC_TRUNCATED "codec.truncated" /* the input ends too early */
#define CODEC_OPCODE	"codec.opcode"	  /* no such instruction */
#define CODEC_DISTANCE	"codec.distance"  /* a match refers to what was never written */
#define CODEC_OVERLONG	"codec.overlong"  /* more output than declared */
#define CODEC_SHORT	"codec.short"	  /* less output than declared */
#define CODEC_TABLE	"codec.table"	  /* code tables that do not add up */
#define CODEC_HEADER	"codec.header"	  /* a field outside its range */
#define CODEC_BOMB	"codec.bomb"	  /* declares more than its input can yield */
#define CODEC_CHECKSUM	"codec.checksum"
#define CODEC_MEMORY	"codec.memory"

/* Fills `reterr` (which may be NULL) and returns KEXT_ERR_BAD_DATA. */
int codec_refuse(struct codec_refusal *reterr, const char *slug, uint64_t offset,
		 const char *format, ...) __attribute__((format(printf, 4, 5), cold));
/* The same for want of memory: -ENOMEM. */
int codec_no_memory(struct codec_refusal *reterr, uint64_t size) __attribute__((cold));

#endif
