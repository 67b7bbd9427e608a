/*
 * The parent's side of the worker kext-inspect: it is started for one file, gets it as
 * a sealed descriptor, and has a deadline. Whatever becomes of it, the parent goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <kext/context.h>
#include "base/file.h"
#include "base/frame.h"
#include "base/memory.h"
#include "macho/inspect.h"

#define GRACE_SECONDS 2 /* the worker's own alarm comes first */

static int sealed_copy(struct bytes file)
{
	int fd = memfd_create("kext-inspect", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	int error = file_write_all(fd, file.data, file.size);
	if (!error && fcntl(fd, F_ADD_SEALS,
			    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		error = -errno;
	if (error)
		file_close(fd);
	return error ? error : fd;
}

/* Only the socket survives; signals are as at login, whatever the caller's thread blocks.
 */
static int spawn_with(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
		      int socket, pid_t *ret)
{
	char path[4200];
	char *arguments[] = {path, "--worker", NULL};
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	snprintf(path, sizeof(path), "%s/kext-inspect", kext_libexec_folder());
	int error = posix_spawn_file_actions_adddup2(actions, socket, INSPECT_SOCKET);
	for (int fd = 0; fd < 3 && !error; fd++)
		error = posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDWR,
							 0);
	if (!error)
		error = posix_spawn_file_actions_addclosefrom_np(actions,
								 INSPECT_SOCKET + 1);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setflags(attributes,
				 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (!error)
		error = posix_spawn(ret, path, actions, attributes, arguments, environ);
	return -error;
}

static int spawn_worker(int *ret_socket, pid_t *ret_pid)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int error = -posix_spawn_file_actions_init(&actions);
	if (!error) {
		error = -posix_spawnattr_init(&attributes);
		if (!error) {
			error = spawn_with(&actions, &attributes, pair[1], ret_pid);
			posix_spawnattr_destroy(&attributes);
		}
		posix_spawn_file_actions_destroy(&actions);
	}
	file_close(pair[1]);
	if (error)
		file_close(pair[0]);
	else
		*ret_socket = pair[0];
	return error;
}

static int64_t milliseconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits for the answer's frame; -ETIMEDOUT past the deadline, -EPIPE when the worker
 * ended. */
static int receive(int socket, struct frame *ret)
{
	struct frame_reader reader;
	int64_t deadline = milliseconds_now() + (INSPECT_SECONDS + GRACE_SECONDS) * 1000;
	int got = 0;
	frame_reader_init(&reader, socket, INSPECT_MAX_READING);
	while (got == 0) {
		struct pollfd wait = {.fd = socket, .events = POLLIN};
		int64_t left = deadline - milliseconds_now();
		int ready = left > 0 ? poll(&wait, 1, (int)left) : 0;
		if (ready > 0)
			got = frame_reader_read(&reader, ret);
		else if (ready == 0)
			got = -ETIMEDOUT;
		else if (errno != EINTR)
			got = -errno;
	}
	frame_reader_free(&reader);
	return got < 0 ? got : 0;
}

static int exchange(int socket, int file, struct frame *ret)
{
	struct frame question = {
		.type = INSPECT_FILE, .id = 1, .fds = {file}, .fd_count = 1};
	int error = frame_send(socket, &question);
	if (error || fcntl(socket, F_SETFL, O_NONBLOCK) < 0)
		return error ? error : -errno;
	error = receive(socket, ret);
	if (!error && (ret->type != INSPECT_READING || ret->id != 1)) {
		frame_free(ret);
		error = KEXT_ERR_PROTOCOL;
	}
	return error;
}

/* Ends the worker; its wait status, 0 when somebody else has reaped it. */
static int reap(pid_t pid)
{
	int status = 0;
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 0;
	return status;
}

static int warn(const char *subject, struct kext_diagnostics *diagnostics, int error,
		int status)
{
	const char *hint = "this second opinion is missing; nothing else is affected";
	if (error == -ENOMEM)
		return error;
	if (error == -ETIMEDOUT || (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM))
		kext_diagnose(diagnostics, KEXT_WARNING, "inspect.worker", subject, hint,
			      "LIEF gave no reading of the file within %d seconds",
			      INSPECT_SECONDS);
	else if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		kext_diagnose(diagnostics, KEXT_WARNING, "inspect.worker", subject, hint,
			      "LIEF died on the file: worker killed by signal %d (%s)",
			      WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WIFEXITED(status) && WEXITSTATUS(status))
		kext_diagnose(diagnostics, KEXT_WARNING, "inspect.worker", subject, hint,
			      "the worker gave up on the file, exit status %d",
			      WEXITSTATUS(status));
	else
		kext_diagnose(diagnostics, KEXT_WARNING, "inspect.worker", subject, hint,
			      "no answer from the worker: %s", kext_error_string(error));
	return KEXT_ERR_VALIDATION;
}

/* A worker that has closed its socket is about to end by itself: its status tells more.
 */
static int end_worker(pid_t pid, int error)
{
	int status = 0;
	for (int tries = 0; error == -EPIPE && tries < 200; tries++) {
		pid_t ended = waitpid(pid, &status, WNOHANG);
		if (ended != 0)
			return ended < 0 ? 0 : status;
		poll(NULL, 0, 10);
	}
	return reap(pid);
}

int inspect_ask_worker(struct bytes file, const char *subject,
		       struct kext_diagnostics *diagnostics, uint8_t **ret,
		       size_t *ret_size)
{
	int socket = -1, fd = sealed_copy(file);
	pid_t pid = -1;
	struct frame answer = {0};
	if (fd < 0)
		return warn(subject, diagnostics, fd, 0);
	int error = spawn_worker(&socket, &pid);
	if (error) {
		kext_diagnose(diagnostics, KEXT_WARNING, "inspect.worker", subject, NULL,
			      "%s/kext-inspect cannot be started: %s",
			      kext_libexec_folder(), kext_error_string(error));
		file_close(fd);
		return error == -ENOMEM ? error : KEXT_ERR_VALIDATION;
	}
	error = exchange(socket, fd, &answer);
	file_close(fd);
	file_close(socket);
	int status = end_worker(pid, error);
	if (error)
		return warn(subject, diagnostics, error, status);
	*ret_size = answer.size;
	*ret = answer.body;
	answer.body = NULL;
	frame_free(&answer);
	return 0;
}
