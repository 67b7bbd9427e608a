/* Places and stamps of identifier caches; see cache.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "repository/cache.h"

/* The path below the context's root, or NULL for one outside of it. */
static const char *below_root(const struct kext_context *context, const char *real_path)
{
	const char *root = kext_context_root(context);
	size_t length = strlen(root);
	while (length && root[length - 1] == '/')
		length--;
	bool is_below = strncmp(real_path, root, length) == 0 && real_path[length] == '/';
	return is_below ? real_path + length : NULL;
}

int cache_open_root(const struct kext_context *context)
{
	int fd = open(kext_context_root(context), O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Identifier caches are kept in one place; a repository cache lies beside its folder. */
int cache_locate(const struct kext_context *context, enum cache_kind kind,
		 const char *real_path, int *ret_root, char **ret_path)
{
	const char *below = below_root(context, real_path);
	bool is_outside = kind == CACHE_OF_REPOSITORY && !below;
	if (!below)
		below = real_path;
	char *path = kind == CACHE_OF_REPOSITORY
			     ? mem_format("%s.kextcache", below + strspn(below, "/"))
			     : mem_format("%s/Directories%s/%s", CACHE_FOLDER, below,
					  CACHE_IDENTIFIERS);
	if (!path)
		return -ENOMEM;
	int root = is_outside ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)
			      : cache_open_root(context);
	if (root < 0) {
		int error = is_outside ? -errno : root;
		free(path);
		return error;
	}
	*ret_root = root;
	*ret_path = path;
	return 0;
}

/* Inode, size and times of one file; "-" when it is not there. */
static bool add_file(int folder, const char *relative, const char *name,
		     char text[CACHE_STAMP_MAX], struct stat *ret)
{
	_cleanup_free_ char *path = mem_format("%s/%s", relative, name);
	size_t length = strlen(text);
	struct stat st = {0};
	bool is_there = path && fstatat(folder, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (is_there)
		snprintf(text + length, CACHE_STAMP_MAX - length,
			 "%llx:%llu:%llu:%lld.%09ld:%lld.%09ld;",
			 (unsigned long long)st.st_dev, (unsigned long long)st.st_ino,
			 (unsigned long long)st.st_size, (long long)st.st_mtim.tv_sec,
			 st.st_mtim.tv_nsec, (long long)st.st_ctim.tv_sec,
			 st.st_ctim.tv_nsec);
	else
		snprintf(text + length, CACHE_STAMP_MAX - length, "-;");
	*ret = st;
	return is_there;
}

bool cache_stamp(int folder, const char *relative, char text[CACHE_STAMP_MAX])
{
	static const struct {
		const char *info, *base, *plugins;
	} layouts[] = {
		{"Contents/Info.plist", "Contents", "Contents/PlugIns"},
		{"Info.plist", ".", "PlugIns"},
		{"Support Files/Info.plist", "Support Files", "Support Files/PlugIns"},
	};
	struct stat st;
	text[0] = '\0';
	if (!add_file(folder, relative, ".", text, &st) || !S_ISDIR(st.st_mode) ||
	    fstatat(folder, relative, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISDIR(st.st_mode))
		return false;
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
		if (!add_file(folder, relative, layouts[i].info, text, &st))
			continue;
		if (!S_ISREG(st.st_mode))
			return false;
		add_file(folder, relative, layouts[i].base, text, &st);
		add_file(folder, relative, layouts[i].plugins, text, &st);
		return strlen(text) < CACHE_STAMP_MAX - 1;
	}
	return false;
}

bool cache_folder_stamp(int folder, char text[CACHE_STAMP_MAX])
{
	struct stat st;
	text[0] = '\0';
	return add_file(folder, ".", ".", text, &st) && S_ISDIR(st.st_mode);
}
