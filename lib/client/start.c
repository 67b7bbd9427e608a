/*
 * Starting kextd on demand, fully detached: its own session, no descriptor of ours but
 * the write end of a pipe on which it reports. It says 'R' there when it serves; anything
 * else is the text of its failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/file.h"
#include "base/memory.h"
#include "client/client.h"

#define READY_FD 3

/* Between fork and exec only async-signal-safe calls are allowed, hence no diagnostics.
 */
static _Noreturn void become_daemon(const char *program, char *const *arguments,
				    int ready)
{
	struct sigaction plain = {.sa_handler = SIG_DFL};
	sigset_t none;
	sigemptyset(&none);
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &plain, NULL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(022);
	int null = open("/dev/null", O_RDWR);
	if (ready != READY_FD)
		dup2(ready, READY_FD);
	else
		fcntl(ready, F_SETFD, 0);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	close_range(READY_FD + 1, ~0u, 0);
	if (chdir("/") == 0)
		execv(program, arguments);
	const char *text = strerrordesc_np(errno);
	ssize_t written = write(READY_FD, text, strlen(text));
	_exit(written < 0 ? 126 : 127);
}

/* The first child leaves at once, so that the daemon is nobody's child and no zombie. */
static int spawn(const char *program, char *const *arguments, int ready)
{
	pid_t child = fork();
	if (child < 0)
		return -errno;
	if (child == 0) {
		setsid();
		pid_t grandchild = fork();
		if (grandchild == 0)
			become_daemon(program, arguments, ready);
		_exit(grandchild < 0);
	}
	int status;
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EAGAIN;
}

/* Everything that comes through the pipe until 'R' or its end. */
static int await(int fd, const char *program, struct kext_diagnostics *diagnostics)
{
	char text[1024];
	size_t size = 0;
	while (size < sizeof(text) - 1) {
		ssize_t got = read(fd, text + size, sizeof(text) - 1 - size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		size += (size_t)got;
		if (text[0] == 'R')
			return 0;
	}
	text[size] = '\0';
	while (size && text[size - 1] == '\n')
		text[--size] = '\0';
	kext_diagnose(diagnostics, KEXT_ERROR, "client.start", program, NULL,
		      "kextd could not be started: %s",
		      size ? text : "it ended before it was ready");
	return KEXT_ERR_NO_SERVER;
}

int client_start_daemon(enum kext_instance instance, struct kext_diagnostics *diagnostics)
{
	int ends[2];
	_cleanup_free_ char *program = mem_format("%s/kextd", kext_sbin_folder());
	char *const arguments[] = {
		"kextd",      "--instance", (char *)place_instance_name(instance),
		"--ready-fd", "3",	    "--idle",
		"600",	      NULL,
	};
	if (!program)
		return -ENOMEM;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	int error = spawn(program, arguments, ends[1]);
	file_close(ends[1]);
	if (error == 0)
		error = await(ends[0], program, diagnostics);
	file_close(ends[0]);
	return error;
}
