/*
 * What is on disk, read once: the kernel's description, the default repositories (scanned
 * anew when a folder of theirs changed), and the symbol sets of KPI plug-ins.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "base/memory.h"
#include "daemon/daemon.h"

#define KERNEL_MAX (256u << 20)

int catalog_open_kernel(struct daemon *daemon, struct kext_diagnostics *diagnostics)
{
	struct catalog *catalog = &daemon->catalog;
	_cleanup_free_ char *path = mem_format("%s/mach_kernel", kext_data_folder());
	if (catalog->kernel_image)
		return 0;
	int error =
		path ? file_map_path(AT_FDCWD, path, KERNEL_MAX, &catalog->kernel_file)
		     : -ENOMEM;
	if (error < 0) {
		kext_diagnose(diagnostics, KEXT_ERROR, "kernel.description", path,
			      "build or install libkext completely, or set $KEXT_DATADIR",
			      "the kernel's description cannot be read: %s",
			      kext_error_string(error));
		return error;
	}
	error = kext_image_open(catalog->kernel_file.bytes.data,
				catalog->kernel_file.bytes.size, "mach_kernel",
				diagnostics, &catalog->kernel_image);
	if (error < 0)
		file_unmap(&catalog->kernel_file);
	return error;
}

/* ---- repositories ---- */

static void stamp_folder(struct buffer *stamp, const char *root, const char *below)
{
	struct stat st;
	_cleanup_free_ char *path = mem_format("%s/%s", root, below);
	if (!path || stat(path, &st) < 0)
		buffer_string(stamp, "-;");
	else
		buffer_printf(stamp, "%llu:%lld.%09ld;", (unsigned long long)st.st_ino,
			      (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

/* The times of the folders that kext_repository_add_default reads; NULL without memory.
 */
static char *make_stamp(struct daemon *daemon)
{
	_cleanup_buffer_ struct buffer stamp = {0};
	const char *root = kext_context_root(daemon->context);
	stamp_folder(&stamp, root, "System/Library/Extensions");
	stamp_folder(&stamp, root, "Library/Extensions");
	stamp_folder(&stamp, kext_data_folder(), "");
	stamp_folder(&stamp, kext_data_folder(), "System.kext/Contents/PlugIns");
	for (size_t i = 0; i < daemon->options->repository_count; i++)
		stamp_folder(&stamp, daemon->options->repositories[i], "");
	buffer_u8(&stamp, 0);
	return (char *)buffer_steal(&stamp, &(size_t){0});
}

static int scan(struct daemon *daemon, bool no_system,
		struct kext_diagnostics *diagnostics, struct kext_repository **ret)
{
	const struct kext_daemon_options *options = daemon->options;
	struct kext_repository *repository;
	int error = kext_repository_new(daemon->context, &repository);
	if (error < 0)
		return error;
	error = kext_repository_add_default(repository, no_system, diagnostics);
	for (size_t i = 0; error == 0 && i < options->repository_count; i++)
		error = kext_repository_add_folder(repository, options->repositories[i],
						   diagnostics);
	if (error < 0) {
		kext_repository_free(repository);
		return error;
	}
	*ret = repository;
	return 0;
}

static void drop_interfaces(struct catalog *catalog)
{
	array_for_each (interface, &catalog->interfaces) {
		kext_image_unref(interface->image);
		kext_bundle_unref(interface->bundle);
	}
	array_free(&catalog->interfaces);
}

void catalog_forget(struct daemon *daemon)
{
	struct catalog *catalog = &daemon->catalog;
	drop_interfaces(catalog);
	for (int i = 0; i < 2; i++) {
		catalog->repositories[i] = kext_repository_free(catalog->repositories[i]);
		free(catalog->stamps[i]);
		catalog->stamps[i] = NULL;
	}
}

int catalog_repository(struct daemon *daemon, bool no_system,
		       struct kext_diagnostics *diagnostics, struct kext_repository **ret)
{
	struct catalog *catalog = &daemon->catalog;
	char *stamp = make_stamp(daemon);
	const char *known = catalog->stamps[no_system];
	if (!stamp)
		return -ENOMEM;
	if (known && strcmp(known, stamp) == 0) {
		free(stamp);
		*ret = catalog->repositories[no_system];
		return 0;
	}
	struct kext_repository *fresh;
	int error = scan(daemon, no_system, diagnostics, &fresh);
	if (error < 0) {
		free(stamp);
		return error;
	}
	catalog_forget(daemon);
	catalog->repositories[no_system] = fresh;
	catalog->stamps[no_system] = stamp;
	*ret = fresh;
	return 0;
}

/* ---- symbol sets ---- */

int catalog_interface(struct daemon *daemon, struct kext_bundle *bundle,
		      struct kext_diagnostics *diagnostics, struct kext_image **ret)
{
	struct catalog *catalog = &daemon->catalog;
	const void *data;
	size_t size;
	array_for_each (known, &catalog->interfaces) {
		if (known->bundle == bundle) {
			*ret = known->image;
			return 0;
		}
	}
	if (!kext_bundle_has_executable(bundle)) {
		*ret = NULL;
		return 0;
	}
	struct kext_image *image;
	int error =
		kext_bundle_slice(bundle, kext_arch_host(), diagnostics, &data, &size);
	if (error == 0)
		error = kext_image_open(data, size, kext_bundle_identifier(bundle),
					diagnostics, &image);
	if (error < 0)
		return error;
	struct interface *place = array_push(&catalog->interfaces);
	if (!place) {
		kext_image_unref(image);
		return -ENOMEM;
	}
	*place = (struct interface){kext_bundle_ref(bundle), image};
	*ret = image;
	return 0;
}

void catalog_free(struct daemon *daemon)
{
	catalog_forget(daemon);
	daemon->catalog.kernel_image = kext_image_unref(daemon->catalog.kernel_image);
	file_unmap(&daemon->catalog.kernel_file);
}
