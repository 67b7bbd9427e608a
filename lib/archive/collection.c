/* Members, level and pointers of kernel collections; see collection.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <kext/arch.h>
#include "archive/collection.h"
#include "archive/prelink.h"
#include "base/memory.h"

#define MAX_MEMBERS 8192u

static int damaged(const struct prelink_image *image,
		   struct kext_diagnostics *diagnostics, uint32_t offset,
		   const char *what)
{
	kext_diagnose(diagnostics, KEXT_ERROR, "collection.damaged", image->subject, NULL,
		      "offset 0x%" PRIx32 ": %s", offset, what);
	return KEXT_ERR_BAD_DATA;
}

static int add_member(const struct prelink_image *image,
		      const struct macho_command *command,
		      struct kext_diagnostics *diagnostics, struct map *members)
{
	struct bytes whole = bytes_of(image->data + command->offset, command->size);
	struct cursor c = cursor_at(whole, 8, image->macho.big);
	uint64_t address = cursor_u64(&c), offset = cursor_u64(&c);
	uint32_t string = cursor_u32(&c);
	const char *identifier = bytes_string(whole, string);
	struct bytes header;
	if (c.failed || string < COLLECTION_ENTRY_SIZE || !identifier)
		return damaged(image, diagnostics, command->offset,
			       "a member without a name that ends within its command");
	if (!macho_at_address(&image->macho, address, 32, &header) ||
	    (uint64_t)(header.data - image->data) != offset)
		return damaged(image, diagnostics, command->offset,
			       "the address and the file offset of a member disagree, or "
			       "lie outside the file");
	if (map_has(members, identifier))
		return damaged(image, diagnostics, command->offset,
			       "a member that was named before");
	uint64_t *value = mem_copy(&address, sizeof(address));
	if (!value)
		return -ENOMEM;
	int error = map_put(members, identifier, value);
	if (error < 0)
		free(value);
	return error;
}

int collection_members(const struct prelink_image *image,
		       struct kext_diagnostics *diagnostics, struct map *ret)
{
	array_for_each (command, &image->macho.commands) {
		if (command->type != LC_FILESET_ENTRY)
			continue;
		int error = ret->count < MAX_MEMBERS
				    ? add_member(image, command, diagnostics, ret)
				    : damaged(image, diagnostics, command->offset,
					      "more than 8192 members");
		if (error < 0)
			return error;
	}
	return 0;
}

void collection_free_members(struct map *members)
{
	map_for_each (entry, members)
		free(entry->value);
	map_free(members);
}

static enum kext_collection which_one(const struct map *members,
				      const struct kext_value *root)
{
	if (map_has(members, COLLECTION_KERNEL))
		return KEXT_COLLECTION_BOOT;
	if (kext_value_get(root, PRELINK_KEY_PAGEABLE_ID))
		return KEXT_COLLECTION_AUXILIARY;
	return kext_value_get(root, PRELINK_KEY_BOOT_ID) ? KEXT_COLLECTION_SYSTEM
							 : KEXT_COLLECTION_BOOT;
}

static uint64_t lowest_address(const struct macho *macho)
{
	uint64_t lowest = UINT64_MAX;
	array_for_each (segment, &macho->segments)
		if (segment->address < lowest)
			lowest = segment->address;
	return lowest;
}

/* An identifier of 16 bytes; NULL when there is none. */
static const void *id_under(const struct kext_value *root, const char *key)
{
	size_t size = 0;
	const void *id = kext_value_data(kext_value_get(root, key), &size);
	return size == 16 ? id : NULL;
}

struct collection_identity collection_identify(const struct prelink_image *image,
					       const struct map *members,
					       const struct kext_value *root)
{
	const struct macho *macho = &image->macho;
	struct collection_identity self = {.is_collection = macho->filetype == MH_FILESET,
					   .collection = which_one(members, root),
					   .cputype = macho->cputype,
					   .base = lowest_address(macho)};
	const void *id = id_under(root, PRELINK_KEY_ID);
	if (!id && macho->has_uuid)
		id = macho->uuid;
	self.has_id = id;
	if (id)
		memcpy(self.id, id, sizeof(self.id));
	return self;
}

/* ---- pointers ---- */

const char *kext_collection_name(enum kext_collection collection)
{
	static const char *const names[] = {"boot", "system", "auxiliary"};
	return (size_t)collection < sizeof(names) / sizeof(*names) ? names[collection]
								   : "unknown";
}

/* Whether another collection is the one that this one was made for. */
static int check_other(const struct prelink_image *image,
		       const struct collection_identity *self,
		       const struct kext_value *root,
		       const struct collection_identity *other,
		       enum kext_collection wanted, struct kext_diagnostics *diagnostics)
{
	const void *id =
		id_under(root, wanted == KEXT_COLLECTION_BOOT ? PRELINK_KEY_BOOT_ID
							      : PRELINK_KEY_PAGEABLE_ID);
	const char *what = NULL;
	if (!other->is_collection)
		what = "none";
	else if (other->collection != wanted)
		what = kext_collection_name(other->collection);
	else if (other->cputype != self->cputype)
		what = "one for another CPU";
	else if (id && (!other->has_id || memcmp(id, other->id, 16) != 0))
		what = "one with another identifier than this collection wants";
	if (!what)
		return 0;
	kext_diagnose(diagnostics, KEXT_ERROR, "collection.other", image->subject,
		      "give the collections of one and the same system",
		      "the %s collection given with it is %s",
		      kext_collection_name(wanted), what);
	return KEXT_ERR_BAD_DATA;
}

static int use_other(const struct prelink_image *image,
		     const struct collection_identity *self,
		     const struct kext_value *root,
		     const struct collection_identity *other, enum kext_collection wanted,
		     struct kext_diagnostics *diagnostics, struct fixups_bases *bases)
{
	if (!other || wanted >= self->collection)
		return 0;
	int error = check_other(image, self, root, other, wanted, diagnostics);
	if (error < 0)
		return error;
	bases->address[wanted] = other->base;
	bases->is_known[wanted] = true;
	return 0;
}

/* Targets count from the lowest segment of their collection, which only that collection
 * knows; boot collections for x86_64 all start at the same address. */
static struct fixups_bases known_bases(const struct collection_identity *self)
{
	struct fixups_bases bases = {0};
	if (self->cputype == KEXT_CPU_X86_64) {
		bases.address[KEXT_COLLECTION_BOOT] = COLLECTION_X86_64_BASE;
		bases.is_known[KEXT_COLLECTION_BOOT] = true;
	}
	bases.address[self->collection] = self->base;
	bases.is_known[self->collection] = true;
	if (self->collection == KEXT_COLLECTION_AUXILIARY) { /* 3 may mean it, too */
		bases.address[FIXUPS_LEVELS - 1] = self->base;
		bases.is_known[FIXUPS_LEVELS - 1] = true;
	}
	return bases;
}

/* The Mach-O header is where the file's first bytes are mapped. */
static const struct macho_segment *header_segment(const struct macho *macho)
{
	array_for_each (segment, &macho->segments)
		if (segment->file_offset == 0 && segment->file_size)
			return segment;
	return NULL;
}

static int apply_to_all(struct fixups *f, const struct fixups_image *whole,
			const struct collection_parts *parts)
{
	int error = fixups_apply(f, whole);
	for (size_t i = 0; error == 0 && i < parts->count; i++)
		error = fixups_apply(f, &parts->items[i]);
	return error;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = ((const struct fixups_elsewhere *)a)->address;
	uint64_t y = ((const struct fixups_elsewhere *)b)->address;
	return x < y ? -1 : x > y;
}

/* The image keeps what leads elsewhere, in order. */
static void keep_elsewhere(struct prelink_image *image, struct fixups *f,
			   struct kext_diagnostics *diagnostics)
{
	if (!f->elsewhere.count)
		return;
	qsort(f->elsewhere.items, f->elsewhere.count, sizeof(*f->elsewhere.items),
	      compare);
	kext_diagnose(diagnostics, KEXT_WARNING, "fixups.elsewhere", image->subject,
		      "--boot-collection and --system-collection give it",
		      "%zu of %" PRIu64
		      " pointers lead into a collection that is not at hand; they are "
		      "given as offsets in it",
		      f->elsewhere.count, f->pointers);
	image->elsewhere.items = f->elsewhere.items;
	image->elsewhere.count = image->elsewhere.capacity = f->elsewhere.count;
	f->elsewhere.items = NULL;
	f->elsewhere.count = 0;
}

int collection_make_plain(struct prelink_image *image,
			  const struct collection_parts *parts,
			  const struct collection_identity *self,
			  const struct kext_value *root,
			  const struct collection_others *others,
			  struct kext_diagnostics *diagnostics)
{
	const struct macho_segment *first = header_segment(&image->macho);
	uint64_t header = first ? first->address : 0;
	struct fixups_image whole = {FIXUPS_FILE, NULL, !first, header, header};
	struct fixups_bases bases = known_bases(self);
	struct fixups f = {.data = image->data,
			   .macho = &image->macho,
			   .bases = &bases,
			   .subject = image->subject,
			   .diagnostics = diagnostics};
	int error = use_other(image, self, root, others->boot, KEXT_COLLECTION_BOOT,
			      diagnostics, &bases);
	if (error == 0)
		error = use_other(image, self, root, others->system,
				  KEXT_COLLECTION_SYSTEM, diagnostics, &bases);
	if (error == 0)
		error = apply_to_all(&f, &whole, parts);
	if (error == 0)
		keep_elsewhere(image, &f, diagnostics);
	fixups_finish(&f);
	return error;
}
