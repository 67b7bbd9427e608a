/*
 * Files: reading a whole file once by descriptor with a size cap, and publishing a result
 * atomically (temporary file, fsync, rename).
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <sys/stat.h>
#include "base/bytes.h"

struct file_map {
	struct bytes bytes;	/* read-only, private */
	struct stat stat;	/* of the descriptor that was read */
};

/*
 * Maps the regular file behind `fd`, which stays open and the caller's. A file longer than
 * `limit` is -EFBIG, anything but a regular file -EISDIR or -EINVAL. An empty file is
 * a valid map of 0 bytes. The content is a private snapshot copy when the file is small
 * (up to 1 MiB), so that a writer cannot change what was checked; larger files are mapped.
 */
int file_map_fd(int fd, uint64_t limit, struct file_map *ret) __attribute__((warn_unused_result));
/* The same for a path below `dirfd` (AT_FDCWD: the working folder); follows symlinks. */
int file_map_path(int dirfd, const char *path, uint64_t limit, struct file_map *ret)
	__attribute__((warn_unused_result));
void file_unmap(struct file_map *map);
/* What went wrong when a file was mapped: "this is no regular file", for instance. */
const char *file_error_string(int error);

/*
 * Opens `path` beneath `dirfd`: no component may be a symbolic link or lead outside (openat2
 * with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS). A descriptor or -errno.
 */
int file_open_beneath(int dirfd, const char *path, int flags, mode_t mode)
	__attribute__((warn_unused_result));

/*
 * Opens `path` as if `dirfd` were the root of all files: an absolute path, an absolute link
 * and ".." stay inside, links of /proc to open files lead nowhere (openat2 with
 * RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS). A descriptor or -errno.
 */
int file_open_in_root(int dirfd, const char *path, int flags, mode_t mode)
	__attribute__((warn_unused_result));

/* Writes all of it. 0 or -errno. */
int file_write_all(int fd, const void *data, size_t size) __attribute__((warn_unused_result));

/*
 * Makes the file `name` (a path relative to `dirfd`) hold exactly these bytes with this mode (less the umask), or
 * leaves what was there: a temporary file is written, synced and renamed over it.
 * `exclusive`: an existing file is -EEXIST. 0 or -errno.
 */
int file_publish(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
		 bool exclusive) __attribute__((warn_unused_result));

/* Closes and returns -1; takes -1. Keeps errno. */
int file_close(int fd);

static inline void cleanup_fd(int *fd)
{
	file_close(*fd);
}
#define _cleanup_fd_ __attribute__((cleanup(cleanup_fd)))
#define _cleanup_file_map_ __attribute__((cleanup(file_unmap)))

#endif
