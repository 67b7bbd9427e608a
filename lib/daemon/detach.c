/* Leaving the shell that started kextd: a child in a session of its own that reports
 * back. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "daemon/daemon.h"

/* 0 when the child serves; what else it writes is why it does not. */
static int await(int fd, struct kext_diagnostics *diagnostics)
{
	char text[1024];
	size_t size = 0;
	ssize_t got;
	while (size < sizeof(text) - 1 &&
	       (got = read(fd, text + size, sizeof(text) - 1 - size)) != 0) {
		if (got < 0 && errno != EINTR)
			break;
		size += got > 0 ? (size_t)got : 0;
		if (text[0] == 'R')
			return 0;
	}
	text[size] = '\0';
	text[strcspn(text, "\n")] = '\0';
	kext_diagnose(diagnostics, KEXT_ERROR, "daemon.start", "", NULL, "%s",
		      size ? text : "it ended before it was ready");
	return KEXT_ERR_NO_SERVER;
}

static int leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || setsid() < 0 || chdir("/") < 0)
		return -errno;
	for (int fd = 0; fd < 3; fd++) {
		if (dup2(null, fd) < 0)
			return -errno;
	}
	if (null > 2)
		close(null);
	return 0;
}

int detach(struct kext_diagnostics *diagnostics, bool *ret_is_child, int *ret_ready_fd)
{
	int ends[2], error;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid_t child = fork();
	if (child == 0) {
		file_close(ends[0]);
		*ret_is_child = true;
		*ret_ready_fd = ends[1];
		return leave_terminal();
	}
	error = child < 0 ? -errno : 0;
	file_close(ends[1]);
	if (error == 0)
		error = await(ends[0], diagnostics);
	file_close(ends[0]);
	if (error == 0)
		*ret_is_child = false;
	return error;
}
