/*
 * x86_64. Real kexts carry only 8-byte pointers and 4-byte branches; the other forms
 * follow the file format's own definition.
 */
#include "link/cpu.h"

static enum pair_kind pair(const struct macho_relocation *relocation)
{
	return relocation->type == X86_64_RELOC_SUBTRACTOR ? PAIR_TARGET : PAIR_NONE;
}

static enum fix_result store_signed32(uint8_t *place, int64_t value, bool big)
{
	if (!fits_signed(value, 32))
		return FIX_OVERFLOW;
	store32(place, (uint32_t)value, big);
	return FIX_DONE;
}

static int64_t load_signed32(const uint8_t *place, bool big)
{
	return (int32_t)load32(place, big);
}

static enum fix_result apply_unsigned(const struct fixup *f, uint8_t *place, bool big)
{
	if (f->length != 3 || f->pcrel)
		return FIX_UNSUPPORTED;
	store64(place, load64(place, big) + f->target, big);
	return FIX_DONE;
}

static enum fix_result apply_branch(const struct fixup *f, uint8_t *place, bool big)
{
	if (f->length != 2 || !f->pcrel)
		return FIX_UNSUPPORTED;
	uint64_t pc = f->external ? f->link_pc + 4 : f->link_pc - f->base_pc;
	uint64_t value = (uint64_t)load_signed32(place, big) + f->target - pc;
	return store_signed32(place, (int64_t)value, big);
}

/* The suffixes _1, _2, _4 tell how many bytes of the instruction follow the place. */
static enum fix_result apply_signed(const struct fixup *f, uint8_t *place, bool big)
{
	if (f->length != 2 || !f->pcrel)
		return FIX_UNSUPPORTED;
	uint64_t tail = f->type == X86_64_RELOC_SIGNED	   ? 0
			: f->type == X86_64_RELOC_SIGNED_1 ? 1
			: f->type == X86_64_RELOC_SIGNED_2 ? 2
							   : 4;
	uint64_t pc = f->external ? f->link_pc + 4 : f->link_pc - f->base_pc + tail;
	uint64_t value = (uint64_t)load_signed32(place, big) + f->target - pc;
	return store_signed32(place, (int64_t)value, big);
}

/* The first entry is what is subtracted, the second what from; the place holds an addend.
 */
static enum fix_result apply_subtractor(const struct fixup *f, uint8_t *place, bool big)
{
	if (f->pcrel || !f->has_pair || f->pair_type != X86_64_RELOC_UNSIGNED)
		return FIX_UNSUPPORTED;
	uint64_t difference = f->pair_target - f->target;
	if (f->length == 2) {
		uint64_t value = (uint64_t)load_signed32(place, big) + difference;
		return store_signed32(place, (int64_t)value, big);
	}
	if (f->length != 3)
		return FIX_UNSUPPORTED;
	store64(place, load64(place, big) + difference, big);
	return FIX_DONE;
}

static enum fix_result apply(const struct fixup *fixup, uint8_t *place, bool big)
{
	switch (fixup->type) {
	case X86_64_RELOC_UNSIGNED:
		return apply_unsigned(fixup, place, big);
	case X86_64_RELOC_BRANCH:
		return apply_branch(fixup, place, big);
	case X86_64_RELOC_SIGNED:
	case X86_64_RELOC_SIGNED_1:
	case X86_64_RELOC_SIGNED_2:
	case X86_64_RELOC_SIGNED_4:
		return apply_signed(fixup, place, big);
	case X86_64_RELOC_SUBTRACTOR:
		return apply_subtractor(fixup, place, big);
	case X86_64_RELOC_GOT_LOAD:
	case X86_64_RELOC_GOT:
		return FIX_GOT;
	default:
		return FIX_UNSUPPORTED;
	}
}

const struct cpu cpu_x86_64 = {
	.name = "x86_64",
	.cputype = KEXT_CPU_X86_64,
	.is_64 = true,
	.page_size = 4096,
	.strict_patching = true,
	.checks_pure_virtual = true,
	.has_slide_information = true,
	.pair = pair,
	.apply = apply,
};
