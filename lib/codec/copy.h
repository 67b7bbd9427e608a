/*
 * Copies as Lempel-Ziv decoders need them: a match may overlap its own output, and where
 * the buffer has room behind it whole words are stored, past the end of what was asked
 * for.
 */
#ifndef CODEC_COPY_H
#define CODEC_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes that a wide copy may store behind the last one asked for. */
#define COPY_SLACK 16u

static inline void copy_16(uint8_t *to, const uint8_t *from)
{
	uint8_t words[16];
	memcpy(words, from, sizeof(words));
	memcpy(to, words, sizeof(words));
}

static inline void copy_8(uint8_t *to, const uint8_t *from)
{
	uint64_t word;
	memcpy(&word, from, sizeof(word));
	memcpy(to, &word, sizeof(word));
}

/* Bytes that do not overlap; reads and writes up to COPY_SLACK bytes too many. */
static inline void copy_run_wide(uint8_t *to, const uint8_t *from, size_t length)
{
	size_t done = 0;
	do {
		copy_16(to + done, from + done);
		done += 16;
	} while (done < length);
}

/*
 * `length` bytes from `distance` back, distance 1 or more; writes up to COPY_SLACK bytes
 * too many. A short distance is a pattern: once eight bytes of it stand, any multiple of
 * the distance continues it, so that whole words can be copied from further back.
 */
static inline void copy_match_wide(uint8_t *to, size_t distance, size_t length)
{
	static const uint8_t further[8] = {0, 8, 8, 9, 8, 10, 12, 14};
	if (distance >= 16) {
		copy_run_wide(to, to - distance, length);
		return;
	}
	size_t done = 0;
	if (distance < 8) {
		for (; done < 8; done++)
			to[done] = *(to + done - distance);
		distance = further[distance];
	}
	for (; done < length; done += 8)
		copy_8(to + done, to + done - distance);
}

/* The same for the end of a buffer: not a byte too many. */
static inline void copy_match_exact(uint8_t *to, size_t distance, size_t length)
{
	for (size_t i = 0; i < length; i++)
		to[i] = *(to + i - distance);
}

/* Whichever of the two `room`, the bytes from `to` to the buffer's end, allows. */
static inline void copy_match(uint8_t *to, size_t distance, size_t length, size_t room)
{
	if (room >= length + COPY_SLACK)
		copy_match_wide(to, distance, length);
	else
		copy_match_exact(to, distance, length);
}

#endif
