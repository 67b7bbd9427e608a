/*
 * The layout of an object file: all its sections lie in one unnamed segment, in the order
 * in which the kernel has sections of these names, with common symbols behind them and a
 * new __LINKEDIT at the end.
 */
#include <errno.h>
#include <inttypes.h>
#include "base/memory.h"
#include "link/link.h"

/* ---- common symbols ---- */

static const struct macho_segment *find_segment(const struct link *link)
{
	const struct macho_segment *found = NULL;
	array_for_each (segment, &link->macho.segments) {
		if (!segment->size || strcmp(segment->name, "__LINKEDIT") == 0)
			continue;
		if (found)
			return NULL;
		found = segment;
	}
	return found;
}

static bool align_up(uint64_t value, uint32_t exponent, uint64_t *ret)
{
	uint64_t unit = (uint64_t)1 << exponent;
	if (__builtin_add_overflow(value, unit - 1, ret))
		return false;
	*ret &= ~(unit - 1);
	return true;
}

/* Gives the symbol room in __common: its value was the size, its desc the alignment. */
static int settle_common(struct link *link, struct symbol *symbol, uint32_t ordinal)
{
	struct macho_section *common = &link->common;
	uint32_t exponent = symbol->desc >> 8 & 0xf;
	uint64_t start, end;
	exponent = exponent ? exponent : 3;
	if (!align_up(common->size, exponent, &start) ||
	    __builtin_add_overflow(start, symbol->value, &end) || end > UINT32_MAX)
		return report_bad(&link->report, NULL,
				  "the common symbol %s of 0x%" PRIx64
				  " bytes exceeds the address space",
				  symbol->name, symbol->value);
	if (common->align < exponent)
		common->align = exponent;
	common->size = end;
	symbol->value = common->address + start;
	symbol->desc = 0;
	symbol->type = N_SECT | N_EXT;
	symbol->section = (uint8_t)ordinal;
	symbol->flags &= SYMBOL_CXX;
	symbol->flags |= SYMBOL_SECTION | SYMBOL_EXTERNAL;
	return 0;
}

static bool has_commons(const struct link *link)
{
	for (uint32_t i = 0; i < link->symbols.count; i++)
		if (link->symbols.items[i].flags & SYMBOL_COMMON)
			return true;
	return false;
}

/* A new section's own address is any that no other section has. */
static void new_common(struct link *link, const struct macho_segment *segment)
{
	link->common = (struct macho_section){
		.segment = "__DATA",
		.name = "__common",
		.flags = S_ZEROFILL,
		.address = segment->address + segment->size,
	};
}

/* Puts common symbols into __DATA,__common; *ret is its ordinal, 0 without any. */
static int settle_commons(struct link *link, const struct macho_segment *segment,
			  uint32_t *ret)
{
	const struct macho_section *old =
		macho_section_named(&link->macho, "__DATA", "__common");
	uint32_t ordinal = (uint32_t)(old ? old - link->macho.sections.items
					  : (ptrdiff_t)link->macho.sections.count) +
			   1;
	*ret = 0;
	if (!has_commons(link))
		return 0;
	if (ordinal > 255 || (old && old->offset))
		return report_bad(&link->report, NULL,
				  "there is no room for common symbols: __common holds "
				  "data, or would be section %u",
				  ordinal);
	if (old)
		link->common = *old;
	else
		new_common(link, segment);
	for (uint32_t i = 0; i < link->symbols.count; i++) {
		struct symbol *symbol = &link->symbols.items[i];
		int r = symbol->flags & SYMBOL_COMMON
				? settle_common(link, symbol, ordinal)
				: 0;
		if (r < 0)
			return r;
	}
	*ret = ordinal;
	return 0;
}

/* ---- the order of sections ---- */

/* Input sections as they will follow each other, by index. */
struct order {
	const struct link *link;
	uint32_t common; /* ordinal of the section with common symbols; 0: none */
	uint8_t items[256];
	bool is_known[256]; /* the kernel has its segment */
	size_t count;
};

static const struct macho_section *section_at(const struct order *order, size_t at)
{
	uint32_t index = order->items[at];
	return index + 1 == order->common ? &order->link->common
					  : &order->link->macho.sections.items[index];
}

static const struct macho *find_kernel(const struct link *link)
{
	for (size_t i = 0; i < link->request->dependency_count; i++) {
		const struct macho *macho = &link->request->dependencies[i].image->macho;
		if (macho->filetype == MH_EXECUTE)
			return macho;
	}
	return NULL;
}

/* Those that the kernel's group [first, end) has, as the kernel has them; then the rest.
 */
static void sort_run(struct order *order, size_t start, size_t stop,
		     const struct macho *kernel, size_t first, size_t end)
{
	uint8_t sorted[256];
	bool taken[256] = {false};
	size_t count = 0;
	for (size_t k = first; k < end; k++)
		for (size_t i = start; i < stop; i++) {
			if (taken[i] || strcmp(section_at(order, i)->name,
					       kernel->sections.items[k].name) != 0)
				continue;
			taken[i] = true;
			sorted[count++] = order->items[i];
		}
	for (size_t i = start; i < stop; i++)
		if (!taken[i])
			sorted[count++] = order->items[i];
	memcpy(order->items + start, sorted, count);
}

static bool kernel_has_segment(const struct macho *kernel, const char *name)
{
	array_for_each (section, &kernel->sections)
		if (strcmp(section->segment, name) == 0)
			return true;
	return false;
}

/* One group of kernel sections against the run of ours that stands at the cursor. */
static void sort_group(struct order *order, size_t *cursor, const struct macho *kernel,
		       size_t first, size_t end)
{
	const char *name = kernel->sections.items[first].segment;
	while (*cursor < order->count && !order->is_known[*cursor])
		++*cursor;
	size_t stop = *cursor;
	while (stop < order->count && strcmp(section_at(order, stop)->segment, name) == 0)
		stop++;
	sort_run(order, *cursor, stop, kernel, first, end);
	*cursor = stop;
}

static void sort_sections(struct order *order)
{
	const struct macho *kernel = find_kernel(order->link);
	size_t cursor = 0, end;
	for (size_t i = 0; kernel && i < order->count; i++)
		order->is_known[i] =
			kernel_has_segment(kernel, section_at(order, i)->segment);
	for (size_t first = 0; kernel && first < kernel->sections.count; first = end) {
		const struct macho_section *sections = kernel->sections.items;
		for (end = first + 1; end < kernel->sections.count; end++)
			if (strcmp(sections[end].segment, sections[first].segment) != 0)
				break;
		if (cursor == order->count)
			break;
		sort_group(order, &cursor, kernel, first, end);
	}
}

/* ---- layout ---- */

static int place_sections(struct link *link, const struct order *order)
{
	uint64_t at = link->header_size;
	for (size_t i = 0; i < order->count; i++) {
		const struct macho_section *section = section_at(order, i);
		int r = layout_add_section(link, section, order->items[i]);
		if (r < 0)
			return r;
		struct placed_section *placed = &link->sections[i];
		if (!align_up(at, section->align, &placed->offset) ||
		    __builtin_add_overflow(placed->offset, section->size, &at))
			return report_bad(
				&link->report, NULL,
				"offset %#x: section %s,%s exceeds the address space",
				section->header, section->segment, section->name);
	}
	link->total = at;
	return 0;
}

static int add_segment(struct link *link, const char *name, uint64_t start, uint64_t size)
{
	struct macho_segment *source = &link->own_segments[link->segment_count];
	struct placed_segment *segment = &link->segments[link->segment_count++];
	strcpy(source->name, name);
	*segment = (struct placed_segment){.source = source, .size = size};
	int r = *name ? layout_linkedit(link, segment) : 0;
	source->address = start;
	source->size = segment->size;
	if (r == 0 && __builtin_add_overflow(start, segment->size, &link->total))
		return -ENOMEM;
	return r;
}

static uint64_t page_up(const struct link *link, uint64_t value)
{
	return (value + link->page - 1) & ~(link->page - 1);
}

/* The header and load commands in front; __LINKEDIT's own command is not counted. */
static uint64_t header_room(const struct link *link, size_t sections)
{
	uint64_t size = 28 + 56 + 68 * sections + 24 + (link->macho.has_uuid ? 24 : 0);
	return page_up(link, size);
}

static int place_all(struct link *link, struct order *order)
{
	link->segments = mem_zero(2, sizeof(*link->segments));
	link->sections = mem_zero(order->count, sizeof(*link->sections));
	if (!link->segments || !link->sections)
		return -ENOMEM;
	sort_sections(order);
	link->header_size = header_room(link, order->count);
	int r = place_sections(link, order);
	if (r < 0)
		return r;
	/* A file has at most 255 sections of 32 bits, each aligned to 31. */
	uint64_t end = page_up(link, link->total);
	r = add_segment(link, "", link->header_size, end - link->header_size);
	link->segments[0].count = (uint32_t)order->count;
	if (r == 0)
		r = add_segment(link, "__LINKEDIT", end, 0);
	return r < 0 ? r : layout_check_size(link);
}

int object_layout(struct link *link)
{
	const struct macho_segment *segment = find_segment(link);
	struct order order = {.link = link};
	if (!segment)
		return report_bad(&link->report, NULL,
				  "an object file must have exactly one segment that is "
				  "not empty, besides __LINKEDIT");
	int r = settle_commons(link, segment, &order.common);
	if (r < 0)
		return r;
	layout_size_symbols(link);
	for (uint32_t i = 0; i < segment->section_count; i++)
		order.items[order.count++] = (uint8_t)(segment->first_section + i);
	if (order.common > link->macho.sections.count)
		order.items[order.count++] = (uint8_t)(order.common - 1);
	return place_all(link, &order);
}
