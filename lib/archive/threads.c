/*
 * Section __thread_starts, by which arm64e kernels told of their pointers before there
 * was LC_DYLD_CHAINED_FIXUPS: words of 32 bits, of which bit 0 of the first says that
 * distances count in 8 bytes, not 4, and each other one is the distance of a first link
 * from the Mach-O header. 0xffffffff ends them. Chains run on from page to page.
 */
#include <errno.h>
#include <inttypes.h>
#include <kext/arch.h>
#include "archive/fixups.h"
#include "base/memory.h"

#define NO_MORE 0xffffffffu

/* Notes that the two halves of a pointer were rewritten; false: one was before. */
static bool mark_seen(struct fixups *f, uint64_t offset)
{
	for (uint64_t unit = offset / 4; unit < offset / 4 + 2; unit++) {
		uint8_t *seen = &f->seen[unit / 8];
		if (*seen >> (unit % 8) & 1)
			return false;
		*seen |= (uint8_t)(1 << (unit % 8));
	}
	return true;
}

static int walk_thread(struct fixups *f, enum pointer_format format, uint32_t start,
		       uint64_t word_offset)
{
	uint64_t address = f->image->source + start, offset = 0;
	uint32_t next = 1;
	for (; next; address += next) {
		if (!fixups_place(f, address, &offset) || offset % 4)
			return fixups_damaged(f, word_offset,
					      "the pointer at 0x%" PRIx64
					      " is not in the file, or not at a multiple "
					      "of 4",
					      address);
		if (!mark_seen(f, offset))
			return fixups_damaged(
				f, offset,
				"the pointer at 0x%" PRIx64 " overlaps another", address);
		int error = fixups_resolve(f, format, address, offset, &next);
		if (error < 0)
			return error;
	}
	return 0;
}

int fixups_walk_threads(struct fixups *f, uint64_t address, uint64_t size,
			uint64_t command_offset)
{
	struct bytes words;
	if (!size)
		return 0;
	uint64_t place = address + f->image->source - f->image->load;
	if (!macho_at_address(f->macho, place, size, &words) ||
	    f->macho->cputype != KEXT_CPU_ARM64 || f->image->has_no_header)
		return fixups_damaged(f, command_offset,
				      "the section __thread_starts, %" PRIu64
				      " bytes at 0x%" PRIx64
				      ", is not in the file, or not for arm64",
				      size, address);
	if (!f->seen && !(f->seen = mem_zero(f->macho->bytes.size / 32 + 1, 1)))
		return -ENOMEM;
	struct cursor c = cursor_at(words, 0, false);
	bool is_wide = cursor_u32(&c) & 1;
	uint64_t base = (uint64_t)(words.data - f->data);
	for (;;) {
		uint32_t start = cursor_u32(&c);
		if (c.failed || start == NO_MORE)
			return 0;
		int error =
			walk_thread(f, is_wide ? POINTER_ARM64E : POINTER_ARM64E_FIRMWARE,
				    start, base + c.at - 4);
		if (error < 0)
			return error;
	}
}
