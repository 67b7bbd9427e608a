/* Reading bootcaches.plist; see bootcaches.h. A volume is a stranger's: it names no file
 * outside of itself, by .. or by symbolic links. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include "common/bootcaches.h"
#include "common/print.h"

#define PLIST_LIMIT (1u << 20)
#define MAX_FOLDERS 16u

/* ---- the property list ---- */

static char *format_path(const char *folder, const char *name)
{
	char *text;
	if (asprintf(&text, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name) < 0)
		exit(EX_OSERR);
	return text;
}

static int parse(struct bootcaches *boot, const char *path, int fd, size_t size)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	char *text = malloc(size + 1);
	ssize_t got = text ? read(fd, text, size) : -1;
	int status = EX_OK;
	if (got < 0 ||
	    kext_value_from_xml(text, (size_t)got, path, diagnostics, &boot->plist) < 0) {
		print_diagnostics(diagnostics, KEXT_ERROR);
		status = EX_DATAERR;
	}
	kext_diagnostics_free(diagnostics);
	free(text);
	return status;
}

static int read_plist(struct bootcaches *boot)
{
	char *path = format_path(boot->volume, "usr/standalone/bootcaches.plist");
	struct stat st;
	int status = EX_OK;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		free(path);
		return EX_OK;
	}
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > PLIST_LIMIT) {
		print_error("%s: cannot be read", path);
		status = EX_NOINPUT;
	} else {
		status = parse(boot, path, fd, (size_t)st.st_size);
	}
	if (fd >= 0)
		close(fd);
	free(path);
	return status;
}

/* The first of these that is described is the volume's cache. */
static const struct kext_value *choose_cache(struct bootcaches *boot)
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
	const struct kext_value *paths = kext_value_get(boot->plist, "PostBootPaths");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const struct kext_value *cache = kext_value_get(paths, kinds[i].key);
		boot->kind = kinds[i].kind;
		if (kext_value_is(cache, KEXT_VALUE_DICTIONARY))
			return cache;
	}
	return NULL;
}

/* ---- paths ---- */

static bool leads_up(const char *path)
{
	for (const char *at = path; at; at = strchr(at, '/')) {
		at += strspn(at, "/");
		if (strncmp(at, "..", 2) == 0 && (!at[2] || at[2] == '/'))
			return true;
	}
	return false;
}

/* Whether what is there of a path, at least the folder it is in, is on the volume. */
static bool stays_inside(const struct bootcaches *boot, const char *path)
{
	size_t length = strcmp(boot->volume, "/") == 0 ? 0 : strlen(boot->volume);
	char *folder = strdup(path);
	char *real = realpath(path, NULL);
	if (!real && folder) {
		*strrchr(folder, '/') = '\0';
		real = realpath(*folder ? folder : "/", NULL);
	}
	bool result = !real || (strncmp(real, boot->volume, length) == 0 &&
				(!real[length] || real[length] == '/'));
	free(folder);
	free(real);
	return result;
}

/* A path on the volume; NULL for what leads out of it. */
static const char *on_volume(struct bootcaches *boot, const char *path)
{
	if (!path || leads_up(path))
		return NULL;
	char *text = format_path(boot->volume, path + strspn(path, "/"));
	option_list_add(&boot->texts, text);
	return stays_inside(boot, text) ? text : NULL;
}

static void read_folders(struct bootcaches *boot, const struct kext_value *folders)
{
	bool is_text = kext_value_is(folders, KEXT_VALUE_STRING);
	size_t count = is_text ? 1 : kext_value_count(folders);
	for (size_t i = 0; i < count && i < MAX_FOLDERS; i++) {
		const struct kext_value *item =
			is_text ? folders : kext_value_at(folders, i);
		const char *path = on_volume(boot, kext_value_string(item));
		struct stat st;
		if (path && stat(path, &st) == 0)
			option_list_add(&boot->folders, path);
	}
}

static int read_archs(struct bootcaches *boot, const struct kext_value *names)
{
	size_t count = kext_value_count(names);
	for (size_t i = 0; i < count && i < BOOTCACHES_MAX_ARCHS; i++) {
		const char *name = kext_value_string(kext_value_at(names, i));
		const struct kext_arch *arch = name ? kext_arch_named(name) : NULL;
		if (!arch) {
			print_error("%s: bootcaches.plist names an unknown CPU arch %s",
				    boot->volume, name ? name : "(no text)");
			return EX_DATAERR;
		}
		boot->archs[boot->arch_count++] = arch;
	}
	return EX_OK;
}

static int describe(struct bootcaches *boot)
{
	const struct kext_value *cache = choose_cache(boot);
	if (!cache)
		return EX_OK;
	const char *compression =
		kext_value_string(kext_value_get(cache, "Preferred Compression"));
	boot->has_cache = true;
	boot->path = on_volume(boot, kext_value_string(kext_value_get(cache, "Path")));
	boot->kernel =
		on_volume(boot, kext_value_string(kext_value_get(cache, "KernelPath")));
	boot->compression = compression && strcmp(compression, "lzvn") == 0
				    ? KEXT_COMPRESSION_LZVN
				    : KEXT_COMPRESSION_LZSS;
	read_folders(boot, kext_value_get(cache, "ExtensionsDir"));
	return read_archs(boot, kext_value_get(cache, "Archs"));
}

int bootcaches_read(const char *volume, struct bootcaches *ret)
{
	*ret = (struct bootcaches){.compression = KEXT_COMPRESSION_LZSS};
	ret->volume = realpath(volume, NULL);
	if (!ret->volume) {
		print_error("%s: %s", volume, strerror(errno));
		return EX_NOINPUT;
	}
	int status = read_plist(ret);
	return status == EX_OK && ret->plist ? describe(ret) : status;
}

void bootcaches_free(struct bootcaches *boot)
{
	for (size_t i = 0; i < boot->texts.count; i++)
		free((char *)boot->texts.items[i]);
	free(boot->texts.items);
	free(boot->folders.items);
	free(boot->volume);
	kext_value_unref(boot->plist);
}
