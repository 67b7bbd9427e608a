/*
 * The symbols of one Mach-O as the linker sees them: classified, hashed once, and found
 * by name. Reads the table where it lies; names are borrowed from the file.
 */
#ifndef LINK_SYMTAB_H
#define LINK_SYMTAB_H

#include "macho/macho.h"

enum symbol_flag {
	SYMBOL_STAB = 1 << 0,
	SYMBOL_ABSOLUTE = 1 << 1,
	SYMBOL_SECTION = 1 << 2,
	SYMBOL_UNDEFINED = 1 << 3,
	SYMBOL_COMMON = 1 << 4,
	SYMBOL_INDIRECT = 1 << 5, /* value: string offset of the name it stands for */
	SYMBOL_EXTERNAL = 1 << 6, /* N_EXT without N_PEXT */
	SYMBOL_THUMB = 1 << 7,
	SYMBOL_WEAK = 1 << 8, /* weak reference */
	SYMBOL_OBSOLETE = 1 << 9,
	SYMBOL_CXX = 1 << 10,
	SYMBOL_RESOLVED = 1 << 11, /* bound to a dependency */
	SYMBOL_REPLACED = 1 << 12, /* a vtable slot that named it was patched */
	SYMBOL_MISSING = 1 << 13,  /* bound to something the kernel only traps */
	SYMBOL_DIRECT = 1 << 14,   /* … and used outside of a vtable */
};

#define SYMBOL_DEFINED	  (SYMBOL_ABSOLUTE | SYMBOL_SECTION)
#define SYMBOL_UNRESOLVED (SYMBOL_UNDEFINED | SYMBOL_COMMON | SYMBOL_INDIRECT)
#define SYMBOL_NONE	  UINT32_MAX

struct symbol {
	const char *name;
	uint64_t value; /* n_value, without the Thumb bit */
	uint32_t hash, length;
	uint16_t desc, flags;
	uint8_t type, section; /* as they go to the output */
};

struct name_slot {
	uint32_t hash, index; /* index + 1; 0: free */
};

struct symtab {
	struct symbol *items;
	uint32_t count;
	uint32_t kmod_info; /* index of the defined _kmod_info, or SYMBOL_NONE */
	struct name_slot *slots;
	uint32_t mask;
};

/* Where findings go: the list, the file's name, and the slug for bad input. */
struct report {
	struct kext_diagnostics *diagnostics;
	const char *subject, *slug;
};

#define report_bad(report, hint, ...)                                                    \
	(kext_diagnose((report)->diagnostics, KEXT_ERROR, (report)->slug,                \
		       (report)->subject, hint, __VA_ARGS__),                            \
	 KEXT_ERR_LINK)

/* Which symbols an index holds; of equal names the last one of the highest rank wins. */
enum symtab_index_kind {
	INDEX_DEFINED, /* a kext's own definitions */
	INDEX_IMAGE,   /* exported, then private definitions, then what an interface lists
			*/
};

/* 0, KEXT_ERR_LINK with a diagnostic, or -ENOMEM; *ret is then untouched. */
int symtab_read(const struct macho *macho, const struct report *report,
		struct symtab *ret) __attribute__((warn_unused_result));
int symtab_index(struct symtab *symtab, enum symtab_index_kind kind)
	__attribute__((warn_unused_result));
void symtab_free(struct symtab *symtab);
/* NULL when the index has no such name. */
const struct symbol *symtab_find(const struct symtab *symtab, const char *name,
				 uint32_t length, uint32_t hash);
/* The same for a name that was not hashed yet. */
const struct symbol *symtab_find_name(const struct symtab *symtab, const char *name);

/* Hash of a name; seeded per process so that no input can aim at one bucket. */
uint32_t name_hash(const char *name, size_t length);
/* Hash of an address for the tables keyed by addresses. */
uint32_t address_hash(uint64_t value);
/* A power of two that holds `count` entries at most half full; 0 when that is too many.
 */
uint32_t table_size(uint64_t count);

static inline bool symbol_is_defined(const struct symbol *symbol)
{
	return (symbol->flags & (SYMBOL_DEFINED | SYMBOL_STAB)) &&
	       !(symbol->flags & (SYMBOL_STAB | SYMBOL_RESOLVED | SYMBOL_REPLACED));
}

static inline bool symbol_is_exported(const struct symbol *symbol)
{
	return symbol_is_defined(symbol) && (symbol->flags & SYMBOL_EXTERNAL);
}

/* The address a reference gets: the value with the Thumb bit. */
static inline uint64_t symbol_address(const struct symbol *symbol)
{
	return symbol->value | (symbol->flags & SYMBOL_THUMB ? 1 : 0);
}

static inline bool symbols_same_name(const struct symbol *a, const struct symbol *b)
{
	return a->hash == b->hash && a->length == b->length &&
	       memcmp(a->name, b->name, a->length) == 0;
}

#endif
