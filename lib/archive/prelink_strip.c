/*
 * A linked kext without its local symbols. The linker writes __LINKEDIT as symbols, names
 * and slide information, in this order and with nothing else in it; slide information
 * names no symbols, so what is left just moves up.
 */
#include <errno.h>
#include "archive/prelink_write.h"
#include "base/memory.h"

/* In load commands, from their start. */
#define OF_SYMTAB_FIELDS   8u  /* symoff, nsyms, stroff, strsize */
#define OF_DYSYMTAB_LOCALS 72u /* locreloff, nlocrel */

/* In kmod_info, which is packed. */
#define OF_KMOD_SIZE_64 164u
#define OF_KMOD_SIZE_32 152u

struct strip {
	struct macho macho;
	const struct macho_segment *linkedit;
	struct buffer symbols, names, relocations;
	uint32_t count;
	uint8_t *image; /* a copy at work */
	size_t size;
};

static bool is_kept(const struct macho_symbol *symbol)
{
	return symbol->type & N_EXT && !(symbol->type & (N_PEXT | N_STAB));
}

static void keep_symbol(struct strip *strip, const struct macho_symbol *symbol)
{
	bool big = strip->macho.big;
	buffer_u32(&strip->symbols, (uint32_t)strip->names.size, big);
	buffer_u8(&strip->symbols, symbol->type);
	buffer_u8(&strip->symbols, symbol->section);
	buffer_u16(&strip->symbols, symbol->desc, big);
	if (strip->macho.is_64)
		buffer_u64(&strip->symbols, symbol->value, big);
	else
		buffer_u32(&strip->symbols, (uint32_t)symbol->value, big);
	buffer_append(&strip->names, symbol->name, strlen(symbol->name) + 1);
	strip->count++;
}

static int collect(struct strip *strip)
{
	const struct macho_table *table = &strip->macho.local_relocations;
	struct macho_symbol symbol;
	struct bytes relocations;
	buffer_zeros(&strip->names, 1);
	for (uint32_t i = 0; macho_symbol_at(&strip->macho, i, &symbol); i++)
		if (is_kept(&symbol))
			keep_symbol(strip, &symbol);
	if (!bytes_slice(strip->macho.bytes, table->offset, (uint64_t)table->count * 8,
			 &relocations))
		return KEXT_ERR_BAD_DATA;
	buffer_append(&strip->relocations, relocations.data, relocations.size);
	return buffer_error(&strip->symbols) < 0 || buffer_error(&strip->names) < 0 ||
			       buffer_error(&strip->relocations) < 0
		       ? -ENOMEM
		       : 0;
}

static void state_tables(struct strip *strip, size_t relocations)
{
	bool big = strip->macho.big;
	uint32_t base = (uint32_t)strip->linkedit->file_offset;
	array_for_each (command, &strip->macho.commands) {
		uint8_t *at = strip->image + command->offset;
		if (command->type == LC_SYMTAB) {
			at += OF_SYMTAB_FIELDS;
			store32(at, base, big);
			store32(at + 4, strip->count, big);
			store32(at + 8, base + (uint32_t)strip->symbols.size, big);
			store32(at + 12, (uint32_t)strip->names.size, big);
		} else if (command->type == LC_DYSYMTAB) {
			store32(at + OF_DYSYMTAB_LOCALS, base + (uint32_t)relocations,
				big);
		}
	}
}

static void state_size(struct strip *strip, uint64_t room)
{
	uint8_t *at = strip->image + strip->linkedit->command + PRELINK_OF_SEGMENT;
	bool big = strip->macho.big;
	if (strip->macho.is_64) {
		store64(at + 8, room, big);
		store64(at + 24, room, big);
	} else {
		store32(at + 4, (uint32_t)room, big);
		store32(at + 12, (uint32_t)room, big);
	}
}

/* What is behind __LINKEDIT, if anything ever is, stays where it is. */
static void rewrite(struct strip *strip)
{
	size_t start = (size_t)strip->linkedit->file_offset;
	size_t old = (size_t)strip->linkedit->file_size;
	size_t names = strip->symbols.size;
	size_t relocations = (names + strip->names.size + 7) & ~(size_t)7;
	size_t used = relocations + strip->relocations.size;
	size_t room = (used + PRELINK_PAGE - 1) & ~(PRELINK_PAGE - 1);
	uint8_t *at = strip->image + start;
	memset(at, 0, old);
	memcpy(at, strip->symbols.data, strip->symbols.size);
	memcpy(at + names, strip->names.data, strip->names.size);
	if (strip->relocations.size)
		memcpy(at + relocations, strip->relocations.data,
		       strip->relocations.size);
	state_tables(strip, relocations);
	if (start + old < strip->size)
		return;
	state_size(strip, room);
	strip->size = start + room;
}

static void state_kmod_size(struct strip *strip, uint64_t offset)
{
	bool is_64 = strip->macho.is_64;
	uint64_t place = offset + (is_64 ? OF_KMOD_SIZE_64 : OF_KMOD_SIZE_32);
	if (place + 8 > strip->size)
		return;
	if (is_64)
		store64(strip->image + place, strip->size, strip->macho.big);
	else
		store32(strip->image + place, (uint32_t)strip->size, strip->macho.big);
}

static int strip_copy(struct strip *strip, struct bytes image, uint64_t kmod_info)
{
	int error = collect(strip);
	if (error < 0)
		return error;
	strip->image = mem_copy(image.data, image.size);
	if (!strip->image)
		return -ENOMEM;
	strip->size = image.size;
	rewrite(strip);
	state_kmod_size(strip, kmod_info);
	return 0;
}

int prelink_strip(struct bytes image, const char *name, uint64_t kmod_info,
		  struct kext_diagnostics *diagnostics, uint8_t **ret, size_t *ret_size)
{
	struct strip strip = {0};
	int error = macho_parse(image, name, diagnostics, &strip.macho);
	if (error < 0)
		return error;
	strip.linkedit = macho_segment_named(&strip.macho, "__LINKEDIT");
	error = strip.linkedit ? strip_copy(&strip, image, kmod_info) : KEXT_ERR_BAD_DATA;
	if (error == 0) {
		*ret = strip.image;
		*ret_size = strip.size;
	}
	buffer_free(&strip.symbols);
	buffer_free(&strip.names);
	buffer_free(&strip.relocations);
	macho_free(&strip.macho);
	return error;
}
