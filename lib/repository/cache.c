/* Places and stamps of identifier caches; see cache.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include "base/memory.h"
#include "repository/cache.h"

char *cache_path_of(const struct kext_context *context, const char *real_path)
{
	const char *root = kext_context_root(context);
	size_t length = strlen(root);
	while (length && root[length - 1] == '/')
		length--;
	if (strncmp(real_path, root, length) == 0 && real_path[length] == '/')
		real_path += length;
	return mem_format("%s/Directories%s/%s", CACHE_FOLDER, real_path,
			  CACHE_IDENTIFIERS);
}

int cache_open_root(const struct kext_context *context)
{
	int fd = open(kext_context_root(context), O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
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
