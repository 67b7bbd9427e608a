/*
 * Chained fixups: pointers stored as links of a chain per page, each with what it points
 * to and how far the next one is.
 */
#ifndef ARCHIVE_FIXUPS_H
#define ARCHIVE_FIXUPS_H

#include "macho/macho.h"

#define FIXUPS_LEVELS 4u /* collections that a pointer can lead to */

enum { /* formats of a pointer */
       FIXUPS_64 = 2,
       FIXUPS_64_OFFSET = 6,
       FIXUPS_64_KERNEL_CACHE = 8,
       FIXUPS_X86_64_KERNEL_CACHE = 11,
};

struct fixups_bases {
	/* Lowest address of the collection of each level. One that is not known is 0 and
	 * its pointers become offsets in that collection. */
	uint64_t address[FIXUPS_LEVELS];
	bool is_known[FIXUPS_LEVELS];
};

struct fixups_count {
	uint64_t pointers, is_signed; /* all; those that arm64 would sign */
	uint64_t unknown;	      /* lead into a collection whose base is not known */
};

/*
 * Turns the chained fixups of an image, if it has any, into plain pointers in `data`, the
 * image's bytes. KEXT_ERR_BAD_DATA or KEXT_ERR_UNSUPPORTED with a diagnostic "fixups.…";
 * `data` is then of no use.
 */
int fixups_apply(uint8_t *data, const struct macho *macho,
		 const struct fixups_bases *bases, const char *subject,
		 struct kext_diagnostics *diagnostics, struct fixups_count *ret)
	__attribute__((warn_unused_result));

#endif
