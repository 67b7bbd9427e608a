/*
 * A bounds-checked view of one thin Mach-O image of any CPU and byte order. Parsing checks
 * every range once; symbols and relocations are then read where they lie. The view borrows
 * the bytes: they must outlive it.
 */
#ifndef MACHO_MACHO_H
#define MACHO_MACHO_H

#include <kext/diagnostic.h>
#include "base/array.h"
#include "base/bytes.h"
#include "macho/format.h"

struct macho_command {
	uint32_t type;		/* LC_… */
	uint32_t offset, size;	/* of the whole command in the file */
};

struct macho_segment {
	char name[17];
	uint64_t address, size;			/* vmaddr, vmsize */
	uint64_t file_offset, file_size;	/* lies within the bytes */
	uint32_t maxprot, initprot, flags;
	uint32_t first_section, section_count;	/* in macho.sections */
	uint32_t command;			/* file offset of the load command */
};

struct macho_section {
	char segment[17], name[17];
	uint64_t address, size;
	uint32_t offset;		/* in the file; 0 for zero-fill */
	uint32_t align;			/* exponent */
	uint32_t reloff, nreloc;	/* lies within the bytes */
	uint32_t flags;			/* type in the low byte */
	uint32_t reserved1, reserved2;
	uint32_t segment_index;
	uint32_t header;		/* file offset of its header */
	struct bytes content;		/* empty for zero-fill and offset 0 */
};

struct macho_symbol {
	const char *name;	/* within the string table, always terminated */
	uint32_t strx;
	uint8_t type, section;	/* n_type; n_sect, 1-based */
	uint16_t desc;
	uint64_t value;
};

struct macho_relocation {
	uint32_t address;	/* scattered: 24 bits */
	uint32_t symbol;	/* symbol index, section ordinal, or (scattered) 0 */
	uint32_t value;		/* scattered only: r_value */
	uint8_t type, length;	/* length: log2 of the bytes */
	bool pcrel, external, scattered;
};

#define RELOCATION_SIZE 8u	/* of an entry in a file */

struct macho_table {		/* a table in the file, already known to lie within it */
	uint32_t offset, count;
};

struct macho {
	struct bytes bytes;
	bool big, is_64;
	uint32_t cputype, cpusubtype, filetype, flags;
	ARRAY_OF(struct macho_command) commands;
	ARRAY_OF(struct macho_segment) segments;
	ARRAY_OF(struct macho_section) sections;
	bool has_symtab, has_dysymtab, has_uuid;
	struct macho_table symbols;
	struct bytes strings;
	struct macho_table local_relocations, external_relocations, indirect_symbols;
	uint8_t uuid[16];
};

/*
 * Parses `bytes`, which must hold exactly one thin image. KEXT_ERR_VALIDATION with
 * a diagnostic "macho.…" about `subject` that names the offset, what was found and what was
 * expected, or -ENOMEM; *ret is then untouched. Capped: 65,536 commands, 255 sections per image
 * in MH_OBJECT and bundles is the format's own limit.
 */
int macho_parse(struct bytes bytes, const char *subject, struct kext_diagnostics *diagnostics,
		struct macho *ret) __attribute__((warn_unused_result));
void macho_free(struct macho *macho);

/* Symbol number `index`; false past the end or when its name lies outside the strings. */
bool macho_symbol_at(const struct macho *macho, uint32_t index, struct macho_symbol *ret);
/* Entry `index` of a relocation table (section's, local or external); false past the end. */
bool macho_relocation_at(const struct macho *macho, struct macho_table table, uint32_t index,
			 struct macho_relocation *ret);
/* Word `index` of the indirect symbol table. */
bool macho_indirect_at(const struct macho *macho, uint32_t index, uint32_t *ret_symbol);
const struct macho_segment *macho_segment_named(const struct macho *macho, const char *name);
const struct macho_section *macho_section_named(const struct macho *macho,
						const char *segment, const char *name);
/* The segment whose address range holds [address, address + size), or NULL. */
const struct macho_segment *macho_segment_holding(const struct macho *macho,
						  uint64_t address, uint64_t size);
/* The file bytes behind [address, address + size); false when they are not in the file. */
bool macho_at_address(const struct macho *macho, uint64_t address, uint64_t size,
		      struct bytes *ret);
/* First symbol of that name that is defined in a section; false when there is none. Linear. */
bool macho_find_symbol(const struct macho *macho, const char *name, struct macho_symbol *ret);

#define _cleanup_macho_ __attribute__((cleanup(macho_free)))

#endif
