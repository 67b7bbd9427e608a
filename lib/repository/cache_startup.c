/*
 * What all kexts of the system's folders have in common, collected for who starts with
 * it: the personalities that the kernel is sent, and single properties.
 */
#include <errno.h>
#include <string.h>
#include "base/file.h"
#include "base/memory.h"
#include "repository/cache.h"

/* Adds what one kext has of it. 0 or -ENOMEM. */
typedef int collector(struct kext_value *all, const struct kext_bundle *bundle,
		      const struct kext_arch *arch, const char *key);

static int set_text(struct kext_value *entry, const char *key, const char *text)
{
	return kext_value_set(entry, key, kext_value_new_string(text));
}

/* A personality without CFBundleIdentifier belongs to its kext. */
static int add_personalities(struct kext_value *all, const struct kext_bundle *bundle,
			     const struct kext_arch *arch, const char *key)
{
	const struct kext_value *own = kext_bundle_property(bundle, key, arch);
	int error = 0;
	if (!kext_value_is(own, KEXT_VALUE_DICTIONARY))
		return 0;
	for (size_t i = 0; error == 0 && i < kext_value_count(own); i++) {
		struct kext_value *copy = kext_value_copy(kext_value_at(own, i));
		if (copy && kext_value_is(copy, KEXT_VALUE_DICTIONARY) &&
		    !kext_value_get(copy, "CFBundleIdentifier"))
			error = set_text(copy, "CFBundleIdentifier",
					 kext_bundle_identifier(bundle));
		if (error == 0)
			error = kext_value_append(all, copy);
		else
			kext_value_unref(copy);
	}
	return error;
}

/* A kext that is valid and has the property: what it says, and which kext that is. */
static int add_property(struct kext_value *all, const struct kext_bundle *bundle,
			const struct kext_arch *arch, const char *key)
{
	const struct kext_value *value = kext_value_get(kext_bundle_info(bundle), key);
	(void)arch;
	if (!value)
		return 0;
	struct kext_value *row = kext_value_new_dictionary();
	int error = row ? kext_value_set(row, "Data", kext_value_copy(value)) : -ENOMEM;
	if (error == 0)
		error = set_text(row, "CFBundleIdentifier",
				 kext_bundle_identifier(bundle));
	if (error == 0)
		error = set_text(row, "OSBundlePath", kext_bundle_path(bundle));
	if (error == 0)
		error = set_text(row, "CFBundleVersion",
				 kext_bundle_version_text(bundle));
	if (error == 0)
		return kext_value_append(all, row);
	kext_value_unref(row);
	return error;
}

struct collection {
	struct kext_context *context;
	const struct kext_arch *arch;
	collector *collect;
	const char *key;
	struct kext_diagnostics *diagnostics;
	struct kext_value *all;
	time_t newest; /* of the folders */
};

static int add_folder(struct collection *collection, const char *folder)
{
	struct cache_scan scan;
	int error = cache_scan_open(collection->context, folder, collection->diagnostics,
				    &scan);
	if (error == 0 && scan.before.st_mtim.tv_sec > collection->newest)
		collection->newest = scan.before.st_mtim.tv_sec;
	for (size_t i = 0; error == 0 && i < kext_repository_count(scan.repository); i++)
		error = collection->collect(collection->all,
					    kext_repository_at(scan.repository, i),
					    collection->arch, collection->key);
	cache_scan_close(&scan);
	return error;
}

static int collect(struct collection *collection, const char *const *folders,
		   size_t count)
{
	collection->all = kext_value_new_array();
	int error = collection->all ? 0 : -ENOMEM;
	for (size_t i = 0; error == 0 && i < count; i++)
		error = add_folder(collection, folders[i]);
	return error;
}

static int publish(const struct collection *collection, char *path, const char *text,
		   size_t size)
{
	_cleanup_fd_ int root = cache_open_root(collection->context);
	struct timespec time = {.tv_sec = collection->newest + 1};
	return root < 0 ? root
			: cache_publish(root, path, text, size, time,
					collection->diagnostics);
}

int kext_repository_write_personalities(struct kext_context *context,
					const char *const *folders, size_t count,
					const struct kext_arch *arch,
					struct kext_diagnostics *diagnostics)
{
	struct collection collection = {.context = context,
					.arch = arch,
					.collect = add_personalities,
					.key = "IOKitPersonalities",
					.diagnostics = diagnostics};
	_cleanup_free_ char *path = mem_format(
		"%s/Startup/IOKitPersonalities_%s.ioplist.gz", CACHE_FOLDER, arch->name);
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int error = path ? collect(&collection, folders, count) : -ENOMEM;
	if (error == 0)
		error = kext_value_to_xml(collection.all, KEXT_XML_SHARE, &text, &size);
	/* As sent to the kernel: with the NUL. */
	if (error == 0)
		error = publish(&collection, path, text, size + 1);
	kext_value_unref(collection.all);
	return error;
}

int kext_repository_write_property(struct kext_context *context,
				   const char *const *folders, size_t count,
				   const struct kext_arch *arch, const char *key,
				   struct kext_diagnostics *diagnostics)
{
	struct collection collection = {.context = context,
					.arch = arch,
					.collect = add_property,
					.key = key,
					.diagnostics = diagnostics};
	_cleanup_free_ char *path =
		mem_format("%s/Startup/KextPropertyValues_%s_%s.plist.gz", CACHE_FOLDER,
			   key, arch->name);
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int error = path ? collect(&collection, folders, count) : -ENOMEM;
	if (error == 0)
		error = kext_value_to_xml(collection.all, KEXT_XML_PLIST, &text, &size);
	if (error == 0)
		error = publish(&collection, path, text, size);
	kext_value_unref(collection.all);
	return error;
}
