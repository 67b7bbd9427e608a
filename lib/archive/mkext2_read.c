/*
 * Reads mkext 2: one property list with a dictionary per kext, in which the executable is
 * given as the offset of a file entry.
 */
#include <errno.h>
#include "archive/archive.h"
#include "base/memory.h"

#define PLIST_LIMIT (64u << 20)
#define ENTRY_SIZE  8u

/* The property list, which says what else there is. */
static int read_plist(struct archive_reader *reader, struct kext_value **ret)
{
	static const char what[] = "the property list";
	const struct mkext_header *header = &reader->header;
	const char *subject = reader->archive->subject;
	_cleanup_free_ uint8_t *text = NULL;
	struct packed_file file;
	if (header->plist_full == 0 || header->plist_full > PLIST_LIMIT)
		return archive_damaged(reader, 40,
				       "the property list has %u bytes, expected 1 to %u",
				       header->plist_full, PLIST_LIMIT);
	int error =
		archive_take_file(reader, header->plist_offset, header->plist_compressed,
				  header->plist_full, PACKED_ZLIB, what, &file);
	if (error == 0)
		error = packed_expand(&file, subject, what, reader->diagnostics, &text);
	if (error < 0)
		return error;
	error = kext_value_from_xml((char *)text, header->plist_full, subject,
				    reader->diagnostics, ret);
	return error == KEXT_ERR_SERIALIZATION
		       ? archive_damaged(reader, header->plist_offset,
					 "the property list is broken")
		       : error;
}

/* A file and the two sizes in front of it. */
static int take_entry(struct archive_reader *reader, uint64_t offset, const char *what,
		      struct packed_file *ret)
{
	struct cursor c = cursor_at(reader->bytes, offset, true);
	uint32_t compressed = cursor_u32(&c), full = cursor_u32(&c);
	if (c.failed)
		return archive_damaged(
			reader, offset,
			"%s: no entry there, expected within the %zu bytes "
			"of the archive",
			what, reader->bytes.size);
	int error = extents_add(&reader->extents, offset, ENTRY_SIZE, what);
	return error < 0 ? error
			 : archive_take_file(reader, c.at, compressed, full, PACKED_ZLIB,
					     what, ret);
}

/* Where the executable stands in the bundle; *ret_path NULL when that is unknown. */
static int executable_path(const struct kext_value *info, char **ret_path)
{
	const char *stored =
		kext_value_string(kext_value_get(info, MKEXT_KEY_EXECUTABLE_PATH));
	const char *name = kext_value_string(kext_value_get(info, "CFBundleExecutable"));
	char *path = NULL;
	if (stored)
		path = mem_string(stored);
	else if (name)
		path = mem_format("Contents/MacOS/%s", name);
	if (!path && (stored || name))
		return -ENOMEM;
	*ret_path = path;
	return 0;
}

static const char *name_of(const struct kext_value *info)
{
	const char *name = kext_value_string(kext_value_get(info, "CFBundleIdentifier"));
	if (!name)
		name = kext_value_string(kext_value_get(info, MKEXT_KEY_BUNDLE_PATH));
	return name ? name : "a kext without identifier";
}

static int read_resource(struct archive_reader *reader, const char *name,
			 const struct kext_value *offset, const char *what)
{
	struct kext_archive *archive = reader->archive;
	struct packed_file file;
	if (!kext_value_is(offset, KEXT_VALUE_INTEGER))
		return archive_damaged(reader, reader->header.plist_offset,
				       "%s: resource %s is given by no integer", what,
				       name);
	int error = take_entry(reader, kext_value_integer(offset), what, &file);
	if (error < 0)
		return error;
	struct archive_entry *entry = &archive->entries.items[archive->entries.count - 1];
	struct archive_resource *resource = array_push(&entry->resources);
	if (!resource || !(resource->name = mem_string(name)))
		return -ENOMEM;
	resource->file = file;
	return archive_keep_file(archive, &file);
}

/* Files of the last kext that was added. */
static int read_resources(struct archive_reader *reader, const struct kext_value *info,
			  const char *what)
{
	const struct kext_value *resources = kext_value_get(info, MKEXT_KEY_RESOURCES);
	if (!resources)
		return 0;
	if (!kext_value_is(resources, KEXT_VALUE_DICTIONARY))
		return archive_damaged(reader, reader->header.plist_offset,
				       "%s: %s is no dictionary", what,
				       MKEXT_KEY_RESOURCES);
	for (size_t i = 0; i < kext_value_count(resources); i++) {
		int error = read_resource(reader, kext_value_key_at(resources, i),
					  kext_value_at(resources, i), what);
		if (error < 0)
			return error;
	}
	return 0;
}

/* `info` without what the archive added to it. */
static int add_kext(struct archive_reader *reader, const struct kext_value *info,
		    struct kext_value *plain, const char *what)
{
	const struct kext_value *offset = kext_value_get(info, MKEXT_KEY_EXECUTABLE);
	const char *bundle =
		kext_value_string(kext_value_get(info, MKEXT_KEY_BUNDLE_PATH));
	_cleanup_free_ char *path = NULL;
	struct packed_file file;
	if (!offset)
		return archive_add(reader, bundle, NULL, plain, NULL, NULL);
	if (!kext_value_is(offset, KEXT_VALUE_INTEGER))
		return archive_damaged(reader, reader->header.plist_offset,
				       "%s: %s is no integer", what,
				       MKEXT_KEY_EXECUTABLE);
	int error = take_entry(reader, kext_value_integer(offset), what, &file);
	if (error == 0)
		error = executable_path(info, &path);
	return error == 0 ? archive_add_packed(reader, bundle, path, plain, &file)
			  : error;
}

static int read_kext(struct archive_reader *reader, const struct kext_value *info)
{
	const char *what = name_of(info);
	size_t count = reader->archive->entries.count;
	struct kext_value *plain = mkext_plain_info(info);
	int error = plain ? add_kext(reader, info, plain, what) : -ENOMEM;
	kext_value_unref(plain);
	/* One that was left out has no entry its resources could go to. */
	return error == 0 && count < reader->archive->entries.count
		       ? read_resources(reader, info, what)
		       : error;
}

static int read_kexts(struct archive_reader *reader, const struct kext_value *root)
{
	const struct kext_value *infos = kext_value_get(root, MKEXT_KEY_INFOS);
	size_t count = kext_value_count(infos);
	if (!kext_value_is(infos, KEXT_VALUE_ARRAY))
		return archive_damaged(reader, reader->header.plist_offset,
				       "the property list has no array %s",
				       MKEXT_KEY_INFOS);
	if (count > ARCHIVE_MAX_KEXTS)
		return archive_damaged(reader, reader->header.plist_offset,
				       "%zu kexts, expected at most %u", count,
				       ARCHIVE_MAX_KEXTS);
	if (count != reader->header.kext_count)
		kext_diagnose(reader->diagnostics, KEXT_WARNING, "archive.count",
			      reader->archive->subject, NULL,
			      "the header counts %u kexts, the property list has %zu",
			      reader->header.kext_count, count);
	for (size_t i = 0; i < count; i++) {
		const struct kext_value *info = kext_value_at(infos, i);
		if (!kext_value_is(info, KEXT_VALUE_DICTIONARY))
			return archive_damaged(reader, reader->header.plist_offset,
					       "item %zu of %s is no dictionary", i,
					       MKEXT_KEY_INFOS);
		int error = read_kext(reader, info);
		if (error < 0)
			return error;
	}
	return 0;
}

int mkext2_read(struct archive_reader *reader)
{
	struct kext_value *root = NULL;
	int error = extents_add(&reader->extents, 0, MKEXT2_HEADER_SIZE, "the header");
	if (reader->header.kext_count > ARCHIVE_MAX_KEXTS)
		return archive_damaged(reader, 20,
				       "the header counts %u kexts, expected at most %u",
				       reader->header.kext_count, ARCHIVE_MAX_KEXTS);
	if (error == 0)
		error = read_plist(reader, &root);
	if (error == 0)
		error = read_kexts(reader, root);
	/* While the names that the extents borrow are there. */
	if (error == 0)
		error = archive_check_extents(reader);
	kext_value_unref(root);
	return error;
}
