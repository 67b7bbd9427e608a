/* Kexts as files of their own again; see standalone.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include "archive/prelink.h"
#include "archive/standalone.h"
#include "base/memory.h"

#define MAX_COMMAND_BYTES (1u << 20)
#define MAX_SEGMENTS	  256u		      /* and sections, of a kext */
#define MAX_MADE	  (UINT64_C(1) << 30) /* bytes, from one image in all */

int standalone_damaged(struct standalone *s, const char *format, ...)
{
	char text[256];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	struct bytes header = {s->image->data, 0};
	(void)macho_at_address(&s->image->macho, s->place->source, 1, &header);
	kext_diagnose(s->diagnostics, KEXT_ERROR, "prelink.damaged", s->image->subject,
		      NULL, "kext %s, offset 0x%zx, is damaged: %s", s->name,
		      (size_t)(header.data - s->image->data), text);
	return KEXT_ERR_BAD_DATA;
}

/* Offsets count from the header of the whole file or of the kext, as its segments say. */
bool standalone_bytes_at(const struct standalone *s, uint64_t offset, uint64_t size,
			 struct bytes *ret)
{
	if (s->linkedit && s->linkedit->file_size &&
	    offset - s->linkedit->file_offset < s->linkedit->file_size)
		return prelink_bytes_at(s->image, s->place,
					s->linkedit->address + offset -
						s->linkedit->file_offset,
					size, ret);
	array_for_each (segment, &s->segments)
		if (offset - segment->file_offset < segment->file_size)
			return prelink_bytes_at(s->image, s->place,
						segment->address + offset -
							segment->file_offset,
						size, ret);
	return false;
}

static int read_header(struct standalone *s)
{
	struct bytes bytes;
	uint64_t at = s->place->source;
	if (!macho_at_address(&s->image->macho, at, 32, &bytes))
		return standalone_damaged(
			s, "its Mach-O header at 0x%" PRIx64 " is not in the file", at);
	s->big = s->image->macho.big;
	uint32_t magic = load32(bytes.data, s->big);
	s->is_64 = magic == MH_MAGIC_64;
	if (magic != MH_MAGIC && magic != MH_MAGIC_64)
		return standalone_damaged(s,
					  "at 0x%" PRIx64 " stands 0x%08" PRIx32
					  " where its Mach-O header belongs",
					  at, magic);
	s->header_size = s->is_64 ? 32 : 28;
	s->command_count = load32(bytes.data + 16, s->big);
	uint32_t size = load32(bytes.data + 20, s->big);
	if (size > MAX_COMMAND_BYTES || s->command_count > size / 8 ||
	    !macho_at_address(&s->image->macho, at, s->header_size + (uint64_t)size,
			      &bytes))
		return standalone_damaged(s,
					  "%" PRIu32 " load commands of %" PRIu32
					  " bytes at 0x%" PRIx64 " do not fit",
					  s->command_count, size, at);
	s->commands = bytes_of(bytes.data + s->header_size, size);
	buffer_append(&s->new_commands, bytes.data, s->header_size);
	return 0;
}

bool standalone_next_command(struct standalone *s, size_t *at, uint32_t *number,
			     struct bytes *ret, uint32_t *ret_type, int *reterr_error)
{
	if (*number == s->command_count)
		return false;
	struct cursor c = cursor_at(s->commands, *at, s->big);
	uint32_t type = cursor_u32(&c), size = cursor_u32(&c);
	if (c.failed || size < 8 || size % 4 ||
	    !bytes_slice(s->commands, *at, size, ret)) {
		*reterr_error = standalone_damaged(
			s, "load command %" PRIu32 " of %" PRIu32 " bytes does not fit",
			*number, size);
		return false;
	}
	*ret_type = type;
	*at += size;
	++*number;
	return true;
}

static uint64_t read_word(const struct standalone *s, struct cursor *c)
{
	return s->is_64 ? cursor_u64(c) : cursor_u32(c);
}

static int add_sections(struct standalone *s, struct cursor *c, uint32_t count,
			struct standalone_segment *segment)
{
	segment->lead = segment->file_size;
	for (uint32_t i = 0; i < count; i++) {
		cursor_take(c, 32);
		struct standalone_section *section = array_push(&s->sections);
		if (!section)
			return -ENOMEM;
		section->address = read_word(s, c);
		section->size = read_word(s, c);
		cursor_take(c, s->is_64 ? 32 : 28);
		uint64_t lead = section->address - segment->address;
		if (lead < segment->lead)
			segment->lead = lead;
	}
	return 0;
}

static int add_segment(struct standalone *s, struct bytes command)
{
	struct cursor c = cursor_at(command, 8, s->big);
	const uint8_t *name = cursor_take(&c, 16);
	struct standalone_segment segment = {.address = read_word(s, &c)};
	segment.size = read_word(s, &c);
	segment.file_offset = read_word(s, &c);
	segment.file_size = read_word(s, &c);
	cursor_take(&c, 8);
	uint32_t sections = cursor_u32(&c);
	cursor_u32(&c);
	size_t item = s->is_64 ? STANDALONE_SECTION_64 : STANDALONE_SECTION_32;
	if (c.failed || sections > (command.size - c.at) / item)
		return standalone_damaged(
			s, "a segment command of %zu bytes is too short", command.size);
	if (s->segments.count == MAX_SEGMENTS ||
	    sections > MAX_SEGMENTS - s->sections.count)
		return standalone_damaged(s, "it has more than %u segments or sections",
					  MAX_SEGMENTS);
	segment.is_linkedit = strncmp((const char *)name, "__LINKEDIT", 16) == 0;
	if (!segment.is_linkedit && segment.file_size > segment.size)
		return standalone_damaged(
			s, "segment %.16s has more bytes in the file than in memory",
			(const char *)name);
	int error = add_sections(s, &c, sections, &segment);
	struct standalone_segment *place = error == 0 ? array_push(&s->segments) : NULL;
	if (!place)
		return -ENOMEM;
	*place = segment;
	return 0;
}

static void look_at_symtab(struct standalone *s, struct bytes command)
{
	if (command.size < 24)
		return; /* refused when it is copied */
	s->has_symtab = true;
	s->has_symbols = load32(command.data + 12, s->big) != 0;
}

static int read_segments(struct standalone *s)
{
	size_t at = 0;
	uint32_t number = 0, type;
	struct bytes command;
	int error = 0;
	while (error == 0 &&
	       standalone_next_command(s, &at, &number, &command, &type, &error))
		if (type == (s->is_64 ? LC_SEGMENT_64 : LC_SEGMENT))
			error = add_segment(s, command);
		else if (type == LC_SYMTAB)
			look_at_symtab(s, command);
	array_for_each (segment, &s->segments)
		if (segment->is_linkedit && !s->linkedit)
			s->linkedit = segment;
	s->has_symbols = s->has_symbols && s->linkedit && s->linkedit->file_size;
	return error;
}

/* The segment that starts with the Mach-O header; object files have none. */
static bool holds_header(const struct standalone *s,
			 const struct standalone_segment *segment)
{
	return segment->file_size && (segment->address == s->place->load ||
				      segment->address == s->place->source);
}

/* Gives each segment its place in the new file. */
static int lay_out(struct standalone *s)
{
	bool has_header = s->segments.count && !s->segments.items[0].is_linkedit &&
			  holds_header(s, &s->segments.items[0]);
	uint64_t unit = standalone_page_size(s);
	uint64_t end = has_header ? 0 : s->header_size + s->commands.size + s->new_room;
	array_for_each (segment, &s->segments) {
		if (segment->is_linkedit)
			continue;
		segment->new_size = segment->file_size;
		segment->new_offset = end = standalone_round_up(end, unit);
		if (segment->file_size > s->image->size ||
		    (end += segment->file_size) > 2 * (uint64_t)s->image->size + unit)
			return standalone_damaged(
				s, "its segments have more bytes than the file");
	}
	if (has_header &&
	    s->segments.items[0].file_size < s->header_size + s->commands.size)
		return standalone_damaged(
			s, "its first segment is too short for the load commands");
	s->content_end = standalone_round_up(end, unit);
	return 0;
}

/* ---- the file ---- */

static int copy_segments(struct standalone *s, uint8_t *out)
{
	array_for_each (segment, &s->segments) {
		struct bytes bytes;
		if (segment->is_linkedit || !segment->file_size)
			continue;
		if (!prelink_bytes_at(s->image, s->place, segment->address,
				      segment->file_size, &bytes))
			return standalone_damaged(s,
						  "0x%" PRIx64
						  " bytes of a segment at 0x%" PRIx64
						  " are not in the file",
						  segment->file_size, segment->address);
		memcpy(out + segment->new_offset, bytes.data, bytes.size);
	}
	return 0;
}

static int write_file(struct standalone *s, uint8_t **ret_data, size_t *ret_size)
{
	size_t size = (size_t)s->content_end + s->linkedit_data.size;
	uint8_t *out = mem_zero(size, 1);
	if (!out)
		return -ENOMEM;
	int error = copy_segments(s, out);
	if (error < 0) {
		free(out);
		return error;
	}
	/* The old commands may be longer than the new ones. */
	memset(out, 0, s->header_size + s->commands.size);
	memcpy(out, s->new_commands.data, s->new_commands.size);
	if (s->linkedit_data.size)
		memcpy(out + s->content_end, s->linkedit_data.data,
		       s->linkedit_data.size);
	*ret_data = out;
	*ret_size = size;
	return 0;
}

static int check_budget(struct standalone *s, struct prelink_image *image)
{
	uint64_t size = s->content_end + s->linkedit_data.size;
	if (atomic_fetch_add(&image->made, size) + size <= MAX_MADE)
		return 0;
	kext_diagnose(s->diagnostics, KEXT_ERROR, "archive.size", image->subject, NULL,
		      "its kexts have more than 1 GiB in all");
	return KEXT_ERR_BAD_DATA;
}

/* What came out must pass as a Mach-O file by itself. */
static int check_result(struct standalone *s, const uint8_t *data, size_t size)
{
	struct macho macho;
	int error = macho_parse(bytes_of(data, size), s->name, s->diagnostics, &macho);
	if (error == 0)
		macho_free(&macho);
	return error == KEXT_ERR_VALIDATION ? KEXT_ERR_BAD_DATA : error;
}

/* The symbol list of a KPI is embedded as its file is: linked for no place. */
static bool is_embedded_file(const struct standalone *s)
{
	array_for_each (segment, &s->segments)
		if (segment->address - s->place->load < s->place->size ||
		    segment->address - s->place->source < s->place->size)
			return false;
	return s->place->size && !s->place->kmod_info;
}

static int copy_file(struct standalone *s, struct prelink_image *image,
		     uint8_t **ret_data, size_t *ret_size)
{
	struct bytes bytes;
	if (!macho_at_address(&s->image->macho, s->place->source, s->place->size, &bytes))
		return standalone_damaged(s, "its bytes are not in the file");
	s->content_end = bytes.size;
	int error = check_budget(s, image);
	if (error < 0)
		return error;
	*ret_data = mem_copy(bytes.data, bytes.size);
	*ret_size = bytes.size;
	return *ret_data ? 0 : -ENOMEM;
}

static int rebuild(struct standalone *s, struct prelink_image *image, uint8_t **ret_data,
		   size_t *ret_size)
{
	int error = standalone_add_state(s);
	if (error == 0)
		error = lay_out(s);
	if (error == 0)
		error = standalone_make_commands(s);
	if (error == 0)
		error = check_budget(s, image);
	return error == 0 ? write_file(s, ret_data, ret_size) : error;
}

int standalone_make(struct prelink_image *image, const struct prelink_place *place,
		    const char *name, struct kext_diagnostics *diagnostics,
		    uint8_t **ret_data, size_t *ret_size)
{
	struct standalone s = {
		.image = image, .place = place, .name = name, .diagnostics = diagnostics};
	uint8_t *data = NULL;
	size_t size = 0;
	int error = read_header(&s);
	if (error == 0)
		error = read_segments(&s);
	if (error == 0)
		error = is_embedded_file(&s) ? copy_file(&s, image, &data, &size)
					     : rebuild(&s, image, &data, &size);
	if (error == 0)
		error = check_result(&s, data, size);
	buffer_free(&s.new_commands);
	buffer_free(&s.linkedit_data);
	buffer_free(&s.state.table);
	buffer_free(&s.state.strings);
	array_free(&s.segments);
	array_free(&s.sections);
	if (error < 0) {
		free(data);
		return error;
	}
	*ret_data = data;
	*ret_size = size;
	return 0;
}

int standalone_find_ranges(struct prelink_image *image, const struct prelink_place *place,
			   const char *name, struct kext_diagnostics *diagnostics,
			   struct standalone_ranges *ret)
{
	struct standalone s = {
		.image = image, .place = place, .name = name, .diagnostics = diagnostics};
	struct standalone_ranges ranges = {0};
	int error = read_header(&s);
	if (error == 0)
		error = read_segments(&s);
	array_for_each (segment, &s.segments) {
		if (error < 0 || segment->is_linkedit)
			continue;
		struct standalone_section *range = array_push(&ranges);
		if (range)
			*range = (struct standalone_section){segment->address,
							     segment->size};
		else
			error = -ENOMEM;
	}
	buffer_free(&s.new_commands);
	array_free(&s.segments);
	array_free(&s.sections);
	if (error < 0)
		array_free(&ranges);
	else
		*ret = ranges;
	return error;
}
