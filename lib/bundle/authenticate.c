/*
 * Who could have written a bundle: the owner and mode of every file and folder in it,
 * walked by descriptor and never through a link, and whether what was read is what stands
 * there. The instance of root wants 0:0 as Darwin does; that of a user accepts his files
 * and root's, of whatever group, since no group may write.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/memory.h"
#include "bundle/bundle.h"

#define DEPTH_LIMIT 32u
#define COUNT_LIMIT 1000000u

struct walk {
	struct kext_bundle *bundle;
	uid_t owner;
	struct kext_diagnostics *diagnostics;
	bool warns_of_links, is_tiger;
	size_t count;
	bool is_authentic;
	int error; /* -ENOMEM */
};

static void reject(struct walk *walk, const char *slug, const char *subject,
		   const char *hint, const char *what)
{
	kext_diagnose(walk->diagnostics, KEXT_ERROR, slug, subject, hint, "%s", what);
	walk->is_authentic = false;
}

static bool is_owner_right(const struct walk *walk, const struct stat *stat)
{
	if (walk->owner == 0)
		return stat->st_uid == 0 && stat->st_gid == 0;
	return stat->st_uid == walk->owner || stat->st_uid == 0;
}

static void check_owner(struct walk *walk, const char *subject, const struct stat *stat)
{
	char what[160], hint[96];
	if (is_owner_right(walk, stat))
		return;
	if (walk->owner == 0)
		snprintf(what, sizeof(what),
			 "is owned by %u:%u, but must be owned by 0:0 "
			 "(root:wheel)",
			 stat->st_uid, stat->st_gid);
	else
		snprintf(what, sizeof(what),
			 "is owned by user %u, but must be owned by user "
			 "%u or root",
			 stat->st_uid, walk->owner);
	if (walk->owner == 0)
		snprintf(hint, sizeof(hint), "chown -R 0:0 the kext");
	else
		snprintf(hint, sizeof(hint), "copy the kext, so that the copy is yours");
	reject(walk, "auth.owner", subject, hint, what);
}

/* The mode of a symbolic link means nothing. */
static void check_mode(struct walk *walk, const char *subject, const struct stat *stat)
{
	char what[96];
	if (S_ISLNK(stat->st_mode) || !(stat->st_mode & (S_IWGRP | S_IWOTH)))
		return;
	snprintf(what, sizeof(what),
		 "has mode %04o, but must not be writable by group or "
		 "others",
		 stat->st_mode & 07777);
	reject(walk, "auth.mode", subject, "chmod -R go-w the kext", what);
}

/* What stands at the place of a file that was read must be that file. */
static void check_identity(struct walk *walk, const char *subject, const char *relative,
			   const struct stat *stat)
{
	struct kext_bundle *bundle = walk->bundle;
	struct file_identity found = file_identity_of(stat);
	struct file_identity *read = NULL;
	char info[64];
	snprintf(info, sizeof(info), "%sInfo.plist", bundle->base);
	if (strcmp(relative, info) == 0)
		read = &bundle->info_file;
	else if (bundle->executable_path &&
		 strcmp(relative, bundle->executable_path) == 0)
		read = &bundle->executable_file;
	if (!read)
		return;
	if (!read->is_known)
		*read = found; /* read later: it must be this one */
	else if (!file_identity_equal(read, &found))
		reject(walk, "auth.changed", subject, "try again",
		       "was replaced or changed after it had been read");
}

static void check_entry(struct walk *walk, const char *relative, const struct stat *stat)
{
	const char *name = walk->bundle->name;
	_cleanup_free_ char *subject =
		*relative ? mem_format("%s/%s", name, relative) : mem_string(name);
	if (!subject) {
		walk->error = -ENOMEM;
		return;
	}
	check_owner(walk, subject, stat);
	check_mode(walk, subject, stat);
	check_identity(walk, subject, relative, stat);
	if (S_ISLNK(stat->st_mode) && walk->warns_of_links)
		kext_diagnose(walk->diagnostics, KEXT_WARNING, "auth.symlink", subject,
			      "replace it by what it leads to",
			      "is a symbolic link, which a booter does not follow");
}

/* Droppings of Finder and of archivers, which nobody reads. */
static bool is_ignored(const struct walk *walk, const char *relative, const char *name,
		       const struct stat *stat)
{
	const char *executable = walk->bundle->executable_path;
	if (executable && strcmp(relative, executable) == 0)
		return false;
	if (S_ISREG(stat->st_mode))
		return strcmp(name, ".DS_Store") == 0 || strncmp(name, "._", 2) == 0;
	return S_ISDIR(stat->st_mode) && strcmp(name, "__MACOSX") == 0;
}

static bool leads_to(const char *relative, const char *path)
{
	size_t length = strlen(relative);
	return path && strncmp(relative, path, length) == 0 &&
	       (path[length] == '/' || path[length] == '\0');
}

/* Tiger looked at what it read, and at the folders above that. */
static bool is_examined(const struct walk *walk, const char *relative)
{
	char info[64];
	snprintf(info, sizeof(info), "%sInfo.plist", walk->bundle->base);
	return !walk->is_tiger || leads_to(relative, info) ||
	       leads_to(relative, walk->bundle->executable_path);
}

/* Plug-ins are kexts of their own, and judged when they are loaded. */
static bool is_plugin_folder(const struct walk *walk, const char *relative)
{
	size_t length = strlen(walk->bundle->base);
	return strncmp(relative, walk->bundle->base, length) == 0 &&
	       strcmp(relative + length, "PlugIns") == 0;
}

static void fail(struct walk *walk, const char *slug, const char *relative, int error)
{
	_cleanup_free_ char *subject = mem_format("%s/%s", walk->bundle->name, relative);
	reject(walk, error == -ENOENT ? "auth.not-found" : slug,
	       subject ? subject : walk->bundle->name, NULL, kext_error_string(error));
}

static void walk_folder(struct walk *walk, int fd, const char *relative, unsigned depth);

/* Opens first and judges what was opened, so that nothing can be exchanged in between. */
static void walk_subfolder(struct walk *walk, int parent, const char *name,
			   const char *relative, unsigned depth)
{
	struct stat stat;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat) < 0) {
		fail(walk, "auth.access", relative, -errno);
		file_close(fd);
		return;
	}
	check_entry(walk, relative, &stat);
	walk_folder(walk, fd, relative, depth + 1);
}

static void walk_entry(struct walk *walk, int parent, const char *prefix,
		       const char *name, unsigned depth)
{
	struct stat stat;
	_cleanup_free_ char *relative =
		mem_format("%s%s%s", prefix, *prefix ? "/" : "", name);
	if (!relative)
		walk->error = -ENOMEM;
	else if (fstatat(parent, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		fail(walk, "auth.stat", relative, -errno);
	else if (!is_examined(walk, relative) || is_ignored(walk, relative, name, &stat))
		return;
	else if (S_ISDIR(stat.st_mode) && is_plugin_folder(walk, relative))
		return;
	else if (S_ISDIR(stat.st_mode))
		walk_subfolder(walk, parent, name, relative, depth);
	else
		check_entry(walk, relative, &stat);
}

/* Takes over the descriptor. */
static void walk_folder(struct walk *walk, int fd, const char *relative, unsigned depth)
{
	DIR *stream = depth < DEPTH_LIMIT ? fdopendir(fd) : NULL;
	if (!stream) {
		if (depth < DEPTH_LIMIT)
			fail(walk, "auth.access", relative, -errno);
		else
			reject(walk, "auth.depth", walk->bundle->name, NULL,
			       "holds folders that are nested too deeply to be checked");
		file_close(fd);
		return;
	}
	for (struct dirent *entry; walk->error == 0 && (entry = readdir(stream));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (++walk->count > COUNT_LIMIT) {
			reject(walk, "auth.depth", walk->bundle->name, NULL,
			       "holds too many files to be checked");
			break;
		}
		walk_entry(walk, fd, relative, entry->d_name, depth);
	}
	closedir(stream);
}

/* A file that was read and is gone now was not met on the walk. */
static void check_presence(struct walk *walk, int folder)
{
	struct kext_bundle *bundle = walk->bundle;
	char info[64];
	snprintf(info, sizeof(info), "%sInfo.plist", bundle->base);
	if (faccessat(folder, info, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		fail(walk, "auth.stat", info, -errno);
	if (bundle->executable_path &&
	    faccessat(folder, bundle->executable_path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		fail(walk, "auth.stat", bundle->executable_path, -errno);
}

int bundle_authenticate_folder(struct kext_bundle *bundle, uid_t owner,
			       struct kext_diagnostics *diagnostics)
{
	struct walk walk = {.bundle = bundle,
			    .owner = owner,
			    .diagnostics = diagnostics,
			    .is_authentic = true};
	struct stat stat;
	walk.is_tiger = bundle_era(bundle) == KEXT_ERA_TIGER;
	walk.warns_of_links =
		!walk.is_tiger && kext_bundle_property(bundle, "OSBundleRequired",
						       kext_arch_host()) != NULL;
	int fd = bundle_reopen(bundle, diagnostics);
	if (fd < 0)
		return fd == -ENOMEM ? fd : KEXT_ERR_AUTHENTICATION;
	if (fstat(fd, &stat) < 0) {
		file_close(fd);
		return KEXT_ERR_AUTHENTICATION;
	}
	pthread_mutex_lock(&bundle->lock);
	check_entry(&walk, "", &stat);
	check_presence(&walk, fd);
	walk_folder(&walk, fd, "", 0);
	pthread_mutex_unlock(&bundle->lock);
	if (walk.error < 0)
		return walk.error;
	return walk.is_authentic ? 0 : KEXT_ERR_AUTHENTICATION;
}
