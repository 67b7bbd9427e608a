/*
 * Writing caches of folders. What is written states the folder's time, so the folder is
 * looked at before and after; a folder with anything unusual in it gets no cache.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/memory.h"
#include "repository/cache.h"

static int refuse(struct kext_diagnostics *diagnostics, const char *folder,
		  const char *reason)
{
	kext_diagnose(diagnostics, KEXT_ERROR, "cache.folder", folder, NULL,
		      "no cache is written: %s", reason);
	return KEXT_ERR_CACHE;
}

/* ---- the file ---- */

static int make_folders(int root, char *path)
{
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int error = mkdirat(root, path, 0755) < 0 && errno != EEXIST ? -errno : 0;
		*slash = '/';
		if (error < 0)
			return error;
	}
	return 0;
}

/* Until its time is set the file counts as stale. */
static int publish(int root, char *path, const struct buffer *out, struct timespec time)
{
	struct timespec times[2] = {time, time};
	int error = make_folders(root, path);
	if (error == 0)
		error = file_publish(root, path, out->data, out->size, 0644, false);
	if (error == 0 && utimensat(root, path, times, AT_SYMLINK_NOFOLLOW) < 0)
		error = -errno;
	return error;
}

int cache_publish(int root, char *path, const char *text, size_t size,
		  struct timespec time, struct kext_diagnostics *diagnostics)
{
	_cleanup_buffer_ struct buffer out = {0};
	int error = cache_pack(text, size, &out);
	if (error == 0)
		error = publish(root, path, &out, time);
	if (error == -EROFS) {
		kext_diagnose(diagnostics, KEXT_NOTE, "cache.write", path, NULL,
			      "is on a file system that is read-only; not written");
		return 0;
	}
	if (error < 0)
		kext_diagnose(diagnostics, KEXT_ERROR, "cache.write", path, NULL,
			      "cannot be written: %s", kext_error_string(error));
	return error;
}

/* ---- reading the folder ---- */

void cache_scan_close(struct cache_scan *scan)
{
	kext_repository_free(scan->repository);
	file_close(scan->fd);
}

/* Links lead to kexts whose changes the folder's time and the stamps do not show. */
static bool has_links(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	bool found = !stream;
	if (!stream)
		file_close(copy);
	for (struct dirent *entry; !found && (entry = readdir(stream));) {
		struct stat st;
		found = fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			S_ISLNK(st.st_mode);
	}
	if (stream)
		closedir(stream);
	return found;
}

int cache_scan_open(struct kext_context *context, const char *folder,
		    struct kext_diagnostics *diagnostics, struct cache_scan *ret)
{
	*ret = (struct cache_scan){.fd = -1};
	ret->fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret->fd < 0 || !realpath(folder, ret->real_path) ||
	    fstat(ret->fd, &ret->before) < 0) {
		int error = -errno;
		kext_diagnose(diagnostics, KEXT_ERROR, "cache.folder", folder, NULL, "%s",
			      kext_error_string(error));
		return error;
	}
	if (!cache_folder_stamp(ret->fd, ret->stamp))
		return refuse(diagnostics, folder, "it is no folder any more");
	int error = kext_repository_new(context, &ret->repository);
	if (error == 0)
		error = repository_scan(ret->repository, folder, diagnostics);
	if (error == 0 && kext_diagnostics_count(diagnostics, KEXT_ERROR))
		error = refuse(diagnostics, folder, "a kext in it is broken");
	if (error == 0 && has_links(ret->fd))
		error = refuse(diagnostics, folder, "a symbolic link is in it");
	return error;
}

static int check_unchanged(const struct cache_scan *scan,
			   struct kext_diagnostics *diagnostics)
{
	char stamp[CACHE_STAMP_MAX];
	if (cache_folder_stamp(scan->fd, stamp) && strcmp(stamp, scan->stamp) == 0)
		return 0;
	return refuse(diagnostics, scan->real_path, "it has changed meanwhile");
}

/* Where the kext lies below the folder, and its stamp. */
static int locate_kext(const struct cache_scan *scan, const struct kext_bundle *bundle,
		       struct kext_diagnostics *diagnostics, const char **ret_relative,
		       char stamp[CACHE_STAMP_MAX])
{
	const char *path = kext_bundle_path(bundle);
	size_t length = strlen(scan->real_path);
	if (strncmp(path, scan->real_path, length) != 0 || path[length] != '/' ||
	    !cache_stamp(scan->fd, path + length + 1, stamp))
		return refuse(diagnostics, scan->real_path,
			      "a kext in it is not where it was a moment ago");
	*ret_relative = path + length + 1;
	return 0;
}

/* ---- identifier caches ---- */

static int set_text(struct kext_value *entry, const char *key, const char *text)
{
	return kext_value_set(entry, key, kext_value_new_string(text));
}

static int set_true(struct kext_value *entry, const char *key, bool is_true)
{
	return is_true ? kext_value_set(entry, key, kext_value_new_boolean(true)) : 0;
}

static int fill_entry(struct kext_value *entry, const struct kext_bundle *bundle,
		      const char *relative, const char *stamp)
{
	const struct kext_value *info = kext_bundle_info(bundle);
	int error = set_text(entry, CACHE_KEY_PATH, relative);
	if (error == 0)
		error = set_text(entry, "CFBundleIdentifier",
				 kext_bundle_identifier(bundle));
	if (error == 0)
		error = set_text(entry, "CFBundleVersion",
				 kext_bundle_version_text(bundle));
	if (error == 0)
		error = set_true(
			entry, CACHE_KEY_LOGGING,
			kext_value_boolean(kext_value_get(info, CACHE_KEY_LOGGING)));
	if (error == 0)
		error = set_true(entry, CACHE_KEY_RESOURCE,
				 kext_bundle_is_kernel_component(bundle));
	return error == 0 ? set_text(entry, CACHE_KEY_STAMP, stamp) : error;
}

static int add_identifier(struct kext_value *kexts, const struct cache_scan *scan,
			  const struct kext_bundle *bundle,
			  struct kext_diagnostics *diagnostics)
{
	char stamp[CACHE_STAMP_MAX];
	const char *relative;
	int error = locate_kext(scan, bundle, diagnostics, &relative, stamp);
	if (error < 0)
		return error;
	struct kext_value *entry = kext_value_new_dictionary();
	if (!entry)
		return -ENOMEM;
	error = fill_entry(entry, bundle, relative, stamp);
	if (error == 0)
		return kext_value_append(kexts, entry);
	kext_value_unref(entry);
	return error;
}

static int fill_identifiers(struct kext_value *cache, struct kext_value *kexts,
			    const struct cache_scan *scan,
			    struct kext_diagnostics *diagnostics)
{
	int error = set_text(cache, CACHE_KEY_BASE, scan->real_path);
	if (error == 0)
		error = kext_value_set(cache, CACHE_KEY_VERSION,
				       kext_value_new_integer(CACHE_VERSION, 32));
	if (error == 0)
		error = kext_value_set(cache, CACHE_KEY_INFO, kext_value_ref(kexts));
	for (size_t i = 0; error == 0 && i < kext_repository_count(scan->repository); i++)
		error = add_identifier(kexts, scan,
				       kext_repository_at(scan->repository, i),
				       diagnostics);
	return error;
}

/* ---- repository caches ---- */

/* The keys of Info.plist that are kept. */
static struct kext_value *some_of(const struct kext_value *info)
{
	static const char *const keys[] = {"CFBundleInfoDictionaryVersion",
					   "CFBundleGetInfoString",
					   "CFBundleIdentifier",
					   "CFBundleExecutable",
					   "CFBundleName",
					   "CFBundleShortVersionString",
					   "CFBundleVersion",
					   "NSHumanReadableCopyright",
					   "OSBundleCompatibleVersion",
					   "OSBundleRequired",
					   "IOKitPersonalities",
					   "OSBundleLibraries",
					   "OSKernelResource",
					   "OSBundleDebugLevel",
					   "OSBundleHelper"};
	struct kext_value *result = kext_value_new_dictionary();
	for (size_t i = 0; result && i < sizeof(keys) / sizeof(*keys); i++) {
		const struct kext_value *value = kext_value_get(info, keys[i]);
		if (!value ||
		    kext_value_set(result, keys[i], kext_value_copy(value)) == 0)
			continue;
		kext_value_unref(result);
		result = NULL;
	}
	return result;
}

/* Whether `path` is below `folder`, or is directly in the scanned folder (NULL). */
static bool is_in(const char *path, const char *folder)
{
	size_t length = folder ? strlen(folder) : 0;
	if (!folder)
		return !strchr(path, '/');
	return strncmp(path, folder, length) == 0 && path[length] == '/';
}

static struct kext_value *list_kexts(const struct cache_scan *scan, const char *folder,
				     struct kext_diagnostics *diagnostics,
				     int *ret_error);

static int fill_kext(struct kext_value *entry, const struct cache_scan *scan,
		     const struct kext_bundle *bundle, bool is_plugin,
		     struct kext_diagnostics *diagnostics)
{
	char stamp[CACHE_STAMP_MAX];
	const char *relative;
	int error = locate_kext(scan, bundle, diagnostics, &relative, stamp);
	if (error == 0)
		error = set_text(entry, CACHE_KEY_BUNDLE, relative);
	if (error == 0)
		error = kext_value_set(entry, CACHE_KEY_PROPERTY,
				       some_of(kext_bundle_info(bundle)));
	if (error == 0)
		error = set_text(entry, CACHE_KEY_STAMP, stamp);
	if (error < 0 || is_plugin)
		return error;
	struct kext_value *plugins = list_kexts(scan, relative, diagnostics, &error);
	return error < 0 ? error : kext_value_set(entry, CACHE_KEY_PLUGINS, plugins);
}

/* Those directly in the scanned folder (NULL), each with its plug-ins; or a kext's. */
static struct kext_value *list_kexts(const struct cache_scan *scan, const char *folder,
				     struct kext_diagnostics *diagnostics, int *ret_error)
{
	struct kext_value *kexts = kext_value_new_array();
	size_t prefix = strlen(scan->real_path) + 1;
	int error = kexts ? 0 : -ENOMEM;
	for (size_t i = 0; error == 0 && i < kext_repository_count(scan->repository);
	     i++) {
		const struct kext_bundle *bundle =
			kext_repository_at(scan->repository, i);
		if (!is_in(kext_bundle_path(bundle) + prefix, folder))
			continue;
		struct kext_value *entry = kext_value_new_dictionary();
		error = entry ? fill_kext(entry, scan, bundle, folder, diagnostics)
			      : -ENOMEM;
		if (error == 0)
			error = kext_value_append(kexts, entry);
		else
			kext_value_unref(entry);
	}
	*ret_error = error;
	if (error == 0)
		return kexts;
	kext_value_unref(kexts);
	return NULL;
}

static int fill_repository(struct kext_value *cache, const struct cache_scan *scan,
			   struct kext_diagnostics *diagnostics)
{
	int error = kext_value_set(cache, CACHE_KEY_FORMAT,
				   kext_value_new_integer(CACHE_VERSION, 32));
	if (error == 0)
		error = set_text(cache, CACHE_KEY_FOLDER, scan->real_path);
	if (error == 0)
		error = set_true(cache, CACHE_KEY_SCANS, true);
	if (error < 0)
		return error;
	struct kext_value *kexts = list_kexts(scan, NULL, diagnostics, &error);
	return error < 0 ? error : kext_value_set(cache, CACHE_KEY_KEXTS, kexts);
}

/* ---- either ---- */

static int fill(struct kext_value *cache, enum cache_kind kind,
		const struct cache_scan *scan, struct kext_diagnostics *diagnostics)
{
	int error = 0;
	if (kind == CACHE_OF_REPOSITORY) {
		error = fill_repository(cache, scan, diagnostics);
	} else {
		struct kext_value *kexts = kext_value_new_array();
		error = kexts ? fill_identifiers(cache, kexts, scan, diagnostics)
			      : -ENOMEM;
		kext_value_unref(kexts);
	}
	return error == 0 ? set_text(cache, CACHE_KEY_STAMP, scan->stamp) : error;
}

/* The kinds have rules of their own for what is new enough; each gets what it asks for.
 */
static struct timespec time_for(enum cache_kind kind, const struct cache_scan *scan)
{
	const struct stat *st = &scan->before;
	time_t second =
		kind == CACHE_OF_REPOSITORY ? st->st_ctim.tv_sec : st->st_mtim.tv_sec;
	return (struct timespec){.tv_sec = second + 1};
}

static int write_scan(struct kext_context *context, enum cache_kind kind,
		      const struct cache_scan *scan, struct kext_diagnostics *diagnostics)
{
	struct kext_value *cache = kext_value_new_dictionary();
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_fd_ int root = -1;
	size_t size = 0;
	int error = cache ? fill(cache, kind, scan, diagnostics) : -ENOMEM;
	if (error == 0)
		error = kext_value_to_xml(cache, KEXT_XML_PLIST, &text, &size);
	kext_value_unref(cache);
	if (error == 0)
		error = check_unchanged(scan, diagnostics);
	if (error == 0)
		error = cache_locate(context, kind, scan->real_path, &root, &path);
	return error < 0 ? error
			 : cache_publish(root, path, text, size, time_for(kind, scan),
					 diagnostics);
}

static int write_cache(struct kext_context *context, enum cache_kind kind,
		       const char *folder, struct kext_diagnostics *diagnostics)
{
	struct cache_scan scan;
	int error = cache_scan_open(context, folder, diagnostics, &scan);
	if (error == 0)
		error = write_scan(context, kind, &scan, diagnostics);
	cache_scan_close(&scan);
	return error;
}

int kext_repository_write_cache(struct kext_context *context, const char *folder,
				struct kext_diagnostics *diagnostics)
{
	return write_cache(context, CACHE_OF_IDENTIFIERS, folder, diagnostics);
}

int kext_repository_write_beside(struct kext_context *context, const char *folder,
				 struct kext_diagnostics *diagnostics)
{
	return write_cache(context, CACHE_OF_REPOSITORY, folder, diagnostics);
}
