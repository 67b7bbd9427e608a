/*
 * The supervisor thread: boots a kernel, listens to it until it ends, buries it (panic
 * report, culprit) and boots the next one, fresh and empty.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/memory.h"
#include "daemon/daemon.h"

#define REPORT_MAX    65536u
#define EXIT_WITHIN   2000 /* milliseconds, once the socket is closed */
#define BOOT_PATIENCE 15000000u

/* ---- burying ---- */

/* Its exit status; a kernel that closed its socket but stays is killed. */
static int reap(struct kernel *kernel)
{
	int status = 0;
	_cleanup_fd_ int process = pidfd_open(kernel->pid, 0);
	struct pollfd exit_of = {.fd = process, .events = POLLIN};
	uint64_t at = kernel_end_time(kernel);
	int patience = at ? daemon_milliseconds_until(at) : EXIT_WITHIN;
	if (process < 0 || poll(&exit_of, 1, patience) <= 0)
		kill(kernel->pid, SIGKILL);
	while (waitpid(kernel->pid, &status, 0) < 0) {
		if (errno != EINTR)
			return 0;
	}
	return status;
}

static char *read_report(struct kernel *kernel)
{
	_cleanup_buffer_ struct buffer text = {0};
	char chunk[4096];
	ssize_t got;
	while (text.size < REPORT_MAX &&
	       (got = read(kernel->report_pipe, chunk, sizeof(chunk))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		buffer_append(&text, chunk, (size_t)got);
	}
	buffer_u8(&text, 0);
	return (char *)buffer_steal(&text, &(size_t){0});
}

/* What to say of a kernel that ended: its cause in a few words. */
static char *describe_end(struct kernel *kernel, int status, bool has_report)
{
	if (kernel->end_cause)
		return mem_string(kernel->end_cause);
	if (has_report)
		return mem_string("panic");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return mem_string("it made a system call that its sandbox forbids");
	if (WIFSIGNALED(status))
		return mem_format("it was killed by signal %d (%s)", WTERMSIG(status),
				  strsignal(WTERMSIG(status)));
	return mem_format("it left with status %d", WEXITSTATUS(status));
}

static void write_report(struct kernel *kernel, const char *text, const char *cause)
{
	struct daemon *daemon = kernel->daemon;
	char *culprit = NULL, *path = NULL;
	int error = report_write(kernel, text, cause, &path, &culprit);
	daemon_log(daemon, "kernel %d ended: %s", (int)kernel->pid, cause);
	if (error < 0)
		daemon_log(daemon, "its report could not be written: %s",
			   kext_error_string(error));
	else
		daemon_log(daemon, "its report: %s", path);
	restore_remember(daemon, kernel, culprit);
	if (culprit)
		culprit_count(daemon, culprit);
	free(culprit);
	pthread_mutex_lock(&kernel->lock);
	kernel->report = path;
	pthread_mutex_unlock(&kernel->lock);
}

static void bury(struct kernel *kernel)
{
	struct daemon *daemon = kernel->daemon;
	int status = reap(kernel);
	_cleanup_free_ char *text = read_report(kernel);
	bool has_report = text && text[0];
	_cleanup_free_ char *cause = describe_end(kernel, status, has_report);
	if (!kernel->is_replaced && kernel->ready)
		write_report(kernel, text ? text : "", cause ? cause : "");
	pthread_mutex_lock(&daemon->kernel_lock);
	if (!kernel->ready && !daemon->is_leaving) {
		free(daemon->boot_failure);
		daemon->boot_failure =
			mem_format("%s%s%.500s", cause ? cause : "",
				   has_report ? ": " : "", text ? text : "");
	}
	daemon->kernel = NULL;
	pthread_cond_broadcast(&daemon->kernel_changed);
	pthread_mutex_unlock(&daemon->kernel_lock);
	pthread_mutex_lock(&kernel->lock);
	kernel->dead = true;
	pthread_cond_broadcast(&kernel->changed);
	pthread_mutex_unlock(&kernel->lock);
	server_log_grew(daemon);
}

/* ---- the thread ---- */

/* The kernel comes up while its description is read. */
static int boot(struct daemon *daemon, struct kernel **ret_kernel,
		struct kext_diagnostics *diagnostics)
{
	struct kernel *kernel;
	int error = kernel_new(daemon, &kernel);
	if (error == 0) {
		error = kernel_spawn(kernel);
		if (error < 0) {
			kext_diagnose(diagnostics, KEXT_ERROR, "kernel.start",
				      kext_libexec_folder(), NULL,
				      "kernel_task cannot be started: %s",
				      kext_error_string(error));
			kernel_unref(kernel);
		}
	}
	if (error < 0)
		return error;
	error = catalog_open_kernel(daemon, diagnostics);
	if (error < 0) {
		kill(kernel->pid, SIGKILL);
		reap(kernel);
		kernel_unref(kernel);
		return error;
	}
	kernel->generation = ++daemon->generation;
	*ret_kernel = kernel;
	return 0;
}

static void fail_boot(struct daemon *daemon, int error,
		      struct kext_diagnostics *diagnostics)
{
	const struct kext_diagnostic *first = kext_diagnostics_at(diagnostics, 0);
	pthread_mutex_lock(&daemon->kernel_lock);
	free(daemon->boot_failure);
	if (first)
		daemon->boot_failure =
			mem_format("%s: %s", first->subject, first->message);
	else
		daemon->boot_failure = mem_string(kext_error_string(error));
	pthread_cond_broadcast(&daemon->kernel_changed);
	pthread_mutex_unlock(&daemon->kernel_lock);
}

static void boot_and_serve(struct daemon *daemon)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	struct kernel *kernel;
	int error = boot(daemon, &kernel, diagnostics);
	if (error < 0)
		fail_boot(daemon, error, diagnostics);
	kext_diagnostics_free(diagnostics);
	if (error < 0)
		return;
	daemon_log(daemon, "kernel %d starts", (int)kernel->pid);
	pthread_mutex_lock(&daemon->kernel_lock);
	daemon->kernel = kernel;
	bool is_leaving = daemon->is_leaving;
	pthread_mutex_unlock(&daemon->kernel_lock);
	if (is_leaving)
		kernel_end(kernel, NULL);
	kernel_listen(kernel);
	bury(kernel);
	kernel_unref(kernel);
}

/*
 * After a boot that failed the next one is for whoever asks: a kernel that cannot start
 * is not started over and over.
 */
static void *supervise(void *argument)
{
	struct daemon *daemon = argument;
	pthread_mutex_lock(&daemon->kernel_lock);
	while (!daemon->is_leaving) {
		if (daemon->boot_failure && !daemon->is_boot_wanted) {
			pthread_cond_wait(&daemon->kernel_changed, &daemon->kernel_lock);
			continue;
		}
		daemon->is_boot_wanted = false;
		free(daemon->boot_failure);
		daemon->boot_failure = NULL;
		pthread_mutex_unlock(&daemon->kernel_lock);
		boot_and_serve(daemon);
		pthread_mutex_lock(&daemon->kernel_lock);
		if (daemon->boot_failure)
			daemon_log(daemon, "the kernel did not start: %s",
				   daemon->boot_failure);
	}
	pthread_mutex_unlock(&daemon->kernel_lock);
	return NULL;
}

int supervisor_start(struct daemon *daemon)
{
	int error = -pthread_create(&daemon->supervisor, NULL, supervise, daemon);
	daemon->has_supervisor = error == 0;
	return error;
}

void supervisor_stop(struct daemon *daemon)
{
	if (!daemon->has_supervisor)
		return;
	pthread_mutex_lock(&daemon->kernel_lock);
	daemon->is_leaving = true;
	struct kernel *kernel = daemon->kernel ? kernel_ref(daemon->kernel) : NULL;
	pthread_cond_broadcast(&daemon->kernel_changed);
	pthread_mutex_unlock(&daemon->kernel_lock);
	if (kernel)
		kernel_end(kernel, NULL);
	kernel_unref(kernel);
	pthread_join(daemon->supervisor, NULL);
	daemon->has_supervisor = false;
}

struct kernel *supervisor_peek(struct daemon *daemon)
{
	pthread_mutex_lock(&daemon->kernel_lock);
	struct kernel *kernel = daemon->kernel && daemon->kernel->ready
					? kernel_ref(daemon->kernel)
					: NULL;
	pthread_mutex_unlock(&daemon->kernel_lock);
	return kernel;
}

/* With kernel_lock: 1 when one is up, 0 to wait on, or why there will be none. */
static int kernel_state(struct daemon *daemon, bool *is_asked)
{
	if (daemon->is_leaving)
		return KEXT_ERR_CANCELLED;
	if (daemon->kernel && daemon->kernel->ready && !daemon->kernel->is_ending)
		return 1;
	if (daemon->boot_failure && !daemon->is_boot_wanted) {
		if (*is_asked)
			return KEXT_ERR_INTERNAL;
		*is_asked = daemon->is_boot_wanted = true;
		pthread_cond_broadcast(&daemon->kernel_changed);
	}
	return 0;
}

int supervisor_kernel(struct daemon *daemon, struct kext_diagnostics *diagnostics,
		      struct kernel **ret_kernel)
{
	uint64_t deadline = daemon_now() + BOOT_PATIENCE;
	bool is_asked = false;
	int state;
	pthread_mutex_lock(&daemon->kernel_lock);
	while ((state = kernel_state(daemon, &is_asked)) == 0 && daemon_now() < deadline)
		daemon_cond_wait(&daemon->kernel_changed, &daemon->kernel_lock, deadline);
	if (state == 1)
		*ret_kernel = kernel_ref(daemon->kernel);
	else
		kext_diagnose(diagnostics, KEXT_ERROR, "kernel.absent", "kernel_task",
			      NULL, "the userland kernel does not run: %s",
			      daemon->boot_failure ? daemon->boot_failure
						   : "it takes too long");
	pthread_mutex_unlock(&daemon->kernel_lock);
	if (state == 1)
		return 0;
	return state ? state : KEXT_ERR_INTERNAL;
}
