/* Symbol classes and the name index; see symtab.h. */
#include <errno.h>
#include <inttypes.h>
#include <sys/auxv.h>
#include "base/memory.h"
#include "link/names.h"
#include "link/symtab.h"

static uint64_t seed;

__attribute__((constructor)) static void choose_seed(void)
{
	const void *random = (const void *)getauxval(AT_RANDOM);
	if (random)
		memcpy(&seed, random, sizeof(seed));
}

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0xff51afd7ed558ccdull;
	return h ^ h >> 32;
}

uint32_t name_hash(const char *name, size_t length)
{
	uint64_t h = seed ^ length, word = 0;
	if (length < 8) {
		for (size_t i = 0; i < length; i++)
			word = word << 8 | (uint8_t)name[i];
		return (uint32_t)(mix(h, word) * 0xc4ceb9fe1a85ec53ull >> 32);
	}
	for (size_t at = 0; at + 8 < length; at += 8) {
		memcpy(&word, name + at, 8);
		h = mix(h, word);
	}
	memcpy(&word, name + length - 8, 8);
	return (uint32_t)(mix(h, word) * 0xc4ceb9fe1a85ec53ull >> 32);
}

uint32_t address_hash(uint64_t value)
{
	return (uint32_t)(mix(seed, value) * 0xc4ceb9fe1a85ec53ull >> 32);
}

uint32_t table_size(uint64_t count)
{
	uint32_t size = 16;
	if (count > UINT32_MAX / 8)
		return 0;
	while (size < count * 2)
		size *= 2;
	return size;
}

/* Debugger entries either move with a section or stay; others are not known to Darwin. */
static int stab_class(uint8_t type)
{
	switch (type) {
	case 0x24:
	case 0x26:
	case 0x28:
	case 0x2e:
	case 0x44:
	case 0x4e:
	case 0x64:
	case 0x84:
	case 0xa4:
	case 0xc0:
	case 0xe0:
	case 0xe4:
	case 0xe8:
		return SYMBOL_STAB | SYMBOL_SECTION;
	case 0x20:
	case 0x22:
	case 0x3c:
	case 0x40:
	case 0x60:
	case 0x66:
	case 0x80:
	case 0x82:
	case 0x86:
	case 0x88:
	case 0x8a:
	case 0xa0:
	case 0xa2:
	case 0xc2:
	case 0xe2:
	case 0xfe:
		return SYMBOL_STAB | SYMBOL_ABSOLUTE;
	default:
		return 0;
	}
}

static int symbol_class(uint8_t type, uint64_t value)
{
	if (type & N_STAB)
		return stab_class(type);
	switch (type & N_TYPE) {
	case N_ABS:
		return SYMBOL_ABSOLUTE;
	case N_SECT:
		return SYMBOL_SECTION;
	case N_UNDF:
		return value ? SYMBOL_COMMON : SYMBOL_UNDEFINED;
	case N_INDR:
		return SYMBOL_INDIRECT;
	default:
		return 0;
	}
}

static uint16_t symbol_attributes(const struct symbol *symbol)
{
	unsigned flags =
		symbol->type & N_EXT && !(symbol->type & N_PEXT) ? SYMBOL_EXTERNAL : 0;
	flags |= symbol->desc & N_WEAK_REF ? SYMBOL_WEAK : 0;
	flags |= symbol->desc & N_DESC_DISCARDED ? SYMBOL_OBSOLETE : 0;
	flags |= symbol->desc & N_ARM_THUMB_DEF ? SYMBOL_THUMB : 0;
	if (name_is_cxx(symbol->name))
		flags |= SYMBOL_CXX;
	return (uint16_t)flags;
}

/* Every image has these for itself, the kernel included. */
static bool is_kept_private(const struct symbol *symbol)
{
	static const char *const names[] = {"_kmod_info", "__Znwm", "__Znam", "__ZdlPv",
					    "__ZdaPv"};
	if (symbol->length > 10 || symbol->length < 6)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(symbol->name, names[i]) == 0)
			return true;
	return false;
}

static void finish_symbol(struct symtab *symtab, struct symbol *symbol)
{
	if (symbol->flags & SYMBOL_SECTION && symbol->section == 0)
		symbol->flags ^= SYMBOL_SECTION | SYMBOL_ABSOLUTE;
	if (symbol->flags & SYMBOL_ABSOLUTE)
		symbol->section = 0;
	if (symbol->flags & SYMBOL_STAB)
		return;
	symbol->flags |= symbol_attributes(symbol);
	symbol->hash = name_hash(symbol->name, symbol->length);
	if (!symbol_is_defined(symbol) || !is_kept_private(symbol))
		return;
	if (symbol->name[1] == 'k')
		symtab->kmod_info = (uint32_t)(symbol - symtab->items);
	if (symbol->flags & SYMBOL_EXTERNAL) {
		symbol->flags &= (uint16_t)~SYMBOL_EXTERNAL;
		symbol->type |= N_PEXT;
	}
}

/* The string table is kept up to its last NUL; without one there is only the empty name.
 */
static const char *name_at(const struct macho *macho, uint64_t strx)
{
	if (strx < macho->strings.size)
		return (const char *)macho->strings.data + strx;
	return strx == 0 ? "" : NULL;
}

static int read_symbol(const struct macho *macho, const struct report *report,
		       uint32_t index, struct symbol *ret)
{
	size_t entry = macho->is_64 ? 16 : 12;
	uint64_t at = macho->symbols.offset + (uint64_t)index * entry;
	const uint8_t *p = macho->bytes.data + at;
	uint32_t strx = load32(p, macho->big);
	ret->type = p[4];
	ret->section = p[5];
	ret->desc = load16(p + 6, macho->big);
	ret->value = macho->is_64 ? load64(p + 8, macho->big) : load32(p + 8, macho->big);
	ret->name = name_at(macho, strx);
	if (!ret->name)
		return report_bad(report, NULL,
				  "offset %#" PRIx64
				  ": symbol %u has its name at string offset "
				  "%u, beyond the %zu bytes of terminated strings",
				  at, index, strx, macho->strings.size);
	ret->length = (uint32_t)strlen(ret->name);
	int class = symbol_class(ret->type, ret->value);
	if (!class)
		return report_bad(report, NULL,
				  "offset %#" PRIx64
				  ": symbol %u (%s) has the unknown type 0x%02x",
				  at, index, ret->name, ret->type);
	ret->flags = (uint16_t) class;
	if (class == SYMBOL_INDIRECT && ret->value >= macho->strings.size)
		return report_bad(report, NULL,
				  "offset %#" PRIx64
				  ": symbol %u (%s) is indirect to string offset "
				  "%#" PRIx64 ", beyond the string table",
				  at, index, ret->name, ret->value);
	if (class & SYMBOL_SECTION && ret->section > macho->sections.count)
		return report_bad(
			report, NULL,
			"offset %#" PRIx64 ": symbol %u (%s) is in section %u of %zu", at,
			index, ret->name, ret->section, macho->sections.count);
	return 0;
}

int symtab_read(const struct macho *macho, const struct report *report,
		struct symtab *ret)
{
	struct symtab symtab = {.count = macho->symbols.count, .kmod_info = SYMBOL_NONE};
	symtab.items = mem_zero(symtab.count, sizeof(*symtab.items));
	if (!symtab.items)
		return -ENOMEM;
	for (uint32_t i = 0; i < symtab.count; i++) {
		int r = read_symbol(macho, report, i, &symtab.items[i]);
		if (r < 0) {
			free(symtab.items);
			return r;
		}
		finish_symbol(&symtab, &symtab.items[i]);
	}
	*ret = symtab;
	return 0;
}

static int symbol_rank(const struct symbol *symbol, enum symtab_index_kind kind)
{
	if (symbol_is_defined(symbol))
		return kind == INDEX_IMAGE && symbol->flags & SYMBOL_EXTERNAL ? 4 : 3;
	if (kind == INDEX_DEFINED || symbol->flags & SYMBOL_STAB)
		return 0;
	return symbol->flags & SYMBOL_INDIRECT ? 2 : 1;
}

static void index_symbol(struct symtab *symtab, uint32_t index,
			 enum symtab_index_kind kind)
{
	const struct symbol *symbol = &symtab->items[index];
	int rank = symbol_rank(symbol, kind);
	if (rank == 0)
		return;
	uint32_t at = symbol->hash & symtab->mask;
	for (; symtab->slots[at].index; at = (at + 1) & symtab->mask) {
		if (symtab->slots[at].hash != symbol->hash)
			continue;
		const struct symbol *other = &symtab->items[symtab->slots[at].index - 1];
		if (!symbols_same_name(symbol, other))
			continue;
		if (symbol_rank(other, kind) > rank)
			return;
		break;
	}
	symtab->slots[at] = (struct name_slot){symbol->hash, index + 1};
}

int symtab_index(struct symtab *symtab, enum symtab_index_kind kind)
{
	uint64_t count = 0;
	for (uint32_t i = 0; i < symtab->count; i++)
		count += symbol_rank(&symtab->items[i], kind) != 0;
	uint32_t size = table_size(count);
	struct name_slot *slots = size ? mem_zero(size, sizeof(*slots)) : NULL;
	if (!slots)
		return -ENOMEM;
	symtab->slots = slots;
	symtab->mask = size - 1;
	for (uint32_t i = 0; i < symtab->count; i++)
		index_symbol(symtab, i, kind);
	return 0;
}

void symtab_free(struct symtab *symtab)
{
	free(symtab->items);
	free(symtab->slots);
	*symtab = (struct symtab){0};
}

const struct symbol *symtab_find(const struct symtab *symtab, const char *name,
				 uint32_t length, uint32_t hash)
{
	if (!symtab->slots)
		return NULL;
	for (uint32_t at = hash & symtab->mask; symtab->slots[at].index;
	     at = (at + 1) & symtab->mask) {
		if (symtab->slots[at].hash != hash)
			continue;
		const struct symbol *symbol = &symtab->items[symtab->slots[at].index - 1];
		if (symbol->length == length && memcmp(symbol->name, name, length) == 0)
			return symbol;
	}
	return NULL;
}

const struct symbol *symtab_find_name(const struct symtab *symtab, const char *name)
{
	size_t length = strlen(name);
	return symtab_find(symtab, name, (uint32_t)length, name_hash(name, length));
}
