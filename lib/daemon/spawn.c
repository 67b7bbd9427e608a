/*
 * Starting kernel_task: descriptor 3 is its socket, 4 the pipe for its panic report,
 * nothing else is inherited but stderr, which is kextd's log.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/memory.h"
#include "daemon/daemon.h"

#define SOCKET_FD 3
#define REPORT_FD 4
#define CLEAR_OF  10 /* our ends are moved above the child's numbers */

/*
 * An uid that nobody has: past what login and service managers give out, and not the
 * 65534 that everybody uses for nobody.
 */
#define UNUSED_UID 61183u

static int move_up(int *fd)
{
	int moved = fcntl(*fd, F_DUPFD_CLOEXEC, CLEAR_OF);
	if (moved < 0)
		return -errno;
	file_close(*fd);
	*fd = moved;
	return 0;
}

static int make_ends(int socket_ends[2], int pipe_ends[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socket_ends) < 0 ||
	    pipe2(pipe_ends, O_CLOEXEC) < 0)
		return -errno;
	int error = move_up(&socket_ends[1]);
	return error < 0 ? error : move_up(&pipe_ends[1]);
}

/* In a user namespace most ids do not exist, and giving up root for one of them fails. */
static bool is_uid_mapped(unsigned uid)
{
	FILE *map = fopen("/proc/self/uid_map", "re");
	unsigned first, outside, count;
	bool is_mapped = !map;
	while (map && fscanf(map, "%u %u %u", &first, &outside, &count) == 3)
		is_mapped = is_mapped || (uid >= first && uid - first < count);
	if (map)
		fclose(map);
	return is_mapped;
}

static void set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK |
						     POSIX_SPAWN_SETSIGDEF |
						     POSIX_SPAWN_SETSID);
}

static int spawn(const char *path, char *const *arguments, int socket, int pipe,
		 pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	static char *const environment[] = {NULL};
	if (posix_spawn_file_actions_init(&actions) != 0)
		return -ENOMEM;
	if (posix_spawnattr_init(&attributes) != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return -ENOMEM;
	}
	set_attributes(&attributes);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&actions, 2, 1);
	posix_spawn_file_actions_adddup2(&actions, socket, SOCKET_FD);
	posix_spawn_file_actions_adddup2(&actions, pipe, REPORT_FD);
	int error =
		-posix_spawn(ret, path, &actions, &attributes, arguments, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

static int spawn_with_options(struct kernel *kernel, int socket, int pipe)
{
	struct daemon *daemon = kernel->daemon;
	_cleanup_free_ char *path = mem_format("%s/kernel_task", kext_libexec_folder());
	char *arguments[8] = {path};
	char uid[16];
	int n = 1;
	if (!path)
		return -ENOMEM;
	if (daemon->boot_args[0]) {
		arguments[n++] = "--boot-args";
		arguments[n++] = daemon->boot_args;
	}
	if (daemon->options->no_sandbox) {
		arguments[n++] = "--sandbox=off";
		daemon_log(daemon, "WARNING: the kernel runs without its sandbox");
	}
	if (geteuid() == 0 && is_uid_mapped(UNUSED_UID)) {
		snprintf(uid, sizeof(uid), "%u", UNUSED_UID);
		arguments[n++] = "--uid";
		arguments[n++] = uid;
	}
	kernel->program = open(path, O_RDONLY | O_CLOEXEC);
	return spawn(path, arguments, socket, pipe, &kernel->pid);
}

int kernel_spawn(struct kernel *kernel)
{
	int socket_ends[2] = {-1, -1}, pipe_ends[2] = {-1, -1};
	int error = make_ends(socket_ends, pipe_ends);
	if (error == 0)
		error = spawn_with_options(kernel, socket_ends[1], pipe_ends[1]);
	file_close(socket_ends[1]);
	file_close(pipe_ends[1]);
	if (error < 0) {
		file_close(socket_ends[0]);
		file_close(pipe_ends[0]);
		return error;
	}
	kernel->socket = socket_ends[0];
	kernel->report_pipe = pipe_ends[0];
	return 0;
}
