/* Kernel collections: most changes leave everything where it is; many go to the chained
 * fixups and to the pointers that they chain. */
#include "mutate.h"
#include "archive.h"

#define LC_FIXUPS 0x80000034u

/* Where the header of the chained fixups lies; 0: unknown. */
static size_t find_fixups(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_at(bytes_of(data, size), 16, false);
	uint32_t count = cursor_u32(&c);
	uint64_t at = 32;
	for (uint32_t i = 0; i < count && i < 64; i++) {
		c = cursor_at(bytes_of(data, size), at, false);
		uint32_t type = cursor_u32(&c), length = cursor_u32(&c);
		if (type == LC_FIXUPS)
			return cursor_u32(&c);
		if (c.failed || !length)
			return 0;
		at += length;
	}
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	unsigned state = seed, how = draw_from(&state, 8);
	size_t fixups = find_fixups(data, size);
	if (how == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	if (how < 3 && fixups && fixups < size)
		mutate_in_place(data, fixups, size - fixups < 256 ? size : fixups + 256,
				&state);
	else if (how < 5)
		mutate_in_place(data, 16, size < 4096 ? size : 4096, &state);
	else
		mutate_in_place(data, 0, size, &state);
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kext_archive *archive = fuzz_open_somehow(data, size);
	struct kext_archive_options beside = {.flags = KEXT_ARCHIVE_IGNORE_CHECKSUM,
					      .boot_collection = archive,
					      .system_collection = archive};
	/* Itself is a collection that it may lead into. */
	if (archive)
		kext_archive_free(fuzz_open(data, size, &beside));
	kext_archive_free(archive);
	return 0;
}
