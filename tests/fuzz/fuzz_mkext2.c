/* Archives of version 2: the mutator keeps the header true, finds the property list again
 * after it changed, and sets the sizes of entries. */
#include "codec/deflate.h"
#include "mutate.h"
#include "archive.h"

#define HEADER 44u

static void mend(uint8_t *data, size_t size)
{
	memcpy(data, "MKXTMOSX", 8);
	store32(data + 8, (uint32_t)size, true);
	store32(data + 16, 0x02002001, true);
	/* One that is not compressed is the last thing in the archive. */
	size_t plist = find_text(data, size, "<dict><key>_MKEXTInfoDictionaries");
	if (plist != SIZE_MAX) {
		store32(data + 32, (uint32_t)plist, true);
		store32(data + 36, 0, true);
		store32(data + 40, (uint32_t)(size - plist), true);
	}
	store32(data + 12, adler32_of(bytes_of(data + 16, size - 16)), true);
}

/* An entry's two sizes, those of a stored one perhaps. */
static void mend_entry(uint8_t *data, size_t size, unsigned *state)
{
	uint32_t length = draw_from(state, size);
	store32(data + HEADER, draw_from(state, 2) ? 0 : length, true);
	store32(data + HEADER + 4, length, true);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	unsigned state = seed, how = draw_from(&state, 8);
	if (how == 0 || size < HEADER + 16)
		return LLVMFuzzerMutate(data, size, max_size);
	size_t plist = find_text(data, size, "<dict><key>_MKEXTInfoDictionaries");
	if (how < 3)
		mutate_in_place(data, HEADER, size, &state);
	else if (how < 6)
		size = mutate_tail(data, plist == SIZE_MAX ? HEADER : plist + 46, size,
				   max_size);
	else
		mend_entry(data, size, &state);
	mend(data, size);
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_archive(data, size);
}
