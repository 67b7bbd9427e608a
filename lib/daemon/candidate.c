/*
 * Which bundle a load is about, and whether it may be loaded: found by path or
 * identifier, validated, authenticated by descriptor, and for clients who do not own the
 * instance held to Darwin's rules on paths and OSBundleAllowUserLoad.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "base/memory.h"
#include "bundle/folder.h"
#include "daemon/load.h"
#include "macho/macho.h"

/* ---- what others may name ---- */

static bool lies_below(const char *path, const char *root, const char *folder)
{
	char prefix[PATH_MAX];
	int length = snprintf(prefix, sizeof(prefix), "%s%s",
			      strcmp(root, "/") ? root : "", folder);
	return length > 0 && (size_t)length < sizeof(prefix) &&
	       strncmp(path, prefix, (size_t)length) == 0;
}

static bool is_system_path(const struct daemon *daemon, const char *path)
{
	static const char *const folders[] = {
		"/System/Library/Extensions/",
		"/Library/Extensions/",
		"/System/Library/Filesystems/",
	};
	const char *root = kext_context_root(daemon->context);
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		if (lies_below(path, root, folders[i]))
			return true;
	}
	return false;
}

/* By its text and by what it leads to. */
static int allow_path(struct load *load, const char *path)
{
	_cleanup_free_ char *real = NULL;
	if (load->request->is_owner)
		return 0;
	if (is_system_path(load->daemon, path))
		real = realpath(path, NULL);
	if (real && is_system_path(load->daemon, real))
		return 0;
	kext_diagnose(
		load->diagnostics, KEXT_ERROR, "load.privilege", path,
		"use an instance of your own: --instance user",
		"only kexts of the system folders may be loaded by others than uid %u",
		(unsigned)load->daemon->owner);
	return KEXT_ERR_NOT_PRIVILEGED;
}

int candidate_allow(struct load *load, const struct kext_load_list *list)
{
	for (size_t i = 0; !load->request->is_owner && i < kext_load_list_count(list);
	     i++) {
		const struct kext_load_item *item = kext_load_list_at(list, i);
		if (item->is_kernel_component || !item->bundle)
			continue;
		if (kext_value_boolean(kext_bundle_property(
			    item->bundle, "OSBundleAllowUserLoad", kext_arch_host())))
			continue;
		kext_diagnose(load->diagnostics, KEXT_ERROR, "load.privilege",
			      kext_bundle_identifier(item->bundle),
			      "use an instance of your own: --instance user",
			      "it does not set OSBundleAllowUserLoad, so only uid %u may "
			      "load it",
			      (unsigned)load->daemon->owner);
		return KEXT_ERR_NOT_PRIVILEGED;
	}
	return 0;
}

/* ---- repositories ---- */

static const struct kext_value *argument(struct load *load, const char *key)
{
	return kext_value_get(load->request->arguments, key);
}

/* A broken neighbour in a folder is no news to who loads something else. */
static int add_folders(struct load *load, const struct kext_value *paths)
{
	int error = 0;
	for (size_t i = 0; error == 0 && i < kext_value_count(paths); i++) {
		const char *path = kext_value_string(kext_value_at(paths, i));
		if (!path || path[0] != '/')
			return KEXT_ERR_INVALID_ARGUMENT;
		error = allow_path(load, path);
		if (error < 0)
			return error;
		error = kext_repository_add_folder(load->own_repository, path, NULL);
		if (error < 0)
			kext_diagnose(load->diagnostics, KEXT_ERROR, "load.repository",
				      path, NULL, "the folder cannot be read: %s",
				      kext_error_string(error));
	}
	return error;
}

static int add_dependencies(struct load *load, const struct kext_value *paths)
{
	int error = 0;
	for (size_t i = 0; error == 0 && i < kext_value_count(paths); i++) {
		struct kext_bundle *bundle = NULL;
		const char *path = kext_value_string(kext_value_at(paths, i));
		if (!path || path[0] != '/')
			return KEXT_ERR_INVALID_ARGUMENT;
		error = allow_path(load, path);
		if (error == 0)
			error = kext_bundle_open(load->daemon->context, path,
						 load->diagnostics, &bundle);
		if (error == 0)
			error = kext_repository_add(load->own_repository, bundle);
		kext_bundle_unref(bundle);
	}
	return error;
}

static bool needs_own_repository(struct load *load)
{
	return kext_value_count(argument(load, KEY_REPOSITORIES)) ||
	       kext_value_count(argument(load, KEY_DEPENDENCIES)) ||
	       (load->bundle && kext_bundle_plugin_count(load->bundle));
}

/* Made once for the whole request; the default one is borrowed anew in each pass. */
static int make_own_repository(struct load *load)
{
	int error = kext_repository_new(load->daemon->context, &load->own_repository);
	if (error == 0)
		error = kext_repository_add_default(load->own_repository, load->no_system,
						    NULL);
	if (error == 0)
		error = add_folders(load, argument(load, KEY_REPOSITORIES));
	if (error == 0)
		error = add_dependencies(load, argument(load, KEY_DEPENDENCIES));
	if (error == 0 && load->bundle)
		error = kext_repository_add(load->own_repository, load->bundle);
	return error;
}

static int choose_repository(struct load *load)
{
	int error = 0;
	if (!load->own_repository && needs_own_repository(load))
		error = make_own_repository(load);
	if (error < 0)
		return error;
	load->repository = load->own_repository;
	if (load->repository)
		return 0;
	return catalog_repository(load->daemon, load->no_system, NULL, &load->repository);
}

/* ---- the bundle ---- */

/* The folder the client opened must be the one that stands at its path. */
static int is_same_folder(struct load *load)
{
	struct stat meant, found;
	if (fstat(load->request->fd, &meant) == 0 && stat(load->path, &found) == 0 &&
	    meant.st_dev == found.st_dev && meant.st_ino == found.st_ino)
		return 0;
	kext_diagnose(load->diagnostics, KEXT_ERROR, "load.moved", load->path, NULL,
		      "another folder stands here than the one the client opened");
	return KEXT_ERR_AUTHENTICATION;
}

/*
 * What the descriptor leads to is opened, not the path, which may lead elsewhere by then;
 * others than the owner are held to where that folder is.
 */
static int open_by_descriptor(struct load *load)
{
	int error = is_same_folder(load);
	if (error == 0)
		error = bundle_open_at(load->daemon->context, load->request->fd, ".",
				       load->path, NULL, load->diagnostics,
				       &load->bundle);
	return error < 0 ? error : allow_path(load, kext_bundle_path(load->bundle));
}

static int open_by_path(struct load *load)
{
	if (load->path[0] != '/')
		return KEXT_ERR_INVALID_ARGUMENT;
	int error = allow_path(load, load->path);
	if (error < 0)
		return error;
	if (load->request->fd >= 0)
		return open_by_descriptor(load);
	return kext_bundle_open(load->daemon->context, load->path, load->diagnostics,
				&load->bundle);
}

static int find_by_identifier(struct load *load)
{
	struct kext_bundle *found =
		kext_repository_find(load->repository, load->identifier);
	if (found) {
		load->bundle = kext_bundle_ref(found);
		return 0;
	}
	kext_diagnose(load->diagnostics, KEXT_ERROR, "load.unknown", load->identifier,
		      "name its folder with -repository, or load it by path",
		      "no kext of this identifier is in the repositories");
	return KEXT_ERR_NOT_FOUND;
}

int candidate_check(struct load *load, struct kext_bundle *bundle)
{
	int error = kext_bundle_validate(bundle, kext_arch_host(), load->diagnostics);
	return error < 0 ? error
			 : kext_bundle_authenticate(bundle, load->daemon->owner,
						    load->diagnostics);
}

int candidate_find(struct load *load)
{
	int error = 0;
	if (!load->bundle && load->path)
		error = open_by_path(load);
	if (error == 0)
		error = choose_repository(load);
	if (error == 0 && !load->bundle)
		error = find_by_identifier(load);
	return error;
}

/* ---- is it there already? ---- */

static bool has_uuid(struct load *load, struct bytes uuid)
{
	const void *data;
	size_t size;
	struct macho macho;
	if (kext_bundle_slice(load->bundle, kext_arch_host(), load->diagnostics, &data,
			      &size) < 0 ||
	    macho_parse(bytes_of(data, size), kext_bundle_name(load->bundle),
			load->diagnostics, &macho) < 0)
		return false;
	bool is_same = macho.has_uuid && uuid.size == 16 &&
		       memcmp(macho.uuid, uuid.data, 16) == 0;
	macho_free(&macho);
	return is_same;
}

static int compare(struct load *load, struct bytes kext)
{
	const char *identifier = kext_bundle_identifier(load->bundle);
	const char *version = fields_text(kext, FIELD_VERSION);
	int64_t loaded_version = 0;
	if (kext_version_parse(version, &loaded_version) == 0 &&
	    loaded_version != kext_bundle_version(load->bundle)) {
		kext_diagnose(load->diagnostics, KEXT_ERROR, "load.differs", identifier,
			      "unload it first", "version %s is loaded, not %s", version,
			      kext_bundle_version_text(load->bundle));
		return KEXT_ERR_LOADED_DIFFERS;
	}
	if (has_uuid(load, fields_bytes(kext, FIELD_UUID)))
		return 1;
	kext_diagnose(load->diagnostics, KEXT_ERROR, "load.differs", identifier,
		      "unload it first",
		      "version %s is loaded, but from an executable with another UUID",
		      version);
	return KEXT_ERR_LOADED_DIFFERS;
}

int candidate_is_loaded(struct load *load, uint32_t *ret_tag)
{
	struct bytes kext, body = bytes_of(load->list.body, load->list.size);
	size_t position = 0;
	while (fields_next(body, FIELD_KEXT, &position, &kext)) {
		if (strcmp(fields_text(kext, FIELD_IDENTIFIER),
			   kext_bundle_identifier(load->bundle)) != 0)
			continue;
		*ret_tag = fields_u32(kext, FIELD_TAG);
		/* Kernel components have no executable that could differ. */
		return fields_u32(kext, FIELD_KIND) == 1 ? 1 : compare(load, kext);
	}
	return 0;
}
