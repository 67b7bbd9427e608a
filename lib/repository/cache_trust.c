/*
 * Which cache files are believed: one that only root or we can have put there, as old as
 * it must be for the folder as it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/memory.h"
#include "repository/cache.h"

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

static bool is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

/* Exactly a second after the folder; or, beside it, after any change of its status. */
static bool is_current(enum cache_kind kind, const struct stat *file,
		       const struct stat *folder)
{
	if (kind == CACHE_OF_REPOSITORY)
		return is_later(&file->st_mtim, &folder->st_ctim);
	return file->st_mtim.tv_sec == folder->st_mtim.tv_sec + 1;
}

static bool is_trusted_file(const struct stat *file)
{
	return S_ISREG(file->st_mode) && is_trusted_owner(file) &&
	       (file->st_gid == 0 || file->st_gid == getegid()) &&
	       (file->st_mode & 07777) == 0644;
}

int cache_open_trusted(const struct kext_context *context, enum cache_kind kind,
		       const struct cache_subject *subject)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_fd_ int root = -1;
	struct stat file, folder;
	if (cache_locate(context, kind, subject->real_path, &root, &path) < 0)
		return -1;
	int fd = open_trusted(root, path);
	if (fd >= 0 && fstat(fd, &file) == 0 && fstat(subject->fd, &folder) == 0 &&
	    is_trusted_file(&file) && is_current(kind, &file, &folder))
		return fd;
	return file_close(fd);
}
