/*
 * The files in an mkext, of either version: that they lie in the archive, apart from each
 * other, and do not claim to be larger than they can be; and that all of them expand.
 */
#include <errno.h>
#include "archive/archive.h"
#include "archive/parallel.h"

static int too_large(struct archive_reader *reader, uint64_t offset)
{
	kext_diagnose(
		reader->diagnostics, KEXT_ERROR, "archive.size", reader->archive->subject,
		"--max-size allows more",
		"offset 0x%llx: with what is there, the archive expands to more than "
		"%llu bytes",
		(unsigned long long)offset,
		(unsigned long long)reader->archive->max_bytes);
	return KEXT_ERR_BAD_DATA;
}

int archive_take_file(struct archive_reader *reader, uint64_t offset, uint32_t compressed,
		      uint32_t full, enum packed_codec codec, const char *what,
		      struct packed_file *ret)
{
	uint32_t size = compressed ? compressed : full;
	struct packed_file file = {.codec = compressed ? codec : PACKED_STORED,
				   .offset = offset,
				   .size = full,
				   .ignores_checksum = reader->archive->ignores_checksum};
	if (!bytes_slice(reader->bytes, offset, size, &file.stored))
		return archive_damaged(reader, offset,
				       "%s: %u bytes there, expected within the %zu of "
				       "the archive",
				       what, size, reader->bytes.size);
	uint64_t most = packed_most(file.codec, size);
	if (full > most)
		return archive_damaged(reader, offset,
				       "%s: %u bytes claim to expand to %u, expected at "
				       "most %llu",
				       what, size, full, (unsigned long long)most);
	if (full > reader->archive->max_bytes - reader->archive->expanded)
		return too_large(reader, offset);
	reader->archive->expanded += full;
	int error = extents_add(&reader->extents, offset, size, what);
	if (error == 0)
		*ret = file;
	return error;
}

int archive_check_extents(struct archive_reader *reader)
{
	struct extent a, b;
	if (!extents_overlap(&reader->extents, &a, &b))
		return 0;
	return archive_damaged(reader, b.from,
			       "%s begins there, inside %s, which goes from 0x%llx to "
			       "0x%llx",
			       b.what, a.what, (unsigned long long)a.from,
			       (unsigned long long)a.to);
}

int archive_keep_file(struct kext_archive *archive, const struct packed_file *file)
{
	struct archive_file *place = array_push(&archive->files);
	if (!place)
		return -ENOMEM;
	*place = (struct archive_file){*file, archive->entries.count - 1};
	return 0;
}

/* ---- expanding all of them ---- */

static int expand_file(const struct kext_archive *archive, size_t index,
		       struct kext_diagnostics *diagnostics)
{
	const struct archive_file *file = &archive->files.items[index];
	const struct archive_entry *entry = &archive->entries.items[file->entry];
	uint8_t *data;
	int error =
		packed_expand(&file->file, archive->subject,
			      kext_bundle_identifier(entry->bundle), diagnostics, &data);
	if (error == 0)
		free(data);
	return error;
}

static int check_file(void *data, size_t index)
{
	const struct kext_archive *archive = data;
	bool is_stored = archive->files.items[index].file.codec == PACKED_STORED;
	return is_stored ? 0 : expand_file(archive, index, NULL);
}

static int expand_until_damaged(const struct kext_archive *archive,
				struct kext_diagnostics *diagnostics)
{
	int error = 0;
	for (size_t i = 0; error == 0 && i < archive->files.count; i++)
		error = expand_file(archive, i, diagnostics);
	return error;
}

/* Threads cannot share diagnostics: when there is something to say, one says it. */
int kext_archive_verify(const struct kext_archive *archive, unsigned jobs,
			struct kext_diagnostics *diagnostics)
{
	if (archive->ignores_checksum)
		return expand_until_damaged(archive, diagnostics);
	int error = parallel_run(jobs, archive->files.count, check_file, (void *)archive);
	return error == KEXT_ERR_BAD_DATA ? expand_until_damaged(archive, diagnostics)
					  : error;
}
