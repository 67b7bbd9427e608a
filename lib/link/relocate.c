/*
 * Applies symbol pointers and relocations, in the output image. A bundle's tables hold
 * addresses in the file's own terms, and a place belongs to the section that holds it; an
 * object file's section has a table that counts from its start.
 */
#include <errno.h>
#include <inttypes.h>
#include "base/memory.h"
#include "link/link.h"

struct relocator {
	struct link *link;
	const struct relocation_table *table;
	const struct placed_section *cached; /* the last place's section */
};

static bool holds(const struct placed_section *section, uint64_t address, uint64_t size)
{
	const struct macho_section *source = section->source;
	return address >= source->address && size <= source->size &&
	       address - source->address <= source->size - size;
}

/* The bytes of the output behind an address of the table; NULL when it has none. */
static uint8_t *place_of(struct relocator *state, uint64_t address, uint64_t size)
{
	struct link *link = state->link;
	address += state->table->base;
	if (state->table->section)
		state->cached = holds(state->table->section, address, size)
					? state->table->section
					: NULL;
	else if (!state->cached || !holds(state->cached, address, size))
		state->cached = layout_section_at(link, address, size);
	if (!state->cached || !state->cached->has_data)
		return NULL;
	return link->output + (state->cached->address - link->base) +
	       (address - state->cached->source->address);
}

static uint64_t offset_of(const struct relocator *state, uint32_t index)
{
	return state->table->table.offset + (uint64_t)index * RELOCATION_SIZE;
}

static int bad_entry(const struct relocator *state, uint32_t index,
		     const struct macho_relocation *r, const char *what)
{
	return link_fail(state->link, "link.relocation", NULL,
			 "offset %#" PRIx64
			 ": %s relocation %u at 0x%x (type %u, length %u%s) %s",
			 offset_of(state, index), state->table->name, index, r->address,
			 r->type, r->length, r->pcrel ? ", pc-relative" : "", what);
}

static int target_of(const struct relocator *state, uint32_t index,
		     const struct macho_relocation *r, uint64_t *ret)
{
	const struct link *link = state->link;
	const struct placed_section *section;
	if (r->external) {
		if (r->symbol >= link->symbols.count)
			return bad_entry(state, index, r,
					 "names a symbol beyond the table");
		*ret = link->addresses[r->symbol];
		return 0;
	}
	section = r->scattered ? layout_section_at(link, r->value, 0)
			       : layout_section(link, r->symbol);
	if (!section)
		return bad_entry(state, index, r,
				 "refers to a section that is not loaded");
	*ret = section_delta(section);
	return 0;
}

static int report_fix(const struct relocator *state, uint32_t index,
		      const struct macho_relocation *r, enum fix_result result)
{
	const char *name = "a local address";
	if (r->external && r->symbol < state->link->symbols.count)
		name = state->link->symbols.items[r->symbol].name;
	switch (result) {
	case FIX_OVERFLOW:
		return link_fail(state->link, "link.overflow", NULL,
				 "offset %#" PRIx64 ": %s relocation %u at 0x%x: "
				 "%s is out of reach from the load address 0x%" PRIx64,
				 offset_of(state, index), state->table->name, index,
				 r->address, name, state->link->base);
	case FIX_GOT:
		return link_fail(
			state->link, "link.relocation",
			"Link the kext with a linker "
			"that builds __got as data, such as kextld -kext.",
			"offset %#" PRIx64
			": %s relocation %u at 0x%x wants %s through a global offset "
			"table, which kexts do not have",
			offset_of(state, index), state->table->name, index, r->address,
			name);
	case FIX_NO_EDIT:
		return bad_entry(state, index, r, "is a branch that cannot be changed");
	default:
		return bad_entry(state, index, r, "is of a form that kexts do not have");
	}
}

/* A direct call through a vtable's entry must not reach a pure virtual method. */
static int check_pure_virtual(const struct relocator *state, uint32_t index,
			      const struct macho_relocation *r, const uint8_t *place)
{
	struct link *link = state->link;
	size_t word = cpu_word(link->cpu);
	const struct symbol *symbol = &link->symbols.items[r->symbol];
	const struct vtable *table = NULL;
	if (!link->cpu->checks_pure_virtual || r->pcrel || (1u << r->length) != word ||
	    !name_is_vtable(symbol->name))
		return 0;
	uint64_t addend = cpu_load_word(link->cpu, place);
	if (addend % word || addend < 2 * word)
		return 0;
	array_for_each (class, &link->classes) {
		if (strcmp(class->table.name, symbol->name) == 0)
			table = &class->table;
		else if (class->meta.slots && strcmp(class->meta.name, symbol->name) == 0)
			table = &class->meta;
	}
	int result = table ? 0 : vtable_of_dependency(link, symbol->name, &table);
	uint64_t slot = addend / word - 2;
	if (result < 0 || !table || slot >= table->count || !table->slots[slot].symbol ||
	    !name_is_pure_virtual(table->slots[slot].symbol->name))
		return result;
	return link_fail(
		link, "link.pure_virtual", "A pure virtual method has no body to call.",
		"offset %#" PRIx64 ": %s relocation %u at 0x%x calls slot %" PRIu64
		" of %s, which is pure "
		"virtual",
		offset_of(state, index), state->table->name, index, r->address, slot,
		symbol->name);
}

static void warn_replaced(struct link *link, const struct macho_relocation *r)
{
	struct symbol *symbol = &link->symbols.items[r->symbol];
	if (!(symbol->flags & SYMBOL_REPLACED) || !(symbol->flags & SYMBOL_UNRESOLVED))
		return;
	kext_diagnose(link->report.diagnostics, KEXT_WARNING, "link.vtable",
		      link->report.subject, NULL,
		      "%s at 0x%x: the kernel no longer has this "
		      "method, a reference outside of vtables becomes 0",
		      symbol->name, r->address);
}

/* What patching put into the slot, or the symbol's own address. */
static int external_target(struct relocator *state, uint32_t index,
			   const struct macho_relocation *r, uint8_t *place,
			   struct fixup *fixup)
{
	struct link *link = state->link;
	uint32_t number = state->table->first + index;
	if (link->patches && link->patches[number].is_set) {
		fixup->target = link->patches[number].address;
		return 0;
	}
	warn_replaced(link, r);
	return check_pure_virtual(state, index, r, place);
}

static int add_pair(struct relocator *state, uint32_t index,
		    const struct macho_relocation *pair, enum pair_kind kind,
		    struct fixup *fixup)
{
	fixup->has_pair = true;
	fixup->pair_type = pair->type;
	fixup->pair_address = pair->address;
	return kind == PAIR_HALF ? 0 : target_of(state, index, pair, &fixup->pair_target);
}

/* What the table's addresses count from, as linked. */
static uint64_t place_origin(const struct relocator *state)
{
	return state->table->section ? state->table->section->address
				     : state->cached->slide;
}

static int apply_one(struct relocator *state, uint32_t index,
		     const struct macho_relocation *r,
		     const struct macho_relocation *pair)
{
	struct link *link = state->link;
	struct fixup fixup = {.type = r->type,
			      .length = r->length,
			      .pcrel = r->pcrel,
			      .external = r->external,
			      .scattered = r->scattered,
			      .base_pc = r->address};
	/* Longer ones than a word say something else by their length. */
	uint64_t size = (uint64_t)1 << r->length, word = cpu_word(link->cpu);
	uint8_t *place = place_of(state, r->address, size < word ? size : word);
	if (!place)
		return bad_entry(state, index, r, "lies in no section with data");
	fixup.link_pc = r->address + place_origin(state);
	int result = target_of(state, index, r, &fixup.target);
	if (result == 0 && pair)
		result = add_pair(state, index, pair, link->cpu->pair(r), &fixup);
	if (result == 0 && r->external)
		result = external_target(state, index, r, place, &fixup);
	if (result < 0)
		return result;
	enum fix_result fixed = link->cpu->apply(&fixup, place, link->macho.big);
	return fixed == FIX_DONE ? 0 : report_fix(state, index, r, fixed);
}

static bool is_absolute(const struct macho_relocation *r)
{
	return !r->external && !r->scattered && r->symbol == 0;
}

static int apply_table(struct link *link, const struct relocation_table *table)
{
	struct relocator state = {.link = link, .table = table};
	struct macho_relocation r, pair;
	for (uint32_t i = 0; macho_relocation_at(&link->macho, table->table, i, &r);
	     i++) {
		if (is_absolute(&r))
			continue;
		bool has_pair = link->cpu->pair(&r) != PAIR_NONE;
		if (has_pair &&
		    !macho_relocation_at(&link->macho, table->table, i + 1, &pair))
			return bad_entry(&state, i, &r, "lacks its second entry");
		int result = apply_one(&state, i, &r, has_pair ? &pair : NULL);
		if (result < 0)
			return result;
		i += has_pair;
	}
	return 0;
}

static int apply_pointer(struct link *link, const struct macho_section *source,
			 uint32_t index, uint8_t *place)
{
	uint32_t symbol;
	if (!macho_indirect_at(&link->macho, index, &symbol))
		return report_bad(&link->report, NULL,
				  "offset %#x: __nl_symbol_ptr needs entry %u of the "
				  "indirect symbol table, which has %u",
				  source->header, index,
				  link->macho.indirect_symbols.count);
	uint64_t change = link->base;
	if (symbol & INDIRECT_SYMBOL_LOCAL) {
		if (symbol & INDIRECT_SYMBOL_ABS)
			return 0;
	} else if (symbol >= link->symbols.count) {
		return report_bad(
			&link->report, NULL,
			"offset %#" PRIx64 ": entry %u of the indirect symbol table "
			"names symbol %u of %u",
			link->macho.indirect_symbols.offset + UINT64_C(4) * index, index,
			symbol, link->symbols.count);
	} else {
		change = link->addresses[symbol];
	}
	if (link->cpu->is_64)
		store64(place, load64(place, link->macho.big) + change, link->macho.big);
	else
		store32(place, load32(place, link->macho.big) + (uint32_t)change,
			link->macho.big);
	return 0;
}

static int apply_pointers(struct link *link)
{
	size_t word = cpu_word(link->cpu);
	for (size_t i = 0; i < link->section_count; i++) {
		const struct placed_section *section = &link->sections[i];
		const struct macho_section *source = section->source;
		if (!section->has_data || strcmp(source->segment, "__DATA") ||
		    strcmp(source->name, "__nl_symbol_ptr") || !(source->flags & 6))
			continue;
		uint8_t *place = link->output + (section->address - link->base);
		for (uint64_t at = 0; at + word <= source->size; at += word) {
			uint32_t index = source->reserved1 + (uint32_t)(at / word);
			int r = apply_pointer(link, source, index, place + at);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int pass_relocate(struct link *link)
{
	/* Only bundles have symbol pointers that the linker fills. */
	int r = link_is_object(link) ? 0 : apply_pointers(link);
	for (size_t i = 0; i < link->table_count && r == 0; i++)
		r = apply_table(link, &link->tables[i]);
	return r;
}
