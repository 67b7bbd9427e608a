/*
 * Writing caches of folders. What is written states the folder's time, so the folder is
 * looked at before and after; a folder with anything unusual in it gets no cache.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include "base/file.h"
#include "base/memory.h"
#include "repository/cache.h"

#define GZIP_WINDOW 31 /* zlib's number for a gzip stream */

static int refuse(struct kext_diagnostics *diagnostics, const char *folder,
		  const char *reason)
{
	kext_diagnose(diagnostics, KEXT_ERROR, "cache.folder", folder, NULL,
		      "no cache is written: %s", reason);
	return KEXT_ERR_CACHE;
}

/* ---- the file ---- */

/* The same text gives the same bytes: the stream states no time and no name. */
static int compress_text(const char *text, size_t size, struct buffer *out)
{
	z_stream z = {.next_in = (Bytef *)text, .avail_in = (uInt)size};
	if (deflateInit2(&z, 6, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	size_t room = deflateBound(&z, size);
	z.next_out = buffer_extend(out, room);
	z.avail_out = (uInt)room;
	int result = z.next_out ? deflate(&z, Z_FINISH) : Z_MEM_ERROR;
	out->size = z.total_out;
	deflateEnd(&z);
	return result == Z_STREAM_END ? 0 : -ENOMEM;
}

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
static int publish(struct kext_context *context, char *path, const struct buffer *out,
		   time_t time)
{
	_cleanup_fd_ int root = cache_open_root(context);
	struct timespec times[2] = {{.tv_sec = time + 1}, {.tv_sec = time + 1}};
	int error = root < 0 ? root : make_folders(root, path);
	if (error == 0)
		error = file_publish(root, path, out->data, out->size, 0644, false);
	if (error == 0 && utimensat(root, path, times, AT_SYMLINK_NOFOLLOW) < 0)
		error = -errno;
	return error;
}

static int write_text(struct kext_context *context, char *path, const char *text,
		      size_t size, time_t time, struct kext_diagnostics *diagnostics)
{
	_cleanup_buffer_ struct buffer out = {0};
	int error = compress_text(text, size, &out);
	if (error == 0)
		error = publish(context, path, &out, time);
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

/* ---- identifiers ---- */

struct folder_scan {
	struct kext_repository *repository;
	char real_path[PATH_MAX];
	int fd;
	struct stat before;
};

static void close_scan(struct folder_scan *scan)
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

static int scan_folder(struct kext_context *context, const char *folder,
		       struct kext_diagnostics *diagnostics, struct folder_scan *ret)
{
	*ret = (struct folder_scan){.fd = -1};
	ret->fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret->fd < 0 || !realpath(folder, ret->real_path) ||
	    fstat(ret->fd, &ret->before) < 0) {
		int error = -errno;
		kext_diagnose(diagnostics, KEXT_ERROR, "cache.folder", folder, NULL, "%s",
			      kext_error_string(error));
		return error;
	}
	int error = kext_repository_new(context, &ret->repository);
	if (error == 0)
		error = repository_scan(ret->repository, folder, diagnostics);
	if (error == 0 && kext_diagnostics_count(diagnostics, KEXT_ERROR))
		error = refuse(diagnostics, folder, "a kext in it is broken");
	if (error == 0 && has_links(ret->fd))
		error = refuse(diagnostics, folder, "a symbolic link is in it");
	return error;
}

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

static int add_entry(struct kext_value *kexts, const struct folder_scan *scan,
		     const struct kext_bundle *bundle,
		     struct kext_diagnostics *diagnostics)
{
	char stamp[CACHE_STAMP_MAX];
	const char *path = kext_bundle_path(bundle);
	size_t length = strlen(scan->real_path);
	if (strncmp(path, scan->real_path, length) != 0 || path[length] != '/' ||
	    !cache_stamp(scan->fd, path + length + 1, stamp))
		return refuse(diagnostics, scan->real_path,
			      "a kext in it is not where it was a moment ago");
	struct kext_value *entry = kext_value_new_dictionary();
	if (!entry)
		return -ENOMEM;
	int error = fill_entry(entry, bundle, path + length + 1, stamp);
	if (error == 0)
		return kext_value_append(kexts, entry);
	kext_value_unref(entry);
	return error;
}

static int fill_cache(struct kext_value *cache, const struct folder_scan *scan,
		      struct kext_diagnostics *diagnostics)
{
	struct kext_value *kexts = kext_value_new_array();
	int error = set_text(cache, CACHE_KEY_BASE, scan->real_path);
	if (error == 0)
		error = kext_value_set(cache, CACHE_KEY_VERSION,
				       kext_value_new_integer(CACHE_VERSION, 32));
	if (error == 0)
		error = kext_value_set(cache, CACHE_KEY_INFO, kexts);
	else
		kext_value_unref(kexts);
	for (size_t i = 0; error == 0 && i < kext_repository_count(scan->repository); i++)
		error = add_entry(kexts, scan, kext_repository_at(scan->repository, i),
				  diagnostics);
	return error;
}

static int write_scan(struct kext_context *context, const struct folder_scan *scan,
		      struct kext_diagnostics *diagnostics)
{
	struct kext_value *cache = kext_value_new_dictionary();
	_cleanup_free_ char *path = cache_path_of(context, scan->real_path);
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	struct stat now;
	int error = cache && path ? fill_cache(cache, scan, diagnostics) : -ENOMEM;
	if (error == 0)
		error = kext_value_to_xml(cache, KEXT_XML_PLIST, &text, &size);
	kext_value_unref(cache);
	if (error == 0 && (fstat(scan->fd, &now) < 0 ||
			   now.st_mtim.tv_sec != scan->before.st_mtim.tv_sec ||
			   now.st_mtim.tv_nsec != scan->before.st_mtim.tv_nsec))
		error = refuse(diagnostics, scan->real_path, "it has changed meanwhile");
	if (error == 0)
		error = write_text(context, path, text, size, scan->before.st_mtim.tv_sec,
				   diagnostics);
	return error;
}

int kext_repository_write_cache(struct kext_context *context, const char *folder,
				struct kext_diagnostics *diagnostics)
{
	struct folder_scan scan;
	int error = scan_folder(context, folder, diagnostics, &scan);
	if (error == 0)
		error = write_scan(context, &scan, diagnostics);
	close_scan(&scan);
	return error;
}

/* ---- personalities ---- */

/* A personality without CFBundleIdentifier belongs to its kext. */
static int add_personalities(struct kext_value *all, const struct kext_bundle *bundle,
			     const struct kext_arch *arch)
{
	const struct kext_value *own =
		kext_bundle_property(bundle, "IOKitPersonalities", arch);
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

static int add_folder_personalities(struct kext_context *context, const char *folder,
				    const struct kext_arch *arch, struct kext_value *all,
				    time_t *newest, struct kext_diagnostics *diagnostics)
{
	struct folder_scan scan;
	int error = scan_folder(context, folder, diagnostics, &scan);
	if (error == 0 && scan.before.st_mtim.tv_sec > *newest)
		*newest = scan.before.st_mtim.tv_sec;
	for (size_t i = 0; error == 0 && i < kext_repository_count(scan.repository); i++)
		error = add_personalities(all, kext_repository_at(scan.repository, i),
					  arch);
	close_scan(&scan);
	return error;
}

int kext_repository_write_personalities(struct kext_context *context,
					const char *const *folders, size_t count,
					const struct kext_arch *arch,
					struct kext_diagnostics *diagnostics)
{
	struct kext_value *all = kext_value_new_array();
	_cleanup_free_ char *path = mem_format(
		"%s/Startup/IOKitPersonalities_%s.ioplist.gz", CACHE_FOLDER, arch->name);
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	time_t newest = 0;
	int error = all && path ? 0 : -ENOMEM;
	for (size_t i = 0; error == 0 && i < count; i++)
		error = add_folder_personalities(context, folders[i], arch, all, &newest,
						 diagnostics);
	if (error == 0)
		error = kext_value_to_xml(all, KEXT_XML_SHARE, &text, &size);
	/* As sent to the kernel: with the NUL. */
	if (error == 0)
		error = write_text(context, path, text, size + 1, newest, diagnostics);
	kext_value_unref(all);
	return error;
}
