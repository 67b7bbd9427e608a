/*
 * Archives of kexts: opening one of any format as a list of bundles. Damage anywhere
 * refuses the whole; a kext whose property list is unfit is left out with a finding.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include "archive/archive.h"
#include "base/memory.h"
#include "codec/fat.h"
#include "codec/wrap.h"

int archive_damaged(struct archive_reader *reader, uint64_t offset, const char *format,
		    ...)
{
	char text[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	kext_diagnose(reader->diagnostics, KEXT_ERROR, "archive.damaged",
		      reader->archive->subject, NULL,
		      "the archive is damaged: offset 0x%llx: %s",
		      (unsigned long long)offset, text);
	return KEXT_ERR_BAD_DATA;
}

static int add_bundle(struct kext_archive *archive, struct kext_bundle *bundle,
		      const struct prelink_place *place)
{
	struct archive_entry *entry = array_push(&archive->entries);
	if (!entry) {
		kext_bundle_unref(bundle);
		return -ENOMEM;
	}
	entry->bundle = bundle;
	entry->parent = ARCHIVE_NO_PARENT;
	entry->has_place = place;
	if (place)
		entry->place = *place;
	return archive_name_entry(archive, archive->entries.count - 1);
}

int archive_add(struct archive_reader *reader, const char *path,
		const char *executable_path, struct kext_value *info,
		struct bundle_origin *origin, const struct prelink_place *place)
{
	struct kext_context *context = reader->archive->context;
	struct kext_bundle *bundle = NULL;
	int error = origin ? bundle_new_from_origin(context, path, executable_path, info,
						    origin, reader->diagnostics, &bundle)
			   : kext_bundle_new_archived(context, path, NULL, info, NULL, 0,
						      reader->diagnostics, &bundle);
	if (error == KEXT_ERR_VALIDATION)
		return 0;
	return error < 0 ? error : add_bundle(reader->archive, bundle, place);
}

/* What messages call its executable. */
static const char *name_of(const struct kext_value *info)
{
	const char *name = kext_value_string(kext_value_get(info, "CFBundleIdentifier"));
	return name ? name : "a kext without identifier";
}

int archive_add_packed(struct archive_reader *reader, const char *path,
		       const char *executable_path, struct kext_value *info,
		       const struct packed_file *file)
{
	struct kext_archive *archive = reader->archive;
	size_t count = archive->entries.count;
	struct bundle_origin *origin =
		packed_origin_new(archive->store, file, name_of(info));
	if (!origin)
		return -ENOMEM;
	int error = archive_add(reader, path, executable_path, info, origin, NULL);
	return error == 0 && count < archive->entries.count
		       ? archive_keep_file(archive, file)
		       : error;
}

static int arch_missing(const char *subject, const struct kext_arch *arch,
			const char *what, struct kext_diagnostics *diagnostics)
{
	kext_diagnose(diagnostics, KEXT_ERROR, "archive.arch", subject,
		      "choose another one with -a", "architecture %s not found in %s",
		      arch->name, what);
	return KEXT_ERR_ARCH_NOT_FOUND;
}

static bool has_magic(struct bytes bytes, uint32_t magic)
{
	return bytes.size >= 4 && load32(bytes.data, true) == magic;
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
			      "offset 0x4: the fat header names slices outside the file, "
			      "or none, "
			      "or more than 64");
		return KEXT_ERR_BAD_DATA;
	}
	if (!arch && count == 1) {
		*ret = slices[0].bytes;
		return 0;
	}
	const struct kext_arch *wanted = arch ? arch : kext_arch_host();
	int error = fat_find(file, wanted->cputype, wanted->cpusubtype, ret);
	bool is_mkext = has_magic(slices[0].bytes, MKEXT_MAGIC);
	return error < 0 ? arch_missing(subject, wanted, is_mkext ? "mkext" : "the file",
					diagnostics)
			 : 0;
}

static int read_mkext(struct archive_reader *reader, struct bytes slice,
		      const struct kext_arch *arch, unsigned flags)
{
	struct kext_archive *archive = reader->archive;
	int error = mkext_read_header(slice, archive->subject, flags, reader->diagnostics,
				      &reader->header, &reader->bytes);
	if (error < 0)
		return error;
	uint32_t cputype = reader->header.cputype;
	if (arch && cputype != KEXT_CPU_ANY && cputype != arch->cputype)
		return arch_missing(archive->subject, arch, "mkext", reader->diagnostics);
	archive->arch = kext_arch_numbered(cputype, reader->header.cpusubtype);
	if (reader->header.version == MKEXT_VERSION_1) {
		archive->format = KEXT_ARCHIVE_MKEXT1;
		return mkext1_read(reader);
	}
	archive->format = KEXT_ARCHIVE_MKEXT2;
	return mkext2_read(reader);
}

static bool is_macho(struct bytes bytes)
{
	return has_magic(bytes, MH_MAGIC) || has_magic(bytes, MH_MAGIC_64) ||
	       has_magic(bytes, MH_CIGAM) || has_magic(bytes, MH_CIGAM_64);
}

static int read_prelinked(struct archive_reader *reader,
			  const struct kext_archive_options *options)
{
	const struct kext_arch *arch = options->arch;
	int error = prelinked_read(reader, options);
	const struct kext_arch *found = reader->archive->arch;
	if (error == 0 && arch && found && found->cputype != arch->cputype)
		return arch_missing(reader->archive->subject, arch, "the file",
				    reader->diagnostics);
	return error;
}

/* What was unwrapped replaces the file; what was not is a part of it. */
static int replace_store(struct archive_reader *reader, struct unwrapped *u)
{
	struct kext_archive *archive = reader->archive;
	uint8_t *memory = u->memory;
	if (!memory)
		return 0;
	u->memory = NULL;
	archive->store = archive_store_unref(archive->store);
	/* The innermost layer may be a slice of the memory: what is before it goes along.
	 */
	size_t size = (size_t)(u->bytes.data - memory) + u->bytes.size;
	return archive_store_new(memory, size, archive->subject, &archive->store);
}

static int read_any(struct archive_reader *reader, const struct kext_archive_options *o)
{
	struct kext_archive *archive = reader->archive;
	const struct kext_arch *arch = o->arch;
	struct wrap_options options = {
		.cputype = arch ? arch->cputype : KEXT_CPU_ANY,
		.cpusubtype = arch ? arch->cpusubtype : 0,
		.flags = o->flags & KEXT_ARCHIVE_IGNORE_CHECKSUM ? WRAP_IGNORE_CHECKSUM
								 : 0,
		.max_bytes = archive->max_bytes,
	};
	struct unwrapped u = {0};
	struct bytes slice, file = bytes_of(archive->store->data, archive->store->size);
	int error =
		choose_slice(file, archive->subject, arch, reader->diagnostics, &slice);
	if (error == 0)
		error = unwrap(slice, &options, archive->subject, reader->diagnostics,
			       &u);
	if (error == 0)
		error = replace_store(reader, &u);
	if (error == 0) {
		reader->bytes = u.bytes;
		archive->expanded = u.made;
		error = is_macho(u.bytes) ? read_prelinked(reader, o)
					  : read_mkext(reader, u.bytes, arch, o->flags);
	}
	unwrapped_free(&u);
	return error;
}

static int read_archive(struct kext_archive *archive,
			const struct kext_archive_options *options,
			struct kext_diagnostics *diagnostics)
{
	static const struct kext_archive_options none;
	struct archive_reader reader = {.archive = archive, .diagnostics = diagnostics};
	options = options ? options : &none;
	archive->max_bytes = archive_max_bytes(options);
	archive->ignores_checksum = options->flags & KEXT_ARCHIVE_IGNORE_CHECKSUM;
	archive->subject = mem_string(archive->store->subject);
	int error = archive->subject ? read_any(&reader, options) : -ENOMEM;
	extents_free(&reader.extents);
	return error == 0 ? archive_find_parents(archive) : error;
}

int archive_open_store(struct kext_context *context, struct archive_store *store,
		       const struct kext_archive_options *options,
		       struct kext_diagnostics *diagnostics,
		       struct kext_archive **ret_archive)
{
	struct kext_archive *archive = mem_zero(1, sizeof(*archive));
	if (!archive) {
		archive_store_unref(store);
		return -ENOMEM;
	}
	archive->context = kext_context_ref(context);
	archive->store = store;
	int error = read_archive(archive, options, diagnostics);
	if (error < 0)
		kext_archive_free(archive);
	else
		*ret_archive = archive;
	return error;
}

int kext_archive_open(struct kext_context *context, const void *data, size_t size,
		      const char *subject, const struct kext_archive_options *options,
		      struct kext_diagnostics *diagnostics,
		      struct kext_archive **ret_archive)
{
	struct archive_store *store;
	uint8_t *copy = mem_copy(data, size);
	int error = copy ? archive_store_new(copy, size, subject, &store) : -ENOMEM;
	return error < 0 ? error
			 : archive_open_store(context, store, options, diagnostics,
					      ret_archive);
}

struct kext_archive *kext_archive_free(struct kext_archive *archive)
{
	if (!archive)
		return NULL;
	map_free(&archive->names);
	array_for_each (entry, &archive->entries) {
		kext_bundle_unref(entry->bundle);
		array_for_each (resource, &entry->resources)
			free(resource->name);
		array_free(&entry->resources);
		free(entry->folder_name);
		free(entry->folded_name);
	}
	array_free(&archive->entries);
	array_free(&archive->files);
	archive_store_unref(archive->store);
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

const char *kext_archive_format_name(enum kext_archive_format format)
{
	static const char *const names[] = {"mkext 1", "mkext 2", "prelinked kernel",
					    "kernel collection"};
	return (size_t)format < sizeof(names) / sizeof(*names) ? names[format]
							       : "unknown";
}

const struct kext_arch *kext_archive_arch(const struct kext_archive *archive)
{
	return archive->arch;
}

int kext_archive_collection(const struct kext_archive *archive)
{
	return archive->identity.is_collection ? (int)archive->identity.collection : -1;
}

bool kext_archive_prelink_info(const struct kext_archive *archive, size_t index,
			       struct kext_prelink_info *ret)
{
	if (index >= archive->entries.count || !archive->entries.items[index].has_place)
		return false;
	const struct prelink_place *place = &archive->entries.items[index].place;
	*ret = (struct kext_prelink_info){place->load, place->source, place->size,
					  place->kmod_info};
	return true;
}

size_t kext_archive_parent(const struct kext_archive *archive, size_t index)
{
	return index < archive->entries.count ? archive->entries.items[index].parent
					      : ARCHIVE_NO_PARENT;
}
