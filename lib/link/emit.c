/*
 * The output image: sections where they belong, then the header, the load commands and a
 * new __LINKEDIT with the kext's own symbols and, if asked for, slide information.
 * Offsets in the file are offsets in memory.
 */
#include <errno.h>
#include <inttypes.h>
#include "base/memory.h"
#include "link/link.h"

int pass_copy(struct link *link)
{
	link->output = mem_zero(1, (size_t)link->output_size);
	if (!link->output)
		return -ENOMEM;
	for (size_t i = 0; i < link->section_count; i++) {
		const struct placed_section *section = &link->sections[i];
		struct bytes content = section->source->content;
		if (section->has_data && content.size)
			memcpy(link->output + (section->address - link->base),
			       content.data, content.size);
	}
	return 0;
}

struct writer {
	uint8_t *at;
	bool big, is_64;
};

static void put32(struct writer *w, uint32_t value)
{
	store32(w->at, value, w->big);
	w->at += 4;
}

static void put_word(struct writer *w, uint64_t value)
{
	if (w->is_64)
		store64(w->at, value, w->big);
	else
		store32(w->at, (uint32_t)value, w->big);
	w->at += w->is_64 ? 8 : 4;
}

/* At most 15 characters and a NUL. */
static void put_name(struct writer *w, const char *name)
{
	memcpy(w->at, name, strnlen(name, 15));
	w->at += 16;
}

static void put_section(struct writer *w, const struct link *link,
			const struct placed_section *section)
{
	const struct macho_section *source = section->source;
	put_name(w, source->name);
	put_name(w, source->segment);
	put_word(w, section->address);
	put_word(w, source->size);
	put32(w, section->has_data ? (uint32_t)(section->address - link->base) : 0);
	put32(w, source->align);
	put32(w, 0);
	put32(w, 0);
	put32(w, source->flags);
	put32(w, source->reserved1);
	put32(w, source->reserved2);
	if (w->is_64)
		put32(w, 0);
}

static size_t segment_command_size(const struct writer *w, uint32_t sections)
{
	return w->is_64 ? 72 + (size_t)sections * 80 : 56 + (size_t)sections * 68;
}

static uint32_t protection(const struct link *link, const struct placed_segment *segment)
{
	if (link->cpu->all_protections || link_is_object(link))
		return VM_PROT_READ | VM_PROT_WRITE | VM_PROT_EXECUTE;
	if (strcmp(segment->source->name, "__TEXT") == 0)
		return VM_PROT_READ | VM_PROT_EXECUTE;
	return VM_PROT_READ | VM_PROT_WRITE;
}

static void put_segment(struct writer *w, const struct link *link,
			const struct placed_segment *segment)
{
	put32(w, w->is_64 ? LC_SEGMENT_64 : LC_SEGMENT);
	put32(w, (uint32_t)segment_command_size(w, segment->count));
	put_name(w, segment->source->name);
	put_word(w, segment->address);
	put_word(w, segment->size);
	put_word(w, segment->address - link->base);
	put_word(w, segment->size);
	put32(w, protection(link, segment));
	put32(w, protection(link, segment));
	put32(w, segment->count);
	put32(w, 0);
	for (uint32_t i = 0; i < segment->count; i++)
		put_section(w, link, &link->sections[segment->first + i]);
}

static uint32_t linkedit_offset(const struct link *link)
{
	for (size_t i = 0; i < link->segment_count; i++)
		if (link->segments[i].is_linkedit)
			return (uint32_t)(link->segments[i].address - link->base);
	return 0;
}

static void put_symtab(struct writer *w, const struct link *link, uint32_t strings_size)
{
	uint32_t offset = linkedit_offset(link);
	put32(w, LC_SYMTAB);
	put32(w, 24);
	put32(w, offset);
	put32(w, link->output_symbols);
	put32(w, offset + link->output_symbols * (w->is_64 ? 16 : 12));
	put32(w, strings_size);
}

static void put_dysymtab(struct writer *w, const struct link *link)
{
	put32(w, LC_DYSYMTAB);
	put32(w, 80);
	w->at += 16 * 4;
	put32(w, linkedit_offset(link) + (uint32_t)link->symbol_size);
	put32(w, link->output_relocations);
}

/* What the file says of versions; zeros where it does not. */
struct versions {
	uint32_t minimum_command, minimum;
	uint64_t source;
	bool has_source;
};

static uint32_t platform_command(uint32_t platform)
{
	static const uint32_t commands[] = {0, LC_VERSION_MIN_MACOSX,
					    LC_VERSION_MIN_IPHONEOS, LC_VERSION_MIN_TVOS,
					    LC_VERSION_MIN_WATCHOS};
	return platform < sizeof(commands) / sizeof(*commands) ? commands[platform] : 0;
}

static void read_version(struct cursor *c, uint32_t type, struct versions *versions)
{
	uint64_t source;
	uint32_t first = 0;
	switch (type) {
	case LC_VERSION_MIN_MACOSX:
	case LC_VERSION_MIN_IPHONEOS:
	case LC_VERSION_MIN_TVOS:
	case LC_VERSION_MIN_WATCHOS:
		versions->minimum_command = type;
		versions->minimum = cursor_u32(c);
		break;
	case LC_BUILD_VERSION:
		first = platform_command(cursor_u32(c));
		if (!first)
			break;
		versions->minimum_command = first;
		versions->minimum = cursor_u32(c);
		break;
	case LC_SOURCE_VERSION:
		source = cursor_u64(c);
		versions->source = source;
		versions->has_source = !c->failed;
		break;
	}
}

static struct versions find_versions(const struct link *link)
{
	struct versions versions = {0};
	if (link_is_object(link))
		return versions;
	array_for_each (command, &link->macho.commands) {
		struct cursor c =
			cursor_at(link->macho.bytes, (uint64_t)command->offset + 8,
				  link->macho.big);
		read_version(&c, command->type, &versions);
	}
	return versions;
}

static void put_versions(struct writer *w, const struct versions *versions)
{
	if (versions->minimum_command) {
		put32(w, versions->minimum_command);
		put32(w, 16);
		put32(w, versions->minimum);
		put32(w, 0);
	}
	if (!versions->has_source)
		return;
	put32(w, LC_SOURCE_VERSION);
	put32(w, 16);
	store64(w->at, versions->source, w->big);
	w->at += 8;
}

static void put_uuid(struct writer *w, const struct link *link)
{
	put32(w, LC_UUID);
	put32(w, 24);
	memcpy(w->at, link->macho.uuid, 16);
	w->at += 16;
}

static uint32_t split_info_offset(const struct link *link)
{
	return linkedit_offset(link) +
	       (uint32_t)(link->symbol_size + link->relocation_size);
}

static void put_split_info(struct writer *w, const struct link *link)
{
	put32(w, LC_SEGMENT_SPLIT_INFO);
	put32(w, 16);
	put32(w, split_info_offset(link));
	put32(w, (uint32_t)link->split_info.size);
}

struct command_sizes {
	uint32_t count;
	size_t bytes;
};

static struct command_sizes measure_commands(const struct link *link,
					     const struct writer *w,
					     const struct versions *versions)
{
	struct command_sizes sizes = {(uint32_t)link->segment_count + 1, 24};
	for (size_t i = 0; i < link->segment_count; i++)
		sizes.bytes += segment_command_size(w, link->segments[i].count);
	if (link->has_slides) {
		sizes.count++;
		sizes.bytes += 80;
	}
	if (link->macho.has_uuid) {
		sizes.count++;
		sizes.bytes += 24;
	}
	if (link->split_info.size) {
		sizes.count++;
		sizes.bytes += 16;
	}
	unsigned rest = (versions->minimum_command != 0) + versions->has_source;
	sizes.count += rest;
	sizes.bytes += rest * 16;
	return sizes;
}

/* The commands may grow only into the room before the first section's bytes. */
static int check_room(const struct link *link, size_t size)
{
	uint64_t room = link->output_size;
	for (size_t i = 0; i < link->section_count; i++) {
		const struct placed_section *section = &link->sections[i];
		if (section->has_data && section->source->size &&
		    section->address - link->base < room)
			room = section->address - link->base;
	}
	if (linkedit_offset(link) < room)
		room = linkedit_offset(link);
	if (size <= room)
		return 0;
	return report_bad(&link->report, NULL,
			  "the load commands need %zu bytes; the first "
			  "section starts at %" PRIu64,
			  size, room);
}

static int put_header(struct link *link, uint32_t strings_size)
{
	struct writer w = {link->output, link->macho.big, link->macho.is_64};
	struct versions versions = find_versions(link);
	struct command_sizes sizes = measure_commands(link, &w, &versions);
	int r = check_room(link, sizes.bytes + (w.is_64 ? 32 : 28));
	if (r < 0)
		return r;
	put32(&w, w.is_64 ? MH_MAGIC_64 : MH_MAGIC);
	put32(&w, link->macho.cputype);
	put32(&w, link->macho.cpusubtype);
	put32(&w, link->macho.filetype);
	put32(&w, sizes.count);
	put32(&w, (uint32_t)sizes.bytes);
	put32(&w, MH_NOUNDEFS);
	if (w.is_64)
		put32(&w, 0);
	for (size_t i = 0; i < link->segment_count; i++)
		put_segment(&w, link, &link->segments[i]);
	put_symtab(&w, link, strings_size);
	if (link->has_slides)
		put_dysymtab(&w, link);
	if (link->macho.has_uuid)
		put_uuid(&w, link);
	put_versions(&w, &versions);
	if (link->split_info.size)
		put_split_info(&w, link);
	return 0;
}

static void put_symbol(struct writer *w, const struct link *link, uint32_t index,
		       uint32_t string)
{
	const struct symbol *symbol = &link->symbols.items[index];
	uint64_t thumb = symbol->flags & SYMBOL_THUMB ? 1 : 0;
	put32(w, string);
	*w->at++ = symbol->type;
	*w->at++ = symbol->section ? link->ordinals[symbol->section] : 0;
	store16(w->at, symbol->desc, w->big);
	w->at += 2;
	put_word(w, link->addresses[index] & ~thumb);
}

/* The kext's own symbols, each with a string of its own. Returns the strings' size. */
static uint32_t put_symbols(struct link *link)
{
	struct writer w = {link->output + linkedit_offset(link), link->macho.big,
			   link->macho.is_64};
	char *strings = (char *)w.at + (size_t)link->output_symbols * (w.is_64 ? 16 : 12);
	uint32_t string = 1;
	for (uint32_t i = 0; i < link->symbols.count; i++) {
		const struct symbol *symbol = &link->symbols.items[i];
		if (!symbol_is_output(symbol))
			continue;
		put_symbol(&w, link, i, string);
		memcpy(strings + string, symbol->name, symbol->length);
		string += symbol->length + 1;
	}
	return string;
}

/* One entry as the kernel's slide code wants it: no symbols, a section number for show.
 */
static void put_slide(struct writer *w, const struct macho_relocation *r)
{
	uint32_t number = r->external ? 1 : r->symbol & 0xffffff;
	uint32_t bits =
		w->big ? number << 8 | (uint32_t)r->length << 5 | r->type
		       : number | (uint32_t)r->length << 25 | (uint32_t)r->type << 28;
	put32(w, r->address);
	put32(w, bits);
}

static void put_slides(struct writer *w, const struct link *link,
		       struct macho_table table)
{
	struct macho_relocation r;
	for (uint32_t i = 0; macho_relocation_at(&link->macho, table, i, &r); i++) {
		bool pair = link->cpu->pair(&r);
		if (!r.pcrel && (r.external || r.scattered || r.symbol != 0)) {
			put_slide(w, &r);
			if (pair && macho_relocation_at(&link->macho, table, i + 1, &r))
				put_slide(w, &r);
		}
		i += pair;
	}
}

int pass_emit(struct link *link)
{
	int r = put_header(link, put_symbols(link));
	if (r < 0)
		return r;
	if (link->split_info.size)
		memcpy(link->output + split_info_offset(link), link->split_info.data,
		       link->split_info.size);
	if (!link->output_relocations)
		return 0;
	struct writer w = {link->output + linkedit_offset(link) + link->symbol_size,
			   link->macho.big, link->macho.is_64};
	put_slides(&w, link, link->macho.local_relocations);
	put_slides(&w, link, link->macho.external_relocations);
	return 0;
}
