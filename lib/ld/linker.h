/*
 * What the passes of the static linker share: inputs cut into pieces, symbols, references
 * between them, and the sections of the output. A pass reads what earlier passes left
 * here and adds its own part; ld.c calls them in order.
 */
#ifndef LD_LINKER_H
#define LD_LINKER_H

#include <kext/ld.h>
#include "base/array.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/map.h"
#include "macho/macho.h"

#define LD_PAGE_SIZE 4096u
#define LD_FILE_MAX  0x40000000u /* greatest input file */
#define LD_IMAGE_MAX 0x7fff0000u /* r_address is a positive 32-bit number */

struct ld_object;
struct ld_section;
struct ld_output_section;

/*
 * A piece is the unit that is kept or dropped: what lies between two symbols of an object
 * that allows cutting there, one literal, or else a whole section.
 */
struct ld_piece {
	struct ld_section *section;
	uint64_t offset, size;	      /* within the input section */
	uint8_t align;		      /* exponent */
	bool live;		      /* goes into the output */
	bool is_named;		      /* a symbol or a reference leads to it */
	bool has_global;	      /* defines global symbols, and of them … */
	bool has_winner;	      /* … at least one that others do not override */
	struct ld_piece *replacement; /* equal literal that stands for this one */
	uint64_t address;	      /* in the output */
	size_t first_reference, reference_count; /* in section->references */
};

enum ld_symbol_kind { LD_UNDEFINED, LD_COMMON, LD_DEFINED, LD_ABSOLUTE };

struct ld_symbol {
	const char *name;
	enum ld_symbol_kind kind;
	bool is_global;		  /* known across objects */
	bool is_private;	  /* N_PEXT: local once linked */
	bool is_weak;		  /* a definition that others may override */
	bool is_strong_reference; /* some reference is not N_WEAK_REF */
	bool is_wanted;		  /* a kept section refers to it: archives are searched */
	bool is_used;		  /* something in the output refers to it */
	bool is_no_dead_strip;
	struct ld_object *object; /* what defines it */
	struct ld_piece *piece;	  /* LD_DEFINED */
	uint64_t value; /* offset in the piece, LD_ABSOLUTE's value, LD_COMMON's size */
	uint8_t common_align;  /* exponent */
	uint32_t got_slot;     /* number + 1; 0: none */
	uint32_t output_index; /* in the output's symbol table, when undefined */
};

/* Where a reference leads: a symbol if there is one, else a piece; offset counts from it.
 */
struct ld_target {
	struct ld_symbol *symbol;
	struct ld_piece *piece;
	int64_t offset;
};

enum ld_reference_kind {
	LD_REF_POINTER,	   /* address of the target */
	LD_REF_DIFFERENCE, /* target less subtrahend */
	LD_REF_BRANCH,	   /* distance from the end of the instruction */
	LD_REF_DATA,	   /* the same, of an access to data */
	LD_REF_GOT_LOAD,   /* mov from the target's slot: may become lea */
	LD_REF_GOT,	   /* distance to the target's slot */
};

struct ld_reference {
	enum ld_reference_kind kind;
	uint8_t size;	  /* 4 or 8 bytes */
	uint8_t trailing; /* bytes of the instruction behind the field */
	uint64_t offset;  /* within the input section */
	struct ld_target target, subtrahend;
};

struct ld_section {
	struct ld_object *object; /* NULL for what the linker makes */
	char segment[17], name[17];
	uint32_t flags;
	uint8_t align;
	uint64_t input_address, size;
	struct bytes content;		  /* empty for zero-fill */
	bool is_dropped;		  /* debug information, unwinding tables */
	ARRAY_OF(struct ld_piece) pieces; /* by offset, never empty unless dropped */
	ARRAY_OF(struct ld_reference) references; /* by offset */
	struct ld_output_section *output;
};

struct ld_object {
	char *name; /* "a.o", "libkmod.a(c_start.o)" */
	struct macho macho;
	bool is_parsed, is_loaded;
	struct ld_section *sections; /* by ordinal - 1 */
	size_t section_count;
	struct ld_symbol **symbols; /* by index; NULL for what is not kept */
	struct ld_symbol *locals;
	size_t local_count;
};

struct ld_archive {
	const char *path;
	struct ld_object **members;
	size_t member_count, member_capacity;
	struct map definitions; /* symbol name → struct ld_object */
};

struct ld_output_section {
	char segment[17], name[17];
	uint32_t flags;
	uint8_t align;
	bool is_zero_fill;
	uint32_t ordinal; /* 1-based */
	size_t order;	  /* of appearance */
	uint64_t address, size, file_offset;
	ARRAY_OF(struct ld_piece *) pieces;
};

struct ld_output_segment {
	char name[17];
	uint32_t maxprot, initprot;
	uint64_t address, size, file_offset, file_size;
	size_t first_section, section_count;
};

/* A relocation of the output: external when `symbol` is set, else local. */
struct ld_output_relocation {
	uint64_t address;
	struct ld_symbol *symbol;
	uint32_t ordinal;
	uint8_t type, length;
	bool pcrel;
};

struct ld_output_symbol {
	const char *name;
	struct ld_symbol *symbol;
	uint8_t type, section;
	uint16_t desc;
	uint64_t value;
};

struct linker {
	struct kext_context *context;
	const struct kext_ld_options *options;
	const struct kext_arch *arch;
	struct kext_diagnostics *diagnostics;
	size_t error_count;

	ARRAY_OF(struct file_map) maps;
	ARRAY_OF(char *) paths;		      /* found for -l */
	ARRAY_OF(struct ld_object *) objects; /* loaded, in order */
	ARRAY_OF(struct ld_archive *) archives;
	struct map symbols; /* global: name → struct ld_symbol */

	struct ld_section common, got;
	ARRAY_OF(struct ld_symbol *) got_slots;

	ARRAY_OF(struct ld_output_section *) sections; /* in output order after layout */
	ARRAY_OF(struct ld_output_segment) segments;   /* without __LINKEDIT */
	uint32_t command_count, command_size;
	uint64_t linkedit_address, linkedit_offset;

	struct buffer image; /* file content up to __LINKEDIT, then all of it */
	ARRAY_OF(struct ld_output_relocation) local_relocations, external_relocations;
	ARRAY_OF(struct ld_output_symbol) output_symbols;
	uint32_t local_count, defined_count, undefined_count;
};

/* Calls `visit` for every section that is kept, the linker's own last. */
typedef int ld_section_visitor(struct linker *ld, struct ld_section *section);
int ld_visit_sections(struct linker *ld, ld_section_visitor *visit)
	__attribute__((warn_unused_result));

/* Reports an error and counts it. Returns KEXT_ERR_LINK. */
int ld_error(struct linker *ld, const char *slug, const char *subject, const char *hint,
	     const char *format, ...) __attribute__((format(printf, 5, 6)));
void ld_warn(struct linker *ld, const char *slug, const char *subject, const char *hint,
	     const char *format, ...) __attribute__((format(printf, 5, 6)));
/* KEXT_ERR_LINK when anything was reported as an error. */
int ld_verdict(const struct linker *ld) __attribute__((warn_unused_result));

/* The passes, in order; each returns 0, KEXT_ERR_LINK (reported) or a system error. */
int ld_read_inputs(struct linker *ld) __attribute__((warn_unused_result));
int ld_search_archives(struct linker *ld) __attribute__((warn_unused_result));
int ld_place_commons(struct linker *ld) __attribute__((warn_unused_result));
int ld_mark_live(struct linker *ld) __attribute__((warn_unused_result));
int ld_merge_literals(struct linker *ld) __attribute__((warn_unused_result));
int ld_make_got(struct linker *ld) __attribute__((warn_unused_result));
int ld_lay_out(struct linker *ld) __attribute__((warn_unused_result));
int ld_relocate(struct linker *ld) __attribute__((warn_unused_result));
int ld_make_symbols(struct linker *ld) __attribute__((warn_unused_result));
int ld_emit(struct linker *ld) __attribute__((warn_unused_result));
int ld_write_map(struct linker *ld) __attribute__((warn_unused_result));

/* All passes but the publishing: the image is handed to the caller. */
int ld_link(struct kext_context *context, const struct kext_ld_options *options,
	    struct kext_diagnostics *diagnostics, struct buffer *ret_image)
	__attribute__((warn_unused_result));

/* object.c */
int ld_object_parse(struct linker *ld, const char *name, struct bytes bytes,
		    struct ld_object **ret) __attribute__((warn_unused_result));
/* Cuts it into pieces and enters its symbols; the object is then the linker's. */
int ld_object_load(struct linker *ld, struct ld_object *object)
	__attribute__((warn_unused_result));
struct ld_object *ld_object_free(struct ld_object *object);

/* piece.c */
int ld_cut_section(struct ld_object *object, struct ld_section *section, uint32_t ordinal)
	__attribute__((warn_unused_result));
struct ld_piece *ld_piece_at(const struct ld_section *section, uint64_t offset);

/* x86_64.c: relocations as references; opcodes of GOT loads. */
int ld_x86_64_decode(struct linker *ld, struct ld_object *object,
		     struct ld_section *section, uint32_t ordinal)
	__attribute__((warn_unused_result));
bool ld_x86_64_can_relax(const struct ld_section *section,
			 const struct ld_reference *reference);

/* symbol.c: the table of global symbols. */
struct ld_symbol *ld_symbol_intern(struct linker *ld, const char *name);
int ld_symbol_define(struct linker *ld, struct ld_object *object,
		     const struct macho_symbol *definition, struct ld_piece *piece,
		     struct ld_symbol **ret) __attribute__((warn_unused_result));
/* Whether `name` is in a list whose entries may hold * and ?. */
bool ld_is_listed(const char *name, const char *const *list, size_t count);

/* ar.c: members of an archive, whoever wrote it. */
struct ld_ar {
	struct bytes bytes, long_names;
	size_t position;
};
bool ld_ar_is(struct bytes bytes);
bool ld_ar_begin(struct bytes bytes, struct ld_ar *ret);
/*
 * The next member that is no index: 1 with its name (malloc'ed) and content, 0 at the
 * end, KEXT_ERR_BAD_DATA with *ret_offset of the header that is broken, -ENOMEM.
 */
int ld_ar_next(struct ld_ar *ar, char **ret_name, struct bytes *ret_content,
	       size_t *ret_offset) __attribute__((warn_unused_result));

/* archive.c */
int ld_archive_open(struct linker *ld, const char *path, struct bytes bytes,
		    bool load_all) __attribute__((warn_unused_result));
struct ld_archive *ld_archive_free(struct ld_archive *archive);

/* The piece that stands for this one in the output. */
static inline const struct ld_piece *ld_piece_final(const struct ld_piece *piece)
{
	return piece->replacement ? piece->replacement : piece;
}

/* Whether the output holds this piece itself. */
static inline bool ld_piece_is_placed(const struct ld_piece *piece)
{
	return piece->live && !piece->replacement && (piece->size || piece->is_named);
}

static inline uint32_t ld_section_type(const struct ld_section *section)
{
	return section->flags & 0xff;
}

static inline bool ld_is_zero_fill(uint32_t flags)
{
	return (flags & 0xff) == S_ZEROFILL || (flags & 0xff) == S_GB_ZEROFILL;
}

#endif
