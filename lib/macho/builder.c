/*
 * The writer of Mach-O images; see builder.h. finish first places everything in the file,
 * then writes front to back, and last stamps the UUID.
 */
#include <errno.h>
#include <string.h>
#include <kext/arch.h>
#include "base/buffer.h"
#include "base/map.h"
#include "base/memory.h"
#include "macho/builder.h"
#include "macho/uuid.h"

#define PAGE	     0x1000u
#define UUID_SIZE    16u
#define FIRST_STRING 4u

/* What finish computes: sizes of the format's records for this CPU and where things lie.
 */
struct plan {
	struct macho_builder *builder;
	bool big, is_64;
	uint32_t commands_size, command_count;
	uint64_t linkedit_offset, linkedit_size, linkedit_address;
	uint32_t local_count, defined_count, undefined_count;
	size_t uuid_offset;
	struct map names; /* name → its string offset */
	struct buffer strings, symbols, out;
};

static void fail(struct macho_builder *builder, int error)
{
	if (!builder->error)
		builder->error = error;
}

static bool copy_name(struct macho_builder *builder, char to[17], const char *name)
{
	if (strlen(name) > 16) {
		fail(builder, KEXT_ERR_INVALID_ARGUMENT);
		return false;
	}
	memcpy(to, name, strlen(name) + 1);
	return true;
}

unsigned macho_builder_segment(struct macho_builder *builder, const char *name,
			       uint64_t address, uint64_t size, uint32_t protection)
{
	struct macho_builder_segment *segment = array_push(&builder->segments);
	uint64_t end;
	if (!segment) {
		fail(builder, -ENOMEM);
		return 0;
	}
	if (__builtin_add_overflow(address, size, &end))
		fail(builder, KEXT_ERR_INVALID_ARGUMENT);
	copy_name(builder, segment->name, name);
	segment->address = address;
	segment->size = size;
	segment->protection = protection;
	return (unsigned)builder->segments.count - 1;
}

/* Sections are numbered through the image, so each must come after those of its segment.
 */
static bool section_fits(const struct macho_builder *builder, unsigned index,
			 uint64_t address, uint64_t size)
{
	if (index >= builder->segments.count || builder->sections.count == 255)
		return false;
	for (size_t i = index + 1; i < builder->segments.count; i++)
		if (builder->segments.items[i].section_count)
			return false;
	const struct macho_builder_segment *segment = &builder->segments.items[index];
	return address >= segment->address &&
	       address - segment->address <= segment->size &&
	       size <= segment->size - (address - segment->address);
}

unsigned macho_builder_section(struct macho_builder *builder, unsigned segment,
			       const char *name, uint64_t address, uint64_t size,
			       uint32_t align, uint32_t flags, const void *data)
{
	struct macho_builder_section section = {
		.segment = segment,
		.address = address,
		.size = size,
		.align = align,
		.flags = data ? flags : S_ZEROFILL, /* readers want it bare */
	};
	if (!copy_name(builder, section.name, name))
		return 0;
	if (!section_fits(builder, segment, address, size)) {
		fail(builder, KEXT_ERR_INVALID_ARGUMENT);
		return 0;
	}
	section.data = data ? mem_copy(data, size) : NULL;
	struct macho_builder_section *place = array_push(&builder->sections);
	if (!place || (data && !section.data)) {
		builder->sections.count -= place ? 1 : 0;
		free(section.data);
		fail(builder, -ENOMEM);
		return 0;
	}
	*place = section;
	struct macho_builder_segment *s = &builder->segments.items[segment];
	uint64_t end = address - s->address + size;
	s->section_count++;
	if (data && end > s->file_size)
		s->file_size = end;
	return (unsigned)builder->sections.count;
}

static void add_symbol(struct macho_builder *builder, const char *name,
		       const char *target, struct macho_builder_symbol symbol)
{
	symbol.name = mem_string(name);
	symbol.target = target ? mem_string(target) : NULL;
	struct macho_builder_symbol *place = NULL;
	if (symbol.section > 255)
		fail(builder, KEXT_ERR_INVALID_ARGUMENT);
	else if (!symbol.name || (target && !symbol.target) ||
		 !(place = array_push(&builder->symbols)))
		fail(builder, -ENOMEM);
	if (place) {
		*place = symbol;
		return;
	}
	free(symbol.name);
	free(symbol.target);
}

void macho_builder_symbol(struct macho_builder *builder, const char *name, uint8_t type,
			  unsigned section, uint16_t desc, uint64_t value)
{
	add_symbol(
		builder, name, NULL,
		(struct macho_builder_symbol){
			.type = type, .section = section, .desc = desc, .value = value});
}

void macho_builder_indirect(struct macho_builder *builder, const char *name,
			    const char *target, uint16_t desc)
{
	add_symbol(builder, name, target,
		   (struct macho_builder_symbol){.type = N_INDR | N_EXT, .desc = desc});
}

static void put_word(struct plan *plan, struct buffer *to, uint64_t value)
{
	if (plan->is_64)
		buffer_u64(to, value, plan->big);
	else
		buffer_u32(to, (uint32_t)value, plan->big);
}

static void put_u32(struct plan *plan, uint64_t value)
{
	buffer_u32(&plan->out, (uint32_t)value, plan->big);
}

static void put_name(struct plan *plan, const char name[16])
{
	char field[16] = {0};
	memcpy(field, name, strnlen(name, 16));
	buffer_append(&plan->out, field, sizeof(field));
}

/* The offset of a name in the strings; equal names are stored once. */
static int intern(struct plan *plan, const char *name, uint32_t *ret)
{
	bool is_new;
	void **slot = map_slot(&plan->names, name, &is_new);
	if (!slot)
		return -ENOMEM;
	if (is_new) {
		*slot = (void *)plan->strings.size;
		buffer_append(&plan->strings, name, strlen(name) + 1);
	}
	*ret = (uint32_t)(uintptr_t)*slot;
	return 0;
}

static int build_symbol(struct plan *plan, const struct macho_builder_symbol *symbol)
{
	uint32_t strx, target = 0;
	int error = intern(plan, symbol->name, &strx);
	if (!error && symbol->target)
		error = intern(plan, symbol->target, &target);
	if (error)
		return error;
	buffer_u32(&plan->symbols, strx, plan->big);
	buffer_u8(&plan->symbols, symbol->type);
	buffer_u8(&plan->symbols, (uint8_t)symbol->section);
	buffer_u16(&plan->symbols, symbol->desc, plan->big);
	put_word(plan, &plan->symbols, symbol->target ? target : symbol->value);
	return 0;
}

static int build_linkedit(struct plan *plan)
{
	buffer_zeros(&plan->strings, FIRST_STRING);
	array_for_each (symbol, &plan->builder->symbols) {
		int error = build_symbol(plan, symbol);
		if (error)
			return error;
	}
	buffer_align(&plan->strings, plan->is_64 ? 8 : 4);
	plan->linkedit_size = plan->symbols.size + plan->strings.size;
	return buffer_error(&plan->strings) ?: buffer_error(&plan->symbols);
}

/* LC_DYSYMTAB states the symbols as three runs: locals, defined, undefined. */
static int count_runs(struct plan *plan)
{
	uint32_t counts[3] = {0};
	unsigned run = 0;
	array_for_each (symbol, &plan->builder->symbols) {
		bool external = symbol->type & N_EXT && !(symbol->type & N_STAB);
		unsigned type = symbol->type & N_TYPE;
		unsigned this_run = !external			       ? 0
				    : type == N_UNDF || type == N_PBUD ? 2
								       : 1;
		if (this_run < run)
			return KEXT_ERR_INVALID_ARGUMENT;
		run = this_run;
		counts[run]++;
	}
	plan->local_count = counts[0];
	plan->defined_count = counts[1];
	plan->undefined_count = counts[2];
	return 0;
}

static uint64_t page_up(uint64_t value)
{
	return (value + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

static int place_segments(struct plan *plan)
{
	struct macho_builder *b = plan->builder;
	uint32_t segment_size = plan->is_64 ? 72 : 56,
		 section_size = plan->is_64 ? 80 : 68;
	plan->command_count =
		(uint32_t)b->segments.count + 3 + (b->with_dysymtab ? 1 : 0);
	plan->commands_size = segment_size * ((uint32_t)b->segments.count + 1) +
			      section_size * (uint32_t)b->sections.count + 24 + 24 +
			      (b->with_dysymtab ? 80 : 0);
	uint64_t offset = page_up((plan->is_64 ? 32 : 28) + plan->commands_size), end = 0;
	array_for_each (segment, &b->segments) {
		if (segment->address + segment->size > end)
			end = segment->address + segment->size;
		segment->file_offset = segment->file_size ? offset : 0;
		if (segment->file_size > UINT32_MAX - offset)
			return KEXT_ERR_INVALID_ARGUMENT;
		offset = page_up(offset + segment->file_size);
	}
	plan->linkedit_offset = offset;
	plan->linkedit_address = b->linkedit_address ? b->linkedit_address : page_up(end);
	if (plan->linkedit_size > UINT32_MAX - offset ||
	    (!plan->is_64 && plan->linkedit_address + plan->linkedit_size > UINT32_MAX))
		return KEXT_ERR_INVALID_ARGUMENT;
	return 0;
}

static void put_header(struct plan *plan)
{
	const struct macho_builder *b = plan->builder;
	put_u32(plan, plan->is_64 ? MH_MAGIC_64 : MH_MAGIC);
	put_u32(plan, b->cputype);
	put_u32(plan, b->cpusubtype);
	put_u32(plan, b->filetype);
	put_u32(plan, plan->command_count);
	put_u32(plan, plan->commands_size);
	put_u32(plan, b->flags);
	if (plan->is_64)
		put_u32(plan, 0);
}

static void put_segment(struct plan *plan, const struct macho_builder_segment *segment)
{
	uint32_t head = plan->is_64 ? 72 : 56, item = plan->is_64 ? 80 : 68;
	put_u32(plan, plan->is_64 ? LC_SEGMENT_64 : LC_SEGMENT);
	put_u32(plan, head + item * segment->section_count);
	put_name(plan, segment->name);
	put_word(plan, &plan->out, segment->address);
	put_word(plan, &plan->out, segment->size);
	put_word(plan, &plan->out, segment->file_offset);
	put_word(plan, &plan->out, segment->file_size);
	put_u32(plan, segment->protection);
	put_u32(plan, segment->protection);
	put_u32(plan, segment->section_count);
	put_u32(plan, segment->flags);
}

static void put_section(struct plan *plan, const struct macho_builder_section *section)
{
	const struct macho_builder_segment *s =
		&plan->builder->segments.items[section->segment];
	put_name(plan, section->name);
	put_name(plan, s->name);
	put_word(plan, &plan->out, section->address);
	put_word(plan, &plan->out, section->size);
	put_u32(plan, section->data ? s->file_offset + section->address - s->address : 0);
	put_u32(plan, section->align);
	put_u32(plan, 0);
	put_u32(plan, 0);
	put_u32(plan, section->flags);
	for (int i = 0; i < (plan->is_64 ? 3 : 2); i++)
		put_u32(plan, 0);
}

static void put_segments(struct plan *plan)
{
	const struct macho_builder *b = plan->builder;
	for (unsigned i = 0; i < b->segments.count; i++) {
		put_segment(plan, &b->segments.items[i]);
		array_for_each (section, &b->sections)
			if (section->segment == i)
				put_section(plan, section);
	}
	struct macho_builder_segment linkedit = {
		.name = "__LINKEDIT",
		.address = plan->linkedit_address,
		.size = plan->linkedit_size,
		.file_offset = plan->linkedit_offset,
		.file_size = plan->linkedit_size,
		.protection = VM_PROT_READ,
		.flags = b->linkedit_flags,
	};
	put_segment(plan, &linkedit);
}

static void put_dysymtab(struct plan *plan)
{
	put_u32(plan, LC_DYSYMTAB);
	put_u32(plan, 80);
	put_u32(plan, 0);
	put_u32(plan, plan->local_count);
	put_u32(plan, plan->local_count);
	put_u32(plan, plan->defined_count);
	put_u32(plan, plan->local_count + plan->defined_count);
	put_u32(plan, plan->undefined_count);
	for (int i = 0; i < 12; i++)
		put_u32(plan, 0);
}

static void put_commands(struct plan *plan)
{
	put_segments(plan);
	put_u32(plan, LC_SYMTAB);
	put_u32(plan, 24);
	put_u32(plan, plan->linkedit_offset);
	put_u32(plan, plan->builder->symbols.count);
	put_u32(plan, plan->linkedit_offset + plan->symbols.size);
	put_u32(plan, plan->strings.size);
	if (plan->builder->with_dysymtab)
		put_dysymtab(plan);
	put_u32(plan, LC_UUID);
	put_u32(plan, 24);
	plan->uuid_offset = plan->out.size;
	buffer_append(&plan->out, plan->builder->uuid, UUID_SIZE);
}

/* Zeros up to `offset` of the file. */
static void pad_to(struct plan *plan, uint64_t offset)
{
	if (!plan->out.failed && offset > plan->out.size)
		buffer_zeros(&plan->out, offset - plan->out.size);
}

/* Overlapping sections are allowed: the later one's bytes win. */
static void put_contents(struct plan *plan)
{
	const struct macho_builder *b = plan->builder;
	array_for_each (segment, &b->segments)
		if (segment->file_size)
			pad_to(plan, segment->file_offset + segment->file_size);
	pad_to(plan, plan->linkedit_offset);
	if (plan->out.failed)
		return;
	array_for_each (section, &b->sections) {
		const struct macho_builder_segment *s =
			&b->segments.items[section->segment];
		uint64_t offset = s->file_offset + section->address - s->address;
		if (section->data && section->size)
			memcpy(plan->out.data + offset, section->data, section->size);
	}
}

static int write_image(struct plan *plan)
{
	put_header(plan);
	put_commands(plan);
	put_contents(plan);
	buffer_append(&plan->out, plan->symbols.data, plan->symbols.size);
	buffer_append(&plan->out, plan->strings.data, plan->strings.size);
	int error = buffer_error(&plan->out);
	if (error || plan->builder->has_uuid)
		return error;
	uint8_t uuid[UUID_SIZE];
	memset(plan->out.data + plan->uuid_offset, 0, UUID_SIZE);
	macho_uuid_from_content(bytes_of(plan->out.data, plan->out.size), uuid);
	memcpy(plan->out.data + plan->uuid_offset, uuid, UUID_SIZE);
	return 0;
}

int macho_builder_finish(struct macho_builder *builder, uint8_t **ret, size_t *ret_size)
{
	struct plan plan = {
		.builder = builder,
		.big = builder->cputype == KEXT_CPU_PPC ||
		       builder->cputype == KEXT_CPU_PPC64,
		.is_64 = builder->cputype & KEXT_CPU_ARCH_64,
	};
	int error = builder->error;
	if (!error)
		error = build_linkedit(&plan);
	if (!error && builder->with_dysymtab)
		error = count_runs(&plan);
	if (!error)
		error = place_segments(&plan);
	if (!error)
		error = write_image(&plan);
	if (!error)
		*ret = buffer_steal(&plan.out, ret_size);
	map_free(&plan.names);
	buffer_free(&plan.strings);
	buffer_free(&plan.symbols);
	buffer_free(&plan.out);
	return error;
}

void macho_builder_free(struct macho_builder *builder)
{
	array_for_each (section, &builder->sections)
		free(section->data);
	array_for_each (symbol, &builder->symbols) {
		free(symbol->name);
		free(symbol->target);
	}
	array_free(&builder->segments);
	array_free(&builder->sections);
	array_free(&builder->symbols);
}
