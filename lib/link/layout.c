/*
 * Where everything goes; object.c knows it for object files. A kext bundle keeps its own
 * layout and slides as a whole; only __LINKEDIT is made anew, and a section moves alone
 * where its alignment demands it.
 */
#include <errno.h>
#include <inttypes.h>
#include "base/memory.h"
#include "link/link.h"

static bool round_up(uint64_t value, uint64_t unit, uint64_t *ret)
{
	if (__builtin_add_overflow(value, unit - 1, ret))
		return false;
	*ret &= ~(unit - 1);
	return true;
}

void layout_size_symbols(struct link *link)
{
	uint64_t size = 1;
	for (uint32_t i = 0; i < link->symbols.count; i++) {
		const struct symbol *symbol = &link->symbols.items[i];
		if (!symbol_is_output(symbol))
			continue;
		link->output_symbols++;
		size += symbol->length + 1 + (link->macho.is_64 ? 16 : 12);
	}
	link->symbol_size = (size + 7) & ~(uint64_t)7;
}

/* Of both tables, what depends on the load address: all but pc-relative ones. */
static uint32_t count_sliding(const struct link *link, struct macho_table table)
{
	uint32_t count = 0;
	struct macho_relocation r;
	for (uint32_t i = 0; macho_relocation_at(&link->macho, table, i, &r); i++) {
		bool pair = link->cpu->pair(&r);
		if (!r.pcrel && (r.external || r.scattered || r.symbol != 0))
			count += pair ? 2 : 1;
		i += pair;
	}
	return count;
}

static void size_relocations(struct link *link)
{
	link->has_slides =
		link->request->include_relocations && link->cpu->has_slide_information;
	if (!link->has_slides)
		return;
	link->output_relocations = count_sliding(link, link->macho.local_relocations) +
				   count_sliding(link, link->macho.external_relocations);
	link->relocation_size = (uint64_t)link->output_relocations * 8;
}

static int check_data(const struct link *link, const struct macho_section *section)
{
	switch (section->flags & 0xff) {
	case S_REGULAR:
	case S_CSTRING_LITERALS:
	case S_4BYTE_LITERALS:
	case S_8BYTE_LITERALS:
	case S_LITERAL_POINTERS:
	case S_16BYTE_LITERALS:
	case S_NON_LAZY_SYMBOL_POINTERS:
	case S_SYMBOL_STUBS:
	case S_MOD_INIT_FUNC_POINTERS:
	case S_MOD_TERM_FUNC_POINTERS:
	case S_COALESCED:
		break;
	default:
		return report_bad(&link->report, NULL,
				  "offset %#x: section %s,%s has the type 0x%x, which "
				  "kexts cannot have",
				  section->header, section->segment, section->name,
				  section->flags & 0xff);
	}
	if (section->content.size != section->size)
		return report_bad(&link->report, NULL,
				  "offset %#x: section %s,%s has %zu of its %" PRIu64
				  " bytes in the file",
				  section->header, section->segment, section->name,
				  section->content.size, section->size);
	return 0;
}

int layout_add_section(struct link *link, const struct macho_section *section,
		       uint32_t index)
{
	struct placed_section *placed = &link->sections[link->section_count++];
	*placed = (struct placed_section){.source = section,
					  .offset = section->address,
					  .has_data = section->offset != 0};
	if (index < 255)
		link->ordinals[index + 1] = (uint8_t)link->section_count;
	return placed->has_data ? check_data(link, section) : 0;
}

static int place_sections(struct link *link, struct placed_segment *segment)
{
	const struct macho_segment *source = segment->source;
	segment->first = (uint32_t)link->section_count;
	segment->count = source->section_count;
	for (uint32_t i = 0; i < source->section_count; i++) {
		uint32_t index = source->first_section + i;
		int r = layout_add_section(link, &link->macho.sections.items[index],
					   index);
		if (r < 0)
			return r;
	}
	return 0;
}

int layout_linkedit(struct link *link, struct placed_segment *segment)
{
	uint64_t size = link->symbol_size + link->relocation_size + link->split_info.size;
	segment->is_linkedit = true;
	return round_up(size, link->page, &segment->size) ? 0 : -ENOMEM;
}

static int place_segment(struct link *link, const struct macho_segment *source)
{
	struct placed_segment *segment = &link->segments[link->segment_count++];
	*segment = (struct placed_segment){.source = source, .size = source->size};
	if (strcmp(source->name, "__LINKEDIT") == 0) {
		int r = layout_linkedit(link, segment);
		if (r < 0)
			return r;
	}
	if (__builtin_add_overflow(link->total, segment->size, &link->total))
		return report_bad(
			&link->report, NULL,
			"offset %#x: with segment %s they add up to more than 2^64 bytes",
			source->command, source->name);
	return place_sections(link, segment);
}

int layout_check_size(const struct link *link)
{
	uint64_t limit = (uint64_t)link->request->size * 8 + (16 << 20);
	if (link->total <= limit && link->total <= SIZE_MAX / 2)
		return 0;
	return report_bad(&link->report, NULL,
			  "the image would have %" PRIu64 " bytes from a file of %zu",
			  link->total, link->request->size);
}

static int check_segments(struct link *link)
{
	const struct placed_segment *linkedit = NULL;
	for (size_t i = 0; i < link->segment_count; i++) {
		const struct placed_segment *segment = &link->segments[i];
		uint64_t end;
		if (__builtin_add_overflow(segment->source->address, segment->size,
					   &end) ||
		    end > link->total)
			return report_bad(&link->report,
					  "Segments must follow each other "
					  "from address 0 on.",
					  "offset %#x: segment %s at 0x%" PRIx64
					  " lies beyond the image's 0x%" PRIx64 " bytes",
					  segment->source->command, segment->source->name,
					  segment->source->address, link->total);
		if (segment->is_linkedit)
			linkedit = segment;
	}
	if (!linkedit)
		return report_bad(&link->report, NULL, "there is no segment __LINKEDIT");
	return layout_check_size(link);
}

static int check_overlap(const struct link *link)
{
	for (size_t i = 0; i < link->segment_count; i++)
		for (size_t j = 0; j < i; j++) {
			const struct placed_segment *a = &link->segments[i];
			const struct placed_segment *b = &link->segments[j];
			if (a->source->address < b->source->address + b->size &&
			    b->source->address < a->source->address + a->size)
				return report_bad(&link->report, NULL,
						  "offset %#x: segments %s and %s "
						  "overlap at 0x%" PRIx64,
						  a->source->command, b->source->name,
						  a->source->name, a->source->address);
		}
	return 0;
}

static int check_page(const struct link *link)
{
	if (link->page && (link->page & (link->page - 1)) == 0 && link->page <= 1 << 24)
		return 0;
	return report_bad(&link->report, NULL,
			  "the page size %" PRIu64 " is no power of two", link->page);
}

static int layout_bundle(struct link *link)
{
	int r = 0;
	if (link->macho.segments.count > 256)
		return report_bad(&link->report, NULL, "%zu segments; 256 are allowed",
				  link->macho.segments.count);
	link->segments = mem_zero(link->macho.segments.count, sizeof(*link->segments));
	link->sections = mem_zero(link->macho.sections.count, sizeof(*link->sections));
	if (!link->segments || !link->sections)
		return -ENOMEM;
	layout_size_symbols(link);
	size_relocations(link);
	array_for_each (segment, &link->macho.segments) {
		/* An empty segment is left out together with its sections. */
		r = segment->size ? place_segment(link, segment) : 0;
		if (r < 0)
			return r;
	}
	r = check_segments(link);
	return r < 0 ? r : check_overlap(link);
}

int pass_layout(struct link *link)
{
	int r = check_page(link);
	if (r == 0 && split_is_wanted(link->request))
		r = split_read_info(link);
	if (r == 0)
		r = link_is_object(link) ? object_layout(link) : layout_bundle(link);
	if (r == 0)
		r = places_tables(link);
	return r;
}

const struct placed_section *layout_section(const struct link *link, uint32_t ordinal)
{
	uint8_t index = ordinal < 256 ? link->ordinals[ordinal] : 0;
	return index ? &link->sections[index - 1] : NULL;
}

const struct placed_section *layout_section_at(const struct link *link, uint64_t address,
					       uint64_t size)
{
	/* The end of one section may be the start of another, which then is meant. */
	const struct placed_section *ending = NULL;
	for (size_t i = 0; i < link->section_count; i++) {
		const struct macho_section *section = link->sections[i].source;
		if (address < section->address || size > section->size ||
		    address - section->address > section->size - size)
			continue;
		if (address - section->address < section->size)
			return &link->sections[i];
		if (!ending)
			ending = &link->sections[i];
	}
	return ending;
}

static int address_section(struct link *link, struct placed_section *section)
{
	const struct macho_section *source = section->source;
	uint64_t unit = (uint64_t)1 << source->align, offset, end;
	if (!round_up(section->offset + section->slide, unit, &section->address))
		return report_bad(&link->report, NULL,
				  "offset %#x: section %s,%s wraps around",
				  source->header, source->segment, source->name);
	if (!section->has_data)
		return 0;
	offset = section->address - link->base;
	if (offset & (unit - 1) && !link->is_split)
		return link_fail(link, "link.address", NULL,
				 "offset %#x: section %s,%s needs alignment 2^%u,"
				 " which the load address 0x%" PRIx64 " does not give it",
				 source->header, source->segment, source->name,
				 source->align, link->base);
	if (__builtin_add_overflow(offset, source->size, &end) || end > link->output_size)
		return report_bad(&link->report, NULL,
				  "offset %#x: section %s,%s at 0x%" PRIx64
				  " lies beyond the image's 0x%" PRIx64 " bytes",
				  source->header, source->segment, source->name,
				  source->address, link->output_size);
	return 0;
}

static int address_symbols(struct link *link)
{
	for (uint32_t i = 0; i < link->symbols.count; i++) {
		const struct symbol *symbol = &link->symbols.items[i];
		if (!(symbol->flags & SYMBOL_SECTION)) {
			link->addresses[i] = symbol_address(symbol);
			continue;
		}
		const struct placed_section *section =
			layout_section(link, symbol->section);
		if (!section)
			return report_bad(&link->report, NULL,
					  "symbol %u (%s) is in section %u,"
					  " which is not loaded",
					  i, symbol->name, symbol->section);
		link->addresses[i] = symbol_address(symbol) + section_delta(section);
	}
	return 0;
}

static int place_whole(struct link *link)
{
	int r = link->request->allocate(link->request->allocate_data, link->total,
					&link->base);
	if (r < 0)
		return r;
	uint64_t end, limit = link->cpu->is_64 ? UINT64_MAX : UINT32_MAX;
	if (link->base & (link->page - 1) ||
	    __builtin_add_overflow(link->base, link->total, &end) || end - 1 > limit)
		return link_fail(link, "link.address", NULL,
				 "0x%" PRIx64 " is no load address "
				 "for %" PRIu64
				 " bytes: it must be a multiple of 0x%" PRIx64,
				 link->base, link->total, link->page);
	link->output_size = link->total;
	for (size_t i = 0; i < link->segment_count; i++)
		link->segments[i].address =
			link->segments[i].source->address + link->base;
	return 0;
}

static int address_sections(struct link *link, const struct placed_segment *segment)
{
	for (uint32_t i = 0; i < segment->count; i++) {
		struct placed_section *section = &link->sections[segment->first + i];
		section->slide = segment->address - segment->source->address;
		int r = address_section(link, section);
		if (r < 0)
			return r;
	}
	return 0;
}

int pass_allocate(struct link *link)
{
	int r = link->is_split ? split_place(link) : place_whole(link);
	for (size_t i = 0; i < link->segment_count && r == 0; i++)
		r = address_sections(link, &link->segments[i]);
	return r < 0 ? r : address_symbols(link);
}
