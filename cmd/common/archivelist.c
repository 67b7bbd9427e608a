/* What an archive holds, as JSON; see archivelist.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include "common/archivelist.h"
#include "common/json.h"

static int set_text(struct kext_value *object, const char *key, const char *text)
{
	return text && *text ? kext_value_set(object, key, kext_value_new_string(text))
			     : 0;
}

/* Addresses are texts: JSON's numbers need not hold 64 bits. */
static int set_address(struct kext_value *object, const char *key, uint64_t address)
{
	char text[24];
	snprintf(text, sizeof(text), "0x%" PRIx64, address);
	return address ? set_text(object, key, text) : 0;
}

static int set_place(struct kext_value *object, const struct kext_prelink_info *place)
{
	int error = set_address(object, "load_address", place->load_address);
	if (error == 0)
		error = set_address(object, "source_address", place->source_address);
	if (error == 0)
		error = set_address(object, "kmod_info", place->kmod_info);
	if (error == 0)
		error = kext_value_set(object, "size",
				       kext_value_new_integer(place->size, 64));
	return error;
}

static int add_pointer(void *data, const struct kext_foreign_pointer *pointer)
{
	struct kext_value *object = kext_value_new_dictionary();
	int error = set_address(object, "address", pointer->address);
	if (error == 0)
		error = set_text(object, "collection",
				 kext_collection_name(pointer->collection));
	char offset[24];
	snprintf(offset, sizeof(offset), "0x%" PRIx64, pointer->offset);
	if (error == 0)
		error = set_text(object, "offset", offset);
	if (error == 0)
		return kext_value_append(data, object);
	kext_value_unref(object);
	return error;
}

/* Those that could not be made plain, if there are any. */
static int set_foreign_pointers(struct kext_value *object,
				const struct kext_archive *archive, size_t index,
				struct kext_diagnostics *diagnostics)
{
	struct kext_value *list = kext_value_new_array();
	int error = list ? kext_archive_visit_foreign(archive, index, add_pointer, list,
						      diagnostics)
			 : -ENOMEM;
	if (error == 0 && kext_value_count(list))
		return kext_value_set(object, "pointers_elsewhere", list);
	kext_value_unref(list);
	return error;
}

static int fill_kext(struct kext_value *object, const struct kext_archive *archive,
		     size_t index, struct kext_diagnostics *diagnostics)
{
	struct kext_bundle *bundle = kext_archive_at(archive, index);
	size_t parent = kext_archive_parent(archive, index);
	struct kext_prelink_info place;
	bool has_place = kext_archive_prelink_info(archive, index, &place);
	bool has_code = has_place || kext_bundle_executable_path(bundle);
	int error = set_text(object, "identifier", kext_bundle_identifier(bundle));
	if (error == 0)
		error = set_text(object, "version", kext_bundle_version_text(bundle));
	if (error == 0)
		error = set_text(object, "path", kext_bundle_path(bundle));
	if (error == 0)
		error = set_text(object, "folder",
				 kext_archive_folder_name(archive, index));
	if (error == 0 && parent != SIZE_MAX)
		error = set_text(
			object, "parent",
			kext_bundle_identifier(kext_archive_at(archive, parent)));
	if (error == 0)
		error = kext_value_set(object, "has_code",
				       kext_value_new_boolean(has_code));
	if (error == 0)
		error = kext_value_set(
			object, "is_kernel_component",
			kext_value_new_boolean(kext_bundle_is_kernel_component(bundle)));
	if (error == 0 && has_place)
		error = set_place(object, &place);
	return error == 0 && has_place
		       ? set_foreign_pointers(object, archive, index, diagnostics)
		       : error;
}

static int fill_list(struct kext_value *root, const struct kext_archive *archive,
		     const size_t *chosen, size_t count,
		     struct kext_diagnostics *diagnostics)
{
	int collection = kext_archive_collection(archive);
	const struct kext_arch *arch = kext_archive_arch(archive);
	struct kext_value *kexts = kext_value_new_array();
	int error = set_text(root, "format",
			     kext_archive_format_name(kext_archive_format(archive)));
	if (error == 0)
		error = set_text(root, "arch", arch ? arch->name : NULL);
	if (error == 0 && collection >= 0)
		error = set_text(root, "collection",
				 kext_collection_name((enum kext_collection)collection));
	for (size_t i = 0; i < count && error == 0 && kexts; i++) {
		struct kext_value *object = kext_value_new_dictionary();
		error = object ? fill_kext(object, archive, chosen[i], diagnostics)
			       : -ENOMEM;
		if (error == 0)
			error = kext_value_append(kexts, object);
		else
			kext_value_unref(object);
	}
	if (error == 0)
		return kext_value_set(root, "kexts", kexts);
	kext_value_unref(kexts);
	return error;
}

int archive_print_json(const struct kext_archive *archive, const size_t *chosen,
		       size_t count, struct kext_diagnostics *diagnostics)
{
	struct kext_value *root = json_document("mkextunpack/1");
	int error = root ? fill_list(root, archive, chosen, count, diagnostics) : -ENOMEM;
	if (error == 0)
		return json_print(root);
	kext_value_unref(root);
	return error;
}
