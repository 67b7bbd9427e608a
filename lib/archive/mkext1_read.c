/*
 * Reads mkext 1: behind the header a table of two file records per kext, property list
 * and module, each stored as it is or as an LZSS stream. Neither paths nor names are
 * stored.
 */
#include <errno.h>
#include "archive/archive.h"
#include "base/memory.h"

#define PLIST_LIMIT (1u << 20)
#define ROW_SIZE    32u

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

static int take_file(struct archive_reader *reader, const struct record *record,
		     const char *what, struct packed_file *ret)
{
	return archive_take_file(reader, record->offset, record->compressed, record->full,
				 PACKED_LZSS, what, ret);
}

static int read_plist(struct archive_reader *reader, const struct record *record,
		      size_t number, struct kext_value **ret_info)
{
	static const char what[] = "a property list";
	const char *subject = reader->archive->subject;
	_cleanup_free_ uint8_t *text = NULL;
	struct packed_file file;
	if (record->full == 0 || record->full > PLIST_LIMIT)
		return archive_damaged(
			reader, MKEXT_CORE_SIZE + number * ROW_SIZE + 8,
			"the property list of kext %zu has %u bytes, expected 1 to %u",
			number, record->full, PLIST_LIMIT);
	int error = take_file(reader, record, what, &file);
	if (error == 0)
		error = packed_expand(&file, subject, what, reader->diagnostics, &text);
	if (error < 0)
		return error;
	error = kext_value_from_xml((char *)text, record->full, subject,
				    reader->diagnostics, ret_info);
	return error == KEXT_ERR_SERIALIZATION
		       ? archive_damaged(reader, record->offset,
					 "the property list of kext %zu is broken",
					 number)
		       : error;
}

/* A module without a name in the property list has nowhere to go, but is one. */
static int module_path(const struct kext_value *info, char **ret_path)
{
	const char *name = kext_value_string(kext_value_get(info, "CFBundleExecutable"));
	if (!name)
		return 0;
	*ret_path = mem_format("Contents/MacOS/%s", name);
	return *ret_path ? 0 : -ENOMEM;
}

static int add_kext(struct archive_reader *reader, struct kext_value *info,
		    const struct record *module)
{
	_cleanup_free_ char *path = NULL;
	struct packed_file file;
	if (!module->full)
		return archive_add(reader, NULL, NULL, info, NULL, NULL);
	int error = take_file(reader, module, "a module", &file);
	if (error == 0)
		error = module_path(info, &path);
	return error == 0 ? archive_add_packed(reader, NULL, path, info, &file) : error;
}

static int read_kext(struct archive_reader *reader, struct cursor *c, size_t number)
{
	struct record plist = read_record(c), module = read_record(c);
	struct kext_value *info = NULL;
	int error = read_plist(reader, &plist, number, &info);
	if (error == 0)
		error = add_kext(reader, info, &module);
	kext_value_unref(info);
	return error;
}

int mkext1_read(struct archive_reader *reader)
{
	struct cursor c = cursor_at(reader->bytes, MKEXT_CORE_SIZE, true);
	uint32_t count = reader->header.kext_count;
	uint64_t table = count * (uint64_t)ROW_SIZE;
	if (count > ARCHIVE_MAX_KEXTS ||
	    !bytes_holds(reader->bytes, MKEXT_CORE_SIZE, table))
		return archive_damaged(reader, 20,
				       "%u kexts, expected at most %u, with %u bytes for "
				       "each in the table",
				       count, ARCHIVE_MAX_KEXTS, ROW_SIZE);
	int error = extents_add(&reader->extents, 0, MKEXT_CORE_SIZE + table,
				"the header with its table");
	for (uint32_t i = 0; error == 0 && i < count; i++)
		error = read_kext(reader, &c, i);
	return error == 0 ? archive_check_extents(reader) : error;
}
