/*
 * Parsing of thin Mach-O images; see macho.h. Everything a reader will later touch is
 * range checked here, with one diagnostic that says where and what when something does
 * not fit.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <kext/arch.h>
#include "base/memory.h"
#include "macho/macho.h"

#define MAX_COMMANDS 65536u
#define MAX_SECTIONS 255u /* n_sect is a byte */

struct parser {
	struct macho m;
	const char *subject;
	struct kext_diagnostics *diagnostics;
};

static int refuse(struct parser *p, const char *slug, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(struct parser *p, const char *slug, const char *format, ...)
{
	char text[320];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	kext_diagnose(p->diagnostics, KEXT_ERROR, slug, p->subject, NULL, "%s", text);
	return KEXT_ERR_VALIDATION;
}

/* Whether `count` items of `item` bytes at `offset` lie in the file; no items lie
 * anywhere. */
static bool holds_table(const struct macho *m, uint64_t offset, uint64_t count,
			uint64_t item)
{
	return count == 0 || bytes_holds(m->bytes, offset, count * item);
}

/* A fixed-width name field, whose printable form is safe in messages. */
static void read_name(struct cursor *c, char name[17])
{
	const uint8_t *field = cursor_take(c, 16);
	memset(name, 0, 17);
	if (field)
		memcpy(name, field, strnlen((const char *)field, 16));
}

static uint64_t read_word(const struct parser *p, struct cursor *c)
{
	return p->m.is_64 ? cursor_u64(c) : cursor_u32(c);
}

static bool is_zerofill(uint32_t flags)
{
	uint32_t type = flags & 0xff;
	return type == S_ZEROFILL || type == S_GB_ZEROFILL ||
	       type == S_THREAD_LOCAL_ZEROFILL;
}

static int check_section(struct parser *p, struct macho_section *s, size_t at)
{
	const struct macho_segment *segment = &p->m.segments.items[s->segment_index];
	uint64_t end, segment_end = segment->address + segment->size;
	if (__builtin_add_overflow(s->address, s->size, &end) ||
	    (s->size && (s->address < segment->address || end > segment_end)))
		return refuse(p, "macho.section",
			      "offset %#zx: section %s,%s at %#" PRIx64 " of %#" PRIx64
			      " bytes lies outside its segment, %#" PRIx64
			      " to %#" PRIx64,
			      at, s->segment, s->name, s->address, s->size,
			      segment->address, segment_end);
	if (!is_zerofill(s->flags) && s->offset && s->size &&
	    !bytes_slice(p->m.bytes, s->offset, s->size, &s->content))
		return refuse(p, "macho.section",
			      "offset %#zx: content of section %s,%s, %#" PRIx64
			      " bytes at %#" PRIx32 ", exceeds the file of %#zx bytes",
			      at, s->segment, s->name, s->size, s->offset,
			      p->m.bytes.size);
	if (!holds_table(&p->m, s->reloff, s->nreloc, RELOCATION_SIZE))
		return refuse(p, "macho.section",
			      "offset %#zx: %" PRIu32
			      " relocations of section %s,%s at %#" PRIx32
			      " exceed the file of %#zx bytes",
			      at, s->nreloc, s->segment, s->name, s->reloff,
			      p->m.bytes.size);
	return 0;
}

static int parse_section(struct parser *p, struct cursor *c, uint32_t segment_index)
{
	size_t at = c->at;
	struct macho_section s = {.segment_index = segment_index, .header = (uint32_t)at};
	read_name(c, s.name);
	read_name(c, s.segment);
	s.address = read_word(p, c);
	s.size = read_word(p, c);
	s.offset = cursor_u32(c);
	s.align = cursor_u32(c);
	s.reloff = cursor_u32(c);
	s.nreloc = cursor_u32(c);
	s.flags = cursor_u32(c);
	s.reserved1 = cursor_u32(c);
	s.reserved2 = cursor_u32(c);
	if (p->m.is_64)
		cursor_u32(c);
	if (c->failed)
		return refuse(p, "macho.section",
			      "offset %#zx: section header exceeds its segment command",
			      at);
	int error = check_section(p, &s, at);
	if (error)
		return error;
	struct macho_section *place = array_push(&p->m.sections);
	if (!place)
		return -ENOMEM;
	*place = s;
	return 0;
}

static int check_segment(struct parser *p, const struct macho_segment *s)
{
	uint64_t end;
	if (__builtin_add_overflow(s->address, s->size, &end) ||
	    (!p->m.is_64 && end > UINT64_C(0x100000000)))
		return refuse(p, "macho.segment",
			      "offset %#" PRIx32 ": segment %s at %#" PRIx64
			      " of %#" PRIx64 " bytes exceeds the address space",
			      s->command, s->name, s->address, s->size);
	if (!holds_table(&p->m, s->file_offset, s->file_size, 1))
		return refuse(p, "macho.segment",
			      "offset %#" PRIx32 ": segment %s, %#" PRIx64
			      " bytes at %#" PRIx64 ", exceeds the file of %#zx bytes",
			      s->command, s->name, s->file_size, s->file_offset,
			      p->m.bytes.size);
	return 0;
}

static int check_section_count(struct parser *p, const struct macho_segment *s,
			       size_t room)
{
	size_t item = p->m.is_64 ? 80 : 68;
	bool capped = p->m.filetype == MH_OBJECT || p->m.filetype == MH_BUNDLE ||
		      p->m.filetype == MH_KEXT_BUNDLE;
	if (s->section_count > room / item)
		return refuse(p, "macho.segment",
			      "offset %#" PRIx32 ": segment %s has %" PRIu32
			      " sections, its command has room for %zu",
			      s->command, s->name, s->section_count, room / item);
	if (capped && s->section_count > MAX_SECTIONS - p->m.sections.count)
		return refuse(p, "macho.segment",
			      "offset %#" PRIx32
			      ": with segment %s the image has more than %u "
			      "sections",
			      s->command, s->name, MAX_SECTIONS);
	return 0;
}

static void read_segment(struct parser *p, struct cursor *c, struct macho_segment *s)
{
	read_name(c, s->name);
	s->address = read_word(p, c);
	s->size = read_word(p, c);
	s->file_offset = read_word(p, c);
	s->file_size = read_word(p, c);
	s->maxprot = cursor_u32(c);
	s->initprot = cursor_u32(c);
	s->section_count = cursor_u32(c);
	s->flags = cursor_u32(c);
}

static int parse_segment(struct parser *p, struct cursor *c,
			 const struct macho_command *command)
{
	struct macho_segment s = {.command = command->offset,
				  .first_section = (uint32_t)p->m.sections.count};
	if ((command->type == LC_SEGMENT_64) != p->m.is_64)
		return refuse(
			p, "macho.segment",
			"offset %#" PRIx32 ": %d-bit segment command in a %d-bit image",
			command->offset, p->m.is_64 ? 32 : 64, p->m.is_64 ? 64 : 32);
	read_segment(p, c, &s);
	if (c->failed)
		return refuse(p, "macho.segment",
			      "offset %#" PRIx32 ": segment command of only %" PRIu32
			      " bytes",
			      command->offset, command->size);
	int error = check_segment(p, &s);
	if (!error)
		error = check_section_count(p, &s, c->bytes.size - c->at);
	if (error)
		return error;
	struct macho_segment *place = array_push(&p->m.segments);
	if (!place)
		return -ENOMEM;
	*place = s;
	for (uint32_t i = 0; i < s.section_count && !error; i++)
		error = parse_section(p, c, (uint32_t)p->m.segments.count - 1);
	return error;
}

static int refuse_command(struct parser *p, const struct macho_command *command,
			  const char *name, const char *what)
{
	return refuse(p, "macho.command", "offset %#" PRIx32 ": %s %s", command->offset,
		      name, what);
}

/*
 * The string table is kept up to its last NUL, so that every index below its size names
 * a terminated string without looking for the end each time.
 */
static int parse_symtab(struct parser *p, struct cursor *c,
			const struct macho_command *command)
{
	struct macho *m = &p->m;
	struct macho_table symbols = {.offset = cursor_u32(c)};
	symbols.count = cursor_u32(c);
	uint32_t string_offset = cursor_u32(c), string_size = cursor_u32(c);
	if (m->has_symtab || c->failed)
		return refuse_command(p, command, "LC_SYMTAB",
				      c->failed ? "is too short" : "occurs twice");
	if (!holds_table(m, symbols.offset, symbols.count, m->is_64 ? 16 : 12))
		return refuse(p, "macho.symtab",
			      "offset %#" PRIx32 ": %" PRIu32 " symbols at %#" PRIx32
			      " exceed the file of %#zx bytes",
			      command->offset, symbols.count, symbols.offset,
			      m->bytes.size);
	if (!holds_table(m, string_offset, string_size, 1))
		return refuse(p, "macho.symtab",
			      "offset %#" PRIx32 ": %#" PRIx32
			      " bytes of strings at %#" PRIx32
			      " exceed the file of %#zx bytes",
			      command->offset, string_size, string_offset, m->bytes.size);
	m->has_symtab = true;
	m->symbols = symbols;
	if (!string_size)
		return 0;
	const uint8_t *start = m->bytes.data + string_offset;
	const uint8_t *last = memrchr(start, 0, string_size);
	m->strings = bytes_of(start, last ? (size_t)(last - start) + 1 : 0);
	return 0;
}

static int parse_dysymtab(struct parser *p, struct cursor *c,
			  const struct macho_command *command)
{
	struct macho *m = &p->m;
	cursor_take(c, 12 * 4); /* ranges of symbols, contents and modules of libraries */
	struct macho_table indirect = {.offset = cursor_u32(c)};
	indirect.count = cursor_u32(c);
	struct macho_table external = {.offset = cursor_u32(c)};
	external.count = cursor_u32(c);
	struct macho_table local = {.offset = cursor_u32(c)};
	local.count = cursor_u32(c);
	if (m->has_dysymtab || c->failed)
		return refuse_command(p, command, "LC_DYSYMTAB",
				      c->failed ? "is too short" : "occurs twice");
	if (!holds_table(m, indirect.offset, indirect.count, 4))
		return refuse_command(p, command, "LC_DYSYMTAB",
				      "has indirect symbols outside the file");
	if (!holds_table(m, external.offset, external.count, RELOCATION_SIZE) ||
	    !holds_table(m, local.offset, local.count, RELOCATION_SIZE))
		return refuse_command(p, command, "LC_DYSYMTAB",
				      "has relocations outside the file");
	m->has_dysymtab = true;
	m->indirect_symbols = indirect;
	m->external_relocations = external;
	m->local_relocations = local;
	return 0;
}

static int parse_uuid(struct parser *p, struct cursor *c,
		      const struct macho_command *command)
{
	const uint8_t *uuid = cursor_take(c, 16);
	if (!uuid || p->m.has_uuid)
		return refuse_command(p, command, "LC_UUID",
				      uuid ? "occurs twice" : "is too short");
	p->m.has_uuid = true;
	memcpy(p->m.uuid, uuid, 16);
	return 0;
}

static int parse_command(struct parser *p, const struct macho_command *command)
{
	struct bytes bytes = bytes_of(p->m.bytes.data, command->offset + command->size);
	struct cursor c = cursor_at(bytes, command->offset + 8, p->m.big);
	switch (command->type) {
	case LC_SEGMENT:
	case LC_SEGMENT_64:
		return parse_segment(p, &c, command);
	case LC_SYMTAB:
		return parse_symtab(p, &c, command);
	case LC_DYSYMTAB:
		return parse_dysymtab(p, &c, command);
	case LC_UUID:
		return parse_uuid(p, &c, command);
	default:
		return 0;
	}
}

static int parse_commands(struct parser *p, struct cursor *c, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct macho_command command = {.offset = (uint32_t)c->at};
		command.type = cursor_u32(c);
		command.size = cursor_u32(c);
		if (c->failed || command.size < 8 || command.size % 4 ||
		    !cursor_take(c, command.size - 8))
			return refuse(p, "macho.command",
				      "offset %#" PRIx32 ": load command %" PRIu32
				      " of %" PRIu32 ", size %" PRIu32
				      ", exceeds the commands, which end at "
				      "%#zx, or is no multiple of 4",
				      command.offset, i + 1, count, command.size,
				      c->bytes.size);
		struct macho_command *place = array_push(&p->m.commands);
		if (!place)
			return -ENOMEM;
		*place = command;
		int error = parse_command(p, &command);
		if (error)
			return error;
	}
	return 0;
}

static int parse_magic(struct parser *p)
{
	struct macho *m = &p->m;
	if (m->bytes.size < 28)
		return refuse(p, "macho.truncated",
			      "a file of %zu bytes is too short for a Mach-O header",
			      m->bytes.size);
	uint32_t magic = load32(m->bytes.data, false);
	m->big = magic == MH_CIGAM || magic == MH_CIGAM_64;
	magic = load32(m->bytes.data, m->big);
	m->is_64 = magic == MH_MAGIC_64;
	if (magic != MH_MAGIC && magic != MH_MAGIC_64)
		return refuse(p, "macho.magic",
			      "offset 0: magic %#010" PRIx32 " where a Mach-O image has "
			      "0xfeedface or 0xfeedfacf",
			      magic);
	return 0;
}

static int parse_image(struct parser *p)
{
	struct macho *m = &p->m;
	int error = parse_magic(p);
	if (error)
		return error;
	struct cursor c = cursor_at(m->bytes, 4, m->big);
	m->cputype = cursor_u32(&c);
	m->cpusubtype = cursor_u32(&c);
	m->filetype = cursor_u32(&c);
	uint32_t count = cursor_u32(&c), size = cursor_u32(&c);
	m->flags = cursor_u32(&c);
	if (m->is_64)
		cursor_u32(&c);
	if (c.failed || size > m->bytes.size - c.at)
		return refuse(p, "macho.truncated",
			      "offset 0x14: %" PRIu32
			      " bytes of load commands exceed the file "
			      "of %zu bytes",
			      size, m->bytes.size);
	if (count > MAX_COMMANDS)
		return refuse(p, "macho.command",
			      "offset 0x10: %" PRIu32
			      " load commands, at most %u are accepted",
			      count, MAX_COMMANDS);
	c.bytes.size = c.at + size;
	return parse_commands(p, &c, count);
}

int macho_parse(struct bytes bytes, const char *subject,
		struct kext_diagnostics *diagnostics, struct macho *ret)
{
	struct parser p = {
		.m.bytes = bytes, .subject = subject, .diagnostics = diagnostics};
	int error = parse_image(&p);
	if (error)
		macho_free(&p.m);
	else
		*ret = p.m;
	return error;
}

void macho_free(struct macho *macho)
{
	array_free(&macho->commands);
	array_free(&macho->segments);
	array_free(&macho->sections);
}
