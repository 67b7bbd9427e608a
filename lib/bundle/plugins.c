/* The kexts inside a kext: one level of PlugIns, sorted by name. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/memory.h"
#include "bundle/bundle.h"

#define PLUGIN_LIMIT 4096u

static bool is_plugin_name(const char *name)
{
	size_t length = strlen(name);
	return *name != '.' && length > 5 && strcmp(name + length - 5, ".kext") == 0;
}

/* Links are left out as everywhere inside a bundle. */
static bool is_folder(int fd, const struct dirent *entry)
{
	struct stat stat;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(fd, entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(stat.st_mode);
}

static int add_plugin(struct kext_bundle *bundle, const char *name)
{
	char **place = array_push(&bundle->plugins);
	if (!place)
		return -ENOMEM;
	*place = mem_format("%s/%sPlugIns/%s", bundle->path, bundle->base, name);
	return *place ? 0 : -ENOMEM;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_plugins(struct kext_bundle *bundle, DIR *stream)
{
	int error = 0;
	for (struct dirent *entry; error == 0 && (entry = readdir(stream));) {
		if (bundle->plugins.count < PLUGIN_LIMIT &&
		    is_plugin_name(entry->d_name) && is_folder(dirfd(stream), entry))
			error = add_plugin(bundle, entry->d_name);
	}
	if (error == 0 && bundle->plugins.count)
		qsort(bundle->plugins.items, bundle->plugins.count, sizeof(char *),
		      compare_texts);
	return error;
}

int bundle_read_plugins(struct kext_bundle *bundle, int fd,
			struct kext_diagnostics *diagnostics)
{
	char relative[64];
	if (strstr(bundle->path, ".kext/"))
		return 0; /* it is a plug-in itself */
	snprintf(relative, sizeof(relative), "%sPlugIns", bundle->base);
	int folder =
		file_open_beneath(fd, relative, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (folder == -ENOENT)
		return 0;
	DIR *stream = folder < 0 ? NULL : fdopendir(folder);
	if (!stream) {
		kext_diagnose(diagnostics, KEXT_WARNING, "file.access", bundle->name,
			      NULL, "plug-ins are left out: %s cannot be read: %s",
			      relative, kext_error_string(folder < 0 ? folder : -errno));
		file_close(folder);
		return 0;
	}
	int error = list_plugins(bundle, stream);
	closedir(stream);
	return error;
}
