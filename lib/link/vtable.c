/*
 * Reading vtables. Two words before the first slot hold the offset to the top and the
 * RTTI; a zero word ends the slots. In a kext to be linked an inherited slot is a zero
 * word with an external relocation, an own method a word with a local one. In an object
 * file slots are the places with relocations, whatever they hold; in a linked image every
 * slot is an address.
 */
#include <errno.h>
#include <inttypes.h>
#include "base/memory.h"
#include "link/link.h"

static int push_slot(struct link *link, struct vtable_slot slot)
{
	struct vtable_slot *place = array_push(&link->scratch);
	if (!place)
		return -ENOMEM;
	*place = slot;
	return 0;
}

static int push_external(struct link *link, uint32_t relocation, uint32_t symbol)
{
	if (symbol >= link->symbols.count)
		return report_bad(&link->report, NULL,
				  "external relocation %u names symbol %u of %u",
				  relocation, symbol, link->symbols.count);
	return push_slot(link, (struct vtable_slot){&link->symbols.items[symbol],
						    link->addresses[symbol], relocation});
}

/* ---- this kext's own ---- */

struct own_cxx {
	uint64_t value;
	uint32_t index;
};

static int compare_own(const void *a, const void *b)
{
	const struct own_cxx *x = a, *y = b;
	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static int index_own_cxx(struct link *link)
{
	link->own_cxx = mem_zero((size_t)link->symbols.count + 1, sizeof(*link->own_cxx));
	if (!link->own_cxx)
		return -ENOMEM;
	for (uint32_t i = 0; i < link->symbols.count; i++) {
		const struct symbol *symbol = &link->symbols.items[i];
		if (symbol_is_defined(symbol) && symbol->flags & SYMBOL_CXX)
			link->own_cxx[link->own_cxx_count++] =
				(struct own_cxx){symbol->value, i};
	}
	if (link->own_cxx_count)
		qsort(link->own_cxx, link->own_cxx_count, sizeof(*link->own_cxx),
		      compare_own);
	return 0;
}

/* Of several at one value the last one. NULL: there is none. */
static const struct symbol *own_cxx_at(const struct link *link, uint64_t value)
{
	size_t low = 0, high = link->own_cxx_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (link->own_cxx[middle].value <= value)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || link->own_cxx[low - 1].value != value)
		return NULL;
	return &link->symbols.items[link->own_cxx[low - 1].index];
}

static int push_local(struct link *link, uint64_t word)
{
	if (!link->own_cxx && index_own_cxx(link) < 0)
		return -ENOMEM;
	const struct symbol *own = own_cxx_at(link, word);
	uint64_t address = own ? link->addresses[own - link->symbols.items] : 0;
	return push_slot(link, (struct vtable_slot){own, address, SYMBOL_NONE});
}

static uint64_t word_at(const struct link *link, const struct placed_section *section,
			uint64_t at)
{
	return cpu_load_word(link->cpu, section->source->content.data + at);
}

/* One slot at offset `at` of the section. 1: there is none, the table has ended. */
static int scan_slot(struct link *link, const struct placed_section *section, uint64_t at)
{
	struct macho_relocation r;
	uint32_t number;
	uint64_t word = word_at(link, section, at),
		 address = section->source->address + at;
	bool is_object = link_is_object(link);
	if (!is_object && word)
		return push_slot(link, (struct vtable_slot){.relocation = SYMBOL_NONE});
	if (places_external(link, address, &number, &r))
		return push_external(link, number, r.symbol);
	if (is_object && places_local(link, address, &r))
		return push_local(link, word);
	return 1;
}

/* The slots from *at on, which is left where they end. 1: at the end of the section. */
static int scan_slots(struct link *link, const struct placed_section *section,
		      uint64_t *at)
{
	size_t word = cpu_word(link->cpu);
	for (; bytes_holds(section->source->content, *at, word); *at += word) {
		int r = scan_slot(link, section, *at);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	return 1;
}

/* NULL when the vtable lies in no section; *ret: offset of its first slot. */
static const struct placed_section *find_slots(const struct link *link,
					       const struct symbol *symbol, uint64_t *ret)
{
	const struct placed_section *section = layout_section(link, symbol->section);
	if (!section || symbol->value < section->source->address)
		return NULL;
	uint64_t at = symbol->value - section->source->address;
	bool wraps = __builtin_add_overflow(at, 2 * cpu_word(link->cpu), ret);
	return wraps ? NULL : section;
}

int vtable_scan_own(struct link *link, const struct symbol *symbol)
{
	uint64_t at;
	const struct placed_section *section = find_slots(link, symbol, &at);
	link->scratch.count = 0;
	/* Without relocations an object file's section holds no vtable. */
	if (!section || (link_is_object(link) && section->source->nreloc == 0))
		return 1;
	return scan_slots(link, section, &at);
}

/*
 * A class with several bases has a table for each, one after the other: behind the slots
 * of one stand the distance to the object's start, a small negative number, and the RTTI,
 * which is zero in the kernel.
 */
static bool next_base(struct link *link, const struct placed_section *section,
		      uint64_t *at)
{
	size_t word = cpu_word(link->cpu);
	/* In a bundle the distance was taken for a slot. */
	uint64_t top = link_is_object(link) ? *at : *at - word;
	struct macho_relocation r;
	uint32_t number;
	if (top < 2 * word || !bytes_holds(section->source->content, top, 2 * word) ||
	    word_at(link, section, top + word) != 0)
		return false;
	uint64_t distance = word_at(link, section, top), address;
	int64_t value = word == 8 ? (int64_t)distance : (int32_t)(uint32_t)distance;
	if (value >= 0 || value < -0x100000 || value % (int64_t)word)
		return false;
	for (unsigned i = 0; i < 2; i++) {
		address = section->source->address + top + i * word;
		if (places_external(link, address, &number, &r) ||
		    places_local(link, address, &r))
			return false;
	}
	*at = top + 2 * word;
	return true;
}

int vtable_scan_whole(struct link *link, const struct symbol *symbol)
{
	uint64_t at;
	const struct placed_section *section = find_slots(link, symbol, &at);
	link->scratch.count = 0;
	if (!section)
		return 0;
	int r;
	do
		r = scan_slots(link, section, &at);
	while (r == 0 && next_base(link, section, &at));
	return r < 0 ? r : 0;
}

/* Turns the scanned slots into a table of their own. */
static int keep_scratch(struct link *link, const char *name, struct vtable *ret)
{
	struct vtable_slot *slots =
		mem_copy(link->scratch.items, link->scratch.count * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	*ret = (struct vtable){name, slots, (uint32_t)link->scratch.count};
	return 0;
}

int vtable_read_own(struct link *link, const struct symbol *symbol, struct vtable *ret)
{
	int r = vtable_scan_own(link, symbol);
	if (r < 0)
		return r;
	if (r > 0)
		return link_fail(link, "link.vtable", NULL,
				 "the vtable %s at 0x%" PRIx64
				 " runs off the end of its section",
				 symbol->name, symbol->value);
	link->own_slots += link->scratch.count;
	if (link->own_slots > link->request->size / cpu_word(link->cpu))
		return link_fail(link, "link.vtable", NULL, "the vtables overlap at %s",
				 symbol->name);
	return keep_scratch(link, symbol->name, ret);
}

/* ---- dependencies' ---- */

static int scan_image(struct link *link, const struct definition *found)
{
	size_t word = cpu_word(link->cpu);
	struct bytes bytes;
	link->scratch.count = 0;
	if (!image_bytes_at(found->image, found->symbol->value, &bytes))
		return 1;
	for (uint64_t at = 2 * word; bytes_holds(bytes, at, word); at += word) {
		uint64_t value = cpu_load_word(link->cpu, bytes.data + at);
		if (!value)
			return 0;
		value &= link->cpu->has_thumb ? ~(uint64_t)1 : ~(uint64_t)0;
		const struct symbol *symbol = exports_cxx_at(link, value);
		int r = push_slot(link,
				  (struct vtable_slot){
					  symbol, symbol ? symbol_address(symbol) : value,
					  SYMBOL_NONE});
		if (r < 0)
			return r;
	}
	return 1;
}

static int read_image(struct link *link, const struct definition *found,
		      struct vtable *ret)
{
	int r = scan_image(link, found);
	if (r < 0)
		return r;
	if (r > 0)
		return link_fail(link, "link.vtable", NULL,
				 "the vtable %s of %s at 0x%" PRIx64
				 " is not in the file or runs off its segment",
				 found->symbol->name, found->image->name,
				 found->symbol->value);
	link->other_slots += link->scratch.count;
	if (link->other_slots > link->image_words)
		return link_fail(link, "link.vtable", NULL,
				 "the vtables of %s overlap at %s", found->image->name,
				 found->symbol->name);
	return keep_scratch(link, found->symbol->name, ret);
}

int vtable_of_dependency(struct link *link, const char *name, const struct vtable **ret)
{
	struct definition found;
	*ret = map_get(&link->parents, name);
	if (*ret || !exports_find_anywhere(link, name, &found))
		return 0;
	struct vtable *table = mem_zero(1, sizeof(*table));
	if (!table)
		return -ENOMEM;
	int r = read_image(link, &found, table);
	if (r == 0)
		r = map_put(&link->parents, found.symbol->name, table);
	if (r < 0) {
		free(table->slots);
		free(table);
		return r;
	}
	*ret = table;
	return 0;
}
