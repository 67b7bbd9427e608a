/*
 * Believing an identifier cache. Its file must be one that only the instance's owner can
 * have put there, dated a second after the folder; every kext in it must be the one it
 * was made from. In any doubt the folder is scanned instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <kext/version.h>
#include "base/file.h"
#include "base/memory.h"
#include "repository/cache.h"

#define STORED_LIMIT   (UINT64_C(16) << 20)
#define EXPANDED_LIMIT (UINT64_C(64) << 20)
#define GZIP_WINDOW    31 /* zlib's number for a gzip stream */

/* ---- the file ---- */

/* Root believes root; a user himself and root. */
static bool is_trusted_owner(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

static bool is_trusted_folder(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && is_trusted_owner(&st) &&
	       (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* Descends folder by folder, so that what is judged is what is used. */
static int open_trusted(int root, const char *path)
{
	int folder = fcntl(root, F_DUPFD_CLOEXEC, 0);
	char name[256];
	for (const char *slash; folder >= 0 && (slash = strchr(path, '/'));
	     path = slash + 1) {
		size_t length = (size_t)(slash - path);
		if (length >= sizeof(name) || !is_trusted_folder(folder)) {
			folder = file_close(folder);
			break;
		}
		memcpy(name, path, length);
		name[length] = '\0';
		int next = openat(folder, name,
				  O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		file_close(folder);
		folder = next;
	}
	if (folder < 0 || !is_trusted_folder(folder)) {
		file_close(folder);
		return -1;
	}
	int fd = openat(folder, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	file_close(folder);
	return fd;
}

static bool is_current(const struct stat *file, const struct stat *folder)
{
	return S_ISREG(file->st_mode) && is_trusted_owner(file) &&
	       (file->st_gid == 0 || file->st_gid == getegid()) &&
	       (file->st_mode & 07777) == 0644 &&
	       file->st_mtim.tv_sec == folder->st_mtim.tv_sec + 1;
}

/* One gzip stream of the whole input; NULL for anything else. */
static char *expand(struct bytes stored, size_t *ret_size)
{
	z_stream z = {.next_in = (Bytef *)stored.data, .avail_in = (uInt)stored.size};
	struct buffer out = {0};
	int result = inflateInit2(&z, GZIP_WINDOW) == Z_OK ? Z_OK : Z_MEM_ERROR;
	if (result != Z_OK)
		return NULL;
	while (result == Z_OK && out.size <= EXPANDED_LIMIT) {
		size_t at = out.size;
		uint8_t *room = buffer_extend(&out, 1 << 16);
		if (!room)
			break;
		z.next_out = room;
		z.avail_out = 1 << 16;
		result = inflate(&z, Z_NO_FLUSH);
		out.size = at + ((1 << 16) - z.avail_out);
		if (result == Z_OK && z.avail_out)
			break; /* the input ends too early */
	}
	inflateEnd(&z);
	if (result != Z_STREAM_END || z.avail_in || out.size > EXPANDED_LIMIT) {
		buffer_free(&out);
		return NULL;
	}
	return (char *)buffer_steal(&out, ret_size);
}

static struct kext_value *parse(int fd)
{
	struct file_map map;
	struct kext_value *cache = NULL;
	size_t size;
	if (file_map_fd(fd, STORED_LIMIT, &map) < 0)
		return NULL;
	_cleanup_free_ char *text = expand(map.bytes, &size);
	file_unmap(&map);
	if (text && kext_value_from_xml(text, size, "cache", NULL, &cache) < 0)
		return NULL;
	return cache;
}

static struct kext_value *open_cache(const struct kext_repository *repository,
				     const struct cache_subject *subject)
{
	struct stat file_stat, folder_stat;
	_cleanup_free_ char *path =
		cache_path_of(repository->context, subject->real_path);
	_cleanup_fd_ int root = path ? cache_open_root(repository->context) : -1;
	_cleanup_fd_ int fd = root < 0 ? -1 : open_trusted(root, path);
	if (fd < 0 || fstat(fd, &file_stat) < 0 || fstat(subject->fd, &folder_stat) < 0 ||
	    !is_current(&file_stat, &folder_stat))
		return NULL;
	return parse(fd);
}

/* ---- its content ---- */

static const char *text_of(const struct kext_value *entry, const char *key)
{
	return kext_value_string(kext_value_get(entry, key));
}

/* Below the folder, plain names only. */
static bool is_safe_path(const char *path)
{
	if (!path || !*path || *path == '/' || strlen(path) > 1024)
		return false;
	for (const char *at = path; at; at = strchr(at, '/')) {
		at += *at == '/';
		size_t length = strcspn(at, "/");
		if (length == 0 || (length <= 2 && strspn(at, ".") >= length))
			return false;
	}
	return true;
}

static bool is_unchanged(const struct cache_subject *subject,
			 const struct kext_value *entry)
{
	char stamp[CACHE_STAMP_MAX];
	const char *path = text_of(entry, CACHE_KEY_PATH);
	const char *expected = text_of(entry, CACHE_KEY_STAMP);
	return is_safe_path(path) && expected && text_of(entry, "CFBundleIdentifier") &&
	       cache_stamp(subject->fd, path, stamp) && strcmp(stamp, expected) == 0;
}

static bool is_believable(const struct cache_subject *subject,
			  const struct kext_value *cache)
{
	const struct kext_value *kexts = kext_value_get(cache, CACHE_KEY_INFO);
	const char *base = text_of(cache, CACHE_KEY_BASE);
	if (!base || strcmp(base, subject->real_path) != 0 ||
	    kext_value_integer(kext_value_get(cache, CACHE_KEY_VERSION)) !=
		    CACHE_VERSION ||
	    !kext_value_is(kexts, KEXT_VALUE_ARRAY))
		return false;
	for (size_t i = 0; i < kext_value_count(kexts); i++)
		if (!is_unchanged(subject, kext_value_at(kexts, i)))
			return false;
	return true;
}

static struct cached_kext *make_entry(const struct cache_subject *subject,
				      const struct kext_value *entry)
{
	struct cached_kext *cached = mem_zero(1, sizeof(*cached));
	const char *path = text_of(entry, CACHE_KEY_PATH);
	const char *version = text_of(entry, "CFBundleVersion");
	if (!cached)
		return NULL;
	cached->path = mem_format("%s/%s", subject->real_path, path);
	cached->name = mem_format("%s/%s", subject->name, path);
	cached->identifier = mem_string(text_of(entry, "CFBundleIdentifier"));
	cached->is_kernel_component =
		kext_value_boolean(kext_value_get(entry, CACHE_KEY_RESOURCE));
	if (kext_version_parse(version, &cached->version) < 0)
		cached->version = 0;
	if (!cached->path || !cached->name || !cached->identifier)
		return cached_kext_free(cached);
	return cached;
}

static int add_all(struct kext_repository *repository,
		   const struct cache_subject *subject, const struct kext_value *kexts)
{
	size_t count = kext_value_count(kexts), made = 0;
	struct cached_kext **list = mem_zero(count + 1, sizeof(*list));
	int error = list ? 0 : -ENOMEM;
	for (; error == 0 && made < count; made++) {
		list[made] = make_entry(subject, kext_value_at(kexts, made));
		if (!list[made])
			error = -ENOMEM;
	}
	if (error == 0)
		error = repository_add_cached(repository, list, count);
	for (size_t i = 0; error < 0 && list && i < made; i++)
		cached_kext_free(list[i]);
	free(list);
	return error;
}

int cache_read(struct kext_repository *repository, const struct cache_subject *subject)
{
	struct kext_value *cache = open_cache(repository, subject);
	int result = cache && is_believable(subject, cache);
	if (result) {
		int error = add_all(repository, subject,
				    kext_value_get(cache, CACHE_KEY_INFO));
		result = error < 0 ? error : 1;
	}
	kext_value_unref(cache);
	return result;
}
