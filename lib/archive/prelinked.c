/*
 * Reads prelinked kernels and kernel collections: the dictionaries of __PRELINK_INFO as
 * bundles, whose executables are taken out of the file when they are asked for.
 */
#include <errno.h>
#include <inttypes.h>
#include "archive/archive.h"
#include "archive/collection.h"
#include "archive/prelink.h"
#include "archive/standalone.h"
#include "archive/tiger.h"
#include "base/memory.h"
#include "bundle/archived.h"

#define MAX_KEXTS 8192u

/* A kext with code: what its bundle needs to get at it. */
struct kext_origin {
	struct bundle_origin origin;
	struct prelink_image *image;
	struct prelink_place place;
	char *identifier;
};

static int make_executable(struct bundle_origin *origin,
			   struct kext_diagnostics *diagnostics, uint8_t **ret_data,
			   size_t *ret_size)
{
	struct kext_origin *o = (struct kext_origin *)origin;
	return standalone_make(o->image, &o->place, o->identifier, diagnostics, ret_data,
			       ret_size);
}

static void free_origin(struct bundle_origin *origin)
{
	struct kext_origin *o = (struct kext_origin *)origin;
	prelink_image_unref(o->image);
	free(o->identifier);
	free(o);
}

static struct bundle_origin *new_origin(struct prelink_image *image,
					const struct prelink_place *place,
					const char *identifier)
{
	struct kext_origin *o = mem_zero(1, sizeof(*o));
	char *copy = mem_string(identifier);
	if (!o || !copy) {
		free(o);
		free(copy);
		return NULL;
	}
	*o = (struct kext_origin){
		{make_executable, free_origin}, prelink_image_ref(image), *place, copy};
	return &o->origin;
}

/* ---- one kext ---- */

struct prelinked {
	struct archive_reader *reader;
	struct prelink_image *image;
	struct map members; /* of a collection: address by identifier */
	bool is_tiger;	    /* of Mac OS X 10.4 or 10.5 */
	uint64_t info_at;   /* where its property list lies, for messages */
};

static uint64_t address_of(const struct kext_value *info, const char *key)
{
	uint64_t address = kext_value_integer(kext_value_get(info, key));
	return address == PRELINK_NOWHERE ? 0 : address;
}

/* Where a kext lies by its keys; *ret_has_code false when it has no code. The command of
 * a collection decides. */
static void find_place(const struct prelinked *p, const struct kext_value *info,
		       const char *identifier, struct prelink_place *ret,
		       bool *ret_has_code)
{
	const uint64_t *member = map_get(&p->members, identifier);
	struct prelink_place place = {
		.load = address_of(info, PRELINK_KEY_LOAD),
		.source = address_of(info, PRELINK_KEY_SOURCE),
		.size = kext_value_integer(kext_value_get(info, PRELINK_KEY_SIZE)),
		.kmod_info = address_of(info, PRELINK_KEY_KMOD_INFO),
		.state = address_of(info, PRELINK_KEY_LINK_STATE),
		.state_size = kext_value_integer(
			kext_value_get(info, PRELINK_KEY_LINK_STATE_SIZE)),
	};
	if (!place.source)
		place.source = address_of(info, PRELINK_KEY_EARLY_ADDRESS);
	if (!place.source)
		place.source = place.load;
	if (!place.load)
		place.load = place.source;
	if (member)
		place.load = place.source = *member;
	*ret = place;
	*ret_has_code = place.source && strcmp(identifier, COLLECTION_KERNEL) != 0;
}

/* Also notes the bytes as the kext's: all of them if they are in one piece, else those
 * of its header. */
static int check_place(const struct prelinked *p, const char *identifier,
		       const struct prelink_place *place)
{
	struct bytes bytes;
	uint64_t least = place->load == place->source ? 32 : place->size;
	if (!macho_at_address(&p->image->macho, place->source, 32, &bytes) ||
	    !macho_at_address(&p->image->macho, place->source, least, &bytes))
		return archive_damaged(p->reader, p->info_at,
				       "kext %s, %" PRIu64 " bytes at 0x%" PRIx64
				       ", lies outside the file",
				       identifier, place->size, place->source);
	return extents_add(&p->reader->extents, (uint64_t)(bytes.data - p->image->data),
			   bytes.size, identifier);
}

/* The dictionary as a bundle has it, without what is true inside of the file only. */
static struct kext_value *plain_info(const struct kext_value *info)
{
	static const char *const added[] = {
		PRELINK_KEY_BUNDLE_PATH,    PRELINK_KEY_EXECUTABLE_PATH,
		PRELINK_KEY_LINK_STATE,	    PRELINK_KEY_LINK_STATE_SIZE,
		PRELINK_KEY_INTERFACE_UUID, PRELINK_KEY_TIGER,
		PRELINK_KEY_TIGER_SYMBOLS,  PRELINK_KEY_TIGER_DEFER};
	struct kext_value *plain = kext_value_new_dictionary();
	for (size_t i = 0; plain && i < kext_value_count(info); i++) {
		struct kext_value *value = kext_value_ref(kext_value_at(info, i));
		if (kext_value_set(plain, kext_value_key_at(info, i), value) < 0)
			plain = kext_value_unref(plain);
	}
	for (size_t i = 0; plain && i < sizeof(added) / sizeof(*added); i++)
		kext_value_remove(plain, added[i]);
	return plain;
}

static int record(struct kext_value *plain, const char *key, uint64_t number)
{
	return number ? kext_value_set(plain, key, kext_value_new_integer(number, 64))
		      : 0;
}

/* The addresses that the executable keeps, by the same keys whatever the file has. */
static int record_place(struct kext_value *plain, const struct prelink_place *place)
{
	int error = record(plain, PRELINK_KEY_LOAD, place->load);
	if (error == 0)
		error = record(plain, PRELINK_KEY_SOURCE, place->source);
	if (error == 0)
		error = record(plain, PRELINK_KEY_SIZE, place->size);
	return error == 0 ? record(plain, PRELINK_KEY_KMOD_INFO, place->kmod_info)
			  : error;
}

/* Where the executable stands in its bundle, when only its name is known. */
static int executable_path(const struct kext_value *plain, const struct kext_value *info,
			   char **ret_path)
{
	const char *stored =
		kext_value_string(kext_value_get(info, PRELINK_KEY_EXECUTABLE_PATH));
	const char *name = kext_value_string(kext_value_get(plain, "CFBundleExecutable"));
	if (!stored && !name)
		return 0;
	*ret_path = stored ? mem_string(stored) : mem_format("Contents/MacOS/%s", name);
	return *ret_path ? 0 : -ENOMEM;
}

static int add_kext(struct prelinked *p, const struct kext_value *info,
		    const char *identifier, const struct prelink_place *place)
{
	_cleanup_free_ char *path = NULL;
	const char *bundle =
		kext_value_string(kext_value_get(info, PRELINK_KEY_BUNDLE_PATH));
	struct kext_value *plain = plain_info(info);
	struct bundle_origin *origin = NULL;
	int error = plain ? 0 : -ENOMEM;
	if (error == 0 && place)
		error = record_place(plain, place);
	if (error == 0 && place && p->is_tiger)
		error = tiger_complete(p->image, place, plain);
	if (error == 0 && place) {
		error = executable_path(plain, info, &path);
		origin = new_origin(p->image, place, identifier);
	}
	if (error == 0 && place && !origin)
		error = -ENOMEM;
	if (error == 0)
		error = archive_add(p->reader, bundle, path, plain, origin, place);
	else if (origin)
		origin->free(origin);
	kext_value_unref(plain);
	return error;
}

static int read_kext(struct prelinked *p, const struct kext_value *info)
{
	const char *identifier =
		kext_value_string(kext_value_get(info, "CFBundleIdentifier"));
	struct prelink_place place = {0};
	bool has_code = false;
	int error = 0;
	if (!identifier)
		identifier = "a kext without identifier";
	if (p->is_tiger)
		error = tiger_find_place(p->image, info, identifier,
					 p->reader->diagnostics, &place, &has_code);
	else
		find_place(p, info, identifier, &place, &has_code);
	if (error == 0 && has_code)
		error = check_place(p, identifier, &place);
	return error < 0 ? error
			 : add_kext(p, info, identifier, has_code ? &place : NULL);
}

/* ---- the file ---- */

static const struct macho_section *find_info(struct prelinked *p)
{
	const struct macho *macho = &p->image->macho;
	const struct macho_section *section =
		macho_section_named(macho, PRELINK_SEGMENT_INFO, PRELINK_SECTION_INFO);
	if (section)
		return section;
	section = macho_section_named(macho, PRELINK_SEGMENT_EARLY, PRELINK_SECTION_INFO);
	p->is_tiger = section && !macho->is_64;
	return p->is_tiger ? section : NULL;
}

static int read_root(struct prelinked *p, struct kext_value **ret)
{
	const struct macho_section *section = find_info(p);
	const char *subject = p->image->subject;
	if (!section || !section->content.size) {
		kext_diagnose(p->reader->diagnostics, KEXT_ERROR, "archive.prelink",
			      subject, NULL,
			      "holds no kexts: it is a Mach-O file of type %" PRIu32
			      " without a section " PRELINK_SEGMENT_INFO
			      "," PRELINK_SECTION_INFO,
			      p->image->macho.filetype);
		return KEXT_ERR_BAD_DATA;
	}
	struct bytes text = section->content;
	p->info_at = (uint64_t)(text.data - p->image->data);
	text.size = strnlen((const char *)text.data, text.size);
	int error = kext_value_from_xml((const char *)text.data, text.size, subject,
					p->reader->diagnostics, ret);
	return error == KEXT_ERR_SERIALIZATION ? KEXT_ERR_BAD_DATA : error;
}

/* Early ones have just the array. */
static int read_kexts(struct prelinked *p, const struct kext_value *root)
{
	const struct kext_value *infos = kext_value_get(root, PRELINK_KEY_INFOS);
	if (kext_value_is(root, KEXT_VALUE_ARRAY))
		infos = root;
	if (!kext_value_is(infos, KEXT_VALUE_ARRAY))
		return archive_damaged(p->reader, p->info_at, "there is no array %s",
				       PRELINK_KEY_INFOS);
	if (kext_value_count(infos) > MAX_KEXTS)
		return archive_damaged(p->reader, p->info_at,
				       "it has %zu kexts, more than %u",
				       kext_value_count(infos), MAX_KEXTS);
	for (size_t i = 0; i < kext_value_count(infos); i++) {
		const struct kext_value *info = kext_value_at(infos, i);
		int error = kext_value_is(info, KEXT_VALUE_DICTIONARY)
				    ? read_kext(p, info)
				    : archive_damaged(p->reader, p->info_at,
						      "item %zu of the kexts is no "
						      "dictionary",
						      i);
		if (error < 0)
			return error;
	}
	return 0;
}

static const struct collection_identity *identity_of(const struct kext_archive *archive)
{
	return archive ? &archive->identity : NULL;
}

static int add_part(struct collection_parts *parts, struct fixups_image image)
{
	struct fixups_image *place = array_push(parts);
	if (!place)
		return -ENOMEM;
	*place = image;
	return 0;
}

/* A collection's members, whose kernel is no kext, or else the kexts with code. */
static int list_parts(const struct prelinked *p, struct collection_parts *parts)
{
	int error = 0;
	map_for_each (member, &p->members) {
		uint64_t address = *(const uint64_t *)member->value;
		struct fixups_image image = {FIXUPS_MEMBER, member->key, false, address,
					     address};
		error = error == 0 ? add_part(parts, image) : error;
	}
	if (p->image->macho.filetype == MH_FILESET)
		return error;
	array_for_each (entry, &p->reader->archive->entries) {
		struct fixups_image image = {FIXUPS_KEXT,
					     kext_bundle_identifier(entry->bundle), false,
					     entry->place.source, entry->place.load};
		if (error == 0 && entry->has_place)
			error = add_part(parts, image);
	}
	return error;
}

static int make_plain(struct prelinked *p, const struct kext_value *root,
		      const struct kext_archive_options *options)
{
	struct collection_others others = {identity_of(options->boot_collection),
					   identity_of(options->system_collection)};
	struct collection_identity *self = &p->reader->archive->identity;
	struct collection_parts parts = {0};
	*self = collection_identify(p->image, &p->members, root);
	int error = list_parts(p, &parts);
	if (error == 0)
		error = collection_make_plain(p->image, &parts, self, root, &others,
					      p->reader->diagnostics);
	array_free(&parts);
	return error;
}

static int read_image(struct prelinked *p, const struct kext_archive_options *options)
{
	struct kext_value *root = NULL;
	int error = read_root(p, &root);
	if (error == 0)
		error = collection_members(p->image, p->reader->diagnostics, &p->members);
	if (error == 0)
		error = read_kexts(p, root);
	if (error == 0)
		error = make_plain(p, root, options);
	if (error == 0) /* while the names that the extents borrow are there */
		error = archive_check_extents(p->reader);
	kext_value_unref(root);
	collection_free_members(&p->members);
	return error;
}

int prelinked_read(struct archive_reader *reader,
		   const struct kext_archive_options *options)
{
	struct kext_archive *archive = reader->archive;
	struct prelinked p = {.reader = reader};
	int error = prelink_image_new(archive->store, reader->bytes, reader->diagnostics,
				      &p.image);
	if (error < 0)
		return error;
	const struct macho *macho = &p.image->macho;
	archive->format = macho->filetype == MH_FILESET ? KEXT_ARCHIVE_COLLECTION
							: KEXT_ARCHIVE_PRELINKED;
	archive->arch = kext_arch_numbered(macho->cputype, macho->cpusubtype & 0xffffff);
	error = read_image(&p, options);
	prelink_image_unref(p.image);
	return error;
}

/* ---- pointers into other collections ---- */

/* Visits those between two addresses; they are in order. */
static int visit_range(const struct prelink_image *image, uint64_t address, uint64_t size,
		       int (*visit)(void *data,
				    const struct kext_foreign_pointer *pointer),
		       void *data)
{
	size_t low = 0, high = image->elsewhere.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (image->elsewhere.items[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i < image->elsewhere.count; i++) {
		const struct fixups_elsewhere *e = &image->elsewhere.items[i];
		if (e->address - address >= size)
			break;
		unsigned level = e->level < KEXT_COLLECTION_AUXILIARY
					 ? e->level
					 : KEXT_COLLECTION_AUXILIARY;
		struct kext_foreign_pointer pointer = {
			e->address, (enum kext_collection)level, e->offset};
		int result = visit(data, &pointer);
		if (result)
			return result;
	}
	return 0;
}

int kext_archive_visit_foreign(const struct kext_archive *archive, size_t index,
			       int (*visit)(void *data,
					    const struct kext_foreign_pointer *pointer),
			       void *data, struct kext_diagnostics *diagnostics)
{
	if (index >= archive->entries.count || !archive->entries.items[index].has_place)
		return 0;
	struct kext_bundle *bundle = archive->entries.items[index].bundle;
	struct kext_origin *o = (struct kext_origin *)bundle_origin(bundle);
	struct standalone_ranges ranges = {0};
	int error = o->image->elsewhere.count
			    ? standalone_find_ranges(o->image, &o->place, o->identifier,
						     diagnostics, &ranges)
			    : 0;
	array_for_each (range, &ranges)
		if (error == 0)
			error = visit_range(o->image, range->address, range->size, visit,
					    data);
	array_free(&ranges);
	return error;
}
