/* 32-bit ARM: pointers; branches only where they need no edit, since nothing edits them.
 */
#include "link/cpu.h"

enum {
	ARM_RELOC_VANILLA = 0,
	ARM_RELOC_SECTDIFF = 2,
	ARM_RELOC_LOCAL_SECTDIFF = 3,
	ARM_RELOC_BR24 = 5,
	ARM_THUMB_RELOC_BR22 = 6,
};

static enum pair_kind pair(const struct macho_relocation *relocation)
{
	return (relocation->type == ARM_RELOC_SECTDIFF ||
		relocation->type == ARM_RELOC_LOCAL_SECTDIFF)
		       ? PAIR_TARGET
		       : PAIR_NONE;
}

static enum fix_result apply(const struct fixup *f, uint8_t *place, bool big)
{
	switch (f->type) {
	case ARM_RELOC_VANILLA:
		if (f->length != 2 || f->pcrel)
			return FIX_UNSUPPORTED;
		store32(place, load32(place, big) + (uint32_t)f->target, big);
		return FIX_DONE;
	case ARM_RELOC_BR24:
	case ARM_THUMB_RELOC_BR22:
		if (!f->pcrel)
			return FIX_UNSUPPORTED;
		return f->target + f->base_pc == f->link_pc ? FIX_DONE : FIX_NO_EDIT;
	default:
		return FIX_UNSUPPORTED;
	}
}

const struct cpu cpu_arm = {
	.name = "arm",
	.cputype = KEXT_CPU_ARM,
	.page_size = 4096,
	.strict_patching = true,
	.checks_pure_virtual = true,
	.has_thumb = true,
	.has_slide_information = true,
	.pair = pair,
	.apply = apply,
};
