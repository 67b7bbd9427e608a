/* Folders published in one step; see staging.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include "archive/staging.h"
#include "base/file.h"
#include "base/memory.h"

#define REMOVE_MAX_DEPTH 64u /* each level holds a descriptor */
#define FOLDER_FLAGS	 (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static int temporary_name(const char *name, char **ret)
{
	uint32_t salt;
	if (getrandom(&salt, sizeof(salt), 0) != (ssize_t)sizeof(salt))
		return -EIO;
	char *text = mem_format(".%s.%08x", name, salt);
	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

int staging_begin(int dirfd, const char *name, char **ret_temporary)
{
	for (unsigned attempt = 0; attempt < 100; attempt++) {
		char *temporary;
		int error = temporary_name(name, &temporary);
		if (error < 0)
			return error;
		if (mkdirat(dirfd, temporary, 0755) == 0) {
			int fd = openat(dirfd, temporary, FOLDER_FLAGS);
			if (fd >= 0) {
				*ret_temporary = temporary;
				return fd;
			}
			error = -errno;
			unlinkat(dirfd, temporary, AT_REMOVEDIR);
		} else {
			error = -errno;
		}
		free(temporary);
		if (error != -EEXIST)
			return error;
	}
	return -EEXIST;
}

/* Makes the folders above the last component of `path`. */
static int make_parents(int fd, const char *path)
{
	_cleanup_free_ char *part = mem_string(path);
	if (!part)
		return -ENOMEM;
	for (char *slash = part; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdirat(fd, part, 0755) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

int staging_write(int fd, const char *path, const void *data, size_t size, mode_t mode)
{
	int error = make_parents(fd, path);
	if (error < 0)
		return error;
	_cleanup_fd_ int file =
		file_open_beneath(fd, path, O_WRONLY | O_CREAT | O_EXCL, mode);
	if (file < 0)
		return file;
	error = file_write_all(file, data, size);
	if (error == 0 && fsync(file) < 0)
		error = -errno;
	return error;
}

/* For file systems that cannot exchange: the old folder steps aside, and back on failure.
 */
static int replace_in_two_steps(int dirfd, const char *temporary, const char *name)
{
	_cleanup_free_ char *aside = NULL;
	int error = temporary_name(name, &aside);
	if (error < 0)
		return error;
	if (renameat2(dirfd, name, dirfd, aside, RENAME_NOREPLACE) < 0)
		return -errno;
	if (renameat(dirfd, temporary, dirfd, name) < 0) {
		error = -errno;
		if (renameat(dirfd, aside, dirfd, name) < 0)
			error = -errno;
		return error;
	}
	staging_remove(dirfd, aside);
	return 0;
}

static int replace_folder(int dirfd, const char *temporary, const char *name)
{
	struct stat stat;
	if (fstatat(dirfd, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISDIR(stat.st_mode))
		return S_ISLNK(stat.st_mode) ? -ELOOP : -ENOTDIR;
	if (renameat2(dirfd, temporary, dirfd, name, RENAME_EXCHANGE) < 0)
		return errno == EINVAL || errno == ENOSYS
			       ? replace_in_two_steps(dirfd, temporary, name)
			       : -errno;
	staging_remove(dirfd, temporary);
	return 0;
}

int staging_publish(int dirfd, const char *temporary, const char *name, bool replace)
{
	if (renameat2(dirfd, temporary, dirfd, name, RENAME_NOREPLACE) < 0) {
		int error = -errno;
		if (error == -EEXIST && replace)
			error = replace_folder(dirfd, temporary, name);
		if (error < 0)
			return error;
	}
	/* Best effort: some file systems cannot sync a folder, and all is written. */
	(void)fsync(dirfd);
	return 0;
}

static int remove_below(int dirfd, const char *name, unsigned depth);

static int remove_member(int fd, const char *name, unsigned depth)
{
	if (unlinkat(fd, name, 0) == 0)
		return 0;
	return errno == EISDIR || errno == EPERM ? remove_below(fd, name, depth) : -errno;
}

static int remove_below(int dirfd, const char *name, unsigned depth)
{
	if (depth == 0)
		return -ELOOP;
	int fd = openat(dirfd, name, FOLDER_FLAGS), error = 0;
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	if (!folder) {
		error = -errno;
		file_close(fd);
		return error;
	}
	for (struct dirent *entry; (entry = readdir(folder));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		int failed = remove_member(fd, entry->d_name, depth - 1);
		error = error ? error : failed;
	}
	closedir(folder);
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && error == 0)
		error = -errno;
	return error;
}

int staging_remove(int dirfd, const char *name)
{
	return remove_below(dirfd, name, REMOVE_MAX_DEPTH);
}
