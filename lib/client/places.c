/* Run and state folders: their names, making and checking them. See places.h. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/file.h"
#include "base/memory.h"
#include "client/places.h"

enum kext_instance place_instance(enum kext_instance instance)
{
	if (instance != KEXT_INSTANCE_DEFAULT)
		return instance;
	return geteuid() == 0 ? KEXT_INSTANCE_SYSTEM : KEXT_INSTANCE_USER;
}

const char *place_instance_name(enum kext_instance instance)
{
	return place_instance(instance) == KEXT_INSTANCE_SYSTEM ? "system" : "user";
}

uid_t place_owner(enum kext_instance instance)
{
	return place_instance(instance) == KEXT_INSTANCE_SYSTEM ? 0 : geteuid();
}

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

/*
 * su and sudo often leave the former user's $XDG_RUNTIME_DIR behind: only a folder of our
 * own counts.
 */
static const char *own_runtime_folder(void)
{
	const char *folder = variable("XDG_RUNTIME_DIR");
	struct stat st;
	if (!folder || folder[0] != '/' || stat(folder, &st) < 0)
		return NULL;
	return S_ISDIR(st.st_mode) && st.st_uid == geteuid() ? folder : NULL;
}

static char *run_path(enum kext_instance instance)
{
	const char *chosen = variable("KEXT_RUNDIR");
	const char *runtime;
	if (chosen)
		return mem_string(chosen);
	if (instance == KEXT_INSTANCE_SYSTEM)
		return mem_string("/run/kext");
	runtime = own_runtime_folder();
	if (runtime)
		return mem_format("%s/kext", runtime);
	return mem_format("/tmp/kext-%u", (unsigned)geteuid());
}

static const char *home_folder(void)
{
	const char *home = variable("HOME");
	struct passwd *entry = home ? NULL : getpwuid(geteuid());
	return home ? home : entry ? entry->pw_dir : NULL;
}

static char *state_path(enum kext_instance instance)
{
	const char *chosen = variable("KEXT_STATEDIR");
	const char *state = variable("XDG_STATE_HOME");
	const char *home = home_folder();
	if (chosen)
		return mem_string(chosen);
	if (instance == KEXT_INSTANCE_SYSTEM)
		return mem_string("/var/lib/kext");
	if (state && state[0] == '/')
		return mem_format("%s/kext", state);
	if (home)
		return mem_format("%s/.local/state/kext", home);
	return mem_format("/tmp/kext-%u/state", (unsigned)geteuid());
}

static mode_t place_mode(enum kext_instance instance)
{
	return instance == KEXT_INSTANCE_SYSTEM ? 0755 : 0700;
}

static int refuse(struct kext_diagnostics *diagnostics, const char *path,
		  const char *what)
{
	kext_diagnose(
		diagnostics, KEXT_ERROR, "place.unsafe", path,
		"remove it, or name another folder in $KEXT_RUNDIR or $KEXT_STATEDIR",
		"%s, so that it cannot be trusted", what);
	return KEXT_ERR_NOT_PRIVILEGED;
}

/* The judgement is on the open descriptor: what is checked is what is used. */
static int check(int fd, enum kext_instance instance, const char *path,
		 struct kext_diagnostics *diagnostics)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	mode_t excess = st.st_mode & 07777 & ~place_mode(instance);
	if (st.st_uid != place_owner(instance))
		return refuse(diagnostics, path, "the folder belongs to another user");
	if (excess & 0077)
		return refuse(diagnostics, path, "the folder is open to other users");
	return 0;
}

/* Makes the folders above `path` as mkdir -p does. */
static int make_parents(const char *path)
{
	_cleanup_free_ char *copy = mem_string(path);
	if (!copy)
		return -ENOMEM;
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

/* mkdir's mode passes the umask; the folder is ours alone, so its mode can be set again.
 */
static int make(const char *path, mode_t mode)
{
	int error = make_parents(path);
	if (error < 0)
		return error;
	if (mkdir(path, mode) < 0)
		return errno == EEXIST ? 0 : -errno;
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, mode) < 0)
		return -errno;
	return 0;
}

static int open_place(char *path, enum kext_instance instance, bool may_make,
		      struct kext_diagnostics *diagnostics, struct place *ret)
{
	int error = may_make ? make(path, place_mode(instance)) : 0;
	int fd = -1;
	if (error == 0) {
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		error = fd < 0 ? -errno : 0;
	}
	if (error < 0 && (error != -ENOENT || may_make))
		kext_diagnose(diagnostics, KEXT_ERROR, "place.open", path, NULL,
			      "cannot use the folder: %s", kext_error_string(error));
	if (error == 0)
		error = check(fd, instance, path, diagnostics);
	if (error < 0) {
		file_close(fd);
		free(path);
		return error;
	}
	*ret = (struct place){fd, path};
	return 0;
}

int place_open_run(enum kext_instance instance, bool may_make,
		   struct kext_diagnostics *diagnostics, struct place *ret)
{
	instance = place_instance(instance);
	char *path = run_path(instance);
	return path ? open_place(path, instance, may_make, diagnostics, ret) : -ENOMEM;
}

int place_open_state(enum kext_instance instance, bool may_make,
		     struct kext_diagnostics *diagnostics, struct place *ret)
{
	instance = place_instance(instance);
	char *path = state_path(instance);
	return path ? open_place(path, instance, may_make, diagnostics, ret) : -ENOMEM;
}

void place_close(struct place *place)
{
	place->fd = file_close(place->fd);
	free(place->path);
	place->path = NULL;
}

void place_socket_address(const struct place *place, const char *name,
			  struct sockaddr_un *ret_address)
{
	*ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(ret_address->sun_path, sizeof(ret_address->sun_path),
		 "/proc/self/fd/%d/%s", place->fd, name);
}
