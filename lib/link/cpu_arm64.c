/*
 * arm64: pointers, and branches that no real kext carries. Page and GOT forms are
 * resolved by the static linker, so a kext with one was not linked as a kext.
 */
#include "link/cpu.h"

enum { ARM64_RELOC_UNSIGNED, ARM64_RELOC_SUBTRACTOR, ARM64_RELOC_BRANCH26 };

static enum pair_kind pair(const struct macho_relocation *relocation)
{
	return relocation->type == ARM64_RELOC_SUBTRACTOR ? PAIR_TARGET : PAIR_NONE;
}

static enum fix_result apply_branch26(const struct fixup *f, uint8_t *place, bool big)
{
	if (f->length != 2 || !f->pcrel)
		return FIX_UNSUPPORTED;
	uint32_t instruction = load32(place, big);
	int64_t addend = (int64_t)(int32_t)(instruction << 6) >> 4;
	uint64_t from = f->external ? f->link_pc : f->link_pc - f->base_pc;
	int64_t distance = (int64_t)(f->target - from + (uint64_t)addend);
	if (!fits_signed(distance, 28))
		return FIX_OVERFLOW;
	instruction =
		(instruction & 0xfc000000) | ((uint32_t)(distance >> 2) & 0x03ffffff);
	store32(place, instruction, big);
	return FIX_DONE;
}

static enum fix_result apply(const struct fixup *fixup, uint8_t *place, bool big)
{
	if (fixup->type == ARM64_RELOC_BRANCH26)
		return apply_branch26(fixup, place, big);
	if (fixup->type != ARM64_RELOC_UNSIGNED || fixup->length != 3 || fixup->pcrel)
		return FIX_UNSUPPORTED;
	store64(place, load64(place, big) + fixup->target, big);
	return FIX_DONE;
}

const struct cpu cpu_arm64 = {
	.name = "arm64",
	.cputype = KEXT_CPU_ARM64,
	.is_64 = true,
	.page_size = 16384,
	.strict_patching = true,
	.has_slide_information = true,
	.pair = pair,
	.apply = apply,
};
