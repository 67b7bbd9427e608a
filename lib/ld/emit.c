/*
 * The file around the content: header, load commands and __LINKEDIT with relocations,
 * symbols and strings, in the order in which Darwin's linker writes them for kexts.
 */
#include <errno.h>
#include "ld/linker.h"
#include "macho/uuid.h"

#define CPU_SUBTYPE_ALL 3u

struct linkedit {
	struct buffer strings;
	uint32_t local_offset, symbol_offset, external_offset, string_offset, end;
};

static void write_name(struct buffer *out, const char *name)
{
	char field[16] = {0};
	memcpy(field, name, strnlen(name, sizeof(field)));
	buffer_append(out, field, sizeof(field));
}

static void write_relocations(struct buffer *out,
			      const struct ld_output_relocation *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct ld_output_relocation *r = &items[i];
		uint32_t number = r->symbol ? r->symbol->output_index : r->ordinal;
		buffer_u32(out, (uint32_t)r->address, false);
		buffer_u32(out,
			   number | (uint32_t)r->pcrel << 24 | (uint32_t)r->length << 25 |
				   (uint32_t)(r->symbol != NULL) << 27 |
				   (uint32_t)r->type << 28,
			   false);
	}
}

static void write_symbols(struct linker *ld, struct linkedit *edit)
{
	struct buffer *out = &ld->image;
	/* Offset 0 stands for no name; the first string starts behind it. */
	buffer_append(&edit->strings, " ", 2);
	array_for_each (symbol, &ld->output_symbols) {
		buffer_u32(out, (uint32_t)edit->strings.size, false);
		buffer_u8(out, symbol->type);
		buffer_u8(out, symbol->section);
		buffer_u16(out, symbol->desc, false);
		buffer_u64(out, symbol->value, false);
		buffer_append(&edit->strings, symbol->name, strlen(symbol->name) + 1);
	}
	buffer_align(&edit->strings, 8);
}

static int write_linkedit(struct linker *ld, struct linkedit *edit)
{
	struct buffer *out = &ld->image;
	edit->local_offset = (uint32_t)out->size;
	write_relocations(out, ld->local_relocations.items, ld->local_relocations.count);
	edit->symbol_offset = (uint32_t)out->size;
	write_symbols(ld, edit);
	edit->external_offset = (uint32_t)out->size;
	write_relocations(out, ld->external_relocations.items,
			  ld->external_relocations.count);
	edit->string_offset = (uint32_t)out->size;
	buffer_append(out, edit->strings.data, edit->strings.size);
	edit->end = (uint32_t)out->size;
	if (edit->strings.failed || out->failed)
		return -ENOMEM;
	if (out->size > LD_IMAGE_MAX)
		return ld_error(ld, "ld.size", ld->options->output, NULL,
				"the result is larger than 0x%x bytes", LD_IMAGE_MAX);
	return 0;
}

static void write_section(struct buffer *out, const struct ld_output_section *section)
{
	write_name(out, section->name);
	write_name(out, section->segment);
	buffer_u64(out, section->address, false);
	buffer_u64(out, section->size, false);
	buffer_u32(out, (uint32_t)section->file_offset, false);
	buffer_u32(out, section->align, false);
	buffer_u32(out, 0, false); /* reloff, nreloc: relocations are in LC_DYSYMTAB */
	buffer_u32(out, 0, false);
	buffer_u32(out, section->flags, false);
	buffer_zeros(out, 12);
}

static void write_segment(struct buffer *out, const struct ld_output_segment *segment)
{
	buffer_u32(out, LC_SEGMENT_64, false);
	buffer_u32(out, (uint32_t)(72 + 80 * segment->section_count), false);
	write_name(out, segment->name);
	buffer_u64(out, segment->address, false);
	buffer_u64(out, segment->size, false);
	buffer_u64(out, segment->file_offset, false);
	buffer_u64(out, segment->file_size, false);
	buffer_u32(out, segment->maxprot, false);
	buffer_u32(out, segment->initprot, false);
	buffer_u32(out, (uint32_t)segment->section_count, false);
	buffer_u32(out, 0, false);
}

static void write_segments(const struct linker *ld, const struct linkedit *edit,
			   struct buffer *out)
{
	for (size_t i = 0; i < ld->segments.count; i++) {
		const struct ld_output_segment *segment = &ld->segments.items[i];
		write_segment(out, segment);
		for (size_t j = 0; j < segment->section_count; j++)
			write_section(out,
				      ld->sections.items[segment->first_section + j]);
	}
	uint64_t size = edit->end - ld->linkedit_offset;
	struct ld_output_segment linkedit = {
		.name = "__LINKEDIT",
		.address = ld->linkedit_address,
		.size = (size + LD_PAGE_SIZE - 1) & ~(uint64_t)(LD_PAGE_SIZE - 1),
		.file_offset = ld->linkedit_offset,
		.file_size = size,
		.maxprot = VM_PROT_READ | VM_PROT_WRITE | VM_PROT_EXECUTE,
		.initprot = VM_PROT_READ,
	};
	write_segment(out, &linkedit);
}

static void write_symtab(const struct linker *ld, const struct linkedit *edit,
			 struct buffer *out)
{
	buffer_u32(out, LC_SYMTAB, false);
	buffer_u32(out, 24, false);
	buffer_u32(out, edit->symbol_offset, false);
	buffer_u32(out, (uint32_t)ld->output_symbols.count, false);
	buffer_u32(out, edit->string_offset, false);
	buffer_u32(out, (uint32_t)edit->strings.size, false);
}

static void write_dysymtab(const struct linker *ld, const struct linkedit *edit,
			   struct buffer *out)
{
	uint32_t locals = (uint32_t)ld->local_relocations.count;
	uint32_t externals = (uint32_t)ld->external_relocations.count;
	const uint32_t words[20] = {
		LC_DYSYMTAB,
		80,
		0, /* first local symbol */
		ld->local_count,
		ld->local_count,
		ld->defined_count,
		ld->local_count + ld->defined_count,
		ld->undefined_count,
		[16] = externals ? edit->external_offset : 0,
		[17] = externals,
		[18] = locals ? edit->local_offset : 0,
		[19] = locals,
	};
	for (size_t i = 0; i < 20; i++)
		buffer_u32(out, words[i], false);
}

/* Returns where in `out` the UUID's bytes go, 0 for none. */
static size_t write_commands(const struct linker *ld, const struct linkedit *edit,
			     struct buffer *out)
{
	size_t uuid = 0;
	write_segments(ld, edit, out);
	write_symtab(ld, edit, out);
	write_dysymtab(ld, edit, out);
	if (!ld->options->no_uuid) {
		buffer_u32(out, LC_UUID, false);
		buffer_u32(out, 24, false);
		uuid = out->size;
		buffer_zeros(out, 16);
	}
	if (ld->options->source_version) {
		buffer_u32(out, LC_SOURCE_VERSION, false);
		buffer_u32(out, 16, false);
		buffer_u64(out, ld->options->source_version, false);
	}
	return uuid;
}

static void write_header(const struct linker *ld, struct buffer *out)
{
	buffer_u32(out, MH_MAGIC_64, false);
	buffer_u32(out, ld->arch->cputype, false);
	buffer_u32(out, CPU_SUBTYPE_ALL, false);
	buffer_u32(out, MH_KEXT_BUNDLE, false);
	buffer_u32(out, ld->command_count, false);
	buffer_u32(out, ld->command_size, false);
	buffer_u32(out, MH_NOUNDEFS | MH_DYLDLINK | MH_TWOLEVEL, false);
	buffer_u32(out, 0, false);
}

int ld_emit(struct linker *ld)
{
	struct linkedit edit = {0};
	_cleanup_buffer_ struct buffer header = {0};
	size_t uuid = 0;
	int error = write_linkedit(ld, &edit);
	if (!error) {
		write_header(ld, &header);
		uuid = write_commands(ld, &edit, &header);
		error = buffer_error(&header);
	}
	if (!error) {
		memcpy(ld->image.data, header.data, header.size);
		/* Of everything else, so that equal inputs have equal UUIDs. */
		if (uuid)
			macho_uuid_from_content(bytes_of(ld->image.data, ld->image.size),
						ld->image.data + uuid);
	}
	buffer_free(&edit.strings);
	return error;
}
