/*
 * The source of a bundle that stands in a folder. The folder is opened once and
 * everything in it is read relative to that descriptor, never through a symbolic link. No
 * descriptor stays open (a repository may hold thousands of bundles): what is read later
 * is read only if the folder at the path is still the one that was opened.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "base/memory.h"
#include "bundle/bundle.h"
#include "bundle/folder.h"

#define INFO_LIMIT (1u << 20)

/* O_NONBLOCK: a FIFO in the place of a file must not hang us. */
#define READ_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

static const struct layout {
	const char *base, *executables;
} layouts[] = {
	{"Contents/", "Contents/MacOS/"},
	{"", ""}, /* flat: KPI plug-ins and embedded systems */
	{"Support Files/", "Support Files/MacOS/"},
};
#define LAYOUT_COUNT (sizeof(layouts) / sizeof(*layouts))

struct file_identity file_identity_of(const struct stat *stat)
{
	return (struct file_identity){
		.is_known = true,
		.device = stat->st_dev,
		.inode = stat->st_ino,
		.size = stat->st_size,
		.modified = stat->st_mtim,
		.changed = stat->st_ctim,
	};
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool file_identity_equal(const struct file_identity *a, const struct file_identity *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       same_time(a->modified, b->modified);
}

static int fail_to_open(int error, const char *subject,
			struct kext_diagnostics *diagnostics)
{
	if (error == -ENOTDIR) {
		kext_diagnose(diagnostics, KEXT_ERROR, "bundle.not-a-bundle", subject,
			      "name the folder that ends in .kext", "is not a folder");
		return KEXT_ERR_NOT_A_KEXT;
	}
	kext_diagnose(diagnostics, KEXT_ERROR,
		      error == -ENOENT ? "file.not-found" : "file.access", subject, NULL,
		      "cannot be opened: %s", kext_error_string(error));
	return error;
}

/* Subject "BUNDLE/relative/path" of a finding about a file; the caller frees it; or NULL.
 */
static char *subject_of(const char *name, const char *relative)
{
	size_t length = strlen(name);
	bool has_slash = length && name[length - 1] == '/';
	return mem_format("%s%s%s", name, has_slash ? "" : "/", relative);
}

static int fail_to_read(int error, const char *name, const char *relative, uint64_t limit,
			struct kext_diagnostics *diagnostics)
{
	_cleanup_free_ char *subject = subject_of(name, relative);
	switch (error) {
	case -ELOOP:
	case -EXDEV:
		kext_diagnose(
			diagnostics, KEXT_ERROR, "file.symlink", subject,
			"replace the link by the file it leads to",
			"is or lies behind a symbolic link; links inside a kext are not "
			"followed");
		return KEXT_ERR_VALIDATION;
	case -EFBIG:
		kext_diagnose(diagnostics, KEXT_ERROR, "file.size", subject, NULL,
			      "is larger than the %llu bytes that are allowed",
			      (unsigned long long)limit);
		return KEXT_ERR_VALIDATION;
	case -EISDIR:
	case -EINVAL:
	case -ENXIO:
		kext_diagnose(diagnostics, KEXT_ERROR, "file.kind", subject, NULL,
			      "must be a regular file, not a folder, device or pipe");
		return KEXT_ERR_VALIDATION;
	default:
		kext_diagnose(diagnostics, KEXT_ERROR, "file.access", subject, NULL,
			      "cannot be read: %s", kext_error_string(error));
		return error;
	}
}

/* Opens `relative` below the bundle's folder and maps it; -errno as it came. */
static int map_beneath(int folder, const char *relative, uint64_t limit,
		       struct file_map *ret)
{
	_cleanup_fd_ int fd = file_open_beneath(folder, relative, READ_FLAGS, 0);
	return fd < 0 ? fd : file_map_fd(fd, limit, ret);
}

static int find_info(int folder, const char *name, struct kext_diagnostics *diagnostics,
		     const struct layout **ret_layout, struct file_map *ret)
{
	for (const struct layout *layout = layouts; layout < layouts + LAYOUT_COUNT;
	     layout++) {
		char relative[64];
		snprintf(relative, sizeof(relative), "%sInfo.plist", layout->base);
		int error = map_beneath(folder, relative, INFO_LIMIT, ret);
		if (error == -ENOENT || error == -ENOTDIR)
			continue;
		if (error < 0)
			return fail_to_read(error, name, relative, INFO_LIMIT,
					    diagnostics);
		*ret_layout = layout;
		return 0;
	}
	kext_diagnose(
		diagnostics, KEXT_ERROR, "bundle.not-a-bundle", name,
		"a kext is a folder X.kext with Contents/Info.plist",
		"holds no Contents/Info.plist, Info.plist or Support Files/Info.plist");
	return KEXT_ERR_NOT_A_KEXT;
}

/* After Tiger, Info.plist was read by the parser that the kernel has. */
static int parse_xml(struct kext_context *context, struct bytes bytes,
		     const char *subject, struct kext_diagnostics *diagnostics,
		     struct kext_value **ret_info)
{
	const char *text = (const char *)bytes.data;
	if (kext_context_era(context) == KEXT_ERA_TIGER)
		return kext_value_from_xml(text, bytes.size, subject, diagnostics,
					   ret_info);
	return kext_value_from_kernel_xml(text, bytes.size, subject, diagnostics,
					  ret_info);
}

static bool is_binary_plist(struct bytes bytes)
{
	return bytes.size >= 8 && memcmp(bytes.data, "bplist00", 8) == 0;
}

/* What else property lists are written in, and no kext's may be; NULL for none of it. */
static const char *foreign_form(struct bytes bytes)
{
	const uint8_t *data = bytes.data;
	size_t at = 0;
	if (bytes.size >= 2 && ((data[0] == 0xff && data[1] == 0xfe) ||
				(data[0] == 0xfe && data[1] == 0xff)))
		return "is UTF-16 text";
	while (at < bytes.size && strchr(" \t\r\n", data[at]) && data[at])
		at++;
	return at < bytes.size && data[at] == '{' ? "is a property list of the old style"
						  : NULL;
}

/* Whether a binary one will do is for validation to say. */
static int parse_info(struct kext_context *context, struct bytes bytes,
		      const char *subject, struct kext_diagnostics *diagnostics,
		      struct kext_value **ret_info)
{
	const char *foreign = foreign_form(bytes);
	if (foreign) {
		kext_diagnose(diagnostics, KEXT_ERROR, "plist.syntax", subject,
			      "convert it, e.g. with iconv, or plutil on a Mac",
			      "%s, but must be XML in UTF-8", foreign);
		return KEXT_ERR_SERIALIZATION;
	}
	if (!is_binary_plist(bytes))
		return parse_xml(context, bytes, subject, diagnostics, ret_info);
	int error = kext_value_from_binary(bytes.data, bytes.size, ret_info);
	if (error == KEXT_ERR_SERIALIZATION)
		kext_diagnose(diagnostics, KEXT_ERROR, "plist.syntax", subject, NULL,
			      "is a damaged binary property list");
	return error;
}

static int read_info(struct kext_context *context, struct bytes bytes, const char *name,
		     const struct layout *layout, struct kext_diagnostics *diagnostics,
		     struct kext_value **ret_info)
{
	char relative[64];
	snprintf(relative, sizeof(relative), "%sInfo.plist", layout->base);
	_cleanup_free_ char *subject = subject_of(name, relative);
	int error = subject ? parse_info(context, bytes, subject, diagnostics, ret_info)
			    : -ENOMEM;
	return error == KEXT_ERR_SERIALIZATION ? KEXT_ERR_VALIDATION : error;
}

static bool is_kext_name(const char *path)
{
	size_t length = strlen(path);
	return length > 5 && strcmp(path + length - 5, ".kext") == 0 &&
	       path[length - 6] != '/';
}

/* The absolute path of what the descriptor holds. */
static int path_of(int fd, char path[PATH_MAX])
{
	char link[64];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, PATH_MAX - 1);
	if (n < 0)
		return -errno;
	path[n] = '\0';
	return n == PATH_MAX - 1 ? -ENAMETOOLONG : 0;
}

static int check_path(int fd, const char *name, const char *real_path,
		      struct kext_diagnostics *diagnostics, char path[PATH_MAX])
{
	int error = 0;
	if (real_path && strlen(real_path) < PATH_MAX)
		strcpy(path, real_path);
	else
		error = real_path ? -ENAMETOOLONG : path_of(fd, path);
	if (error < 0) {
		kext_diagnose(diagnostics, KEXT_ERROR, "bundle.path", name, NULL,
			      "has no usable absolute path: %s",
			      kext_error_string(error));
		return error;
	}
	if (is_kext_name(path))
		return 0;
	kext_diagnose(diagnostics, KEXT_ERROR, "bundle.not-a-bundle", name,
		      "rename the folder so that it ends in .kext",
		      "the name of the folder, %s, does not end in .kext", path);
	return KEXT_ERR_NOT_A_KEXT;
}

static int map_executable(struct kext_bundle *bundle,
			  struct kext_diagnostics *diagnostics, struct file_map *ret);

static const struct bundle_source folder_source = {
	.map_executable = map_executable,
	.unmap_executable = file_unmap,
	.authenticate = bundle_authenticate_folder,
};

static int set_paths(struct kext_bundle *bundle, const char *path,
		     const struct layout *layout)
{
	const char *executable = bundle_executable_name(bundle);
	bundle->path = mem_string(path);
	bundle->base = layout->base;
	if (executable)
		bundle->executable_path =
			mem_format("%s%s", layout->executables, executable);
	return bundle->path && (bundle->executable_path || !executable) ? 0 : -ENOMEM;
}

/* Everything after the folder is open and its path known. */
static int open_folder(struct kext_context *context, int fd, const char *name,
		       const char *path, struct kext_diagnostics *diagnostics,
		       struct kext_bundle **ret_bundle)
{
	_cleanup_file_map_ struct file_map map = {0};
	const struct layout *layout = NULL;
	struct kext_value *info = NULL;
	struct kext_bundle *bundle = NULL;
	struct stat stat;
	if (fstat(fd, &stat) < 0)
		return fail_to_open(-errno, name, diagnostics);
	int error = find_info(fd, name, diagnostics, &layout, &map);
	if (error == 0)
		error = read_info(context, map.bytes, name, layout, diagnostics, &info);
	if (error == 0)
		error = bundle_new(context, &folder_source, name, info, diagnostics,
				   &bundle);
	kext_value_unref(info);
	if (error < 0)
		return error;
	bundle->folder = file_identity_of(&stat);
	bundle->info_file = file_identity_of(&map.stat);
	bundle->is_binary = is_binary_plist(map.bytes);
	error = set_paths(bundle, path, layout);
	if (error == 0)
		error = bundle_read_plugins(bundle, fd, diagnostics);
	if (error < 0)
		kext_bundle_unref(bundle);
	else
		*ret_bundle = bundle;
	return error;
}

int bundle_open_at(struct kext_context *context, int dirfd, const char *entry,
		   const char *name, const char *real_path,
		   struct kext_diagnostics *diagnostics, struct kext_bundle **ret_bundle)
{
	char path[PATH_MAX];
	_cleanup_fd_ int fd = openat(dirfd, entry, READ_FLAGS | O_DIRECTORY);
	if (fd < 0)
		return fail_to_open(-errno, name, diagnostics);
	int error = check_path(fd, name, real_path, diagnostics, path);
	return error < 0 ? error
			 : open_folder(context, fd, name, path, diagnostics, ret_bundle);
}

int kext_bundle_open(struct kext_context *context, const char *path,
		     struct kext_diagnostics *diagnostics,
		     struct kext_bundle **ret_bundle)
{
	return bundle_open_at(context, AT_FDCWD, path, path, NULL, diagnostics,
			      ret_bundle);
}

int bundle_reopen(const struct kext_bundle *bundle, struct kext_diagnostics *diagnostics)
{
	struct stat stat;
	int fd = open(bundle->path, READ_FLAGS | O_DIRECTORY | O_NOFOLLOW);
	if (fd < 0)
		return fail_to_open(-errno, bundle->name, diagnostics);
	if (fstat(fd, &stat) == 0 && stat.st_dev == bundle->folder.device &&
	    stat.st_ino == bundle->folder.inode)
		return fd;
	file_close(fd);
	kext_diagnose(diagnostics, KEXT_ERROR, "bundle.replaced", bundle->name,
		      "try again",
		      "another folder stands here than the one that was opened");
	return KEXT_ERR_VALIDATION;
}

/* The file beside `relative` whose name differs in case alone; free(), or NULL. */
static char *in_other_case(int folder, const char *relative)
{
	const char *slash = strrchr(relative, '/');
	const char *name = slash ? slash + 1 : relative;
	_cleanup_free_ char *parent = mem_format(
		"%.*s", slash ? (int)(slash - relative) : 1, slash ? relative : ".");
	int fd = parent ? file_open_beneath(folder, parent, READ_FLAGS | O_DIRECTORY, 0)
			: -ENOMEM;
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	char *found = NULL;
	if (!stream)
		file_close(fd);
	for (struct dirent *entry; stream && !found && (entry = readdir(stream));) {
		if (strcasecmp(entry->d_name, name) == 0)
			found = mem_string(entry->d_name);
	}
	if (stream)
		closedir(stream);
	return found;
}

static int fail_to_map(int error, int folder, const struct kext_bundle *bundle,
		       struct kext_diagnostics *diagnostics)
{
	if (error != -ENOENT && error != -ENOTDIR)
		return fail_to_read(error, bundle->name, bundle->executable_path,
				    BUNDLE_EXECUTABLE_LIMIT, diagnostics);
	/* Darwin's file systems usually take one for the other. */
	_cleanup_free_ char *other = in_other_case(folder, bundle->executable_path);
	_cleanup_free_ char *hint =
		other ? mem_format("rename %s, which differs in case only", other) : NULL;
	kext_diagnose_value(diagnostics, KEXT_ERROR, "executable.missing", bundle->name,
			    bundle->executable_path,
			    hint ? hint
				 : "put the executable there or correct "
				   "CFBundleExecutable",
			    "CFBundleExecutable names %s, which does not exist",
			    bundle->executable_path);
	return KEXT_ERR_NOT_FOUND;
}

/* What authentication has seen must be what is read after it. */
static int map_executable(struct kext_bundle *bundle,
			  struct kext_diagnostics *diagnostics, struct file_map *ret)
{
	_cleanup_fd_ int folder = bundle_reopen(bundle, diagnostics);
	if (folder < 0)
		return folder;
	int error = map_beneath(folder, bundle->executable_path, BUNDLE_EXECUTABLE_LIMIT,
				ret);
	if (error < 0)
		return fail_to_map(error, folder, bundle, diagnostics);
	struct file_identity identity = file_identity_of(&ret->stat);
	if (bundle->executable_file.is_known &&
	    !file_identity_equal(&bundle->executable_file, &identity)) {
		file_unmap(ret);
		kext_diagnose(diagnostics, KEXT_ERROR, "auth.changed", bundle->name,
			      "try again",
			      "%s was replaced after its owner had been checked",
			      bundle->executable_path);
		return KEXT_ERR_AUTHENTICATION;
	}
	bundle->executable_file = identity;
	return 0;
}
