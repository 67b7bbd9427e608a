/* The load commands of a kext that becomes a file of its own: segments and sections with
 * their new places, and without what is true of the whole file only. */
#include "archive/prelink.h"
#include "archive/standalone.h"

static const struct standalone_segment *segment_of(const struct standalone *s,
						   uint64_t address)
{
	array_for_each (segment, &s->segments)
		if (address - segment->address < segment->size)
			return segment;
	return NULL;
}

static void move_section(const struct standalone *s, uint8_t *section)
{
	uint8_t *offset = section + (s->is_64 ? 48 : 40);
	uint64_t address =
		s->is_64 ? load64(section + 32, s->big) : load32(section + 32, s->big);
	const struct standalone_segment *segment = segment_of(s, address);
	bool has_bytes = load32(offset, s->big) && segment &&
			 address - segment->address < segment->file_size;
	uint64_t moved = has_bytes ? segment->new_offset + address - segment->address : 0;
	store32(offset, (uint32_t)moved, s->big);
	memset(offset + 8, 0, 8); /* a linked image has no relocations by section */
}

/* Writes a segment's new place into its command. */
static void place_segment(const struct standalone *s,
			  const struct standalone_segment *segment, uint8_t *command)
{
	uint64_t size =
		segment->is_linkedit
			? standalone_round_up(segment->new_size, standalone_page_size(s))
			: segment->size;
	if (s->is_64) {
		store64(command + 32, size, s->big);
		store64(command + 40, segment->new_offset, s->big);
		store64(command + 48, segment->new_size, s->big);
	} else {
		store32(command + 28, (uint32_t)size, s->big);
		store32(command + 32, (uint32_t)segment->new_offset, s->big);
		store32(command + 36, (uint32_t)segment->new_size, s->big);
	}
}

static void move_segment(struct standalone *s, struct bytes command,
			 struct standalone_segment *segment)
{
	segment->new_command = s->new_commands.size;
	uint8_t *copy = buffer_extend(&s->new_commands, command.size);
	if (!copy)
		return;
	memcpy(copy, command.data, command.size);
	place_segment(s, segment, copy);
	uint8_t *section = copy + (s->is_64 ? 72 : 56);
	uint32_t count = load32(section - 8, s->big);
	for (uint32_t i = 0; i < count; i++)
		move_section(s, section + i * (s->is_64 ? STANDALONE_SECTION_64
							: STANDALONE_SECTION_32));
}

/* What is true of the whole file only: its signature, its chained fixups, now plain. */
static bool is_dropped(uint32_t type)
{
	return type == LC_CODE_SIGNATURE || type == LC_DYLD_CHAINED_FIXUPS ||
	       type == LC_DYLIB_CODE_SIGN_DRS || type == LC_DYLD_INFO ||
	       type == LC_DYLD_INFO_ONLY;
}

static int copy_command(struct standalone *s, struct bytes command, uint32_t type)
{
	bool is_done = false;
	int error = standalone_copy_linkedit(s, command, type, &is_done);
	if (error == 0 && !is_done)
		buffer_append(&s->new_commands, command.data, command.size);
	return error;
}

static int copy_commands(struct standalone *s)
{
	size_t at = 0, index = 0;
	uint32_t number = 0, type;
	struct bytes command;
	int error = 0;
	while (error == 0 &&
	       standalone_next_command(s, &at, &number, &command, &type, &error)) {
		if (is_dropped(type) || (type == LC_SYMTAB && s->state.count))
			continue;
		s->new_count++;
		if (type == (s->is_64 ? LC_SEGMENT_64 : LC_SEGMENT))
			move_segment(s, command, &s->segments.items[index++]);
		else
			error = copy_command(s, command, type);
	}
	return error;
}

/* What is known when all else was copied: the size of __LINKEDIT, of the commands. */
int standalone_make_commands(struct standalone *s)
{
	int error = copy_commands(s);
	standalone_append_state(s);
	if (error == 0)
		error = buffer_error(&s->new_commands);
	if (error == 0)
		error = buffer_error(&s->linkedit_data);
	if (error < 0)
		return error;
	uint8_t *header = s->new_commands.data;
	uint32_t flags = load32(header + 24, s->big);
	store32(header + 16, s->new_count, s->big);
	store32(header + 20, (uint32_t)s->new_commands.size - s->header_size, s->big);
	store32(header + 24, flags & ~COLLECTION_MEMBER_FLAG, s->big);
	if (s->linkedit) {
		s->linkedit->new_offset = s->content_end;
		s->linkedit->new_size = s->linkedit_data.size;
		place_segment(s, s->linkedit, header + s->linkedit->new_command);
	}
	return 0;
}
