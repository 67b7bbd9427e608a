/* Archives as files: read whole, and put in place whole. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <kext/archive.h>
#include "base/file.h"
#include "base/memory.h"

#define FILE_LIMIT (UINT64_C(1) << 30)

static int refuse(struct kext_diagnostics *diagnostics, const char *path, int error)
{
	const char *what = error == -EISDIR   ? "is a folder, expected an archive"
			   : error == -EFBIG  ? "is larger than 1 GiB"
			   : error == -EINVAL ? "is no regular file"
					      : kext_error_string(error);
	kext_diagnose(diagnostics, KEXT_ERROR, "archive.file", path, NULL, "%s", what);
	return error;
}

int kext_archive_open_file(struct kext_context *context, const char *path,
			   const struct kext_arch *arch, unsigned flags,
			   struct kext_diagnostics *diagnostics,
			   struct kext_archive **ret_archive)
{
	struct file_map map;
	int error = file_map_path(AT_FDCWD, path, FILE_LIMIT, &map);
	if (error < 0)
		return refuse(diagnostics, path, error);
	if (map.bytes.size) {
		error = kext_archive_open(context, map.bytes.data, map.bytes.size, path,
					  arch, flags, diagnostics, ret_archive);
	} else {
		kext_diagnose(diagnostics, KEXT_ERROR, "archive.file", path, NULL,
			      "is empty, expected an archive");
		error = KEXT_ERR_BAD_DATA;
	}
	file_unmap(&map);
	return error;
}

int kext_archive_save(const char *path, const void *data, size_t size,
		      struct kext_diagnostics *diagnostics)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	_cleanup_free_ char *folder =
		slash ? mem_string_n(path, (size_t)(name - path)) : mem_string(".");
	if (!folder)
		return -ENOMEM;
	if (!*name)
		return refuse(diagnostics, path, -EISDIR);
	_cleanup_fd_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return refuse(diagnostics, path, -errno);
	int error = file_publish(fd, name, data, size, 0644, false);
	return error < 0 ? refuse(diagnostics, path, error) : 0;
}
