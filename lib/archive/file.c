/* Archives as files: read whole, and put in place whole. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <kext/archive.h>
#include "base/file.h"
#include "base/memory.h"

static int refuse(struct kext_diagnostics *diagnostics, const char *path, int error)
{
	const char *what = error == -EISDIR   ? "is a folder, expected an archive"
			   : error == -EINVAL ? "is no regular file"
					      : kext_error_string(error);
	kext_diagnose(diagnostics, KEXT_ERROR, "archive.file", path, NULL, "%s", what);
	return error;
}

static int too_large(struct kext_diagnostics *diagnostics, const char *path,
		     uint64_t most)
{
	kext_diagnose(diagnostics, KEXT_ERROR, "archive.file", path,
		      "--max-size allows more", "is larger than %llu bytes",
		      (unsigned long long)most);
	return -EFBIG;
}

int kext_archive_open_file(struct kext_context *context, const char *path,
			   const struct kext_archive_options *options,
			   struct kext_diagnostics *diagnostics,
			   struct kext_archive **ret_archive)
{
	struct file_map map;
	uint64_t most = options && options->max_bytes ? options->max_bytes
						      : KEXT_ARCHIVE_MAX_BYTES;
	int error = file_map_path(AT_FDCWD, path, most, &map);
	if (error == -EFBIG)
		return too_large(diagnostics, path, most);
	if (error < 0)
		return refuse(diagnostics, path, error);
	if (map.bytes.size) {
		error = kext_archive_open(context, map.bytes.data, map.bytes.size, path,
					  options, diagnostics, ret_archive);
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
