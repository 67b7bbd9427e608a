/*
 * A small writer of Mach-O images that hold segments, sections and symbols but need no
 * linking: the description of the userland kernel and KPI symbol sets. The same calls give
 * the same bytes. Any CPU; the byte order follows from it.
 *
 * Layout of the result: header and commands; each segment's file bytes on a page of its own;
 * __LINKEDIT, on the next page, with the symbols and then the strings, whose first string
 * starts at offset 4. Commands: segments in the order added, __LINKEDIT, LC_SYMTAB,
 * [LC_DYSYMTAB,] LC_UUID.
 *
 *	struct macho_builder b = {.cputype = …, .filetype = MH_EXECUTE};
 *	unsigned text = macho_builder_segment(&b, "__TEXT", 0x200000000000, 0x1000, 5);
 *	unsigned code = macho_builder_section(&b, text, "__text", 0x200000000000, 16, 4, 0, NULL);
 *	macho_builder_symbol(&b, "_printf", N_SECT | N_EXT, code, 0, 0x200000000004);
 *	error = macho_builder_finish(&b, &data, &size);
 *	macho_builder_free(&b);
 */
#ifndef MACHO_BUILDER_H
#define MACHO_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <kext/error.h>
#include "base/array.h"
#include "macho/format.h"

struct macho_builder_segment {
	char name[17];
	uint64_t address, size, file_offset, file_size;
	uint32_t protection, flags;
	size_t section_count;
};

struct macho_builder_section {
	unsigned segment;
	char name[17];
	uint64_t address, size;
	uint32_t align, flags;
	uint8_t *data;
};

struct macho_builder_symbol {
	char *name, *target;
	uint8_t type;
	unsigned section;
	uint16_t desc;
	uint64_t value;
};

/* The first group is the caller's to set before finish; the rest the calls below fill. */
struct macho_builder {
	uint32_t cputype, cpusubtype, filetype, flags;
	uint32_t linkedit_flags;	/* of the __LINKEDIT segment, e.g. SG_NORELOC */
	uint64_t linkedit_address;	/* 0: the page after the highest segment */
	bool with_dysymtab;		/* symbols must be added locals, defined, undefined */
	bool has_uuid;			/* false: the UUID is made from the content */
	uint8_t uuid[16];

	ARRAY_OF(struct macho_builder_segment) segments;
	ARRAY_OF(struct macho_builder_section) sections;
	ARRAY_OF(struct macho_builder_symbol) symbols;
	int error;	/* first failure; finish reports it */
};

/*
 * A segment at [address, address + size). Its number for macho_builder_section. Names are
 * copied, at most 16 bytes. A segment without a section that has data takes no file bytes.
 */
unsigned macho_builder_segment(struct macho_builder *builder, const char *name,
			       uint64_t address, uint64_t size, uint32_t protection);
/*
 * A section within its segment; sections are added segment by segment, in the order of the
 * segments. `align` is the exponent, `flags` type and attributes. `data` (`size` bytes, copied)
 * or NULL: then the section takes no file bytes and its flags become S_ZEROFILL alone. Returns
 * its 1-based ordinal for symbols, 0 after a failure.
 */
unsigned macho_builder_section(struct macho_builder *builder, unsigned segment,
			       const char *name, uint64_t address, uint64_t size,
			       uint32_t align, uint32_t flags, const void *data);
/* A symbol with these nlist fields. Order of calls is order in the table; no sorting. */
void macho_builder_symbol(struct macho_builder *builder, const char *name, uint8_t type,
			  unsigned section, uint16_t desc, uint64_t value);
/* An alias: N_INDR | N_EXT, its value the string offset of `target`. */
void macho_builder_indirect(struct macho_builder *builder, const char *name,
			    const char *target, uint16_t desc);
/*
 * The image, malloc'ed. -ENOMEM, or KEXT_ERR_INVALID_ARGUMENT when something does not fit the format
 * (a long name, a section outside its segment, 256 sections, 4 GiB of file).
 */
int macho_builder_finish(struct macho_builder *builder, uint8_t **ret, size_t *ret_size)
	KEXT_MUST_CHECK;
void macho_builder_free(struct macho_builder *builder);

#define _cleanup_macho_builder_ __attribute__((cleanup(macho_builder_free)))

#endif
