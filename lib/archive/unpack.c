/*
 * Writes a kext of an archive as a bundle: property list and executable, complete in a
 * temporary folder, which then takes the bundle's name. What stands there is kept, or
 * replaced as a whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "archive/archive.h"
#include "archive/staging.h"
#include "base/file.h"
#include "base/memory.h"
#include "bundle/archived.h"

struct unpacking {
	const struct kext_archive *archive;
	const struct archive_entry *entry;
	const char *subject; /* where the bundle goes, for messages */
	struct kext_diagnostics *diagnostics;
};

static int refuse_path(const struct unpacking *u, const char *what, const char *path)
{
	size_t length = strlen(path);
	kext_diagnose(u->diagnostics, KEXT_ERROR, "archive.path", u->archive->subject,
		      NULL, "%s has the %s \"%.200s%s\", which %s; it is not unpacked",
		      kext_bundle_identifier(u->entry->bundle), what, path,
		      length > 200 ? "..." : "",
		      length >= PATH_MAX ? "is longer than a path can be"
					 : "leads out of the bundle's place");
	return KEXT_ERR_BAD_DATA;
}

/* Nothing that an archive says may lead out of the folder it is unpacked to. */
static int check_paths(const struct unpacking *u)
{
	struct kext_bundle *bundle = u->entry->bundle;
	const char *executable = kext_bundle_executable_path(bundle);
	if (u->entry->has_unsafe_path)
		return refuse_path(u, "bundle path", kext_bundle_path(bundle));
	if (executable && !archive_is_safe_path(executable))
		return refuse_path(u, "executable path", executable);
	array_for_each (resource, &u->entry->resources)
		if (!archive_is_safe_path(resource->name))
			return refuse_path(u, "resource", resource->name);
	return 0;
}

static int write_failed(const struct unpacking *u, const char *what, int error)
{
	kext_diagnose(u->diagnostics, KEXT_ERROR, "archive.write", u->subject, NULL,
		      "cannot write %s: %s", what, kext_error_string(error));
	return error;
}

/* Flat bundles keep their property list at the top, all others in Contents. */
static const char *plist_path(const struct kext_bundle *bundle)
{
	const char *executable = kext_bundle_executable_path(bundle);
	bool is_flat = executable && strncmp(executable, "Contents/", 9) != 0;
	return is_flat ? "Info.plist" : "Contents/Info.plist";
}

static int write_plist(const struct unpacking *u, int fd)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	const char *path = plist_path(u->entry->bundle);
	int error = kext_value_to_xml(kext_bundle_info(u->entry->bundle), KEXT_XML_PLIST,
				      &text, &size);
	if (error == 0)
		error = staging_write(fd, path, text, size, 0644);
	return error < 0 ? write_failed(u, path, error) : 0;
}

static int nameless(const struct unpacking *u)
{
	kext_diagnose(u->diagnostics, KEXT_ERROR, "archive.executable",
		      u->archive->subject, NULL,
		      "%s has an executable but no CFBundleExecutable that names it",
		      kext_bundle_identifier(u->entry->bundle));
	return KEXT_ERR_BAD_DATA;
}

/* Made for this once, so that it need not be kept. Without an origin there is no code,
 * whatever the property list says. */
static int write_executable(const struct unpacking *u, int fd)
{
	const char *path = kext_bundle_executable_path(u->entry->bundle);
	struct bundle_origin *origin = bundle_origin(u->entry->bundle);
	_cleanup_free_ uint8_t *data = NULL;
	size_t size;
	if (!origin)
		return 0;
	if (!path)
		return nameless(u);
	int error = origin->make(origin, u->diagnostics, &data, &size);
	if (error < 0)
		return error;
	error = staging_write(fd, path, data, size, 0755);
	return error < 0 ? write_failed(u, path, error) : 0;
}

static int write_resource(const struct unpacking *u, int fd,
			  const struct archive_resource *resource)
{
	bool is_flat = strncmp(plist_path(u->entry->bundle), "Contents/", 9) != 0;
	_cleanup_free_ uint8_t *data = NULL;
	_cleanup_free_ char *path =
		mem_format("%sResources/%s", is_flat ? "" : "Contents/", resource->name);
	if (!path)
		return -ENOMEM;
	int error = packed_expand(&resource->file, u->archive->subject,
				  kext_bundle_identifier(u->entry->bundle),
				  u->diagnostics, &data);
	if (error < 0)
		return error;
	error = staging_write(fd, path, data, resource->file.size, 0644);
	return error < 0 ? write_failed(u, path, error) : 0;
}

static int write_resources(const struct unpacking *u, int fd)
{
	array_for_each (resource, &u->entry->resources) {
		int error = write_resource(u, fd, resource);
		if (error < 0)
			return error;
	}
	return 0;
}

static int exists_already(const struct unpacking *u)
{
	kext_diagnose(u->diagnostics, KEXT_ERROR, "archive.exists", u->subject,
		      "--force replaces it", "exists already");
	return -EEXIST;
}

static int publish(const struct unpacking *u, int dirfd, const char *temporary,
		   unsigned flags)
{
	bool is_forced = flags & KEXT_UNPACK_FORCE;
	int error = staging_publish(dirfd, temporary, u->entry->folder_name, is_forced);
	if (error == -EEXIST)
		return exists_already(u);
	if (error == -ELOOP || error == -ENOTDIR)
		kext_diagnose(u->diagnostics, KEXT_ERROR, "archive.exists", u->subject,
			      "move it away",
			      "%s stands where the bundle belongs; it is not replaced",
			      error == -ELOOP ? "a symbolic link" : "a file");
	else if (error < 0)
		return write_failed(u, "the bundle's folder", error);
	return error;
}

/* What need not be written to find out: saves the work, the rename decides all the same.
 */
static bool is_in_the_way(const struct unpacking *u, int dirfd, unsigned flags)
{
	struct stat stat;
	return fstatat(dirfd, u->entry->folder_name, &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
	       !(flags & KEXT_UNPACK_FORCE);
}

static int unpack(const struct unpacking *u, int dirfd, unsigned flags)
{
	_cleanup_free_ char *temporary = NULL;
	int error = check_paths(u);
	if (error < 0)
		return error;
	if (is_in_the_way(u, dirfd, flags))
		return exists_already(u);
	_cleanup_fd_ int fd = staging_begin(dirfd, u->entry->folder_name, &temporary);
	if (fd < 0)
		return write_failed(u, "the bundle's folder", fd);
	error = write_plist(u, fd);
	if (error == 0)
		error = write_executable(u, fd);
	if (error == 0)
		error = write_resources(u, fd);
	if (error == 0)
		error = publish(u, dirfd, temporary, flags);
	if (error < 0)
		staging_remove(dirfd, temporary);
	return error;
}

/* Where a plug-in goes: "Parent.kext/Contents/PlugIns", of its parents too. */
static char *plugins_folder(const struct kext_archive *archive, size_t parent)
{
	const struct archive_entry *entry = &archive->entries.items[parent];
	const char *folder = entry->folder_name;
	const char *inside = strncmp(plist_path(entry->bundle), "Contents/", 9) == 0
				     ? "/Contents/PlugIns"
				     : "/PlugIns";
	if (entry->parent == ARCHIVE_NO_PARENT)
		return mem_format("%s%s", folder, inside);
	_cleanup_free_ char *outer = plugins_folder(archive, entry->parent);
	return outer ? mem_format("%s/%s%s", outer, folder, inside) : NULL;
}

/* Opens the parent's folder of plug-ins, which may have to be made. */
static int open_plugins(int dirfd, char *path)
{
	char *slash = strrchr(path, '/');
	*slash = '\0';
	_cleanup_fd_ int fd = file_open_beneath(dirfd, path, O_RDONLY | O_DIRECTORY, 0);
	*slash = '/';
	if (fd < 0)
		return fd;
	if (mkdirat(fd, slash + 1, 0755) < 0 && errno != EEXIST)
		return -errno;
	return file_open_beneath(fd, slash + 1, O_RDONLY | O_DIRECTORY, 0);
}

static int unpack_nested(struct unpacking *u, int dirfd, const char *folder,
			 unsigned flags)
{
	_cleanup_free_ char *path = plugins_folder(u->archive, u->entry->parent);
	_cleanup_free_ char *subject =
		path ? mem_format("%s/%s/%s", folder, path, u->entry->folder_name) : NULL;
	if (!subject)
		return -ENOMEM;
	u->subject = subject;
	_cleanup_fd_ int fd = open_plugins(dirfd, path);
	return fd < 0 ? write_failed(u, "its parent's folder of plug-ins", fd)
		      : unpack(u, fd, flags);
}

void archive_drop_plugins(const struct kext_archive *archive, size_t index, int dirfd)
{
	const struct archive_entry *entry = &archive->entries.items[index];
	_cleanup_free_ char *path = plugins_folder(archive, entry->parent);
	char *slash = path ? strrchr(path, '/') : NULL;
	if (!slash)
		return;
	*slash = '\0';
	_cleanup_fd_ int fd = file_open_beneath(dirfd, path, O_RDONLY | O_DIRECTORY, 0);
	if (fd >= 0)
		unlinkat(fd, slash + 1, AT_REMOVEDIR);
}

int kext_archive_unpack(const struct kext_archive *archive, size_t index, int dirfd,
			const char *folder, unsigned flags,
			struct kext_diagnostics *diagnostics)
{
	if (index >= archive->entries.count)
		return KEXT_ERR_INVALID_ARGUMENT;
	const struct archive_entry *entry = &archive->entries.items[index];
	_cleanup_free_ char *subject = mem_format("%s/%s", folder, entry->folder_name);
	if (!subject)
		return -ENOMEM;
	struct unpacking unpacking = {archive, entry, subject, diagnostics};
	if (flags & KEXT_UNPACK_NESTED && entry->parent != ARCHIVE_NO_PARENT)
		return unpack_nested(&unpacking, dirfd, folder, flags);
	return unpack(&unpacking, dirfd, flags);
}
