/* The images of a file and their pointers; see fixups.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "archive/fixups.h"

#define POINTER_SIZE 8u
#define SECTION_SIZE                                                                     \
	80u /* in LC_SEGMENT_64; the images that have threads are of that                \
	     */

static int diagnose(struct fixups *f, const char *slug, int error, uint64_t offset,
		    const char *format, va_list arguments)
{
	char text[256];
	vsnprintf(text, sizeof(text), format, arguments);
	kext_diagnose(f->diagnostics, KEXT_ERROR, slug, f->subject, NULL,
		      "chained fixups%s%s, offset 0x%" PRIx64 ": %s",
		      f->name ? " of " : "", f->name ? f->name : "", offset, text);
	return error;
}

int fixups_damaged(struct fixups *f, uint64_t offset, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int error = diagnose(f, "fixups.damaged", KEXT_ERR_BAD_DATA, offset, format,
			     arguments);
	va_end(arguments);
	return error;
}

int fixups_refuse(struct fixups *f, const char *slug, int error, uint64_t offset,
		  const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	diagnose(f, slug, error, offset, format, arguments);
	va_end(arguments);
	return error;
}

bool fixups_place(struct fixups *f, uint64_t address, uint64_t *ret_offset)
{
	const struct macho_segment *s = f->segment;
	if (!s || address < s->address || address - s->address >= s->size)
		s = f->segment = macho_segment_holding(f->macho, address, POINTER_SIZE);
	if (!s)
		return false;
	uint64_t offset = address - s->address;
	if (offset > s->file_size || POINTER_SIZE > s->file_size - offset)
		return false;
	*ret_offset = s->file_offset + offset;
	return true;
}

static int note_elsewhere(struct fixups *f, uint64_t address, const struct pointer *p)
{
	struct fixups_elsewhere *e = array_push(&f->elsewhere);
	if (!e)
		return -ENOMEM;
	*e = (struct fixups_elsewhere){address, p->level, (uint32_t)p->target};
	return 0;
}

int fixups_resolve(struct fixups *f, enum pointer_format format, uint64_t address,
		   uint64_t offset, uint32_t *ret_next)
{
	struct pointer p = pointer_decode(format, load64(f->data + offset, false));
	int error = 0;
	if (p.is_bound)
		return fixups_refuse(
			f, "fixups.bind", KEXT_ERR_UNSUPPORTED, offset,
			"the pointer at 0x%" PRIx64
			" is bound by name; only addresses are expected here",
			address);
	if (p.is_signed && format == POINTER_X86_64_KERNEL_CACHE)
		return fixups_damaged(f, offset,
				      "the pointer at 0x%" PRIx64 " is signed, on x86_64",
				      address);
	if (p.base == POINTER_FROM_HEADER)
		p.target += f->header;
	else if (p.base == POINTER_FROM_COLLECTION && f->bases->is_known[p.level])
		p.target += f->bases->address[p.level];
	else if (p.base == POINTER_FROM_COLLECTION)
		error = note_elsewhere(f, address, &p);
	store64(f->data + offset, p.target, false);
	f->pointers++;
	f->is_signed += p.is_signed;
	*ret_next = p.next;
	return error;
}

static int walk_sections(struct fixups *f, struct bytes command, uint64_t offset)
{
	struct cursor c = cursor_at(command, 64, false);
	uint32_t count = cursor_u32(&c);
	cursor_u32(&c);
	for (uint32_t i = 0; i < count && !c.failed; i++) {
		const uint8_t *section = cursor_take(&c, SECTION_SIZE);
		if (!section || strncmp((const char *)section, "__thread_starts", 16))
			continue;
		if (f->name && f->has_threads) /* which lead through all members */
			continue;
		f->has_threads = !f->name;
		int error = fixups_walk_threads(f, load64(section + 32, false),
						load64(section + 40, false),
						offset + c.at - SECTION_SIZE);
		if (error < 0)
			return error;
	}
	return 0;
}

static int walk_commands(struct fixups *f, struct bytes commands, uint64_t base)
{
	struct cursor c = cursor_at(commands, 16, f->macho->big);
	uint32_t count = cursor_u32(&c);
	uint64_t at = f->macho->is_64 ? 32 : 28;
	bool has_chains = false;
	int error = 0;
	for (uint32_t i = 0; i < count && error == 0; i++) {
		struct bytes command;
		c = cursor_at(commands, at, f->macho->big);
		uint32_t type = cursor_u32(&c), size = cursor_u32(&c);
		if (c.failed || size < 8 || !bytes_slice(commands, at, size, &command))
			return fixups_damaged(f, base + at,
					      "load command %" PRIu32 " of %" PRIu32
					      " bytes does not fit",
					      i, size);
		if (type == LC_DYLD_CHAINED_FIXUPS && has_chains)
			return fixups_damaged(f, base + at, "two commands announce them");
		if (type == LC_DYLD_CHAINED_FIXUPS)
			error = fixups_walk_chains(f, command, base + at);
		else if (type == LC_SEGMENT_64)
			error = walk_sections(f, command, base + at);
		has_chains = has_chains || type == LC_DYLD_CHAINED_FIXUPS;
		at += size;
	}
	return error;
}

int fixups_apply(struct fixups *f, const char *name, struct bytes commands,
		 uint64_t header, bool has_header)
{
	f->image++;
	f->name = name;
	f->header = header;
	f->has_header = has_header;
	return walk_commands(f, commands, (uint64_t)(commands.data - f->data));
}

void fixups_finish(struct fixups *f)
{
	array_free(&f->elsewhere);
	array_free(&f->done);
	free(f->seen);
}
