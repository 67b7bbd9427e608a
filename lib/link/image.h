/*
 * What can be linked against, parsed and indexed once. After kext_image_open nothing in
 * it changes but the reference count, so that links read it from any thread.
 */
#ifndef LINK_IMAGE_H
#define LINK_IMAGE_H

#include <stdatomic.h>
#include <kext/link.h>
#include "link/cpu.h"
#include "link/symtab.h"

/* Address → C++ symbol: the last one of any binding, and the last exported one. */
struct value_slot {
	uint64_t value;
	uint32_t any, exported; /* index + 1; 0: none; any == 0: free slot */
};

struct kext_image {
	atomic_uint references;
	char *name;
	const struct cpu *cpu;
	struct macho macho;
	struct symtab symbols;
	struct value_slot *values;
	uint32_t value_mask;
	uint64_t value_low, value_high; /* range of the addresses in `values` */
	uint64_t trap_start, trap_end;	/* the kernel's segment __TRAP */
};

/* The definition of that name, any binding (exported ones first); NULL. */
const struct symbol *image_definition(const struct kext_image *image, const char *name,
				      uint32_t length, uint32_t hash);
/* The C++ symbol at an address; NULL. */
const struct symbol *image_cxx_at(const struct kext_image *image, uint64_t address,
				  bool exported_only);
/* Bytes from an address on, to the end of its segment's part of the file. */
bool image_bytes_at(const struct kext_image *image, uint64_t address, struct bytes *ret);

static inline bool image_traps(const struct kext_image *image, uint64_t address)
{
	return address >= image->trap_start && address < image->trap_end;
}

#endif
