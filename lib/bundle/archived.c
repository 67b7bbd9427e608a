/*
 * The source of a bundle that stands in an archive: its executable is in memory already,
 * and there is no file whose owner could vouch for it.
 */
#include <errno.h>
#include "base/memory.h"
#include "bundle/archived.h"
#include "bundle/bundle.h"

static int map_nothing(struct kext_bundle *bundle, struct kext_diagnostics *diagnostics,
		       struct file_map *ret)
{
	(void)ret;
	kext_diagnose(diagnostics, KEXT_ERROR, "executable.missing", bundle->name, NULL,
		      "the archive holds no executable for %s", bundle->identifier);
	return KEXT_ERR_NOT_FOUND;
}

static int make_executable(struct kext_bundle *bundle,
			   struct kext_diagnostics *diagnostics, struct file_map *ret)
{
	uint8_t *data;
	size_t size;
	int error = bundle->origin->make(bundle->origin, diagnostics, &data, &size);
	if (error == 0)
		ret->bytes = bytes_of(data, size);
	return error;
}

static void free_executable(struct file_map *map)
{
	free((void *)map->bytes.data);
}

static int authenticate_nothing(struct kext_bundle *bundle, uid_t owner,
				struct kext_diagnostics *diagnostics)
{
	(void)owner;
	kext_diagnose(
		diagnostics, KEXT_ERROR, "auth.no-file", bundle->name,
		"unpack the archive with mkextunpack and load what it holds",
		"%s stands in an archive; only files have owners that vouch for them",
		bundle->identifier);
	return KEXT_ERR_AUTHENTICATION;
}

static const struct bundle_source archived_source = {
	.map_executable = map_nothing,
	.unmap_executable = free_executable,
	.authenticate = authenticate_nothing,
};

static const struct bundle_source origin_source = {
	.map_executable = make_executable,
	.unmap_executable = free_executable,
	.authenticate = authenticate_nothing,
};

static int set_paths(struct kext_bundle *bundle, const char *path,
		     const char *executable_path)
{
	bundle->path = mem_string(path ? path : "");
	if (executable_path)
		bundle->executable_path = mem_string(executable_path);
	return bundle->path && (bundle->executable_path || !executable_path) ? 0
									     : -ENOMEM;
}

/* What messages call it: its path, its identifier, or what little is known. */
static const char *name_of(const char *path, const struct kext_value *info)
{
	if (path && *path)
		return path;
	const char *identifier =
		kext_value_string(kext_value_get(info, "CFBundleIdentifier"));
	return identifier ? identifier : "archive entry";
}

/* In an archive the identifier is all that an entry can be asked for by. */
static int new_bundle(struct kext_context *context, const struct bundle_source *source,
		      const char *path, struct kext_value *info,
		      struct kext_diagnostics *diagnostics,
		      struct kext_bundle **ret_bundle)
{
	const char *name = name_of(path, info);
	int error = kext_value_is(info, KEXT_VALUE_DICTIONARY)
			    ? bundle_check_identifier(info, name, diagnostics)
			    : 0;
	return error < 0
		       ? error
		       : bundle_new(context, source, name, info, diagnostics, ret_bundle);
}

int kext_bundle_new_archived(struct kext_context *context, const char *path,
			     const char *executable_path, struct kext_value *info,
			     void *executable, size_t executable_size,
			     struct kext_diagnostics *diagnostics,
			     struct kext_bundle **ret_bundle)
{
	struct kext_bundle *bundle = NULL;
	int error =
		new_bundle(context, &archived_source, path, info, diagnostics, &bundle);
	if (error == 0)
		error = set_paths(bundle, path, executable_path);
	if (error < 0) {
		kext_bundle_unref(bundle);
		free(executable);
		return error;
	}
	if (executable) {
		bundle->executable.bytes = bytes_of(executable, executable_size);
		bundle->is_mapped = true;
	}
	*ret_bundle = bundle;
	return 0;
}

int bundle_new_from_origin(struct kext_context *context, const char *path,
			   const char *executable_path, struct kext_value *info,
			   struct bundle_origin *origin,
			   struct kext_diagnostics *diagnostics,
			   struct kext_bundle **ret_bundle)
{
	struct kext_bundle *bundle = NULL;
	int error = new_bundle(context, &origin_source, path, info, diagnostics, &bundle);
	if (error < 0) {
		origin->free(origin);
		return error;
	}
	bundle->origin = origin;
	error = set_paths(bundle, path, executable_path);
	if (error < 0)
		kext_bundle_unref(bundle);
	else
		*ret_bundle = bundle;
	return error;
}

struct bundle_origin *bundle_origin(const struct kext_bundle *bundle)
{
	return bundle->origin;
}
