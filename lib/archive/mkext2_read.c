/*
 * Reads mkext 2: one property list with a dictionary per kext, in which the executable is
 * given as the offset of a file entry.
 */
#include <errno.h>
#include "archive/archive.h"
#include "archive/parallel.h"
#include "base/memory.h"
#include "codec/deflate.h"

#define PLIST_LIMIT (64u << 20)

static int bad_stream(struct archive_reader *reader, const char *what, uint64_t offset,
		      size_t full)
{
	return archive_damaged(
		reader, "%s: the zlib stream at 0x%llx does not expand to %zu bytes",
		what, (unsigned long long)offset, full);
}

/* Room for what is stored at `offset`; compressed 0: it stands there as it is. */
static int find_stored(struct archive_reader *reader, uint64_t offset,
		       uint32_t compressed, uint32_t full, const char *what,
		       struct bytes *ret_stored, uint8_t **ret_data)
{
	uint32_t size = compressed ? compressed : full;
	int error = 0;
	if (offset < MKEXT2_HEADER_SIZE ||
	    !bytes_slice(reader->bytes, offset, size, ret_stored))
		return archive_damaged(reader,
				       "%s: %u bytes at 0x%llx lie outside the archive",
				       what, size, (unsigned long long)offset);
	uint8_t *data = archive_room(reader, full, compressed ? deflate_most(size) : size,
				     &error);
	if (!data)
		return error;
	if (!compressed)
		memcpy(data, ret_stored->data, ret_stored->size);
	*ret_data = data;
	return 0;
}

/* The property list, which says what else there is. */
static int expand_plist(struct archive_reader *reader, uint8_t **ret_text)
{
	const struct mkext_header *header = &reader->header;
	struct bytes stored;
	uint8_t *text;
	int error = find_stored(reader, header->plist_offset, header->plist_compressed,
				header->plist_full, "property list", &stored, &text);
	if (error < 0)
		return error;
	if (header->plist_compressed)
		error = deflate_unpack(stored, text, header->plist_full);
	if (error == KEXT_ERR_BAD_DATA)
		bad_stream(reader, "property list", header->plist_offset,
			   header->plist_full);
	if (error < 0)
		free(text);
	else
		*ret_text = text;
	return error;
}

static int note_stream(struct archive_reader *reader, struct archive_stream stream)
{
	struct archive_stream *place = array_push(&reader->streams);
	if (place)
		*place = stream;
	return place ? 0 : -ENOMEM;
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
	struct bytes stored;
	uint8_t *data;
	int error = find_stored(reader, c.at, compressed, full, what, &stored, &data);
	if (error == 0 && compressed) {
		error = note_stream(
			reader, (struct archive_stream){stored, data, full, c.at, what});
		if (error < 0)
			free(data);
	}
	if (error == 0) {
		*ret_data = data;
		*ret_size = full;
	}
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
	size_t size = 0, count = archive->entries.count, streams = reader->streams.count;
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
	/* Its room went with it. */
	if (error < 0 || count == archive->entries.count)
		reader->streams.count = streams;
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

static int expand_stream(void *data, size_t index)
{
	struct archive_reader *reader = data;
	const struct archive_stream *stream = &reader->streams.items[index];
	return deflate_unpack(stream->stored, stream->data, stream->full);
}

/* Names the first that is damaged. */
static int expand_streams(struct archive_reader *reader)
{
	int error = parallel_run(0, reader->streams.count, expand_stream, reader);
	if (error != KEXT_ERR_BAD_DATA)
		return error;
	array_for_each (stream, &reader->streams)
		if (deflate_unpack(stream->stored, stream->data, stream->full) < 0)
			return bad_stream(reader, stream->what, stream->offset,
					  stream->full);
	return error;
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
	int error = expand_plist(reader, &text);
	if (error < 0)
		return error;
	error = kext_value_from_xml((char *)text, header->plist_full,
				    reader->archive->subject, reader->diagnostics, &root);
	if (error == KEXT_ERR_SERIALIZATION)
		return archive_damaged(reader, "the property list is broken");
	if (error < 0)
		return error;
	error = read_kexts(reader, root);
	if (error == 0)
		error = expand_streams(reader);
	array_free(&reader->streams);
	kext_value_unref(root);
	return error;
}
