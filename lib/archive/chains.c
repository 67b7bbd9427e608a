/*
 * LC_DYLD_CHAINED_FIXUPS leads to a header, that to a table with one record per segment,
 * that to the first link of each page. A link only ever leads forward within its page,
 * and no two may overlap: so every chain ends and every byte is rewritten once.
 */
#include <errno.h>
#include <inttypes.h>
#include "archive/fixups.h"

#define HEADER_SIZE  28u
#define RECORD_SIZE  22u
#define NO_LINK	     0xffffu
#define SEVERAL	     0x8000u /* pages with more than one chain: 32-bit formats */
#define MAX_SEGMENTS 1024u
#define POINTER_SIZE 8u
#define MAX_RANGES   16384u /* segments with chains, of all images */

struct payload {
	struct bytes bytes;
	uint64_t offset; /* in the file */
};

struct record { /* of a segment */
	uint32_t number;
	uint16_t page_size, format, page_count;
	uint64_t address, offset; /* in the file, of the record */
	struct cursor starts;
};

/* Walks the chain of one page; *end is where the last pointer of the segment ended. */
static int walk_page(struct fixups *f, const struct record *r, uint32_t page, uint32_t at,
		     uint64_t *end)
{
	uint32_t next = 1;
	for (; next; at += next) {
		uint64_t distance = (uint64_t)page * r->page_size + at;
		uint64_t address = r->address + distance, place = 0;
		if (at >= r->page_size)
			return fixups_damaged(f, r->offset,
					      "the chain of page %" PRIu32
					      " of segment %" PRIu32 " leaves its page",
					      page, r->number);
		if (!fixups_place(f, address, &place))
			return fixups_damaged(f, r->offset,
					      "the pointer at 0x%" PRIx64
					      " is not in the file",
					      address);
		if (distance < *end)
			return fixups_damaged(f, place,
					      "the pointer at 0x%" PRIx64
					      " overlaps the one before it",
					      address);
		int error = fixups_resolve(f, r->format, address, place, &next);
		if (error < 0)
			return error;
		*end = distance + POINTER_SIZE;
	}
	return 0;
}

static int walk_pages(struct fixups *f, struct record *r)
{
	uint64_t end = 0;
	for (uint32_t page = 0; page < r->page_count; page++) {
		uint16_t start = cursor_u16(&r->starts);
		if (start == NO_LINK)
			continue;
		if (start & SEVERAL)
			return fixups_damaged(f, r->offset + RECORD_SIZE + 2 * page,
					      "page %" PRIu32 " of segment %" PRIu32
					      " starts at 0x%x, where several chains are "
					      "meant",
					      page, r->number, start);
		int error = walk_page(f, r, page, start, &end);
		if (error < 0)
			return error;
	}
	return 0;
}

/*
 * Two records for the same bytes would take plain pointers for links. What the whole file
 * tells of, a member may tell of again: *ret_is_new false.
 */
static int claim_range(struct fixups *f, const struct record *r, bool *ret_is_new)
{
	uint64_t size = (uint64_t)r->page_count * r->page_size, end;
	if (__builtin_add_overflow(r->address, size, &end))
		return fixups_damaged(f, r->offset,
				      "the pages of segment %" PRIu32
				      " end past all addresses",
				      r->number);
	array_for_each (other, &f->done) {
		uint64_t other_end = other->address + other->size;
		if (r->address >= other_end || other->address >= end)
			continue;
		if (other->image != f->image && r->address >= other->address &&
		    end <= other_end) {
			*ret_is_new = false;
			return 0;
		}
		return fixups_damaged(f, r->offset,
				      "segment %" PRIu32 " at 0x%" PRIx64
				      " shares pages with another",
				      r->number, r->address);
	}
	if (f->done.count == MAX_RANGES)
		return fixups_damaged(f, r->offset, "more than %u segments have chains",
				      MAX_RANGES);
	struct fixups_range *range = array_push(&f->done);
	if (!range)
		return -ENOMEM;
	*range = (struct fixups_range){r->address, size, f->image};
	*ret_is_new = true;
	return 0;
}

static int read_record(struct fixups *f, const struct payload *p, uint32_t number,
		       uint64_t offset, struct record *ret)
{
	struct cursor c = cursor_at(p->bytes, offset, false);
	struct record r = {.number = number, .offset = p->offset + offset};
	uint32_t size = cursor_u32(&c);
	r.page_size = cursor_u16(&c);
	r.format = cursor_u16(&c);
	r.address = f->image->source + cursor_u64(&c);
	cursor_u32(&c); /* greatest pointer of 32-bit formats */
	r.page_count = cursor_u16(&c);
	uint64_t least = RECORD_SIZE + 2 * (uint64_t)r.page_count;
	if (c.failed || size < least || !bytes_holds(p->bytes, offset, least))
		return fixups_damaged(f, r.offset,
				      "the record of segment %" PRIu32 ", %" PRIu32
				      " bytes for %u pages, does not fit",
				      number, size, r.page_count);
	if (r.page_size != 0x1000 && r.page_size != 0x4000)
		return fixups_damaged(f, r.offset,
				      "segment %" PRIu32
				      " has pages of 0x%x bytes, expected 0x1000 or "
				      "0x4000",
				      number, r.page_size);
	if (!pointer_format_fits(r.format, f->macho->cputype))
		return fixups_refuse(f, "fixups.format", KEXT_ERR_UNSUPPORTED, r.offset,
				     "segment %" PRIu32
				     " has pointers of format %u, which images for this "
				     "CPU do not have",
				     number, r.format);
	r.starts = c;
	*ret = r;
	return 0;
}

static int walk_segments(struct fixups *f, const struct payload *p, uint32_t starts)
{
	struct cursor c = cursor_at(p->bytes, starts, false);
	uint32_t count = cursor_u32(&c);
	if (c.failed || count > MAX_SEGMENTS ||
	    !bytes_holds(p->bytes, c.at, count * UINT64_C(4)))
		return fixups_damaged(f, p->offset + starts,
				      "a table of %" PRIu32 " segments at 0x%" PRIx32
				      " does not fit",
				      count, starts);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t offset = cursor_u32(&c);
		struct record record = {0};
		bool is_new = false;
		if (!offset)
			continue;
		int error = read_record(f, p, i, (uint64_t)starts + offset, &record);
		if (error == 0)
			error = claim_range(f, &record, &is_new);
		if (error == 0 && is_new)
			error = walk_pages(f, &record);
		if (error < 0)
			return error;
	}
	return 0;
}

int fixups_walk_chains(struct fixups *f, struct bytes command, uint64_t command_offset)
{
	struct cursor c = cursor_at(command, 8, f->macho->big);
	uint32_t offset = cursor_u32(&c), size = cursor_u32(&c);
	struct payload p;
	if (!c.failed && !size)
		return 0;
	if (c.failed || !fixups_bytes(f, offset, size, &p.bytes))
		return fixups_damaged(f, command_offset,
				      "%" PRIu32 " bytes at 0x%" PRIx32
				      " lie outside the file",
				      size, offset);
	p.offset = (uint64_t)(p.bytes.data - f->data);
	c = cursor_at(p.bytes, 0, false);
	uint32_t version = cursor_u32(&c), starts = cursor_u32(&c);
	if (size < HEADER_SIZE)
		return fixups_damaged(f, p.offset,
				      "%" PRIu32 " bytes, the header alone has 28", size);
	if (version != 0)
		return fixups_refuse(f, "fixups.version", KEXT_ERR_UNSUPPORTED, p.offset,
				     "version %" PRIu32 ", expected 0", version);
	if (f->image->has_no_header)
		return fixups_damaged(f, command_offset,
				      "no segment holds the Mach-O header");
	return walk_segments(f, &p, starts);
}
