/*
 * One link in progress: the kext's parsed file, where everything goes, what its symbols
 * are bound to. The passes of kext_link() work on this, each in its own file.
 */
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include "base/map.h"
#include "link/image.h"
#include "link/names.h"

struct placed_section {
	const struct macho_section *source;
	uint64_t offset;  /* where it goes in the image before it slides */
	uint64_t slide;	  /* of its segment */
	uint64_t address; /* as linked */
	bool has_data;
};

struct placed_segment {
	const struct macho_segment *source;
	uint64_t address, size; /* as linked */
	uint32_t first, count;	/* in link.sections */
	bool is_linkedit;
};

/* One table of relocations: a bundle has two, an object file one for each section. */
struct relocation_table {
	struct macho_table table;
	const char *name;
	const struct placed_section *section; /* of an object file; NULL */
	uint64_t base;			      /* what its addresses start from */
	uint32_t first; /* number of its first entry among those of all tables */
	bool is_local;	/* nothing in it fills a vtable's slot from outside */
};

/* A dependency's image as the source of C++ names by address, last one first. */
struct address_space {
	const struct kext_image *image;
	bool exported_only;
};

/* What a name is bound to. */
struct definition {
	const struct symbol *symbol;
	const struct kext_image *image;
	bool is_obsolete;
};

struct vtable_slot {
	const struct symbol *symbol; /* NULL: nothing is known of it */
	uint64_t address;	     /* what it holds as linked */
	uint32_t
		relocation; /* number of the external one that fills it, or SYMBOL_NONE */
};

struct vtable {
	const char *name;
	struct vtable_slot *slots;
	uint32_t count;
};

/* An I/O Kit class of this kext: one with a pointer to its superclass's metaclass. */
struct class
{
	struct class_name name, super;
	uint32_t super_pointer;	   /* symbol index */
	struct vtable table, meta; /* meta.slots NULL: it has none */
	enum { CLASS_WAITING, CLASS_STARTED, CLASS_DONE, CLASS_FAILED } state;
	struct class *subclass; /* that waits for this one */
};

/* The target of an external relocation after its vtable slot was patched. */
struct patch {
	bool is_set, is_missing;
	uint64_t address;
};

struct link {
	const struct kext_link_request *request;
	struct report report;
	const struct cpu *cpu;
	struct macho macho;
	struct symtab symbols;
	uint64_t *addresses; /* of each symbol, as linked */

	/* layout */
	struct placed_segment *segments;
	size_t segment_count;
	struct placed_section *sections; /* of the kept segments, in order */
	size_t section_count;
	uint8_t ordinals[256]; /* input ordinal → index in sections + 1; 0: dropped */
	struct macho_segment own_segments[2]; /* an object file's, and its __LINKEDIT */
	struct macho_section common;	      /* an object file's __common, grown */
	uint64_t header_size;		      /* in front of the first segment */
	uint64_t page, total, symbol_size, relocation_size;
	uint64_t output_size; /* total, save in a split kext */
	bool is_split;	      /* segments go where the caller says */
	struct bytes split_info;
	uint32_t output_symbols, output_relocations;
	bool has_slides; /* slide information was asked for and exists */
	uint64_t base;	 /* the load address */

	/* dependencies */
	struct address_space *spaces;
	size_t space_count;
	uint64_t image_words; /* in the files of all of them */
	bool any_missing;
	enum { WEAK_UNKNOWN, WEAK_TESTED, WEAK_UNTESTED } weak;

	/* relocations */
	struct relocation_table *tables;
	size_t table_count;
	uint32_t relocation_count; /* of all tables */

	/* vtables */
	uint32_t *places; /* address → relocation; see places.c */
	uint32_t place_mask;
	ARRAY_OF(struct class) classes;
	struct map parents; /* vtable name → struct vtable of a dependency */
	ARRAY_OF(struct vtable_slot) scratch;
	uint64_t own_slots, other_slots; /* read so far, against overlapping vtables */
	struct patch *patches;		 /* by relocation; NULL: none */
	bool *is_slot;			 /* by relocation; NULL: not known */
	struct own_cxx *own_cxx;	 /* of an object file, by value; see vtable.c */
	size_t own_cxx_count;

	uint8_t *output;
	uint64_t kmod_info;
	uint32_t missing_direct, missing_slots;
};

#define link_fail(link, slug_, hint, ...)                                                \
	(kext_diagnose((link)->report.diagnostics, KEXT_ERROR, slug_,                    \
		       (link)->report.subject, hint, __VA_ARGS__),                       \
	 KEXT_ERR_LINK)

/* Passes, in order. Each returns 0, KEXT_ERR_LINK with diagnostics, or -ENOMEM. */
int pass_parse(struct link *link);
int pass_layout(struct link *link);
int pass_allocate(struct link *link);
int pass_exports(struct link *link);
int pass_duplicates(struct link *link);
int pass_bind(struct link *link);
int pass_vtables(struct link *link);
int pass_validate(struct link *link);
int pass_copy(struct link *link);
int pass_relocate(struct link *link);
int pass_kmod_info(struct link *link);
int pass_emit(struct link *link);

/* exports.c */
bool exports_find(const struct link *link, const struct symbol *key,
		  struct definition *ret);
const struct symbol *exports_cxx_at(const struct link *link, uint64_t address);
/* The last dependency that defines the name, in any binding and however it was reached.
 */
bool exports_find_anywhere(const struct link *link, const char *name,
			   struct definition *ret);
/* A dependency that would define the name if it were a direct one; NULL. */
const char *exports_suggest(const struct link *link, const struct symbol *key);

/* Whether a symbol goes to the output: every definition of its own, debugger entries too.
 */
static inline bool symbol_is_output(const struct symbol *symbol)
{
	return symbol->flags & SYMBOL_DEFINED && !(symbol->flags & SYMBOL_RESOLVED);
}

/* object.c: the layout of an object file, which is one unnamed segment. */
int object_layout(struct link *link);
/* split.c: whether the caller gave each segment an address, and what follows from it. */
bool split_is_wanted(const struct kext_link_request *request);
int split_read_info(struct link *link);
int split_place(struct link *link);

/* layout.c: makes the output ready for `segment`, which goes behind all others so far. */
int layout_linkedit(struct link *link, struct placed_segment *segment);
/* Adds a section; its ordinal in the file is index + 1. */
int layout_add_section(struct link *link, const struct macho_section *section,
		       uint32_t index);
void layout_size_symbols(struct link *link);
int layout_check_size(const struct link *link);
/* The kept section that holds [address, address + size) of the file; NULL. */
const struct placed_section *layout_section_at(const struct link *link, uint64_t address,
					       uint64_t size);
const struct placed_section *layout_section(const struct link *link, uint32_t ordinal);
/* How far a section moves. */
static inline uint64_t section_delta(const struct placed_section *section)
{
	return section->address - section->source->address;
}

static inline bool link_is_object(const struct link *link)
{
	return link->macho.filetype == MH_OBJECT;
}

/* places.c: all tables of relocations, and where each relocation is by address. */
int places_tables(struct link *link);
int places_index(struct link *link);
bool places_external(const struct link *link, uint64_t address, uint32_t *ret_index,
		     struct macho_relocation *ret);
bool places_local(const struct link *link, uint64_t address,
		  struct macho_relocation *ret);

/*
 * vtable.c: reads the slots of a vtable that the kext defines into link->scratch. 1 when
 * it ends with its section instead of with a zero word.
 */
int vtable_scan_own(struct link *link, const struct symbol *symbol);
/* The same with the tables of further base classes behind it, and without complaint. */
int vtable_scan_whole(struct link *link, const struct symbol *symbol);
int vtable_read_own(struct link *link, const struct symbol *symbol, struct vtable *ret);
/* A dependency's vtable, read once per link; *ret NULL when there is none of that name.
 */
int vtable_of_dependency(struct link *link, const char *name, const struct vtable **ret);

/* class.c: `only_tables`: checks that each class has its vtables, and nothing else. */
int classes_read(struct link *link, bool only_tables);
/* patch.c: lets the slots that a class inherits follow its superclass. */
int class_patch(struct link *link, struct class *class, const struct vtable *super);

/* explain.c: lists of names in diagnostics, without end only up to a cap. */
#define EXPLAIN_CAP 50
/* "__ZN3FooC1Ev (Foo::Foo())"; the caller frees it; NULL without memory. */
char *explain_name(const char *name);
/* "IOService" of a class "9IOService"; likewise. */
char *explain_class(struct class_name name);
/* Counts one of a list; true while it is to be reported. */
static inline bool explain_next(size_t *count)
{
	return (*count)++ < EXPLAIN_CAP;
}
void explain_rest(struct link *link, const char *slug, size_t count);

#endif
