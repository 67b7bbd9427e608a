/* Reading and publishing files; see file.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <kext/error.h>
#include "base/file.h"
#include "base/memory.h"

#define SNAPSHOT_LIMIT (1u << 20)

int file_close(int fd)
{
	int saved = errno;
	if (fd >= 0)
		close(fd);
	errno = saved;
	return -1;
}

static int read_snapshot(int fd, size_t size, const uint8_t **ret)
{
	uint8_t *data = mem_alloc(size);
	if (!data)
		return -ENOMEM;
	for (size_t got = 0; got < size;) {
		ssize_t n = pread(fd, data + got, size - got, (off_t)got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int error = n < 0 ? -errno : -EIO;	/* it shrank meanwhile */
			free(data);
			return error;
		}
		got += (size_t)n;
	}
	*ret = data;
	return 0;
}

int file_map_fd(int fd, uint64_t limit, struct file_map *ret)
{
	struct file_map map = {0};
	if (fstat(fd, &map.stat) < 0)
		return -errno;
	if (!S_ISREG(map.stat.st_mode))
		return S_ISDIR(map.stat.st_mode) ? -EISDIR : -EINVAL;
	if ((uint64_t)map.stat.st_size > limit)
		return -EFBIG;
	size_t size = (size_t)map.stat.st_size;
	const uint8_t *data = NULL;
	if (size <= SNAPSHOT_LIMIT) {
		int error = read_snapshot(fd, size, &data);
		if (error < 0)
			return error;
	} else {
		void *area = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (area == MAP_FAILED)
			return -errno;
		data = area;
	}
	map.bytes = bytes_of(data, size);
	*ret = map;
	return 0;
}

int file_map_path(int dirfd, const char *path, uint64_t limit, struct file_map *ret)
{
	/* O_NONBLOCK: opening a FIFO that somebody left there must not hang us. */
	_cleanup_fd_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	return file_map_fd(fd, limit, ret);
}

const char *file_error_string(int error)
{
	return error == -EINVAL ? "this is no regular file" : kext_error_string(error);
}

void file_unmap(struct file_map *map)
{
	if (map->bytes.data && map->bytes.size <= SNAPSHOT_LIMIT)
		free((void *)map->bytes.data);
	else if (map->bytes.data)
		munmap((void *)map->bytes.data, map->bytes.size);
	*map = (struct file_map){0};
}

static int open_resolved(int dirfd, const char *path, int flags, mode_t mode,
			 uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = resolve,
	};
	long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

int file_open_beneath(int dirfd, const char *path, int flags, mode_t mode)
{
	return open_resolved(dirfd, path, flags, mode,
			     RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

int file_open_in_root(int dirfd, const char *path, int flags, mode_t mode)
{
	int fd = -EAGAIN;
	/* Linux cannot tell where ".." leads while somebody renames folders. */
	for (int attempt = 0; fd == -EAGAIN && attempt < 16; attempt++)
		fd = open_resolved(dirfd, path, flags, mode,
				   RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	return fd;
}

int file_write_all(int fd, const void *data, size_t size)
{
	const uint8_t *at = data;
	while (size) {
		if (fault_io_hits())
			return -EIO;
		ssize_t n = write(fd, at, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Makes a hidden sibling of `name`, in the same folder so that rename works. */
static int open_temporary(int dirfd, const char *name, mode_t mode, char **ret_name)
{
	const char *slash = strrchr(name, '/');
	int folder = slash ? (int)(slash + 1 - name) : 0;
	for (int attempt = 0; attempt < 100; attempt++) {
		uint32_t salt = 0;
		if (getrandom(&salt, sizeof(salt), 0) < 0)
			return -errno;
		char *temporary = mem_format("%.*s.%s.%08x", folder, name, name + folder, salt);
		if (!temporary)
			return -ENOMEM;
		int fd = openat(dirfd, temporary,
				O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
		if (fd >= 0) {
			*ret_name = temporary;
			return fd;
		}
		int error = -errno;
		free(temporary);
		if (error != -EEXIST)
			return error;
	}
	return -EEXIST;
}

int file_publish(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
		 bool exclusive)
{
	_cleanup_free_ char *temporary = NULL;
	_cleanup_fd_ int fd = open_temporary(dirfd, name, mode, &temporary);
	if (fd < 0)
		return fd;
	int error = file_write_all(fd, data, size);
	if (error == 0 && fsync(fd) < 0)
		error = -errno;
	if (error == 0 && exclusive && linkat(dirfd, temporary, dirfd, name, 0) < 0)
		error = -errno;
	if (error == 0 && !exclusive && renameat(dirfd, temporary, dirfd, name) < 0)
		error = -errno;
	if (error < 0 || exclusive)
		unlinkat(dirfd, temporary, 0);
	return error;
}
