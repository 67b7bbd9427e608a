/*
 * Link states, by which kexts of Mac OS X 10.6 were linked against others whose own
 * symbols had been removed: a header, then tables of sections, vtables and exported
 * symbols, and a pool of strings. Offsets count from the header, integers are in the
 * CPU's order.
 */
#include <errno.h>
#include <inttypes.h>
#include "archive/standalone.h"

#define MAGIC_32    0xf00dd00du
#define MAGIC_64    0xcafef00du
#define OBSOLETE    1u
#define SYMTAB_SIZE 24u

struct state_symbol {
	uint64_t address;
	uint32_t name, flags;
};

struct state_header {
	uint32_t magic, version, count, offset; /* of the symbols */
};

static struct state_header read_header(struct cursor *c)
{
	struct state_header header = {.magic = cursor_u32(c)};
	header.version = cursor_u32(c);
	cursor_take(c, 8);  /* CPU */
	cursor_take(c, 16); /* sections, vtables */
	header.count = cursor_u32(c);
	header.offset = cursor_u32(c);
	return header;
}

static struct state_symbol read_symbol(const struct standalone *s, struct cursor *c)
{
	struct state_symbol symbol = {.address =
					      s->is_64 ? cursor_u64(c) : cursor_u32(c)};
	symbol.name = cursor_u32(c);
	symbol.flags = cursor_u32(c);
	return symbol;
}

/* Number of the section that an address lies in, from 1; 0: in none. */
static uint8_t section_at(const struct standalone *s, uint64_t address)
{
	for (size_t i = 0; i < s->sections.count && i < UINT8_MAX; i++)
		if (address - s->sections.items[i].address < s->sections.items[i].size)
			return (uint8_t)(i + 1);
	return 0;
}

static void add_symbol(struct standalone *s, const struct state_symbol *symbol,
		       const char *name)
{
	uint8_t section = section_at(s, symbol->address);
	uint8_t *out = buffer_extend(&s->state.table, s->is_64 ? 16 : 12);
	if (!out)
		return;
	store32(out, (uint32_t)s->state.strings.size, s->big);
	out[4] = (section ? N_SECT : N_ABS) | N_EXT;
	out[5] = section;
	store16(out + 6, symbol->flags & OBSOLETE ? N_DESC_DISCARDED : 0, s->big);
	if (s->is_64)
		store64(out + 8, symbol->address, s->big);
	else
		store32(out + 8, (uint32_t)symbol->address, s->big);
	buffer_append(&s->state.strings, name, strlen(name) + 1);
}

static int read_symbols(struct standalone *s, struct bytes state,
			const struct state_header *header)
{
	struct cursor c = cursor_at(state, header->offset, s->big);
	buffer_zeros(&s->state.strings, 1);
	for (uint32_t i = 0; i < header->count; i++) {
		struct state_symbol symbol = read_symbol(s, &c);
		const char *name = bytes_string(state, symbol.name);
		/* No two symbols have the same name: all together fit. */
		if (c.failed || !name || s->state.strings.size > state.size)
			return standalone_damaged(
				s,
				"symbol %" PRIu32 " of %" PRIu32
				" of its link state, with the name at %" PRIu32
				", does not fit in %zu bytes",
				i, header->count, symbol.name, state.size);
		add_symbol(s, &symbol, name);
		s->state.count++;
	}
	int error = buffer_error(&s->state.table);
	return error < 0 ? error : buffer_error(&s->state.strings);
}

static int read_state(struct standalone *s)
{
	const struct prelink_place *place = s->place;
	struct bytes state;
	if (!macho_at_address(&s->image->macho, place->state, place->state_size, &state))
		return standalone_damaged(s,
					  "its link state, %" PRIu64
					  " bytes at 0x%" PRIx64 ", is not in the file",
					  place->state_size, place->state);
	struct cursor c = cursor_at(state, 0, s->big);
	struct state_header header = read_header(&c);
	if (c.failed || (header.magic != MAGIC_32 && header.magic != MAGIC_64) ||
	    header.version != 1)
		return standalone_damaged(s,
					  "its link state at 0x%" PRIx64
					  " begins with 0x%08" PRIx32 ", version %" PRIu32
					  "; expected 0x%08" PRIx32 ", version 1",
					  place->state, header.magic, header.version,
					  s->is_64 ? MAGIC_64 : MAGIC_32);
	return read_symbols(s, state, &header);
}

/* ---- where they go in the new file ---- */

static uint32_t segment_size(const struct standalone *s)
{
	return s->is_64 ? 72 : 56;
}

/* A __LINKEDIT behind all other segments, for a kext that has none. */
static int add_linkedit(struct standalone *s)
{
	struct standalone_segment linkedit = {.is_linkedit = true};
	array_for_each (segment, &s->segments)
		if (segment->address + segment->size > linkedit.address)
			linkedit.address = segment->address + segment->size;
	linkedit.address = (linkedit.address + 0xfff) & ~UINT64_C(0xfff);
	struct standalone_segment *place = array_push(&s->segments);
	if (!place)
		return -ENOMEM;
	*place = linkedit;
	s->linkedit = place;
	return 0;
}

/* The load commands may end where the first section begins, if the header is in a
 * segment. */
static bool has_room(const struct standalone *s, uint64_t size)
{
	const struct standalone_segment *first = s->segments.items;
	bool is_apart = !s->segments.count || (first->address != s->place->load &&
					       first->address != s->place->source);
	return is_apart || s->header_size + s->commands.size + size <= first->lead;
}

int standalone_add_state(struct standalone *s)
{
	if (s->has_symbols || !s->place->state)
		return 0;
	uint64_t more =
		(s->has_symtab ? 0 : SYMTAB_SIZE) + (s->linkedit ? 0 : segment_size(s));
	if (!has_room(s, more)) {
		kext_diagnose(
			s->diagnostics, KEXT_WARNING, "prelink.symbols",
			s->image->subject, NULL,
			"kext %s stays without symbols: there is no room for %" PRIu64
			" more bytes of load commands",
			s->name, more);
		return 0;
	}
	int error = read_state(s);
	if (error < 0 || !s->state.count)
		return error;
	s->new_room = more;
	return s->linkedit ? 0 : add_linkedit(s);
}

static void append_segment(struct standalone *s)
{
	s->linkedit->new_command = s->new_commands.size;
	uint8_t *out = buffer_extend(&s->new_commands, segment_size(s));
	if (!out)
		return;
	memset(out, 0, segment_size(s));
	store32(out, s->is_64 ? LC_SEGMENT_64 : LC_SEGMENT, s->big);
	store32(out + 4, segment_size(s), s->big);
	memcpy(out + 8, "__LINKEDIT", 10);
	if (s->is_64)
		store64(out + 24, s->linkedit->address, s->big);
	else
		store32(out + 24, (uint32_t)s->linkedit->address, s->big);
	uint8_t *protection = out + segment_size(s) - 16; /* most, at first */
	store32(protection, 1, s->big);
	store32(protection + 4, 1, s->big);
	s->new_count++;
}

static void append_symtab(struct standalone *s)
{
	uint8_t *out = buffer_extend(&s->new_commands, SYMTAB_SIZE);
	if (!out)
		return;
	buffer_align(&s->linkedit_data, 8);
	uint32_t at = (uint32_t)(s->content_end + s->linkedit_data.size);
	store32(out, LC_SYMTAB, s->big);
	store32(out + 4, SYMTAB_SIZE, s->big);
	store32(out + 8, at, s->big);
	store32(out + 12, s->state.count, s->big);
	store32(out + 16, at + (uint32_t)s->state.table.size, s->big);
	store32(out + 20, (uint32_t)s->state.strings.size, s->big);
	buffer_append(&s->linkedit_data, s->state.table.data, s->state.table.size);
	buffer_append(&s->linkedit_data, s->state.strings.data, s->state.strings.size);
	s->new_count++;
}

void standalone_append_state(struct standalone *s)
{
	if (!s->state.count)
		return;
	if (!s->linkedit->new_command)
		append_segment(s);
	append_symtab(s);
}
