/* i386: pointers and displacements of 4 bytes, and differences of two sections' places.
 */
#include "link/cpu.h"

enum {
	GENERIC_RELOC_VANILLA,
	GENERIC_RELOC_PAIR,
	GENERIC_RELOC_SECTDIFF,
	GENERIC_RELOC_LOCAL_SECTDIFF = 4
};

static enum pair_kind pair(const struct macho_relocation *relocation)
{
	return (relocation->type == GENERIC_RELOC_SECTDIFF ||
		relocation->type == GENERIC_RELOC_LOCAL_SECTDIFF)
		       ? PAIR_TARGET
		       : PAIR_NONE;
}

static enum fix_result apply(const struct fixup *f, uint8_t *place, bool big)
{
	if (f->length != 2)
		return FIX_UNSUPPORTED;
	uint64_t change = f->target;
	if (f->type == GENERIC_RELOC_VANILLA) {
		change += f->pcrel ? f->base_pc - f->link_pc : 0;
	} else if (f->has_pair) {
		if (f->pcrel || f->pair_type != GENERIC_RELOC_PAIR)
			return FIX_UNSUPPORTED;
		change -= f->pair_target;
	} else {
		return FIX_UNSUPPORTED;
	}
	store32(place, load32(place, big) + (uint32_t)change, big);
	return FIX_DONE;
}

const struct cpu cpu_i386 = {
	.name = "i386",
	.cputype = KEXT_CPU_I386,
	.page_size = 4096,
	.meta_vtable_optional = true,
	.checks_pure_virtual = true,
	.all_protections = true,
	.links_objects = true,
	.pair = pair,
	.apply = apply,
};
