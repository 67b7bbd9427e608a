/* kextd from its start to its end. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <systemd/sd-daemon.h>
#include "base/memory.h"
#include "daemon/daemon.h"

#define LOG_NAME       "kextd.log"
#define LOG_MAX	       (1 << 20)
#define LOCK_NAME      "kextd.lock"
#define BOOT_ARGS_NAME "boot-args"
#define BOOT_ARGS_MAX  1023u
#define SECOND	       1000000u	    /* in microseconds */
#define LOCK_WITHIN    (5 * SECOND) /* for a predecessor to leave */

/* ---- small things that all parts use ---- */

uint64_t daemon_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int daemon_milliseconds_until(uint64_t at)
{
	uint64_t now = daemon_now();
	if (!at)
		return -1;
	return at <= now ? 0 : (int)((at - now + 999) / 1000);
}

void daemon_cond_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

void daemon_cond_wait(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t deadline)
{
	struct timespec until = {
		.tv_sec = (time_t)(deadline / 1000000),
		.tv_nsec = (long)(deadline % 1000000) * 1000,
	};
	if (deadline)
		pthread_cond_timedwait(condition, lock, &until);
	else
		pthread_cond_wait(condition, lock);
}

void daemon_log(struct daemon *daemon, const char *format, ...)
{
	char when[32], text[1024];
	struct timespec now;
	struct tm local;
	va_list arguments;
	if (daemon->options->quiet)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	/* Names come from clients and kexts: none may write a line of its own. */
	for (char *c = text; *c; c++)
		*c = (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c;
	kext_context_log(daemon->context, KEXT_LOG_BASIC, "%s", text);
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &local);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &local);
	/* One write, so that lines of threads and of the kernel do not mix. */
	dprintf(STDERR_FILENO, "%s.%03ld kextd[%d]: %s\n", when, now.tv_nsec / 1000000,
		(int)getpid(), text);
}

/* ---- the passes of starting ---- */

static int open_places(struct daemon *daemon, struct kext_diagnostics *diagnostics)
{
	int error = place_open_run(daemon->instance, true, diagnostics, &daemon->run);
	return error < 0 ? error
			 : place_open_state(daemon->instance, true, diagnostics,
					    &daemon->state);
}

/* Held as long as we live. A predecessor that is leaving gets a moment. */
static int lock_instance(struct daemon *daemon, struct kext_diagnostics *diagnostics)
{
	uint64_t deadline = daemon_now() + LOCK_WITHIN;
	daemon->instance_lock = openat(daemon->run.fd, LOCK_NAME,
				       O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (daemon->instance_lock < 0)
		return -errno;
	while (flock(daemon->instance_lock, LOCK_EX | LOCK_NB) < 0) {
		bool is_serving = faccessat(daemon->run.fd, CLIENT_SOCKET, F_OK, 0) == 0;
		if (errno == EINTR)
			continue;
		if (is_serving || daemon_now() >= deadline) {
			kext_diagnose(diagnostics, KEXT_ERROR, "daemon.running",
				      daemon->run.path, NULL,
				      "another kextd serves there");
			return -EBUSY;
		}
		usleep(10000);
	}
	return 0;
}

static int open_log(struct daemon *daemon)
{
	struct stat st;
	if (daemon->options->foreground)
		return 0;
	if (fstatat(daemon->state.fd, LOG_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_size > LOG_MAX)
		renameat(daemon->state.fd, LOG_NAME, daemon->state.fd, LOG_NAME ".old");
	_cleanup_fd_ int fd =
		openat(daemon->state.fd, LOG_NAME,
		       O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
		return -errno;
	return 0;
}

/* The first line of the state folder's file. */
static char *read_boot_args(struct daemon *daemon)
{
	struct file_map file;
	char text[BOOT_ARGS_MAX + 1] = "";
	if (file_map_path(daemon->state.fd, BOOT_ARGS_NAME, 65536, &file) < 0)
		return mem_string("");
	size_t size = file.bytes.size < BOOT_ARGS_MAX ? file.bytes.size : BOOT_ARGS_MAX;
	if (size)
		memcpy(text, file.bytes.data, size);
	text[strcspn(text, "\n")] = '\0';
	file_unmap(&file);
	return mem_string(text);
}

static int choose_boot_args(struct daemon *daemon, struct kext_diagnostics *diagnostics)
{
	const char *variable = getenv("KEXT_BOOTARGS");
	const char *given =
		daemon->options->boot_args ? daemon->options->boot_args : variable;
	daemon->boot_args = given ? mem_string(given) : read_boot_args(daemon);
	if (!daemon->boot_args)
		return -ENOMEM;
	if (strlen(daemon->boot_args) <= BOOT_ARGS_MAX)
		return 0;
	kext_diagnose(diagnostics, KEXT_ERROR, "daemon.bootargs", "boot arguments", NULL,
		      "they have %zu characters, more than %u", strlen(daemon->boot_args),
		      BOOT_ARGS_MAX);
	return KEXT_ERR_INVALID_ARGUMENT;
}

/* Before the first thread, so that all inherit it: signals come to the loop. */
static int start_loop(struct daemon *daemon)
{
	static const int signals[] = {SIGTERM, SIGINT};
	sigset_t blocked;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &blocked, NULL);
	signal(SIGPIPE, SIG_IGN);
	int error = sd_event_new(&daemon->event);
	for (size_t i = 0; error >= 0 && i < 2; i++)
		error = sd_event_add_signal(daemon->event, NULL, signals[i], NULL, NULL);
	return error < 0 ? error : 0;
}

static int announce(int ready_fd)
{
	sd_notify(0, "READY=1");
	if (ready_fd < 0)
		return 0;
	int error = file_write_all(ready_fd, "R", 1);
	close(ready_fd);
	/* Who started us may be gone: that is no reason to leave. */
	return error == -EPIPE ? 0 : error;
}

/* A file that cannot be read is no reason to serve nobody, but is said. */
static int read_culprits(struct daemon *daemon, struct kext_diagnostics *diagnostics)
{
	int error = culprits_read(daemon);
	if (error < 0)
		kext_diagnose(diagnostics, KEXT_WARNING, "daemon.culprits",
			      daemon->state.path, NULL,
			      "the kexts that ended kernels cannot be read: %s",
			      kext_error_string(error));
	return error == -ENOMEM ? error : 0;
}

static int prepare(struct daemon *daemon, struct kext_diagnostics *diagnostics)
{
	int error = open_places(daemon, diagnostics);
	if (error == 0)
		error = lock_instance(daemon, diagnostics);
	if (error == 0)
		error = choose_boot_args(daemon, diagnostics);
	if (error == 0)
		error = open_log(daemon);
	if (error == 0)
		error = read_culprits(daemon, diagnostics);
	if (error == 0)
		error = files_open_root(daemon, diagnostics);
	if (error == 0)
		error = start_loop(daemon);
	if (error == 0)
		error = supervisor_start(daemon);
	if (error == 0)
		error = server_start(daemon);
	if (error == 0)
		error = idle_start(daemon);
	return error;
}

static int serve(struct daemon *daemon, int ready_fd)
{
	int error = announce(ready_fd);
	if (error < 0)
		return error;
	daemon_log(daemon, "serves the %s instance in %s%s%s",
		   place_instance_name(daemon->instance), daemon->run.path,
		   daemon->boot_args[0] ? ", boot arguments: " : "", daemon->boot_args);
	error = sd_event_loop(daemon->event);
	sd_notify(0, "STOPPING=1");
	daemon_log(daemon, "leaves");
	return error < 0 ? error : 0;
}

static void tear_down(struct daemon *daemon)
{
	server_stop(daemon);
	catalog_free(daemon);
	restore_forget(daemon);
	culprits_free(daemon);
	kext_value_unref(daemon->findings);
	sd_event_unref(daemon->event);
	free(daemon->boot_args);
	free(daemon->boot_failure);
	/* The lock last: a successor may start now. */
	file_close(daemon->instance_lock);
	file_close(daemon->file_root);
	place_close(&daemon->run);
	place_close(&daemon->state);
	kext_context_unref(daemon->context);
	free(daemon);
}

static struct daemon *daemon_new(struct kext_context *context,
				 const struct kext_daemon_options *options)
{
	struct daemon *daemon = mem_zero(1, sizeof(*daemon));
	if (!daemon)
		return NULL;
	daemon->context = kext_context_ref(context);
	daemon->options = options;
	daemon->instance = place_instance(options->instance);
	daemon->owner = place_owner(options->instance);
	daemon->run.fd = daemon->state.fd = daemon->file_root = -1;
	daemon->instance_lock = daemon->listener = daemon->wake = -1;
	daemon->started = daemon_now();
	daemon->deadlines = (struct deadlines){
		.hello = 10 * SECOND,
		.frame = 5 * SECOND,
		.answer = 10 * SECOND,
		.end = 3 * SECOND,
	};
	pthread_mutex_init(&daemon->done_lock, NULL);
	pthread_mutex_init(&daemon->kernel_lock, NULL);
	pthread_mutex_init(&daemon->load_lock, NULL);
	pthread_mutex_init(&daemon->findings_lock, NULL);
	daemon_cond_init(&daemon->done_changed);
	daemon_cond_init(&daemon->kernel_changed);
	daemon_cond_init(&daemon->load_changed);
	return daemon;
}

/* Tells the one who waits on the pipe what went wrong. */
static void report_failure(int ready_fd, int error,
			   const struct kext_diagnostics *diagnostics)
{
	const struct kext_diagnostic *last = kext_diagnostics_at(
		diagnostics, kext_diagnostics_length(diagnostics) - 1);
	if (ready_fd < 0)
		return;
	if (last)
		dprintf(ready_fd, "%s: %s\n", last->subject, last->message);
	else
		dprintf(ready_fd, "%s\n", kext_error_string(error));
	close(ready_fd);
}

static int run(struct kext_context *context, const struct kext_daemon_options *options,
	       int ready_fd, struct kext_diagnostics *diagnostics)
{
	struct daemon *daemon = daemon_new(context, options);
	if (!daemon)
		return -ENOMEM;
	int error = prepare(daemon, diagnostics);
	if (error == 0)
		error = serve(daemon, ready_fd);
	else
		report_failure(ready_fd, error, diagnostics);
	tear_down(daemon);
	return error;
}

int kext_daemon_run(struct kext_context *context,
		    const struct kext_daemon_options *options,
		    struct kext_diagnostics *diagnostics)
{
	bool is_child = true;
	int ready_fd = options->ready_fd;
	if (!options->foreground && ready_fd < 0) {
		int error = detach(diagnostics, &is_child, &ready_fd);
		if (error < 0 || !is_child)
			return error;
	}
	return run(context, options, ready_fd, diagnostics);
}
