/*
 * What differs between CPUs: word and page size, the rules of vtable patching, and how a
 * relocation edits its place. One file per CPU, one table.
 */
#ifndef LINK_CPU_H
#define LINK_CPU_H

#include <kext/arch.h>
#include "macho/macho.h"

/* One relocation, with everything it depends on already looked up. */
struct fixup {
	uint8_t type, length; /* length: log2 of the bytes */
	uint8_t pair_type;
	uint32_t pair_address; /* r_address of the second entry: half of a value */
	bool pcrel, external, scattered, has_pair;
	uint64_t target;      /* address of the symbol, or how far the section moved */
	uint64_t pair_target; /* of the second entry of a pair */
	uint64_t base_pc;     /* address of the place as the file has it … */
	uint64_t link_pc;     /* … and as linked */
};

/* What the entry after this one means. */
enum pair_kind {
	PAIR_NONE,
	PAIR_TARGET, /* the other target of a difference */
	PAIR_HALF,   /* not a target: its address holds part of the value */
};

enum fix_result {
	FIX_DONE,
	FIX_OVERFLOW,	 /* the distance does not fit the place */
	FIX_UNSUPPORTED, /* this form does not occur in linked kexts */
	FIX_GOT,	 /* asks for a global offset table that kexts do not have */
	FIX_NO_EDIT,	 /* a branch that cannot be moved */
};

struct cpu {
	const char *name;
	uint32_t cputype;
	bool is_64, big;
	uint64_t page_size;
	bool strict_patching;	   /* an own method left undefined is an error */
	bool meta_vtable_optional; /* a class without one is skipped */
	bool checks_pure_virtual;  /* of vtable entries named by direct calls */
	bool has_thumb;
	bool all_protections; /* every segment rwx */
	bool has_slide_information;
	bool links_objects; /* MH_OBJECT kexts exist */
	/* Whether the entry is the first of two. */
	enum pair_kind (*pair)(const struct macho_relocation *relocation);
	/* Edits `place`, which holds 1 << length bytes, at most a word. */
	enum fix_result (*apply)(const struct fixup *fixup, uint8_t *place, bool big);
};

extern const struct cpu cpu_x86_64, cpu_arm64, cpu_arm, cpu_i386, cpu_ppc;

/* NULL for a CPU without a linker. */
const struct cpu *cpu_numbered(uint32_t cputype);

static inline size_t cpu_word(const struct cpu *cpu)
{
	return cpu->is_64 ? 8 : 4;
}

static inline uint64_t cpu_load_word(const struct cpu *cpu, const uint8_t *p)
{
	return cpu->is_64 ? load64(p, cpu->big) : load32(p, cpu->big);
}

/* Whether `value` is a signed number of `bits` bits. */
static inline bool fits_signed(int64_t value, unsigned bits)
{
	int64_t limit = (int64_t)1 << (bits - 1);
	return value >= -limit && value < limit;
}

#endif
