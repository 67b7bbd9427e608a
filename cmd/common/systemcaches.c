/* Keeping the system's caches; see systemcaches.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include "common/pick.h"
#include "common/print.h"
#include "common/systemcaches.h"

char *systemcaches_path(const struct kext_context *context, const char *relative)
{
	const char *root = kext_context_root(context);
	char *text;
	if (asprintf(&text, "%s/%s", strcmp(root, "/") == 0 ? "" : root, relative) < 0)
		exit(EX_OSERR);
	return text;
}

void systemcaches_folders(const struct kext_context *context, struct option_list *folders)
{
	static const char *const names[] = {"System/Library/Extensions",
					    "Library/Extensions"};
	struct stat st;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *path = systemcaches_path(context, names[i]);
		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			option_list_add(folders, path);
		else
			free(path);
	}
}

bool systemcaches_is_folder(const struct option_list *folders, const char *path)
{
	struct stat st, other;
	if (stat(path, &st) < 0)
		return false;
	for (size_t i = 0; i < folders->count; i++)
		if (stat(folders->items[i], &other) == 0 && st.st_dev == other.st_dev &&
		    st.st_ino == other.st_ino)
			return true;
	return false;
}

/* ---- caches of folders ---- */

/* Prints what was found; the status for `error`. */
static int finish(struct kext_diagnostics *diagnostics, int error)
{
	print_diagnostics(diagnostics, KEXT_WARNING);
	kext_diagnostics_free(diagnostics);
	return error < 0 ? EX_SOFTWARE : EX_OK;
}

static int write_identifiers(struct kext_context *context, const char *folder)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	return finish(diagnostics,
		      kext_repository_write_cache(context, folder, diagnostics));
}

/* The system's caches are root's to write; what lies beside a folder, its owner's. */
static int write_folder(struct kext_context *context, const char *folder)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	if (pick_is_kext_name(folder)) {
		print_error("%s: is a kext; caches are made of folders", folder);
		return finish(diagnostics, 0);
	}
	int error = kext_repository_write_beside(context, folder, diagnostics);
	if (finish(diagnostics, error) != EX_OK)
		return EX_SOFTWARE;
	diagnostics = kext_diagnostics_new();
	error = kext_repository_write_cache(context, folder, diagnostics);
	if (error != -EACCES && error != -EPERM)
		return finish(diagnostics, error);
	kext_diagnostics_free(diagnostics);
	return EX_OK;
}

int systemcaches_write_folders(struct kext_context *context,
			       const struct option_list *folders)
{
	int status = EX_OK;
	for (size_t i = 0; i < folders->count; i++)
		if (write_folder(context, folders->items[i]) != EX_OK)
			status = EX_SOFTWARE;
	return status;
}

static int write_properties(struct kext_context *context,
			    const struct option_list *folders)
{
	static const char *const keys[] = {"OSBundleHelper", "PGO"};
	const struct kext_arch *arch = kext_arch_host();
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	int error = kext_repository_write_personalities(
		context, folders->items, folders->count, arch, diagnostics);
	for (size_t i = 0; error == 0 && i < sizeof(keys) / sizeof(*keys); i++)
		error = kext_repository_write_property(context, folders->items,
						       folders->count, arch, keys[i],
						       diagnostics);
	return finish(diagnostics, error);
}

int systemcaches_write(struct kext_context *context, const struct option_list *folders)
{
	int status = EX_OK;
	for (size_t i = 0; i < folders->count; i++)
		if (write_identifiers(context, folders->items[i]) != EX_OK)
			status = EX_SOFTWARE;
	if (folders->count && write_properties(context, folders) != EX_OK)
		status = EX_SOFTWARE;
	return status;
}
