/* Updating a volume's boot cache; see volume.h. */
#include <fcntl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include "common/bootcaches.h"
#include "common/cachetimes.h"
#include "common/print.h"
#include "common/systemcaches.h"
#include "common/volume.h"

/* ---- what is to be made ---- */

/* Whether the volume is the one that the system runs from. */
static bool is_running(const struct kext_context *context, const struct bootcaches *boot)
{
	char *root = realpath(kext_context_root(context), NULL);
	bool result = root && strcmp(root, boot->volume) == 0;
	free(root);
	return result;
}

/* A volume that starts from a disk image may have its root on a network. */
static unsigned filter_of(const struct bootcaches *boot)
{
	char path[4096];
	struct stat st;
	snprintf(path, sizeof(path), "%s/etc/rc.cdrom", boot->volume);
	return PICK_LOCAL_ROOT | (stat(path, &st) == 0 ? PICK_NETWORK_ROOT : 0);
}

static struct cachefile file_for(struct bootcaches *boot, const struct cachefile *base,
				 bool running)
{
	static const struct option_list none;
	struct cachefile file = *base;
	file.kind = boot->kind;
	file.path = boot->path;
	file.kernel = boot->kernel;
	file.volume_root = boot->volume;
	file.compression = boot->compression;
	file.archs = boot->archs;
	file.arch_count = boot->arch_count;
	file.pick.operands = &boot->folders;
	file.pick.folder_filter = filter_of(boot);
	if (!running || boot->kind != CACHEFILE_PRELINKED)
		file.pick.loaded = &none;
	return file;
}

/* ---- staleness ---- */

static bool is_stale(const struct cachefile *file)
{
	struct stat st;
	return stat(file->path, &st) < 0 || !S_ISREG(st.st_mode) ||
	       st.st_mtim.tv_sec != cachetimes_of(file->pick.operands, file->kernel);
}

/* Folders with a new time leave every cache of them stale, here and elsewhere. */
static int touch_folders(const struct option_list *folders)
{
	for (size_t i = 0; i < folders->count; i++) {
		if (utimensat(AT_FDCWD, folders->items[i], NULL, 0) == 0)
			continue;
		print_error("%s: its time cannot be set: %s", folders->items[i],
			    strerror(errno));
		return errno == EPERM || errno == EACCES ? EX_NOPERM : EX_OSERR;
	}
	return EX_OK;
}

/* What is not there to be made: EX_OK and *ret_done, or why that is a failure. */
static int check(const struct bootcaches *boot, bool *ret_done)
{
	struct stat st;
	*ret_done = true;
	if (!boot->plist) {
		print_error("%s: no bootcaches.plist; skipping", boot->volume);
		return EX_OK;
	}
	if (!boot->has_cache) {
		print_error("%s: bootcaches.plist describes no cache known here; "
			    "skipping",
			    boot->volume);
		return EX_OK;
	}
	if (!boot->path || !boot->folders.count) {
		print_error("%s: bootcaches.plist names no file on the volume to be "
			    "made, or no folder there to make it from",
			    boot->volume);
		return EX_DATAERR;
	}
	if (boot->kind == CACHEFILE_PRELINKED &&
	    (!boot->kernel || stat(boot->kernel, &st) < 0)) {
		print_error("%s: has no kernel; nothing to rebuild", boot->volume);
		return EX_OK;
	}
	*ret_done = false;
	return EX_OK;
}

static int update(struct bootcaches *boot, struct kext_context *context,
		  enum volume_update how, const struct cachefile *base)
{
	bool running = is_running(context, boot), is_done;
	int status = check(boot, &is_done);
	if (status == EX_OK && !is_done && how == VOLUME_INVALIDATE)
		status = touch_folders(&boot->folders);
	if (status != EX_OK || is_done)
		return status;
	struct cachefile file = file_for(boot, base, running);
	if (how == VOLUME_IF_STALE && !is_stale(&file)) {
		if (base->pick.level > 0)
			print_error("%s: the boot cache is up to date", boot->volume);
		return EX_OK;
	}
	status = cachefile_make(context, &file);
	if (status == EX_OK && running)
		status = systemcaches_write(context, &boot->folders);
	return status == EX_OK ? VOLUME_UPDATED : status;
}

int volume_update(struct kext_context *context, const char *path, enum volume_update how,
		  const struct cachefile *base)
{
	struct bootcaches boot;
	if (strcmp(path, "/") == 0)
		path = kext_context_root(context);
	int status = bootcaches_read(path, &boot);
	if (status == EX_OK)
		status = update(&boot, context, how, base);
	bootcaches_free(&boot);
	return status;
}
