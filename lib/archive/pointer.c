/* Words of chains taken apart; see pointer.h. */
#include <kext/arch.h>
#include "archive/pointer.h"

#define ON_ARM64  1u
#define ON_X86_64 2u

enum layout { NONE, PLAIN, ARM64E, CACHE };

static const struct {
	enum layout layout;
	enum pointer_base base; /* of what is not signed */
	uint8_t stride;		/* distances count in these bytes */
	uint8_t cpus;
} formats[] = {
	[POINTER_ARM64E] = {ARM64E, POINTER_FROM_ZERO, 8, ON_ARM64},
	[POINTER_64] = {PLAIN, POINTER_FROM_ZERO, 4, ON_ARM64 | ON_X86_64},
	[POINTER_64_OFFSET] = {PLAIN, POINTER_FROM_HEADER, 4, ON_ARM64 | ON_X86_64},
	[POINTER_ARM64E_KERNEL] = {ARM64E, POINTER_FROM_HEADER, 4, ON_ARM64},
	[POINTER_64_KERNEL_CACHE] = {CACHE, POINTER_FROM_COLLECTION, 4, ON_ARM64},
	[POINTER_ARM64E_USERLAND] = {ARM64E, POINTER_FROM_HEADER, 8, ON_ARM64},
	[POINTER_ARM64E_FIRMWARE] = {ARM64E, POINTER_FROM_ZERO, 4, ON_ARM64},
	[POINTER_X86_64_KERNEL_CACHE] = {CACHE, POINTER_FROM_COLLECTION, 1, ON_X86_64},
	[POINTER_ARM64E_USERLAND24] = {ARM64E, POINTER_FROM_HEADER, 8, ON_ARM64},
};

bool pointer_format_fits(unsigned format, uint32_t cputype)
{
	unsigned cpu = cputype == KEXT_CPU_X86_64  ? ON_X86_64
		       : cputype == KEXT_CPU_ARM64 ? ON_ARM64
						   : 0;
	return format <= POINTER_LAST && formats[format].cpus & cpu;
}

/* `count` bits of a word, from bit `first` on. */
static uint64_t bits(uint64_t word, unsigned first, unsigned count)
{
	return word >> first & ((UINT64_C(1) << count) - 1);
}

/* Target 36, top byte 8, 7 unused, next 12, bound 1. */
static void decode_plain(uint64_t raw, struct pointer *p)
{
	p->target = bits(raw, 0, 36) + (bits(raw, 36, 8) << 56);
	p->next = (uint32_t)bits(raw, 51, 12);
	p->is_bound = raw >> 63;
}

/*
 * Target 43, top byte 8; or, when signed, target 32, from the header whatever the format,
 * diversity 16, address diversity 1, key 2. Then next 11, bound 1, signed 1. Addresses
 * of kernels are high: the 43 bits of one stand for 56 with the same sign.
 */
static void decode_arm64e(uint64_t raw, struct pointer *p)
{
	p->next = (uint32_t)bits(raw, 51, 11);
	p->is_bound = bits(raw, 62, 1);
	p->is_signed = raw >> 63;
	if (p->is_signed) {
		p->base = POINTER_FROM_HEADER;
		p->target = bits(raw, 0, 32);
		return;
	}
	p->target = bits(raw, 0, 43);
	if (p->base == POINTER_FROM_ZERO && bits(raw, 42, 1))
		p->target |= bits(~UINT64_C(0), 43, 13) << 43;
	p->target += bits(raw, 43, 8) << 56;
}

/* Target 30, level 2, diversity 16, address diversity 1, key 2, next 12, signed 1. */
static void decode_cache(uint64_t raw, struct pointer *p)
{
	p->target = bits(raw, 0, 30);
	p->level = (unsigned)bits(raw, 30, 2);
	p->next = (uint32_t)bits(raw, 51, 12);
	p->is_signed = raw >> 63;
}

struct pointer pointer_decode(enum pointer_format format, uint64_t raw)
{
	struct pointer p = {.base = formats[format].base};
	if (formats[format].layout == PLAIN)
		decode_plain(raw, &p);
	else if (formats[format].layout == ARM64E)
		decode_arm64e(raw, &p);
	else
		decode_cache(raw, &p);
	p.next *= formats[format].stride;
	return p;
}
