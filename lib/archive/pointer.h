/*
 * Pointers as links of a chain: each word says what it points to, in one of several
 * formats, and how far the next one is.
 */
#ifndef ARCHIVE_POINTER_H
#define ARCHIVE_POINTER_H

#include <stdbool.h>
#include <stdint.h>

enum pointer_format {
	POINTER_ARM64E = 1, /* addresses; those signed, offsets */
	POINTER_64 = 2,
	POINTER_64_OFFSET = 6,
	POINTER_ARM64E_KERNEL = 7,	  /* offsets */
	POINTER_64_KERNEL_CACHE = 8,	  /* of collections */
	POINTER_ARM64E_USERLAND = 9,	  /* offsets */
	POINTER_ARM64E_FIRMWARE = 10,	  /* as 1, closer together */
	POINTER_X86_64_KERNEL_CACHE = 11, /* of collections */
	POINTER_ARM64E_USERLAND24 = 12,	  /* as 9 */
	POINTER_LAST = POINTER_ARM64E_USERLAND24,
};

/* Whether images for a CPU have pointers of a format. */
bool pointer_format_fits(unsigned format, uint32_t cputype);

enum pointer_base { /* what the target counts from */
		    POINTER_FROM_ZERO,
		    POINTER_FROM_HEADER,     /* of the image */
		    POINTER_FROM_COLLECTION, /* the one of `level` */
};

struct pointer {
	enum pointer_base base;
	unsigned level;
	uint64_t target; /* to be added to the base */
	uint32_t next;	 /* bytes to the next one; 0: the last */
	bool is_signed;	 /* by arm64e, with what is no longer said here */
	bool is_bound;	 /* by the name of a symbol: no target */
};

/* Takes a word of a format apart that fits. */
struct pointer pointer_decode(enum pointer_format format, uint64_t raw);

#endif
