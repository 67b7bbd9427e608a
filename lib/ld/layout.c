/*
 * Addresses: pieces gathered into the output's sections, those into segments in the order
 * that Darwin's kexts have, from address 0 on. Zero-fill comes last in its segment, so
 * that it needs no room in the file.
 */
#include <errno.h>
#include <stdlib.h>
#include "base/memory.h"
#include "ld/linker.h"

/*
 * Room behind the load commands, so that tools can add one (a code signature) without
 * moving everything.
 */
#define HEADER_PAD 32u

enum {
	HEADER_SIZE = 32,
	SEGMENT_COMMAND_SIZE = 72,
	SECTION_HEADER_SIZE = 80,
	SYMTAB_COMMAND_SIZE = 24,
	DYSYMTAB_COMMAND_SIZE = 80,
	UUID_COMMAND_SIZE = 24,
	SOURCE_VERSION_COMMAND_SIZE = 16,
};

static struct ld_output_section *find_section(struct linker *ld,
					      const struct ld_section *section)
{
	for (size_t i = 0; i < ld->sections.count; i++) {
		struct ld_output_section *output = ld->sections.items[i];
		if (!strcmp(output->name, section->name) &&
		    !strcmp(output->segment, section->segment))
			return output;
	}
	return NULL;
}

/* Attributes that describe content; those that steer a linker end here. */
static uint32_t output_flags(uint32_t flags)
{
	uint32_t type = flags & 0xff;
	if (type == S_COALESCED)
		type = S_REGULAR;
	if (type == S_GB_ZEROFILL)
		type = S_ZEROFILL;
	return type | (flags & (S_ATTR_PURE_INSTRUCTIONS | S_ATTR_SOME_INSTRUCTIONS));
}

static int make_section(struct linker *ld, const struct ld_section *section,
			struct ld_output_section **ret)
{
	struct ld_output_section **place = array_push(&ld->sections);
	if (!place)
		return -ENOMEM;
	struct ld_output_section *output = mem_zero(1, sizeof(*output));
	if (!output) {
		ld->sections.count--;
		return -ENOMEM;
	}
	*place = output;
	memcpy(output->segment, section->segment, sizeof(output->segment));
	memcpy(output->name, section->name, sizeof(output->name));
	output->flags = output_flags(section->flags);
	output->is_zero_fill = ld_is_zero_fill(section->flags);
	output->order = ld->sections.count;
	*ret = output;
	return 0;
}

static int join(struct linker *ld, struct ld_section *section)
{
	struct ld_output_section *output = find_section(ld, section);
	if (!output)
		return make_section(ld, section, &section->output);
	uint32_t flags = output_flags(section->flags);
	if (output->is_zero_fill != ld_is_zero_fill(flags))
		return ld_error(
			ld, "ld.object",
			section->object ? section->object->name : "commons", NULL,
			"section %s,%s is zero-fill in one file and has content in "
			"another",
			section->segment, section->name);
	/* Literals of one kind meet plain data: the result is plain data. */
	if ((output->flags & 0xff) != (flags & 0xff))
		output->flags &= ~0xffu;
	output->flags |= flags & ~0xffu;
	section->output = output;
	return 0;
}

static int gather(struct linker *ld, struct ld_section *section)
{
	array_for_each (piece, &section->pieces) {
		if (!ld_piece_is_placed(piece))
			continue;
		int error = section->output ? 0 : join(ld, section);
		if (error)
			return error;
		struct ld_output_section *output = section->output;
		struct ld_piece **place = array_push(&output->pieces);
		if (!place)
			return -ENOMEM;
		*place = piece;
		if (piece->align > output->align)
			output->align = piece->align;
	}
	return 0;
}

static unsigned segment_rank(const char *segment)
{
	return !strcmp(segment, "__TEXT") ? 0 : !strcmp(segment, "__DATA") ? 1 : 2;
}

static unsigned section_rank(const struct ld_output_section *section)
{
	static const char *const order[] = {"__text",	       "__got",
					    "__const",	       "__mod_init_func",
					    "__mod_term_func", "__data"};
	size_t count = sizeof(order) / sizeof(order[0]);
	/* Only __text has a fixed place in __TEXT. */
	if (!segment_rank(section->segment))
		count = 1;
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(section->name, order[i]))
			return i;
	return (unsigned)count;
}

static int compare_sections(const void *a, const void *b)
{
	const struct ld_output_section *x = *(struct ld_output_section *const *)a;
	const struct ld_output_section *y = *(struct ld_output_section *const *)b;
	unsigned rank_x = segment_rank(x->segment), rank_y = segment_rank(y->segment);
	if (rank_x != rank_y)
		return rank_x < rank_y ? -1 : 1;
	int order = strcmp(x->segment, y->segment);
	if (order)
		return order;
	if (x->is_zero_fill != y->is_zero_fill)
		return x->is_zero_fill ? 1 : -1;
	rank_x = section_rank(x);
	rank_y = section_rank(y);
	if (rank_x != rank_y)
		return rank_x < rank_y ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static int number_sections(struct linker *ld)
{
	if (ld->sections.count > 255)
		return ld_error(ld, "ld.size", ld->options->output, NULL,
				"the result has %zu sections, at most 255 are possible",
				ld->sections.count);
	if (ld->sections.count)
		qsort(ld->sections.items, ld->sections.count,
		      sizeof(ld->sections.items[0]), compare_sections);
	for (size_t i = 0; i < ld->sections.count; i++)
		ld->sections.items[i]->ordinal = (uint32_t)i + 1;
	return 0;
}

static struct ld_output_segment *add_segment(struct linker *ld, const char *name)
{
	struct ld_output_segment *segment = array_push(&ld->segments);
	if (!segment)
		return NULL;
	strcpy(segment->name, name);
	bool is_text = !segment_rank(name);
	segment->maxprot = VM_PROT_READ | VM_PROT_WRITE | VM_PROT_EXECUTE;
	segment->initprot = VM_PROT_READ | (is_text ? VM_PROT_EXECUTE : VM_PROT_WRITE);
	return segment;
}

/* __TEXT is there even when empty: it holds the header. */
static int make_segments(struct linker *ld)
{
	struct ld_output_segment *segment = add_segment(ld, "__TEXT");
	for (size_t i = 0; segment && i < ld->sections.count; i++) {
		if (strcmp(segment->name, ld->sections.items[i]->segment)) {
			segment = add_segment(ld, ld->sections.items[i]->segment);
			if (!segment)
				break;
			segment->first_section = i;
		}
		segment->section_count++;
	}
	return segment ? 0 : -ENOMEM;
}

static void count_commands(struct linker *ld)
{
	ld->command_count = (uint32_t)ld->segments.count + 3;
	size_t size = (ld->segments.count + 1) * SEGMENT_COMMAND_SIZE +
		      ld->sections.count * SECTION_HEADER_SIZE + SYMTAB_COMMAND_SIZE +
		      DYSYMTAB_COMMAND_SIZE;
	if (!ld->options->no_uuid) {
		ld->command_count++;
		size += UUID_COMMAND_SIZE;
	}
	if (ld->options->source_version) {
		ld->command_count++;
		size += SOURCE_VERSION_COMMAND_SIZE;
	}
	ld->command_size = (uint32_t)size;
}

static uint64_t round_up(uint64_t value, uint64_t alignment)
{
	return (value + alignment - 1) & ~(alignment - 1);
}

/* Sizes are checked one by one against the image's limit, so that no sum can overflow. */
static int place_pieces(struct linker *ld, struct ld_output_section *section,
			uint64_t *cursor)
{
	uint64_t at = round_up(*cursor, 1ull << section->align);
	section->address = at;
	for (size_t i = 0; i < section->pieces.count; i++) {
		struct ld_piece *piece = section->pieces.items[i];
		at = round_up(at, 1ull << piece->align);
		piece->address = at;
		if (at > LD_IMAGE_MAX || piece->size > LD_IMAGE_MAX - at)
			return ld_error(ld, "ld.size", ld->options->output, NULL,
					"section %s,%s ends beyond 0x%x bytes",
					section->segment, section->name, LD_IMAGE_MAX);
		at += piece->size;
	}
	section->size = at - section->address;
	*cursor = at;
	return 0;
}

static int place_segment(struct linker *ld, struct ld_output_segment *segment,
			 uint64_t header, uint64_t *address, uint64_t *offset)
{
	segment->address = *address;
	segment->file_offset = *offset;
	uint64_t cursor = *address + header, file_end = cursor;
	for (size_t i = 0; i < segment->section_count; i++) {
		struct ld_output_section *section =
			ld->sections.items[segment->first_section + i];
		int error = place_pieces(ld, section, &cursor);
		if (error)
			return error;
		if (section->is_zero_fill)
			continue;
		section->file_offset = *offset + (section->address - *address);
		file_end = cursor;
	}
	segment->file_size = round_up(file_end - *address, LD_PAGE_SIZE);
	/* A segment of no size would be passed over together with its sections. */
	uint64_t size = cursor > *address ? cursor - *address : 1;
	segment->size = round_up(size, LD_PAGE_SIZE);
	*address += segment->size;
	*offset += segment->file_size;
	return 0;
}

int ld_lay_out(struct linker *ld)
{
	int error = ld_visit_sections(ld, gather);
	if (!error)
		error = number_sections(ld);
	if (!error)
		error = make_segments(ld);
	if (error)
		return error;
	count_commands(ld);
	uint64_t header = HEADER_SIZE + ld->command_size + HEADER_PAD;
	uint64_t address = 0, offset = 0;
	for (size_t i = 0; i < ld->segments.count; i++) {
		error = place_segment(ld, &ld->segments.items[i], header, &address,
				      &offset);
		if (error)
			return error;
		header = 0;
	}
	ld->linkedit_address = address;
	ld->linkedit_offset = offset;
	return 0;
}
