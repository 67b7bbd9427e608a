/* Archives of version 1: the mutator keeps the header true, and leaves the table's
 * offsets alone half of the time. */
#include "codec/deflate.h"
#include "mutate.h"
#include "archive.h"

#define HEADER 32u

static void mend(uint8_t *data, size_t size)
{
	memcpy(data, "MKXTMOSX", 8);
	store32(data + 8, (uint32_t)size, true);
	store32(data + 16, 0x01008000, true);
	store32(data + 12, adler32_of(bytes_of(data + 16, size - 16)), true);
}

/* A record of the table: an offset and two sizes that lie in the archive. */
static void mend_record(uint8_t *data, size_t size, unsigned *state)
{
	size_t record = HEADER + 16 * (size_t)draw_from(state, 8);
	if (record + 16 > size)
		return;
	uint32_t from = draw_from(state, size), length = draw_from(state, size - from);
	store32(data + record, from, true);
	store32(data + record + 4, draw_from(state, 2) ? length : 0, true);
	store32(data + record + 8, length, true);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	unsigned state = seed, how = draw_from(&state, 8);
	if (how == 0 || size < HEADER + 32)
		return LLVMFuzzerMutate(data, size, max_size);
	if (how < 5)
		mutate_in_place(data, how < 3 ? HEADER : 20, size, &state);
	else if (how < 7)
		size = mutate_tail(data, HEADER + 32, size, max_size);
	else
		mend_record(data, size, &state);
	mend(data, size);
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_archive(data, size);
}
