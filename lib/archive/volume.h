/*
 * Paths as an archive stores them: as they are seen on the volume that boots from it.
 */
#ifndef ARCHIVE_VOLUME_H
#define ARCHIVE_VOLUME_H

#include <string.h>

/* `path` without the folder `root` in front (NULL: none); still absolute. */
static inline const char *volume_path(const char *path, const char *root)
{
	size_t length = root ? strlen(root) : 0;
	while (length && root[length - 1] == '/')
		length--;
	if (length && strncmp(path, root, length) == 0 && path[length] == '/')
		return path + length;
	return path;
}

#endif
