/*
 * Reads mkext 1: behind the header a table of two file records per kext, property list
 * and module, each stored as it is or as an LZSS stream. Neither paths nor names are
 * stored.
 */
#include <errno.h>
#include "archive/archive.h"
#include "base/memory.h"
#include "codec/lzss.h"

#define PLIST_LIMIT (1u << 20)

struct record {
	uint32_t offset, compressed, full; /* compressed 0: stored */
};

static struct record read_record(struct cursor *c)
{
	struct record record;
	record.offset = cursor_u32(c);
	record.compressed = cursor_u32(c);
	record.full = cursor_u32(c);
	cursor_u32(c); /* time of the source */
	return record;
}

static int expand(struct archive_reader *reader, const struct record *record,
		  size_t number, const char *what, uint8_t **ret_data)
{
	struct bytes stored;
	uint32_t size = record->compressed ? record->compressed : record->full;
	int error = 0;
	if (!bytes_slice(reader->bytes, record->offset, size, &stored))
		return archive_damaged(reader,
				       "the %s of kext %zu lies outside the archive",
				       what, number);
	uint64_t most = record->compressed ? lzss_most(size) : size;
	uint8_t *data = archive_room(reader, record->full, most, &error);
	if (!data)
		return error;
	if (!record->compressed)
		memcpy(data, stored.data, stored.size);
	else if (lzss_unpack(stored, data, record->full) < 0)
		error = archive_damaged(reader,
					"the %s of kext %zu does not expand to %u bytes",
					what, number, record->full);
	if (error < 0)
		free(data);
	else
		*ret_data = data;
	return error;
}

static int read_plist(struct archive_reader *reader, const struct record *record,
		      size_t number, struct kext_value **ret_info)
{
	_cleanup_free_ uint8_t *text = NULL;
	if (record->full == 0 || record->full > PLIST_LIMIT)
		return archive_damaged(
			reader,
			"the property list of kext %zu has %u bytes, expected 1 "
			"to 1048576",
			number, record->full);
	int error = expand(reader, record, number, "property list", &text);
	if (error < 0)
		return error;
	error = kext_value_from_xml((char *)text, record->full, reader->archive->subject,
				    reader->diagnostics, ret_info);
	return error == KEXT_ERR_SERIALIZATION
		       ? archive_damaged(reader,
					 "the property list of kext %zu is broken",
					 number)
		       : error;
}

static int read_kext(struct archive_reader *reader, struct cursor *c, size_t number)
{
	struct record plist = read_record(c), module = read_record(c);
	struct kext_value *info = NULL;
	_cleanup_free_ char *path = NULL;
	uint8_t *executable = NULL;
	int error = read_plist(reader, &plist, number, &info);
	if (error == 0 && module.full)
		error = expand(reader, &module, number, "module", &executable);
	const char *name = kext_value_string(kext_value_get(info, "CFBundleExecutable"));
	if (error == 0 && executable && name) {
		path = mem_format("Contents/MacOS/%s", name);
		error = path ? 0 : -ENOMEM;
	}
	if (error == 0)
		error = archive_add(reader, NULL, path, info, executable, module.full);
	else
		free(executable);
	kext_value_unref(info);
	return error;
}

int mkext1_read(struct archive_reader *reader)
{
	struct cursor c = cursor_at(reader->bytes, MKEXT_CORE_SIZE, true);
	uint32_t count = reader->header.kext_count;
	if (count > ARCHIVE_MAX_KEXTS ||
	    !bytes_holds(reader->bytes, MKEXT_CORE_SIZE, count * UINT64_C(32)))
		return archive_damaged(reader, "a table of %u kexts does not fit", count);
	for (uint32_t i = 0; i < count; i++) {
		int error = read_kext(reader, &c, i);
		if (error < 0)
			return error;
	}
	return 0;
}
