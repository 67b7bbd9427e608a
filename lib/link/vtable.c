/*
 * Reading vtables. Two words before the first slot hold the offset to the top and the
 * RTTI; a zero word ends the slots. In a kext to be linked an inherited slot is a zero
 * word with an external relocation, an own method a word with a local one; in a linked
 * image every slot is an address.
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

int vtable_scan_own(struct link *link, const struct symbol *symbol)
{
	const struct placed_section *section = layout_section(link, symbol->section);
	size_t word = cpu_word(link->cpu);
	link->scratch.count = 0;
	if (!section || symbol->value < section->source->address)
		return 1;
	uint64_t at = symbol->value - section->source->address;
	if (__builtin_add_overflow(at, 2 * word, &at))
		return 1;
	for (; bytes_holds(section->source->content, at, word); at += word) {
		uint64_t value =
			cpu_load_word(link->cpu, section->source->content.data + at);
		struct macho_relocation r;
		uint32_t index;
		int result;
		if (value)
			result = push_slot(
				link, (struct vtable_slot){.relocation = SYMBOL_NONE});
		else if (places_external(link, section->source->address + at, &index, &r))
			result = push_external(link, index, r.symbol);
		else
			return 0;
		if (result < 0)
			return result;
	}
	return 1;
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
