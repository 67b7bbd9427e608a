/*
 * What custom mutators are made of: changes that leave offsets true, and fields that are
 * mended afterwards, so that what is behind a checksum or a length is reached.
 */
#ifndef TESTS_FUZZ_MUTATE_H
#define TESTS_FUZZ_MUTATE_H

#include <stdlib.h>
#include "base/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Gives a changed `data`, of at most `max_size` bytes. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned seed);
/* libFuzzer's own, or that of replay.c. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* A number below `below`, drawn from *state. */
static inline uint32_t draw_from(unsigned *state, size_t below)
{
	*state = *state * 1664525u + 1013904223u;
	return below ? (uint32_t)(*state >> 8) % (uint32_t)below : 0;
}

/* Changes some bytes of [from, size) where they are: nothing moves. */
static inline void mutate_in_place(uint8_t *data, size_t from, size_t size,
				   unsigned *state)
{
	if (from >= size)
		return;
	size_t at = from + draw_from(state, size - from);
	size_t length = size - at < 32 ? size - at : 1 + draw_from(state, 32);
	LLVMFuzzerMutate(data + at, length, length);
}

/* Changes [from, size), which may become longer or shorter; the new size of all. */
static inline size_t mutate_tail(uint8_t *data, size_t from, size_t size, size_t max_size)
{
	if (from >= size)
		return size;
	return from + LLVMFuzzerMutate(data + from, size - from, max_size - from);
}

/* Where a text stands; SIZE_MAX: nowhere. */
static inline size_t find_text(const uint8_t *data, size_t size, const char *text)
{
	const uint8_t *found = memmem(data, size, text, strlen(text));
	return found ? (size_t)(found - data) : SIZE_MAX;
}

#endif
