/*
 * Archives of kexts: opening one of either format as a list of bundles. Damage anywhere
 * refuses the whole; a kext whose property list is unfit is left out with a finding.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include "archive/archive.h"
#include "base/memory.h"
#include "codec/fat.h"

int archive_damaged(struct archive_reader *reader, const char *format, ...)
{
	char text[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	kext_diagnose(reader->diagnostics, KEXT_ERROR, "archive.damaged",
		      reader->archive->subject, NULL, "the archive is damaged: %s", text);
	return KEXT_ERR_BAD_DATA;
}

uint8_t *archive_room(struct archive_reader *reader, uint64_t size, uint64_t most,
		      int *reterr_error)
{
	if (size > most) {
		*reterr_error = archive_damaged(
			reader,
			"an entry claims to expand to %llu bytes, %llu are possible",
			(unsigned long long)size, (unsigned long long)most);
		return NULL;
	}
	reader->archive->expanded += size;
	if (reader->archive->expanded > ARCHIVE_MAX_BYTES) {
		kext_diagnose(reader->diagnostics, KEXT_ERROR, "archive.size",
			      reader->archive->subject, NULL,
			      "the archive expands to more than 1 GiB");
		*reterr_error = KEXT_ERR_BAD_DATA;
		return NULL;
	}
	uint8_t *room = mem_alloc((size_t)size);
	if (!room)
		*reterr_error = -ENOMEM;
	return room;
}

int archive_add(struct archive_reader *reader, const char *path,
		const char *executable_path, struct kext_value *info, uint8_t *executable,
		size_t executable_size)
{
	struct kext_archive *archive = reader->archive;
	struct kext_bundle *bundle = NULL;
	int error = kext_bundle_new_archived(archive->context, path, executable_path,
					     info, executable, executable_size,
					     reader->diagnostics, &bundle);
	if (error == KEXT_ERR_VALIDATION)
		return 0;
	if (error < 0)
		return error;
	struct archive_entry *entry = array_push(&archive->entries);
	if (!entry) {
		kext_bundle_unref(bundle);
		return -ENOMEM;
	}
	entry->bundle = bundle;
	return archive_name_entry(archive, archive->entries.count - 1);
}

static int arch_missing(const char *subject, const struct kext_arch *arch,
			struct kext_diagnostics *diagnostics)
{
	kext_diagnose(diagnostics, KEXT_ERROR, "archive.arch", subject,
		      "choose another one with -a", "architecture %s not found in mkext",
		      arch->name);
	return KEXT_ERR_ARCH_NOT_FOUND;
}

/* The archive for an architecture out of a fat file; NULL: the host's, or the only one.
 */
static int choose_slice(struct bytes file, const char *subject,
			const struct kext_arch *arch,
			struct kext_diagnostics *diagnostics, struct bytes *ret)
{
	struct fat_slice slices[FAT_MAX_SLICES];
	if (!fat_is(file)) {
		*ret = file;
		return 0;
	}
	int count = fat_slices(file, slices);
	if (count <= 0) {
		kext_diagnose(diagnostics, KEXT_ERROR, "archive.damaged", subject, NULL,
			      "the fat header names slices outside the file, or none");
		return KEXT_ERR_BAD_DATA;
	}
	if (!arch && count == 1) {
		*ret = slices[0].bytes;
		return 0;
	}
	const struct kext_arch *wanted = arch ? arch : kext_arch_host();
	int error = fat_find(file, wanted->cputype, wanted->cpusubtype, ret);
	return error < 0 ? arch_missing(subject, wanted, diagnostics) : 0;
}

static int read_kexts(struct archive_reader *reader, const struct kext_arch *arch)
{
	uint32_t cputype = reader->header.cputype;
	if (arch && cputype != KEXT_CPU_ANY && cputype != arch->cputype)
		return arch_missing(reader->archive->subject, arch, reader->diagnostics);
	if (reader->header.version == MKEXT_VERSION_2) {
		reader->archive->format = KEXT_ARCHIVE_MKEXT2;
		return mkext2_read(reader);
	}
	reader->archive->format = KEXT_ARCHIVE_MKEXT1;
	return mkext1_read(reader);
}

int kext_archive_open(struct kext_context *context, const void *data, size_t size,
		      const char *subject, const struct kext_arch *arch, unsigned flags,
		      struct kext_diagnostics *diagnostics,
		      struct kext_archive **ret_archive)
{
	struct archive_reader reader = {.diagnostics = diagnostics};
	struct bytes slice;
	int error =
		choose_slice(bytes_of(data, size), subject, arch, diagnostics, &slice);
	if (error == 0)
		error = mkext_read_header(slice, subject, flags, diagnostics,
					  &reader.header, &reader.bytes);
	if (error < 0)
		return error;
	struct kext_archive *archive = mem_zero(1, sizeof(*archive));
	if (!archive)
		return -ENOMEM;
	archive->context = kext_context_ref(context);
	archive->subject = mem_string(subject);
	reader.archive = archive;
	error = archive->subject ? read_kexts(&reader, arch) : -ENOMEM;
	if (error < 0) {
		kext_archive_free(archive);
		return error;
	}
	*ret_archive = archive;
	return 0;
}

struct kext_archive *kext_archive_free(struct kext_archive *archive)
{
	if (!archive)
		return NULL;
	map_free(&archive->names);
	array_for_each (entry, &archive->entries) {
		kext_bundle_unref(entry->bundle);
		free(entry->folder_name);
		free(entry->folded_name);
	}
	array_free(&archive->entries);
	kext_context_unref(archive->context);
	free(archive->subject);
	free(archive);
	return NULL;
}

enum kext_archive_format kext_archive_format(const struct kext_archive *archive)
{
	return archive->format;
}

size_t kext_archive_count(const struct kext_archive *archive)
{
	return archive->entries.count;
}

struct kext_bundle *kext_archive_at(const struct kext_archive *archive, size_t index)
{
	return index < archive->entries.count ? archive->entries.items[index].bundle
					      : NULL;
}

const char *kext_archive_folder_name(const struct kext_archive *archive, size_t index)
{
	return index < archive->entries.count ? archive->entries.items[index].folder_name
					      : NULL;
}
