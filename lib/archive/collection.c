/* Members, level and pointers of kernel collections; see collection.h. */
#include <errno.h>
#include <inttypes.h>
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

enum collection_level collection_level(const struct map *members,
				       const struct kext_value *root)
{
	if (map_has(members, COLLECTION_KERNEL))
		return COLLECTION_BOOT;
	if (kext_value_get(root, PRELINK_KEY_PAGEABLE_ID))
		return COLLECTION_AUXILIARY;
	return kext_value_get(root, PRELINK_KEY_BOOT_ID) ? COLLECTION_SYSTEM
							 : COLLECTION_BOOT;
}

static uint64_t lowest_address(const struct macho *macho)
{
	uint64_t lowest = UINT64_MAX;
	array_for_each (segment, &macho->segments)
		if (segment->address < lowest)
			lowest = segment->address;
	return lowest;
}

/* Targets count from the lowest segment of their collection, which only that collection
 * knows; boot collections for x86_64 all start at the same address. */
static void find_bases(const struct macho *macho, enum collection_level level,
		       struct fixups_bases *ret)
{
	*ret = (struct fixups_bases){0};
	if (macho->cputype == KEXT_CPU_X86_64) {
		ret->address[COLLECTION_BOOT] = COLLECTION_X86_64_BASE;
		ret->is_known[COLLECTION_BOOT] = true;
	}
	ret->address[level] = lowest_address(macho);
	ret->is_known[level] = true;
	if (level == COLLECTION_AUXILIARY) { /* 3 has been seen to mean it, too */
		ret->address[FIXUPS_LEVELS - 1] = ret->address[level];
		ret->is_known[FIXUPS_LEVELS - 1] = true;
	}
}

int collection_make_plain(struct prelink_image *image, enum collection_level level,
			  struct kext_diagnostics *diagnostics)
{
	struct fixups_bases bases;
	struct fixups_count count = {0};
	find_bases(&image->macho, level, &bases);
	int error = fixups_apply(image->data, &image->macho, &bases, image->subject,
				 diagnostics, &count);
	if (error == 0 && count.unknown)
		kext_diagnose(
			diagnostics, KEXT_WARNING, "fixups.elsewhere", image->subject,
			NULL,
			"%" PRIu64 " of %" PRIu64
			" pointers lead into a collection that is not at hand; they "
			"are given as offsets in it",
			count.unknown, count.pointers);
	return error;
}
