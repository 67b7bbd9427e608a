/* Making a prelinked kernel as its volume wants it; see prelinking.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include "common/bootcaches.h"
#include "common/prelinking.h"
#include "common/print.h"
#include "common/systemcaches.h"

#define STARTUP "System/Library/Caches/com.apple.kext.caches/Startup"

/* kernel.SUFFIX goes into prelinkedkernel.SUFFIX. */
static char *path_for(const struct kext_context *context, const char *kernel)
{
	const char *base = strrchr(kernel, '/');
	const char *suffix = strchr(base ? base : kernel, '.');
	char name[4096];
	snprintf(name, sizeof(name), "System/Library/PrelinkedKernels/prelinkedkernel%s",
		 suffix ? suffix : "");
	return systemcaches_path(context, name);
}

static int make_link(const char *target, const char *path)
{
	char *temporary;
	if (asprintf(&temporary, "%s.%ld", path, (long)getpid()) < 0)
		exit(EX_OSERR);
	int error =
		symlink(target, temporary) < 0 || rename(temporary, path) < 0 ? errno : 0;
	if (error)
		(void)unlink(temporary);
	free(temporary);
	return error;
}

/* Booters before 10.11 look among the caches. A failure is none of the kernel's. */
static void link_kernel(const struct kext_context *context)
{
	char *folder = systemcaches_path(context, STARTUP);
	char *path = systemcaches_path(context, STARTUP "/kernelcache");
	struct stat st;
	if (stat(folder, &st) == 0 && S_ISDIR(st.st_mode)) {
		int error = make_link("../../../PrelinkedKernels/prelinkedkernel", path);
		if (error)
			print_error("%s: cannot be made: %s", path, strerror(error));
	}
	free(path);
	free(folder);
}

static int make_system(struct kext_context *context, const struct prelinking *how,
		       struct cachefile *file)
{
	char *path = path_for(context, file->kernel);
	file->path = path;
	file->pick.operands = how->system_folders;
	int status = cachefile_make(context, file);
	if (status == EX_OK && !strchr(strrchr(path, '/'), '.'))
		link_kernel(context);
	free(path);
	return status;
}

int prelinking_make(struct kext_context *context, const struct prelinking *how,
		    struct cachefile *file)
{
	char *kernel = systemcaches_path(context, "System/Library/Kernels/kernel");
	struct bootcaches boot;
	int status = bootcaches_read(how->volume, &boot);
	file->kernel_is_named = file->kernel != NULL;
	if (!file->kernel)
		file->kernel = boot.kernel ? boot.kernel : kernel;
	if (how->chooses_compression)
		file->compression = boot.compression;
	if (status == EX_OK)
		status = how->system_folders ? make_system(context, how, file)
					     : cachefile_make(context, file);
	bootcaches_free(&boot);
	free(kernel);
	return status;
}
