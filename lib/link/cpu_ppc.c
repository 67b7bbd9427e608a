/*
 * PowerPC, whose kexts are big-endian object files: pointers, branches, and addresses
 * that two instructions load by halves. The entry after such a half holds the other one
 * in its address.
 */
#include "link/cpu.h"

enum {
	PPC_RELOC_VANILLA,
	PPC_RELOC_PAIR,
	PPC_RELOC_BR14,
	PPC_RELOC_BR24,
	PPC_RELOC_HI16,
	PPC_RELOC_LO16,
	PPC_RELOC_HA16,
	PPC_RELOC_SECTDIFF = 8,
	PPC_RELOC_JBSR = 13,
	PPC_RELOC_LOCAL_SECTDIFF = 15,
};

#define BR24_MASK     0x03fffffcu
#define BR14_MASK     0x0000fffcu
#define PREDICTED_BIT 0x00200000u /* reverses the guess made from the sign */

static enum pair_kind pair(const struct macho_relocation *relocation)
{
	switch (relocation->type) {
	case PPC_RELOC_HI16:
	case PPC_RELOC_LO16:
	case PPC_RELOC_HA16:
	case PPC_RELOC_JBSR:
		return PAIR_HALF;
	case PPC_RELOC_SECTDIFF:
	case PPC_RELOC_LOCAL_SECTDIFF:
		return PAIR_TARGET;
	default:
		return PAIR_NONE;
	}
}

static enum fix_result apply_word(const struct fixup *f, uint8_t *place, bool big)
{
	if (f->length != 2 || f->pcrel)
		return FIX_UNSUPPORTED;
	uint64_t change = f->target - (f->has_pair ? f->pair_target : 0);
	store32(place, load32(place, big) + (uint32_t)change, big);
	return FIX_DONE;
}

static int32_t extend(uint32_t value, unsigned bits)
{
	return (int32_t)(value << (32 - bits)) >> (32 - bits);
}

/* Length 3 says that the branch carries a guess, which the sign of the distance turns. */
static enum fix_result apply_branch(const struct fixup *f, uint8_t *place, bool big)
{
	bool is_short = f->type == PPC_RELOC_BR14;
	uint32_t mask = is_short ? BR14_MASK : BR24_MASK;
	unsigned bits = is_short ? 16 : 26;
	if (f->length != 2 && !(is_short && f->length == 3))
		return FIX_UNSUPPORTED;
	uint32_t instruction = load32(place, big);
	int32_t before = extend(instruction & mask, bits);
	uint64_t change = f->target + (f->pcrel ? f->base_pc - f->link_pc : 0);
	int32_t after = (int32_t)((uint32_t)before + (uint32_t)change);
	if (!fits_signed(after, bits))
		return FIX_OVERFLOW;
	if (after & 3)
		return FIX_UNSUPPORTED;
	if (f->length == 3 && (before < 0) != (after < 0))
		instruction ^= PREDICTED_BIT;
	store32(place, (instruction & ~mask) | ((uint32_t)after & mask), big);
	return FIX_DONE;
}

/* The low half of the instruction is one half of an address. */
static enum fix_result apply_half(const struct fixup *f, uint8_t *place, bool big)
{
	if (f->length != 2 || f->pcrel || f->pair_type != PPC_RELOC_PAIR)
		return FIX_UNSUPPORTED;
	uint32_t instruction = load32(place, big);
	uint32_t half = instruction & 0xffff, other = f->pair_address & 0xffff;
	uint32_t value;
	if (f->type == PPC_RELOC_LO16)
		value = other << 16 | half;
	else if (f->type == PPC_RELOC_HI16)
		value = half << 16 | other;
	else
		value = (half << 16) + (uint32_t)extend(other, 16);
	value += (uint32_t)f->target;
	if (f->type == PPC_RELOC_HA16)
		value += 0x8000; /* the low half will be added with its sign */
	half = f->type == PPC_RELOC_LO16 ? value & 0xffff : value >> 16;
	store32(place, (instruction & 0xffff0000) | half, big);
	return FIX_DONE;
}

/*
 * A call that the compiler sent to an island nearby, which jumps anywhere. The call goes
 * straight to its target where that is near enough, or stays.
 */
static enum fix_result apply_island_call(const struct fixup *f, uint8_t *place, bool big)
{
	if (f->length != 2 || f->pair_type != PPC_RELOC_PAIR)
		return FIX_UNSUPPORTED;
	uint64_t target = f->target + f->pair_address;
	int32_t distance = (int32_t)(uint32_t)(target - f->link_pc);
	if (!fits_signed(distance, 26) || distance & 3)
		return FIX_DONE;
	uint32_t instruction = load32(place, big) & ~BR24_MASK;
	store32(place, instruction | ((uint32_t)distance & BR24_MASK), big);
	return FIX_DONE;
}

static enum fix_result apply(const struct fixup *f, uint8_t *place, bool big)
{
	switch (f->type) {
	case PPC_RELOC_VANILLA:
		return apply_word(f, place, big);
	case PPC_RELOC_SECTDIFF:
	case PPC_RELOC_LOCAL_SECTDIFF:
		if (!f->has_pair || f->pair_type != PPC_RELOC_PAIR)
			return FIX_UNSUPPORTED;
		return apply_word(f, place, big);
	case PPC_RELOC_BR14:
	case PPC_RELOC_BR24:
		return apply_branch(f, place, big);
	case PPC_RELOC_HI16:
	case PPC_RELOC_LO16:
	case PPC_RELOC_HA16:
		return apply_half(f, place, big);
	case PPC_RELOC_JBSR:
		return apply_island_call(f, place, big);
	default:
		return FIX_UNSUPPORTED;
	}
}

const struct cpu cpu_ppc = {
	.name = "ppc",
	.cputype = KEXT_CPU_PPC,
	.big = true,
	.page_size = 4096,
	.meta_vtable_optional = true,
	.all_protections = true,
	.links_objects = true,
	.pair = pair,
	.apply = apply,
};
