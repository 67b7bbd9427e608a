/* Where our own files lie, found from where the library (or a static program) was loaded.
 */
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <kext/context.h>

static char data_folder[PATH_MAX], libexec_folder[PATH_MAX], sbin_folder[PATH_MAX];

/* The prefix: two levels above the file that holds this function. */
static void find_prefix(char *prefix)
{
	Dl_info info;
	char path[PATH_MAX];
	if (!dladdr(data_folder, &info) || !info.dli_fname ||
	    !realpath(info.dli_fname, path)) {
		ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
		path[n < 0 ? 0 : n] = '\0';
	}
	for (int level = 0; level < 2; level++) {
		char *slash = strrchr(path, '/');
		if (slash)
			*slash = '\0';
	}
	strcpy(prefix, path);
}

static void set_folder(char *folder, const char *variable, const char *prefix,
		       const char *below)
{
	const char *override = getenv(variable);
	if (override && *override)
		snprintf(folder, PATH_MAX, "%s", override);
	else
		snprintf(folder, PATH_MAX, "%.4000s/%s", prefix, below);
}

static void find_folders(void)
{
	char prefix[PATH_MAX], sbin[PATH_MAX + 16];
	find_prefix(prefix);
	set_folder(data_folder, "KEXT_DATADIR", prefix, "share/kext");
	set_folder(libexec_folder, "KEXT_LIBEXECDIR", prefix, "libexec/kext");
	/* The build folder keeps all programs in bin. */
	snprintf(sbin, sizeof(sbin), "%s/sbin", prefix);
	set_folder(sbin_folder, "KEXT_SBINDIR", prefix,
		   access(sbin, F_OK) == 0 ? "sbin" : "bin");
}

static void find_once(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, find_folders);
}

const char *kext_data_folder(void)
{
	find_once();
	return data_folder;
}

const char *kext_libexec_folder(void)
{
	find_once();
	return libexec_folder;
}

const char *kext_sbin_folder(void)
{
	find_once();
	return sbin_folder;
}
