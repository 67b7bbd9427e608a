/* The images of a file and their pointers; see fixups.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "archive/fixups.h"

#define POINTER_SIZE 8u
#define SECTION_SIZE 80u /* in LC_SEGMENT_64, which all images with threads have */

static int diagnose(struct fixups *f, const char *slug, int error, uint64_t offset,
		    const char *format, va_list arguments)
{
	char text[256];
	const char *name = f->image->name;
	vsnprintf(text, sizeof(text), format, arguments);
	kext_diagnose(f->diagnostics, KEXT_ERROR, slug, f->subject, NULL,
		      "chained fixups%s%s, offset 0x%" PRIx64 ": %s", name ? " of " : "",
		      name ? name : "", offset, text);
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
		p.target += f->image->load;
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

/* ---- load commands ---- */

struct walk {
	uint64_t at;
	uint32_t number, count;
};

static struct walk begin_walk(const struct fixups *f)
{
	struct cursor c = cursor_at(f->commands, 16, f->macho->big);
	return (struct walk){.at = f->macho->is_64 ? 32 : 28, .count = cursor_u32(&c)};
}

/* The next command; false at the end, or, before it, when it does not fit. */
static bool next_command(const struct fixups *f, struct walk *w, uint32_t *ret_type,
			 struct bytes *ret)
{
	struct cursor c = cursor_at(f->commands, w->at, f->macho->big);
	uint32_t type = cursor_u32(&c), size = cursor_u32(&c);
	if (w->number == w->count || c.failed || size < 8 ||
	    !bytes_slice(f->commands, w->at, size, ret))
		return false;
	w->at += size;
	w->number++;
	*ret_type = type;
	return true;
}

static uint64_t offset_of(const struct fixups *f, struct bytes command)
{
	return (uint64_t)(command.data - f->data);
}

/* The section of a segment command that tells of threads; NULL: none. */
static const uint8_t *find_threads(struct bytes command)
{
	struct cursor c = cursor_at(command, 64, false);
	uint32_t count = cursor_u32(&c);
	cursor_u32(&c);
	for (uint32_t i = 0; i < count && !c.failed; i++) {
		const uint8_t *section = cursor_take(&c, SECTION_SIZE);
		if (section && !strncmp((const char *)section, "__thread_starts", 16))
			return section;
	}
	return NULL;
}

/* The threads of the whole file lead through all images. */
static int walk_threads(struct fixups *f, struct bytes command)
{
	const uint8_t *section = find_threads(command);
	bool is_file = f->image->kind == FIXUPS_FILE;
	if (!section || (f->has_threads && !is_file))
		return 0;
	f->has_threads = is_file;
	return fixups_walk_threads(f, load64(section + 32, false),
				   load64(section + 40, false),
				   (uint64_t)(section - f->data));
}

static int walk_commands(struct fixups *f)
{
	struct walk w = begin_walk(f);
	struct bytes command;
	uint32_t type;
	bool has_chains = false;
	int error = 0;
	while (error == 0 && next_command(f, &w, &type, &command)) {
		if (type == LC_DYLD_CHAINED_FIXUPS && has_chains)
			return fixups_damaged(f, offset_of(f, command),
					      "two commands announce them");
		if (type == LC_DYLD_CHAINED_FIXUPS)
			error = fixups_walk_chains(f, command, offset_of(f, command));
		else if (type == LC_SEGMENT_64)
			error = walk_threads(f, command);
		has_chains = has_chains || type == LC_DYLD_CHAINED_FIXUPS;
	}
	if (error == 0 && w.number < w.count)
		error = fixups_damaged(f, offset_of(f, f->commands) + w.at,
				       "load command %" PRIu32 " does not fit", w.number);
	return error;
}

static bool announces_any(const struct fixups *f)
{
	struct walk w = begin_walk(f);
	struct bytes command;
	uint32_t type;
	while (next_command(f, &w, &type, &command))
		if (type == LC_DYLD_CHAINED_FIXUPS ||
		    (type == LC_SEGMENT_64 && find_threads(command)))
			return true;
	return false;
}

/* By the segments that its commands name, of the size that LC_SEGMENT_64 has. */
static bool bytes_of_kext(const struct fixups *f, uint64_t offset, uint64_t size,
			  struct bytes *ret)
{
	struct walk w = begin_walk(f);
	struct bytes command;
	uint32_t type;
	while (next_command(f, &w, &type, &command)) {
		struct cursor c = cursor_at(command, 24, f->macho->big);
		uint64_t address = cursor_u64(&c);
		cursor_u64(&c);
		uint64_t begin = cursor_u64(&c), length = cursor_u64(&c);
		if (type == LC_SEGMENT_64 && !c.failed && offset - begin < length)
			return size <= length - (offset - begin) &&
			       macho_at_address(f->macho,
						address + offset - begin +
							f->image->source - f->image->load,
						size, ret);
	}
	return false;
}

bool fixups_bytes(const struct fixups *f, uint64_t offset, uint64_t size,
		  struct bytes *ret)
{
	return f->image->kind == FIXUPS_KEXT
		       ? bytes_of_kext(f, offset, size, ret)
		       : bytes_slice(f->macho->bytes, offset, size, ret);
}

/* ---- images ---- */

/* The header of an image in the file with its load commands. Nothing where no header
 * stands: that is refused when somebody wants the image as a file. */
static int find_commands(struct fixups *f)
{
	const struct macho *macho = f->macho;
	size_t size = macho->is_64 ? 32 : 28;
	struct bytes header;
	f->commands = (struct bytes){0};
	if (!macho_at_address(macho, f->image->source, size, &header) ||
	    load32(header.data, macho->big) != (macho->is_64 ? MH_MAGIC_64 : MH_MAGIC))
		return 0;
	uint32_t more = load32(header.data + 20, macho->big);
	if (!macho_at_address(macho, f->image->source, size + (uint64_t)more,
			      &f->commands))
		return f->image->kind == FIXUPS_KEXT
			       ? 0
			       : fixups_damaged(f, offset_of(f, header),
						"load commands of %" PRIu32
						" bytes do not fit",
						more);
	/* Thousands of images that share theirs would take time without end. */
	f->walked += f->commands.size;
	if (f->walked > macho->bytes.size)
		return fixups_damaged(f, offset_of(f, header),
				      "the load commands of its images overlap");
	return 0;
}

int fixups_apply(struct fixups *f, const struct fixups_image *image)
{
	f->image = image;
	f->commands = f->macho->bytes;
	int error = image->kind == FIXUPS_FILE ? 0 : find_commands(f);
	if (error < 0 || !f->commands.size)
		return error;
	return image->kind == FIXUPS_KEXT && !announces_any(f) ? 0 : walk_commands(f);
}

void fixups_finish(struct fixups *f)
{
	array_free(&f->elsewhere);
	array_free(&f->done);
	free(f->seen);
}
