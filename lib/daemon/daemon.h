/*
 * What the parts of kextd share. Two kinds of threads: the event loop owns client sockets
 * and never waits; each request runs on a worker of its own, which may wait for the
 * kernel. The supervisor thread boots kernels, reads what they say and buries them.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>
#include <time.h>
#include <systemd/sd-event.h>
#include <kext/daemon.h>
#include <kext/link.h>
#include <kext/repository.h>
#include <kext/version.h>
#include "base/array.h"
#include "base/buffer.h"
#include "base/fields.h"
#include "base/file.h"
#include "base/frame.h"
#include "base/map.h"
#include "client/places.h"
#include "client/protocol.h"

struct daemon;
struct client;

/* ---- kernel.c: one userland kernel and calls to it ---- */

/* The linked image of a loaded kext: later kexts link against it, reports look into it.
 */
struct kernel_image {
	atomic_int references;
	uint32_t tag;
	char *identifier, *path;
	uint8_t *data;
	struct kext_image *image;
};

struct kernel {
	atomic_int references;
	struct daemon *daemon;
	uint64_t generation; /* 1 for the first of this kextd, and so on */
	pid_t pid;
	int socket, report_pipe, wake; /* wake: eventfd that interrupts the supervisor */
	int program;		       /* the file that runs, for its symbols; -1 */
	pthread_mutex_t send_lock;
	pthread_mutex_t lock;	/* of everything below */
	pthread_cond_t changed; /* a call was answered, or the kernel came up or died */
	uint64_t next_id;
	struct call *calls;
	atomic_bool ready; /* it said hello, and is the kernel we describe */
	bool dead;
	atomic_bool is_ending; /* told to end, or killed */
	bool is_replaced;      /* … by a restart or shutdown, which is no panic */
	uint64_t kill_at;      /* microseconds; when it is killed if it has not ended */
	const char *end_cause; /* why kextd ended it; NULL: it did so by itself */
	char *report;	       /* path of the panic report */
	ARRAY_OF(struct kernel_image *) images;
};

/* Until when, and on whose behalf, a call is waited for. */
struct patience {
	uint64_t deadline;		 /* microseconds of daemon_now; 0: for ever */
	const atomic_bool *is_cancelled; /* NULL: cannot be */
};

int kernel_new(struct daemon *daemon, struct kernel **ret_kernel)
	__attribute__((warn_unused_result));
struct kernel *kernel_ref(struct kernel *kernel);
struct kernel *kernel_unref(struct kernel *kernel);
/*
 * Asks and waits. With `patience` NULL the kernel must answer by its deadline. When
 * patience ends first the kernel is made to panic: KEXT_ERR_TIMEOUT or KEXT_ERR_CANCELLED
 * after its end; KEXT_ERR_PANIC when it died otherwise; kernel->report is set then.
 * *ret's body is valid fields; the caller frees it. Consumes `body`'s content, not `fd`
 * (-1: none).
 */
int kernel_call(struct kernel *kernel, enum kernel_message type, struct buffer *body,
		int fd, const struct patience *patience, struct frame *ret)
	__attribute__((warn_unused_result));
/* Sends a message that has no answer. */
int kernel_tell(struct kernel *kernel, enum kernel_message type, struct buffer *body)
	__attribute__((warn_unused_result));
/* Answers a question of the kernel's. Consumes `body`'s content, not `fd` (-1: none). */
int kernel_answer(struct kernel *kernel, const struct frame *question,
		  struct buffer *body, int fd) __attribute__((warn_unused_result));
/* An answer or message came: false when it follows no rule of the protocol. Supervisor.
 */
bool kernel_take_reply(struct kernel *kernel, struct frame *frame);
/* Makes it end: CANCEL with `cause`, or SHUTDOWN when it is NULL. */
void kernel_end(struct kernel *kernel, const char *cause);
/* Wakes all who wait, so that they look at their patience again. */
void kernel_poke(struct kernel *kernel);

int kernel_add_image(struct kernel *kernel, struct kernel_image *image)
	__attribute__((warn_unused_result));
struct kernel_image *kernel_find_image(struct kernel *kernel,
				       uint32_t tag); /* a reference */
void kernel_drop_image(struct kernel *kernel, uint32_t tag);
size_t kernel_image_count(struct kernel *kernel);
struct kernel_image *kernel_image_unref(struct kernel_image *image);

/* ---- listen.c ---- */
/* Reads what the kernel says until its end or the end of our trust. Supervisor. */
void kernel_listen(struct kernel *kernel);
/* When the kernel is killed if it has not ended; 0: nobody told it to. */
uint64_t kernel_end_time(struct kernel *kernel);

/* ---- spawn.c ---- */
/* Starts kernel_task on the kernel's socket and pipe ends, which it makes. */
int kernel_spawn(struct kernel *kernel) __attribute__((warn_unused_result));

/* ---- supervise.c ---- */
int supervisor_start(struct daemon *daemon) __attribute__((warn_unused_result));
/* Ends the kernel and the supervisor thread. */
void supervisor_stop(struct daemon *daemon);
/* The running kernel, a reference; waits for one that boots. Diagnoses why there is none.
 */
int supervisor_kernel(struct daemon *daemon, struct kext_diagnostics *diagnostics,
		      struct kernel **ret_kernel) __attribute__((warn_unused_result));
/* The same without waiting; NULL. */
struct kernel *supervisor_peek(struct daemon *daemon);

/* ---- report.c ---- */
/*
 * Writes the report on a kernel's end, with symbols, into the state folder; *ret_path is
 * its path. *ret_culprit (may come out NULL): identifier of the kext whose code ran.
 */
int report_write(struct kernel *kernel, const char *text, const char *end,
		 char **ret_path, char **ret_culprit) __attribute__((warn_unused_result));
/* A copy of the report's text with ` (symbol + 0xn)` behind each address that has one. */
int report_symbolicate(struct kernel *kernel, const char *text, struct buffer *ret)
	__attribute__((warn_unused_result));

/* ---- report_json.c ---- */
/* Adds what a report's text says to a dictionary. */
int report_parse(const char *text, struct kext_value *into)
	__attribute__((warn_unused_result));

/* Adds what `0xADDRESS : IMAGE + 0xOFFSET (SYMBOL + 0xOFFSET)` says to a dictionary. */
struct row;
bool report_read_place(struct row *into, const char *line);

/* ---- report_store.c ---- */
/* Adds a report to the folder, whose newest ten stay. */
int report_store(struct daemon *daemon, time_t now, const struct buffer *text,
		 const struct kext_value *content, char **ret_path)
	__attribute__((warn_unused_result));
/* Path of the newest report's text, the caller's to free; NULL: there is none. */
char *report_newest(struct daemon *daemon);

/* ---- kernel_names.c: kernel_task's own functions ---- */
struct kernel_names;
/* From the program behind the descriptor; NULL when it has no names. */
struct kernel_names *kernel_names_read(int program);
/* The function that holds the address, mangled, and how far into it; `names` may be NULL.
 */
const char *kernel_names_at(const struct kernel_names *names, uint64_t address,
			    uint64_t *ret_offset);
/* Takes NULL. Returns NULL. */
struct kernel_names *kernel_names_free(struct kernel_names *names);

/* ---- catalog.c: what is on disk ---- */
struct interface {
	struct kext_bundle *bundle;
	struct kext_image *image;
};

struct catalog {
	struct file_map kernel_file;
	struct kext_image *kernel_image;	 /* set once, by the supervisor */
	struct kext_repository *repositories[2]; /* by no_system; under load_lock */
	char *stamps[2];
	ARRAY_OF(struct interface) interfaces; /* under load_lock */
};

/* Opens mach_kernel once. */
int catalog_open_kernel(struct daemon *daemon, struct kext_diagnostics *diagnostics)
	__attribute__((warn_unused_result));
/* The default repository, scanned anew when its folders changed. Under load_lock. */
int catalog_repository(struct daemon *daemon, bool no_system,
		       struct kext_diagnostics *diagnostics, struct kext_repository **ret)
	__attribute__((warn_unused_result));
/* Forgets the repositories: what they knew is no longer what is on disk. Under load_lock.
 */
void catalog_forget(struct daemon *daemon);
/* The symbol set of a KPI plug-in, borrowed; NULL in *ret when it has none. Under
 * load_lock. */
int catalog_interface(struct daemon *daemon, struct kext_bundle *bundle,
		      struct kext_diagnostics *diagnostics, struct kext_image **ret)
	__attribute__((warn_unused_result));
void catalog_free(struct daemon *daemon);

/* ---- debug_symbols.c ---- */
struct macho;
/* Appends an ELF file with the symbols of a linked image, for debuggers. */
void debug_symbols_make(const struct macho *macho, struct buffer *ret);

/* ---- request.c ---- */
struct request {
	struct daemon *daemon;
	struct client *client; /* the loop's alone; NULL: gone, or an up-call */
	struct request *next;  /* in the client's list; the loop's */
	struct request *next_done;
	uint64_t id;
	uid_t uid;
	pid_t pid;
	bool is_running; /* on a worker */
	bool is_owner;	 /* the instance's owner, or root */
	const struct predicate *predicate;
	struct kext_value *arguments;
	int fd; /* of the bundle's folder; -1 */
	atomic_bool is_cancelled;
	bool is_parked;	     /* has no answer yet: again when the log grows */
	uint64_t log_serial; /* daemon->log_serial when the log was read */
	struct kext_diagnostics *diagnostics;
	struct kext_value *answer;
	char *report;
	int error;
};

/* A request as its frame says, or an error that ends the connection. Takes the frame's
 * fd. */
int request_new(struct daemon *daemon, uid_t uid, struct frame *frame,
		struct request **ret_request) __attribute__((warn_unused_result));
/* A request without a client: load `identifier` because a kext asked for it. */
int request_new_upcall(struct daemon *daemon, const char *identifier,
		       struct request **ret_request) __attribute__((warn_unused_result));
/* The same for a path that was loaded before a panic. Consumes `dependencies`. */
int request_new_restore(struct daemon *daemon, const char *path,
			struct kext_value *dependencies, struct request **ret_request)
	__attribute__((warn_unused_result));
struct request *request_free(struct request *request);
/* Runs it on a worker; it comes back through daemon_done, also when it failed. */
void request_start(struct request *request);
/* The reply's body. */
int request_encode_reply(const struct request *request, struct frame *ret)
	__attribute__((warn_unused_result));

/* Handlers: the error is the reply's. */
int daemon_load_run(struct request *request);
int unload_run(struct request *request);
int query_list(struct request *request);
int query_log(struct request *request);
int query_sysctl(struct request *request);
int query_sysctl_names(struct request *request);
int query_status(struct request *request);
int query_findings(struct request *request);
int request_shutdown(struct request *request);
/* Whether the loop is to leave after its reply. */
bool request_is_shutdown(const struct request *request);
int request_restart(struct request *request);

/* ---- load.c, shared with unload.c ---- */
/* Tells all loads that a start or stop routine has ended. */
void load_changed(struct daemon *daemon);

/* ---- upcall.c ---- */
/* Whether the kernel sends messages of the type by itself. */
bool upcall_is(uint16_t type);
/* A message the kernel sent by itself. False when it follows no rule. Supervisor. */
bool upcall_take(struct kernel *kernel, struct frame *frame);

/* ---- files.c: the files that kexts see ---- */
/* Opens the folder that is the root of all files for them. */
int files_open_root(struct daemon *daemon, struct kext_diagnostics *diagnostics)
	__attribute__((warn_unused_result));
/* Where that is now, the caller's to free; NULL without memory. */
char *files_root_path(const struct daemon *daemon);
/* Answers the kernel's question for a file. False when it follows no rule. Supervisor. */
bool files_answer(struct kernel *kernel, struct frame *question);

/* ---- finding.c ---- */
/* A check of the kernel's has found something: FINDING's body. */
void finding_keep(struct kernel *kernel, struct bytes body);

/* ---- culprit.c ---- */
/* What earlier kextds noted. */
int culprits_read(struct daemon *daemon) __attribute__((warn_unused_result));
/* One more kernel was ended by this kext. */
void culprit_count(struct daemon *daemon, const char *identifier);
/* Whether it was so often that no kext's wish loads it again. */
bool culprit_is_blamed(struct daemon *daemon, const char *identifier);
void culprits_free(struct daemon *daemon);

/* ---- restore.c; the supervisor's ---- */
/* Keeps what a kernel that died had loaded, when the options want it back. */
void restore_remember(struct daemon *daemon, struct kernel *kernel, const char *culprit);
/* The next kernel is ready: asks for what was kept. */
void restore_start(struct daemon *daemon);
void restore_forget(struct daemon *daemon);

/* ---- server.c ---- */
int server_start(struct daemon *daemon) __attribute__((warn_unused_result));
void server_stop(struct daemon *daemon);
/* Hands a finished request to the loop. From any thread. */
void server_done(struct request *request);
/* The log grew, or another kernel runs. From any thread. */
void server_log_grew(struct daemon *daemon);

/* ---- detach.c ---- */
/*
 * Forks the rest of the program off. *ret_is_child: whether this is the detached side,
 * which reports on *ret_ready_fd; the other side returns when that one serves or failed.
 */
int detach(struct kext_diagnostics *diagnostics, bool *ret_is_child, int *ret_ready_fd)
	__attribute__((warn_unused_result));

/* ---- idle.c ---- */
int idle_start(struct daemon *daemon) __attribute__((warn_unused_result));

/* What a kernel is given, in microseconds. */
struct deadlines {
	uint64_t hello;	 /* to say that it is ready */
	uint64_t frame;	 /* for a whole message, either way */
	uint64_t answer; /* to requests that run no kext's code */
	uint64_t end;	 /* to end, once told, or once it reports */
};

struct daemon {
	struct kext_context *context;
	const struct kext_daemon_options *options;
	enum kext_instance instance;
	uid_t owner;
	struct place run, state;
	int file_root; /* a descriptor that only names the folder */
	bool has_writable_files;
	int instance_lock;
	char *boot_args;
	uint64_t started;
	struct deadlines deadlines;

	sd_event *event;
	int listener;
	bool is_activated; /* the listener is systemd's */
	struct client *clients;
	size_t client_count;
	uint64_t last_activity;
	int wake; /* eventfd: something is in `done`, or the log grew */
	pthread_mutex_t done_lock;
	pthread_cond_t done_changed;
	struct request *done;
	unsigned running; /* requests on workers; under done_lock */
	atomic_ullong log_serial;

	pthread_t supervisor;
	bool has_supervisor;
	pthread_mutex_t kernel_lock;
	pthread_cond_t kernel_changed;
	struct kernel *kernel; /* NULL while none runs */
	uint64_t generation;
	bool is_leaving, is_boot_wanted;
	char *boot_failure;	  /* why the last boot failed; NULL: it did not */
	ARRAY_OF(char *) restore; /* paths to load again; the supervisor's */
	uint64_t restored_at;	  /* when that was done last; 0: never */
	struct map culprits;	  /* identifier → number of panics, as a pointer */

	pthread_mutex_t findings_lock;
	struct kext_value *findings; /* array; NULL: none yet */

	pthread_mutex_t load_lock;   /* from resolving to mapping; not while code runs */
	pthread_cond_t load_changed; /* a start or stop routine ended */
	struct catalog catalog;
};

/* Microseconds of CLOCK_MONOTONIC. */
uint64_t daemon_now(void);
/* Until then, rounded up, for poll; -1 for 0. */
int daemon_milliseconds_until(uint64_t at);
/* A condition that waits by CLOCK_MONOTONIC. */
void daemon_cond_init(pthread_cond_t *condition);
/* Waits until `deadline` (0: for ever) at most. */
void daemon_cond_wait(pthread_cond_t *condition, pthread_mutex_t *lock,
		      uint64_t deadline);
void daemon_log(struct daemon *daemon, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
