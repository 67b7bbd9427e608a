/*
 * Folders written beside their final place and put there in one step, and removed without
 * ever following a symbolic link.
 */
#ifndef ARCHIVE_STAGING_H
#define ARCHIVE_STAGING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Makes an empty folder with a name derived from `name` in `dirfd`: its descriptor and
 * *ret_temporary (the caller frees), or -errno.
 */
int staging_begin(int dirfd, const char *name, char **ret_temporary)
	__attribute__((warn_unused_result));
/* Writes a new file at `path` below the folder, with the folders it needs. 0 or -errno.
 */
int staging_write(int fd, const char *path, const void *data, size_t size, mode_t mode)
	__attribute__((warn_unused_result));
/*
 * Gives a temporary folder its name. What has that name is -EEXIST, or with `replace`, if
 * a folder, removed after the new one stands in its place. 0 or -errno.
 */
int staging_publish(int dirfd, const char *temporary, const char *name, bool replace)
	__attribute__((warn_unused_result));
/* Removes a folder and all in it, as far as possible. 0 or the first -errno. */
int staging_remove(int dirfd, const char *name);

#endif
