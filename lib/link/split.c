/*
 * Split kexts: their segments go to separate places in a kernel cache, each given by the
 * caller. Code that reaches from one segment to another is adjusted later, by what
 * LC_SEGMENT_SPLIT_INFO lists; here it is only carried along.
 */
#include <errno.h>
#include <inttypes.h>
#include "link/link.h"

/* NULL when the caller gave none. */
static const struct kext_link_segment *find_place(const struct kext_link_request *request,
						  const char *name)
{
	for (size_t i = 0; i < request->segment_count; i++)
		if (strcmp(request->segments[i].name, name) == 0)
			return &request->segments[i];
	return NULL;
}

bool split_is_wanted(const struct kext_link_request *request)
{
	const struct kext_link_segment *place = find_place(request, "__TEXT_EXEC");
	return place && place->address;
}

int split_read_info(struct link *link)
{
	if (link_is_object(link))
		return report_bad(&link->report, NULL,
				  "an object file has one segment and cannot be split");
	link->is_split = true;
	array_for_each (command, &link->macho.commands) {
		if (command->type != LC_SEGMENT_SPLIT_INFO)
			continue;
		struct cursor c =
			cursor_at(link->macho.bytes, (uint64_t)command->offset + 8,
				  link->macho.big);
		uint32_t offset = cursor_u32(&c), size = cursor_u32(&c);
		if (link->split_info.size || command->size != 16 ||
		    !bytes_slice(link->macho.bytes, offset, size, &link->split_info))
			return report_bad(&link->report, NULL,
					  "LC_SEGMENT_SPLIT_INFO at offset %u: %u bytes "
					  "at %u exceed the file, or it occurs twice",
					  command->offset, size, offset);
	}
	return 0;
}

static int bad_place(struct link *link, const struct placed_segment *segment,
		     const char *what)
{
	return link_fail(link, "link.address", NULL,
			 "segment %s at 0x%" PRIx64 " of 0x%" PRIx64 " bytes %s",
			 segment->source->name, segment->address, segment->size, what);
}

/* Before the end of the image, which is __LINKEDIT's, and clear of other segments. */
static int check_place(struct link *link, const struct placed_segment *segment)
{
	uint64_t end, limit = link->base + link->output_size;
	if (segment->address < link->base ||
	    __builtin_add_overflow(segment->address, segment->size, &end) || end > limit)
		return bad_place(link, segment,
				 "does not lie between __TEXT's start and "
				 "__LINKEDIT's end");
	for (const struct placed_segment *other = link->segments; other < segment;
	     other++)
		if (segment->address < other->address + other->size &&
		    other->address < end)
			return bad_place(link, segment, "overlaps another one");
	return 0;
}

/*
 * The image spans from __TEXT to the end of __LINKEDIT, with room for the slide
 * information counted once more, as Darwin's kernel caches have it.
 */
static int measure(struct link *link, const struct placed_segment *linkedit)
{
	uint64_t size, end;
	if (linkedit->address < link->base ||
	    __builtin_add_overflow(linkedit->size + link->relocation_size,
				   linkedit->address - link->base, &size) ||
	    size > UINT32_MAX || __builtin_add_overflow(link->base, size, &end))
		return bad_place(link, linkedit,
				 "is no end for an image that starts with __TEXT");
	link->output_size = size;
	return 0;
}

int split_place(struct link *link)
{
	const struct kext_link_segment *text = find_place(link->request, "__TEXT");
	const struct placed_segment *linkedit = NULL;
	for (size_t i = 0; i < link->segment_count; i++) {
		struct placed_segment *segment = &link->segments[i];
		const struct kext_link_segment *place =
			find_place(link->request, segment->source->name);
		if (!place)
			return bad_place(link, segment, "was given no address");
		segment->address = place->address;
		if (segment->is_linkedit)
			linkedit = segment;
	}
	if (!text || !linkedit)
		return link_fail(link, "link.address", NULL,
				 "a split kext needs an address for __TEXT");
	link->base = text->address;
	int r = measure(link, linkedit);
	for (size_t i = 0; i < link->segment_count && r == 0; i++)
		r = check_place(link, &link->segments[i]);
	return r;
}
