/*
 * Reads mkext 2: one property list with a dictionary per kext, in which the executable is
 * given as the offset of a file entry.
 */
#include <errno.h>
#include "archive/archive.h"
#include "base/memory.h"
#include "codec/deflate.h"

#define PLIST_LIMIT (64u << 20)

/* Deflate makes at most 1032 bytes of one. */
static uint64_t most_of(uint32_t compressed)
{
	return compressed * UINT64_C(1032);
}

/* Expands what is stored at `offset`; compressed 0: it stands there as it is. */
static int expand(struct archive_reader *reader, uint64_t offset, uint32_t compressed,
		  uint32_t full, const char *what, uint8_t **ret_data)
{
	struct bytes stored;
	uint32_t size = compressed ? compressed : full;
	int error = 0;
	if (offset < MKEXT2_HEADER_SIZE ||
	    !bytes_slice(reader->bytes, offset, size, &stored))
		return archive_damaged(reader,
				       "%s: %u bytes at 0x%llx lie outside the archive",
				       what, size, (unsigned long long)offset);
	uint8_t *data =
		archive_room(reader, full, compressed ? most_of(size) : size, &error);
	if (!data)
		return error;
	if (compressed)
		error = deflate_unpack(stored, data, full);
	else
		memcpy(data, stored.data, stored.size);
	if (error == KEXT_ERR_BAD_DATA)
		archive_damaged(
			reader,
			"%s: the zlib stream at 0x%llx does not expand to %u bytes", what,
			(unsigned long long)offset, full);
	if (error < 0)
		free(data);
	else
		*ret_data = data;
	return error;
}

static int read_entry(struct archive_reader *reader, uint64_t offset, const char *what,
		      uint8_t **ret_data, size_t *ret_size)
{
	struct cursor c = cursor_at(reader->bytes, offset, true);
	uint32_t compressed = cursor_u32(&c), full = cursor_u32(&c);
	if (c.failed)
		return archive_damaged(reader,
				       "%s: its entry at 0x%llx lies outside the archive",
				       what, (unsigned long long)offset);
	int error = expand(reader, c.at, compressed, full, what, ret_data);
	if (error == 0)
		*ret_size = full;
	return error;
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

static int read_executable(struct archive_reader *reader, const struct kext_value *info,
			   const char *what, uint8_t **ret_data, size_t *ret_size)
{
	const struct kext_value *offset = kext_value_get(info, MKEXT_KEY_EXECUTABLE);
	if (!offset)
		return 0;
	if (!kext_value_is(offset, KEXT_VALUE_INTEGER))
		return archive_damaged(reader, "%s: %s is no integer", what,
				       MKEXT_KEY_EXECUTABLE);
	return read_entry(reader, kext_value_integer(offset), what, ret_data, ret_size);
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
	if (!kext_value_is(offset, KEXT_VALUE_INTEGER))
		return archive_damaged(reader, "%s: resource %s is given by no integer",
				       what, name);
	struct archive_entry *entry = &archive->entries.items[archive->entries.count - 1];
	struct archive_resource *resource = array_push(&entry->resources);
	if (!resource || !(resource->name = mem_string(name)))
		return -ENOMEM;
	return read_entry(reader, kext_value_integer(offset), what, &resource->data,
			  &resource->size);
}

/* Files of the last kext that was added. */
static int read_resources(struct archive_reader *reader, const struct kext_value *info,
			  const char *what)
{
	const struct kext_value *resources = kext_value_get(info, MKEXT_KEY_RESOURCES);
	if (!resources)
		return 0;
	if (!kext_value_is(resources, KEXT_VALUE_DICTIONARY))
		return archive_damaged(reader, "%s: %s is no dictionary", what,
				       MKEXT_KEY_RESOURCES);
	for (size_t i = 0; i < kext_value_count(resources); i++) {
		int error = read_resource(reader, kext_value_key_at(resources, i),
					  kext_value_at(resources, i), what);
		if (error < 0)
			return error;
	}
	return 0;
}

static int read_kext(struct archive_reader *reader, const struct kext_value *info)
{
	const char *what = name_of(info);
	struct kext_archive *archive = reader->archive;
	uint8_t *executable = NULL;
	size_t size = 0, count = archive->entries.count;
	_cleanup_free_ char *path = NULL;
	int error = read_executable(reader, info, what, &executable, &size);
	if (error < 0)
		return error;
	struct kext_value *plain = mkext_plain_info(info);
	error = plain ? 0 : -ENOMEM;
	if (error == 0 && executable)
		error = executable_path(info, &path);
	if (error == 0)
		error = archive_add(
			reader,
			kext_value_string(kext_value_get(info, MKEXT_KEY_BUNDLE_PATH)),
			path, plain, executable, size);
	else
		free(executable);
	kext_value_unref(plain);
	/* One that was left out has no entry its resources could go to. */
	return error == 0 && count < archive->entries.count
		       ? read_resources(reader, info, what)
		       : error;
}

static int read_kexts(struct archive_reader *reader, const struct kext_value *root)
{
	const struct kext_value *infos = kext_value_get(root, MKEXT_KEY_INFOS);
	size_t count = kext_value_count(infos);
	if (!kext_value_is(infos, KEXT_VALUE_ARRAY))
		return archive_damaged(reader, "the property list has no array %s",
				       MKEXT_KEY_INFOS);
	if (count > ARCHIVE_MAX_KEXTS)
		return archive_damaged(reader, "it has %zu kexts, more than %u", count,
				       ARCHIVE_MAX_KEXTS);
	if (count != reader->header.kext_count)
		kext_diagnose(reader->diagnostics, KEXT_WARNING, "archive.count",
			      reader->archive->subject, NULL,
			      "the header counts %u kexts, the property list has %zu",
			      reader->header.kext_count, count);
	for (size_t i = 0; i < count; i++) {
		const struct kext_value *info = kext_value_at(infos, i);
		if (!kext_value_is(info, KEXT_VALUE_DICTIONARY))
			return archive_damaged(reader, "item %zu of %s is no dictionary",
					       i, MKEXT_KEY_INFOS);
		int error = read_kext(reader, info);
		if (error < 0)
			return error;
	}
	return 0;
}

int mkext2_read(struct archive_reader *reader)
{
	const struct mkext_header *header = &reader->header;
	_cleanup_free_ uint8_t *text = NULL;
	struct kext_value *root = NULL;
	if (header->plist_full == 0 || header->plist_full > PLIST_LIMIT)
		return archive_damaged(
			reader, "the property list has %u bytes, expected 1 to 64 Mi",
			header->plist_full);
	int error = expand(reader, header->plist_offset, header->plist_compressed,
			   header->plist_full, "property list", &text);
	if (error < 0)
		return error;
	error = kext_value_from_xml((char *)text, header->plist_full,
				    reader->archive->subject, reader->diagnostics, &root);
	if (error == KEXT_ERR_SERIALIZATION)
		return archive_damaged(reader, "the property list is broken");
	if (error < 0)
		return error;
	error = read_kexts(reader, root);
	kext_value_unref(root);
	return error;
}
