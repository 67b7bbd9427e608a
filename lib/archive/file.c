/* Archives as files: read whole, and put in place whole. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "archive/archive.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"

#define PIECE ((size_t)64 << 10)

static int refuse(struct kext_diagnostics *diagnostics, const char *path, int error)
{
	const char *what = error == -EISDIR   ? "is a folder, expected an archive"
			   : error == -EINVAL ? "is no regular file"
					      : kext_error_string(error);
	kext_diagnose(diagnostics, KEXT_ERROR, "archive.file", path, NULL, "%s", what);
	return error;
}

static int too_large(struct kext_diagnostics *diagnostics, const char *subject,
		     uint64_t most)
{
	kext_diagnose(diagnostics, KEXT_ERROR, "archive.file", subject,
		      "--max-size allows more", "is larger than %llu bytes",
		      (unsigned long long)most);
	return -EFBIG;
}

/*
 * All that a descriptor yields, into memory, for a mapped file could change or shrink
 * while entries are still to be read from it. `expected` bytes are likely, `most`
 * allowed.
 */
static int read_whole(int fd, uint64_t expected, uint64_t most, struct buffer *ret)
{
	/* One byte more tells the end of a file of the expected size. */
	size_t wanted = (size_t)(expected < most ? expected : most) + 1;
	while (ret->size <= most) {
		uint8_t *room = buffer_extend(ret, wanted);
		if (!room)
			return -ENOMEM;
		ssize_t got = read(fd, room, wanted);
		ret->size -= wanted - (got > 0 ? (size_t)got : 0);
		if (got == 0)
			return 0;
		if (got < 0 && errno != EINTR)
			return -errno;
		wanted = ret->capacity - ret->size;
		if (!wanted)
			wanted = PIECE;
	}
	return -EFBIG;
}

static int open_contents(struct kext_context *context, struct buffer *contents,
			 const char *subject, const struct kext_archive_options *options,
			 struct kext_diagnostics *diagnostics,
			 struct kext_archive **ret_archive)
{
	struct archive_store *store;
	size_t size;
	if (!contents->size) {
		kext_diagnose(diagnostics, KEXT_ERROR, "archive.file", subject, NULL,
			      "is empty, expected an archive");
		return KEXT_ERR_BAD_DATA;
	}
	uint8_t *data = buffer_steal(contents, &size);
	int error = archive_store_new(data, size, subject, &store);
	return error < 0 ? error
			 : archive_open_store(context, store, options, diagnostics,
					      ret_archive);
}

int kext_archive_open_stream(struct kext_context *context, int fd, const char *subject,
			     const struct kext_archive_options *options,
			     struct kext_diagnostics *diagnostics,
			     struct kext_archive **ret_archive)
{
	_cleanup_buffer_ struct buffer contents = {0};
	struct stat stat;
	uint64_t most = archive_max_bytes(options), expected = PIECE;
	if (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode))
		expected = (uint64_t)stat.st_size;
	int error = read_whole(fd, expected, most, &contents);
	if (error < 0)
		return error == -EFBIG ? too_large(diagnostics, subject, most)
				       : refuse(diagnostics, subject, error);
	return open_contents(context, &contents, subject, options, diagnostics,
			     ret_archive);
}

/* A descriptor of a regular file. O_NONBLOCK: a FIFO must not hang us. */
static int open_file(const char *path)
{
	struct stat stat;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int error = fd < 0 || fstat(fd, &stat) < 0 ? -errno
		    : S_ISDIR(stat.st_mode)	   ? -EISDIR
		    : !S_ISREG(stat.st_mode)	   ? -EINVAL
						   : 0;
	if (error == 0)
		return fd;
	file_close(fd);
	return error;
}

int kext_archive_open_file(struct kext_context *context, const char *path,
			   const struct kext_archive_options *options,
			   struct kext_diagnostics *diagnostics,
			   struct kext_archive **ret_archive)
{
	_cleanup_fd_ int fd = open_file(path);
	return fd < 0 ? refuse(diagnostics, path, fd)
		      : kext_archive_open_stream(context, fd, path, options, diagnostics,
						 ret_archive);
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
