/*
 * Chained fixups made plain; see fixups.h. LC_DYLD_CHAINED_FIXUPS leads to a header, that
 * to a table with one record per segment, that to the first link of each page. A link
 * only ever leads forward within its page, and no two may overlap: so every chain ends
 * and every byte is rewritten once.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <kext/arch.h>
#include "archive/fixups.h"

#define HEADER_SIZE  28u
#define RECORD_SIZE  22u
#define NO_LINK	     0xffffu
#define SEVERAL	     0x8000u /* pages with more than one chain: 32-bit formats */
#define MAX_SEGMENTS 1024u
#define POINTER_SIZE 8u

struct walk {
	uint8_t *data;
	const struct macho *macho;
	const struct fixups_bases *bases;
	uint64_t header; /* address of the Mach-O header */
	struct bytes payload;
	const char *subject;
	struct kext_diagnostics *diagnostics;
	struct fixups_count count;
	const struct macho_segment *segment; /* that held the last pointer */
	ARRAY_OF(struct range) done;	     /* address ranges of the segments walked */
};

struct range {
	uint64_t address, size;
};

struct record { /* of a segment */
	uint32_t number;
	uint16_t page_size, format, page_count;
	uint64_t address;
	struct cursor starts;
};

struct link {
	uint64_t value;
	uint32_t next; /* bytes to the next one; 0: the last */
};

static int refuse(struct walk *w, const char *slug, int error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static int refuse(struct walk *w, const char *slug, int error, const char *format, ...)
{
	char text[256];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	kext_diagnose(w->diagnostics, KEXT_ERROR, slug, w->subject, NULL,
		      "chained fixups: %s", text);
	return error;
}

#define damaged(w, ...) refuse(w, "fixups.damaged", KEXT_ERR_BAD_DATA, __VA_ARGS__)

/* The links of collections: target 30 bits, level 2, then what a signature is made with
 * (bits 32 to 50), next 12, signed 1. */
static int read_collection_link(struct walk *w, const struct record *r, uint64_t address,
				uint64_t raw, struct link *ret)
{
	unsigned level = raw >> 30 & 3;
	bool is_x86 = r->format == FIXUPS_X86_64_KERNEL_CACHE;
	if (raw >> 63 && is_x86)
		return damaged(w, "the pointer at 0x%" PRIx64 " is signed, on x86_64",
			       address);
	ret->value = w->bases->address[level] + (raw & 0x3fffffff);
	ret->next = (uint32_t)(raw >> 51 & 0xfff) * (is_x86 ? 1 : 4);
	w->count.unknown += !w->bases->is_known[level];
	w->count.is_signed += raw >> 63;
	return 0;
}

/* The links of executables: target 36 bits, top byte 8, 7 unused, next 12, bind 1. */
static int read_plain_link(struct walk *w, const struct record *r, uint64_t address,
			   uint64_t raw, struct link *ret)
{
	if (raw >> 63)
		return refuse(w, "fixups.bind", KEXT_ERR_UNSUPPORTED,
			      "the pointer at 0x%" PRIx64
			      " is bound by name; only addresses are expected here",
			      address);
	uint64_t base = r->format == FIXUPS_64_OFFSET ? w->header : 0;
	ret->value = (base + (raw & UINT64_C(0xfffffffff))) | (raw >> 36 & 0xff) << 56;
	ret->next = (uint32_t)(raw >> 51 & 0xfff) * 4;
	return 0;
}

static int read_link(struct walk *w, const struct record *r, uint64_t address,
		     uint64_t raw, struct link *ret)
{
	bool is_plain = r->format == FIXUPS_64 || r->format == FIXUPS_64_OFFSET;
	return is_plain ? read_plain_link(w, r, address, raw, ret)
			: read_collection_link(w, r, address, raw, ret);
}

/* Where in the file the pointer at an address lies. */
static bool find_place(struct walk *w, uint64_t address, size_t *ret)
{
	const struct macho_segment *s = w->segment;
	if (!s || address < s->address || address - s->address >= s->size)
		s = w->segment = macho_segment_holding(w->macho, address, POINTER_SIZE);
	if (!s)
		return false;
	uint64_t offset = address - s->address;
	if (offset > s->file_size || POINTER_SIZE > s->file_size - offset)
		return false;
	*ret = (size_t)(s->file_offset + offset);
	return true;
}

/* Walks the chain of one page; *end is where the last pointer of the segment ended. */
static int walk_page(struct walk *w, const struct record *r, uint32_t page, uint32_t at,
		     uint64_t *end)
{
	struct link link = {.next = 1};
	for (; link.next; at += link.next) {
		uint64_t offset = (uint64_t)page * r->page_size + at;
		uint64_t address = r->address + offset;
		size_t place;
		if (at >= r->page_size)
			return damaged(w,
				       "the chain of page %" PRIu32 " of segment %" PRIu32
				       " leaves its page",
				       page, r->number);
		if (offset < *end)
			return damaged(w,
				       "the pointer at 0x%" PRIx64
				       " overlaps the one before it",
				       address);
		if (!find_place(w, address, &place))
			return damaged(w,
				       "the pointer at 0x%" PRIx64 " is not in the file",
				       address);
		int error =
			read_link(w, r, address, load64(w->data + place, false), &link);
		if (error < 0)
			return error;
		store64(w->data + place, link.value, false);
		w->count.pointers++;
		*end = offset + POINTER_SIZE;
	}
	return 0;
}

static int walk_pages(struct walk *w, struct record *r)
{
	uint64_t end = 0;
	for (uint32_t page = 0; page < r->page_count; page++) {
		uint16_t start = cursor_u16(&r->starts);
		if (start == NO_LINK)
			continue;
		if (start & SEVERAL)
			return damaged(w,
				       "page %" PRIu32 " of segment %" PRIu32
				       " starts at 0x%x, where several chains are meant",
				       page, r->number, start);
		int error = walk_page(w, r, page, start, &end);
		if (error < 0)
			return error;
	}
	return 0;
}

/* Two records for the same bytes would take plain pointers for links. */
static int claim_range(struct walk *w, const struct record *r)
{
	uint64_t size = (uint64_t)r->page_count * r->page_size, end;
	if (__builtin_add_overflow(r->address, size, &end))
		return damaged(w,
			       "the pages of segment %" PRIu32 " end past all addresses",
			       r->number);
	array_for_each (other, &w->done)
		if (r->address < other->address + other->size && other->address < end)
			return damaged(w,
				       "segment %" PRIu32 " at 0x%" PRIx64
				       " shares pages with another",
				       r->number, r->address);
	struct range *range = array_push(&w->done);
	if (!range)
		return -ENOMEM;
	*range = (struct range){r->address, size};
	return 0;
}

static bool is_known_format(const struct macho *macho, uint16_t format)
{
	bool is_x86 = macho->cputype == KEXT_CPU_X86_64;
	switch (format) {
	case FIXUPS_64:
	case FIXUPS_64_OFFSET:
		return true;
	case FIXUPS_64_KERNEL_CACHE:
		return !is_x86;
	case FIXUPS_X86_64_KERNEL_CACHE:
		return is_x86;
	default:
		return false;
	}
}

static int read_record(struct walk *w, uint32_t number, uint64_t offset,
		       struct record *ret)
{
	struct cursor c = cursor_at(w->payload, offset, false);
	struct record r = {.number = number};
	uint32_t size = cursor_u32(&c);
	r.page_size = cursor_u16(&c);
	r.format = cursor_u16(&c);
	r.address = w->header + cursor_u64(&c);
	cursor_u32(&c); /* greatest pointer of 32-bit formats */
	r.page_count = cursor_u16(&c);
	uint64_t least = RECORD_SIZE + 2 * (uint64_t)r.page_count;
	if (c.failed || size < least || !bytes_holds(w->payload, offset, least))
		return damaged(w,
			       "the record of segment %" PRIu32 " at 0x%" PRIx64
			       ", %" PRIu32 " bytes for %u pages, does not fit",
			       number, offset, size, r.page_count);
	if (r.page_size != 0x1000 && r.page_size != 0x4000)
		return damaged(w,
			       "segment %" PRIu32
			       " has pages of 0x%x bytes, expected 0x1000 or 0x4000",
			       number, r.page_size);
	if (!is_known_format(w->macho, r.format))
		return refuse(w, "fixups.format", KEXT_ERR_UNSUPPORTED,
			      "segment %" PRIu32
			      " has pointers of format %u, expected %s",
			      number, r.format,
			      w->macho->cputype == KEXT_CPU_X86_64 ? "11" : "8");
	r.starts = c;
	*ret = r;
	return 0;
}

static int walk_segments(struct walk *w, uint32_t starts)
{
	struct cursor c = cursor_at(w->payload, starts, false);
	uint32_t count = cursor_u32(&c);
	if (c.failed || count > MAX_SEGMENTS ||
	    !bytes_holds(w->payload, c.at, count * UINT64_C(4)))
		return damaged(w,
			       "a table of %" PRIu32 " segments at 0x%" PRIx32
			       " does not fit",
			       count, starts);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t offset = cursor_u32(&c);
		struct record record = {0};
		if (!offset)
			continue;
		int error = read_record(w, i, (uint64_t)starts + offset, &record);
		if (error == 0)
			error = claim_range(w, &record);
		if (error == 0)
			error = walk_pages(w, &record);
		if (error < 0)
			return error;
	}
	return 0;
}

/* The Mach-O header is where the file's first bytes are mapped. */
static bool find_header(const struct macho *macho, uint64_t *ret)
{
	array_for_each (segment, &macho->segments)
		if (segment->file_offset == 0 && segment->file_size) {
			*ret = segment->address;
			return true;
		}
	return false;
}

static int walk_command(struct walk *w, const struct macho_command *command)
{
	struct bytes whole =
		bytes_of(w->macho->bytes.data, command->offset + command->size);
	struct cursor c = cursor_at(whole, command->offset + 8, false);
	uint32_t offset = cursor_u32(&c), size = cursor_u32(&c);
	if (c.failed || !bytes_slice(w->macho->bytes, offset, size, &w->payload))
		return damaged(w,
			       "%" PRIu32 " bytes at 0x%" PRIx32 " lie outside the file",
			       size, offset);
	c = cursor_at(w->payload, 0, false);
	uint32_t version = cursor_u32(&c), starts = cursor_u32(&c);
	if (size < HEADER_SIZE)
		return damaged(w, "%" PRIu32 " bytes, the header alone has 28", size);
	if (version != 0)
		return refuse(w, "fixups.version", KEXT_ERR_UNSUPPORTED,
			      "version %" PRIu32 ", expected 0", version);
	if (!find_header(w->macho, &w->header))
		return damaged(w, "no segment holds the Mach-O header");
	return walk_segments(w, starts);
}

int fixups_apply(uint8_t *data, const struct macho *macho,
		 const struct fixups_bases *bases, const char *subject,
		 struct kext_diagnostics *diagnostics, struct fixups_count *ret)
{
	struct walk w = {.data = data,
			 .macho = macho,
			 .bases = bases,
			 .subject = subject,
			 .diagnostics = diagnostics};
	bool has_command = false;
	int error = 0;
	array_for_each (command, &macho->commands) {
		if (command->type != LC_DYLD_CHAINED_FIXUPS || error < 0)
			continue;
		if (has_command)
			error = damaged(&w, "two commands announce them");
		else
			error = walk_command(&w, command);
		has_command = true;
	}
	array_free(&w.done);
	if (error == 0)
		*ret = w.count;
	return error;
}
