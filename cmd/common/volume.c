/* Updating a volume's boot cache; see volume.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include "common/print.h"
#include "common/volume.h"

#define PLIST_LIMIT (1u << 20)
#define MAX_FOLDERS 16u
#define MAX_ARCHS   8u

struct volume {
	const char *path;
	struct kext_value *plist;
	const struct kext_value *cache; /* its description, in plist */
	struct cachefile file;
	struct option_list folders;
	const struct kext_arch *archs[MAX_ARCHS];
	char *texts[MAX_FOLDERS + 4]; /* paths made here */
	size_t text_count;
};

/* ---- the property list ---- */

static int read_plist(struct volume *volume)
{
	char path[4096];
	struct stat st;
	snprintf(path, sizeof(path), "%s/usr/standalone/bootcaches.plist", volume->path);
	int fd = open(path, O_RDONLY | O_CLOEXEC), status = EX_OK;
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		print_error("%s: no bootcaches.plist; skipping", volume->path);
		return EX_OK;
	}
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > PLIST_LIMIT) {
		print_error("%s: cannot be read", path);
		if (fd >= 0)
			close(fd);
		return EX_NOINPUT;
	}
	char *text = malloc((size_t)st.st_size + 1);
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	ssize_t size = text ? read(fd, text, (size_t)st.st_size) : -1;
	if (size < 0 || kext_value_from_xml(text, (size_t)size, path, diagnostics,
					    &volume->plist) < 0) {
		print_diagnostics(diagnostics, KEXT_ERROR);
		status = EX_DATAERR;
	}
	kext_diagnostics_free(diagnostics);
	free(text);
	close(fd);
	return status;
}

/* The first of these that is described is the volume's cache. */
static bool choose_cache(struct volume *volume)
{
	static const struct {
		const char *key;
		enum cachefile_kind kind;
	} kinds[] = {
		{"Kernelcache v1.4", CACHEFILE_PRELINKED},
		{"Kernelcache v1.3", CACHEFILE_PRELINKED},
		{"Kernelcache v1.2", CACHEFILE_PRELINKED},
		{"Kernelcache v1.1", CACHEFILE_PRELINKED},
		{"MKext2", CACHEFILE_MKEXT2},
		{"MKext", CACHEFILE_MKEXT1},
	};
	const struct kext_value *paths = kext_value_get(volume->plist, "PostBootPaths");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		volume->cache = kext_value_get(paths, kinds[i].key);
		volume->file.kind = kinds[i].kind;
		if (kext_value_is(volume->cache, KEXT_VALUE_DICTIONARY))
			return true;
	}
	return false;
}

static bool leads_up(const char *path)
{
	for (const char *at = path; at; at = strchr(at, '/')) {
		at += strspn(at, "/");
		if (strncmp(at, "..", 2) == 0 && (!at[2] || at[2] == '/'))
			return true;
	}
	return false;
}

/* A path on the volume; NULL for what leads out of it. */
static const char *on_volume(struct volume *volume, const char *path)
{
	char *text;
	if (!path || leads_up(path) ||
	    volume->text_count == sizeof(volume->texts) / sizeof(*volume->texts))
		return NULL;
	if (asprintf(&text, "%s/%s", volume->path, path + (*path == '/')) < 0)
		exit(EX_OSERR);
	volume->texts[volume->text_count++] = text;
	return text;
}

static void read_folders(struct volume *volume)
{
	const struct kext_value *folders = kext_value_get(volume->cache, "ExtensionsDir");
	bool is_text = kext_value_is(folders, KEXT_VALUE_STRING);
	size_t count = is_text ? 1 : kext_value_count(folders);
	for (size_t i = 0; i < count && i < MAX_FOLDERS; i++) {
		const char *path = on_volume(
			volume,
			kext_value_string(is_text ? folders : kext_value_at(folders, i)));
		struct stat st;
		if (path && stat(path, &st) == 0)
			option_list_add(&volume->folders, path);
	}
}

static int read_archs(struct volume *volume)
{
	const struct kext_value *names = kext_value_get(volume->cache, "Archs");
	size_t count = kext_value_count(names);
	volume->file.archs = volume->archs;
	volume->archs[0] = kext_arch_host();
	volume->file.arch_count = count ? 0 : 1;
	for (size_t i = 0; i < count && i < MAX_ARCHS; i++) {
		const char *name = kext_value_string(kext_value_at(names, i));
		const struct kext_arch *arch = name ? kext_arch_named(name) : NULL;
		if (!arch) {
			print_error("%s: bootcaches.plist names an unknown CPU arch %s",
				    volume->path, name ? name : "(no text)");
			return EX_DATAERR;
		}
		volume->archs[volume->file.arch_count++] = arch;
	}
	return EX_OK;
}

/* Whether the description is complete. */
static int describe(struct volume *volume, const struct cachefile *base)
{
	const struct kext_value *cache = volume->cache;
	const char *compression =
		kext_value_string(kext_value_get(cache, "Preferred Compression"));
	struct cachefile *file = &volume->file;
	enum cachefile_kind kind = file->kind;
	*file = *base;
	file->kind = kind;
	file->path = on_volume(volume, kext_value_string(kext_value_get(cache, "Path")));
	file->kernel =
		on_volume(volume, kext_value_string(kext_value_get(cache, "KernelPath")));
	file->volume_root = volume->path;
	file->compression = compression && strcmp(compression, "lzvn") == 0
				    ? KEXT_COMPRESSION_LZVN
				    : KEXT_COMPRESSION_LZSS;
	read_folders(volume);
	file->pick.operands = &volume->folders;
	file->pick.folder_filter = PICK_LOCAL_ROOT;
	if (!file->path || !volume->folders.count) {
		print_error("%s: bootcaches.plist describes no cache; skipping",
			    volume->path);
		return EX_DATAERR;
	}
	return read_archs(volume);
}

/* ---- staleness ---- */

static bool is_stale(const struct cachefile *file)
{
	struct stat st;
	return stat(file->path, &st) < 0 || !S_ISREG(st.st_mode) ||
	       st.st_mtim.tv_sec != cachefile_time(file->pick.operands, file->kernel);
}

static int update(struct volume *volume, struct kext_context *context, bool force,
		  const struct cachefile *base)
{
	struct stat st;
	if (!choose_cache(volume)) {
		print_error("%s: bootcaches.plist describes no cache known here; "
			    "skipping",
			    volume->path);
		return EX_OK;
	}
	int status = describe(volume, base);
	if (status != EX_OK)
		return status;
	if (volume->file.kind == CACHEFILE_PRELINKED &&
	    (!volume->file.kernel || stat(volume->file.kernel, &st) < 0)) {
		print_error("%s: has no kernel; nothing to rebuild", volume->path);
		return EX_OK;
	}
	if (!force && !is_stale(&volume->file)) {
		if (base->pick.level > 0)
			print_error("%s: the boot cache is up to date", volume->path);
		return EX_OK;
	}
	status = cachefile_make(context, &volume->file);
	return status == EX_OK ? VOLUME_UPDATED : status;
}

int volume_update(struct kext_context *context, const char *path, bool force,
		  const struct cachefile *base)
{
	struct volume volume = {.path = path};
	struct stat st;
	if (stat(path, &st) < 0) {
		print_error("%s: %s", path, strerror(errno));
		return EX_NOINPUT;
	}
	int status = read_plist(&volume);
	if (status == EX_OK && volume.plist)
		status = update(&volume, context, force, base);
	while (volume.text_count)
		free(volume.texts[--volume.text_count]);
	free(volume.folders.items);
	kext_value_unref(volume.plist);
	return status;
}
