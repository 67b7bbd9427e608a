/*
 * Filling a repository from folders. What is broken is a finding and the rest goes on;
 * names are sorted first, so that results do not depend on the order a file system lists
 * them in.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "base/memory.h"
#include "bundle/folder.h"
#include "repository/cache.h"
#include "repository/repository.h"

struct entry_name {
	char *name;
	bool is_folder; /* known to be no symbolic link */
};

struct folder {
	int fd;
	const char *name; /* as given, for messages */
	char real_path[PATH_MAX];
	ARRAY_OF(struct entry_name) names;
};

int bundle_list_push(struct bundle_list *list, struct kext_bundle *bundle)
{
	struct kext_bundle **place = array_push(list);
	if (!place) {
		kext_bundle_unref(bundle);
		return -ENOMEM;
	}
	*place = bundle;
	return 0;
}

void bundle_list_free(struct bundle_list *list)
{
	array_for_each (bundle, list)
		kext_bundle_unref(*bundle);
	array_free(list);
}

/* Hidden names are droppings ("._X.kext") or half-written copies. */
static bool is_kext_name(const char *name)
{
	size_t length = strlen(name);
	return *name != '.' && length > 5 && strcmp(name + length - 5, ".kext") == 0;
}

static bool may_be_folder(const struct dirent *entry)
{
	return entry->d_type == DT_DIR || entry->d_type == DT_LNK ||
	       entry->d_type == DT_UNKNOWN;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct entry_name *)a)->name,
		      ((const struct entry_name *)b)->name);
}

static int read_names(struct folder *folder)
{
	int copy = fcntl(folder->fd, F_DUPFD_CLOEXEC, 0);
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	int error = stream ? 0 : -errno;
	if (!stream)
		file_close(copy);
	for (struct dirent *entry; error == 0 && (entry = readdir(stream));) {
		if (!is_kext_name(entry->d_name) || !may_be_folder(entry))
			continue;
		struct entry_name *place = array_push(&folder->names);
		if (place)
			*place = (struct entry_name){mem_string(entry->d_name),
						     entry->d_type == DT_DIR};
		if (!place || !place->name)
			error = -ENOMEM;
	}
	if (stream)
		closedir(stream);
	if (error == 0 && folder->names.count)
		qsort(folder->names.items, folder->names.count,
		      sizeof(*folder->names.items), compare_names);
	return error;
}

static void close_folder(struct folder *folder)
{
	array_for_each (entry, &folder->names)
		free(entry->name);
	array_free(&folder->names);
	folder->fd = file_close(folder->fd);
}

static int open_folder(const char *path, struct folder *ret)
{
	char link[64];
	ret->name = path;
	ret->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret->fd < 0)
		return -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", ret->fd);
	ssize_t n = readlink(link, ret->real_path, sizeof(ret->real_path) - 1);
	if (n < 0)
		return -errno;
	ret->real_path[n] = '\0';
	return 0;
}

static char *join(const char *folder, const char *name)
{
	size_t length = strlen(folder);
	bool has_slash = length && folder[length - 1] == '/';
	return mem_format("%s%s%s", folder, has_slash ? "" : "/", name);
}

/* A neighbour that is no kext, or vanished meanwhile, must not spoil the others. */
static int settle(int error)
{
	return error == -ENOMEM ? error : 0;
}

int repository_open_plugins(struct kext_repository *repository,
			    struct kext_bundle *bundle, struct bundle_list *list,
			    struct kext_diagnostics *diagnostics)
{
	int error = 0;
	size_t count = kext_bundle_plugin_count(bundle);
	for (size_t i = 0; error == 0 && i < count; i++) {
		const char *path = kext_bundle_plugin_path(bundle, i);
		struct kext_bundle *plugin;
		error = bundle_open_at(repository->context, AT_FDCWD, path, path, path,
				       diagnostics, &plugin);
		error = error < 0 ? settle(error) : bundle_list_push(list, plugin);
	}
	return error;
}

/* A link to what is not there, as copying one kext of two leaves it. */
static bool leads_nowhere(const struct folder *folder, const struct entry_name *entry)
{
	struct stat st;
	return !entry->is_folder && fstatat(folder->fd, entry->name, &st, 0) < 0 &&
	       errno == ENOENT;
}

static int add_entry(struct kext_repository *repository, const struct folder *folder,
		     const struct entry_name *entry, struct bundle_list *list,
		     struct kext_diagnostics *diagnostics)
{
	struct kext_bundle *bundle;
	_cleanup_free_ char *name = join(folder->name, entry->name);
	_cleanup_free_ char *real = join(folder->real_path, entry->name);
	if (!name || !real)
		return -ENOMEM;
	if (leads_nowhere(folder, entry)) {
		kext_diagnose(diagnostics, KEXT_NOTE, "file.not-found", name, NULL,
			      "is a link to what is not there, and left out");
		return 0;
	}
	int error = bundle_open_at(repository->context, folder->fd, entry->name, name,
				   entry->is_folder ? real : NULL, diagnostics, &bundle);
	if (error < 0)
		return settle(error);
	error = bundle_list_push(list, bundle);
	return error < 0 ? error
			 : repository_open_plugins(repository, bundle, list, diagnostics);
}

static int add_folder(struct kext_repository *repository, const char *path,
		      bool use_cache, struct kext_diagnostics *diagnostics)
{
	struct folder folder = {.fd = -1};
	struct bundle_list list = {0};
	int error = open_folder(path, &folder), is_done = 0;
	if (error == 0 && use_cache) {
		struct cache_subject subject = {folder.fd, folder.real_path, folder.name};
		is_done = cache_read(repository, &subject);
		error = is_done < 0 ? is_done : 0;
	}
	if (error == 0 && !is_done)
		error = read_names(&folder);
	array_for_each (entry, &folder.names)
		if (error == 0)
			error = add_entry(repository, &folder, entry, &list, diagnostics);
	if (error == 0)
		error = repository_add_list(repository, &list);
	bundle_list_free(&list);
	close_folder(&folder);
	return error;
}

int kext_repository_add_folder(struct kext_repository *repository, const char *path,
			       struct kext_diagnostics *diagnostics)
{
	return add_folder(repository, path, kext_context_caches(repository->context),
			  diagnostics);
}

int repository_scan(struct kext_repository *repository, const char *path,
		    struct kext_diagnostics *diagnostics)
{
	return add_folder(repository, path, false, diagnostics);
}

/* A folder that is not there is no finding; one that cannot be read is. */
static int add_if_there(struct kext_repository *repository, const char *path,
			struct kext_diagnostics *diagnostics)
{
	int error = kext_repository_add_folder(repository, path, diagnostics);
	if (error < 0 && error != -ENOENT)
		kext_diagnose(diagnostics, KEXT_WARNING, "file.access", path, NULL,
			      "kexts in this folder are left out: %s",
			      kext_error_string(error));
	return settle(error);
}

static int add_system(struct kext_repository *repository, const char *below,
		      struct kext_diagnostics *diagnostics)
{
	_cleanup_free_ char *path = join(kext_context_root(repository->context), below);
	return path ? add_if_there(repository, path, diagnostics) : -ENOMEM;
}

/* KPI plug-ins belong to one kernel: where others' are, ours have no business. */
static bool has_kernel_components(const struct kext_repository *repository)
{
	array_for_each (entry, &repository->entries)
		if (entry->bundle ? kext_bundle_is_kernel_component(entry->bundle)
				  : entry->cached->is_kernel_component)
			return true;
	return false;
}

int kext_repository_add_system(struct kext_repository *repository,
			       struct kext_diagnostics *diagnostics)
{
	int error = add_system(repository, "System/Library/Extensions", diagnostics);
	return error < 0 ? error
			 : add_system(repository, "Library/Extensions", diagnostics);
}

int kext_repository_add_own(struct kext_repository *repository,
			    struct kext_diagnostics *diagnostics)
{
	return has_kernel_components(repository)
		       ? 0
		       : add_if_there(repository, kext_data_folder(), diagnostics);
}

int kext_repository_add_default(struct kext_repository *repository, bool no_system,
				struct kext_diagnostics *diagnostics)
{
	int error = no_system ? 0 : kext_repository_add_system(repository, diagnostics);
	return error < 0 ? error : kext_repository_add_own(repository, diagnostics);
}
