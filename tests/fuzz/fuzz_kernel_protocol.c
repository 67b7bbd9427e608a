/*
 * A kernel that lies to kextd. The input is a script of what it does: records of a kind
 * (a byte), a length (two bytes, little-endian) and content. One that talks writes the
 * content as it is, frames or not; before each but the first it reads what it was asked.
 * Meanwhile kextd listens, and a client asks for all there is to ask. Whatever is said,
 * kextd must come to an end with it, by its deadlines, and every question to an answer.
 */
#include "daemon.h"

#define PATIENCE 20u /* seconds; a sanitizer on a busy machine is slow */

enum { SAY = 0, REPORT, SILENCE, KINDS };

struct liar {
	struct daemon *daemon;
	struct kernel *kernel;
	int socket, pipe; /* the kernel's ends */
};

static void *listen_to(void *argument)
{
	struct liar *liar = argument;
	struct daemon *daemon = liar->daemon;
	struct kernel *kernel = liar->kernel;
	kernel_listen(kernel);
	pthread_mutex_lock(&daemon->kernel_lock);
	daemon->kernel = NULL;
	daemon->is_leaving = true;
	pthread_cond_broadcast(&daemon->kernel_changed);
	pthread_mutex_unlock(&daemon->kernel_lock);
	pthread_mutex_lock(&kernel->lock);
	kernel->dead = true;
	pthread_cond_broadcast(&kernel->changed);
	pthread_mutex_unlock(&kernel->lock);
	/* As the process's end would: who asks now hears of it. */
	shutdown(kernel->socket, SHUT_RDWR);
	return NULL;
}

/* As a client that has had enough: a sysctl's handler may take all the time it wants. */
static void cancel_in_time(struct daemon *daemon, struct request *request)
{
	uint64_t deadline = daemon_now() + 60 * MILLISECOND;
	pthread_mutex_lock(&daemon->done_lock);
	while (daemon->running && daemon_now() < deadline)
		daemon_cond_wait(&daemon->done_changed, &daemon->done_lock, deadline);
	bool is_done = !daemon->running;
	pthread_mutex_unlock(&daemon->done_lock);
	if (is_done)
		return;
	atomic_store(&request->is_cancelled, true);
	struct kernel *kernel = supervisor_peek(daemon);
	if (kernel)
		kernel_poke(kernel);
	kernel_unref(kernel);
}

static void ask(struct daemon *daemon, const char *predicate, const char *key,
		struct kext_value *value)
{
	struct kext_value *body = kext_value_new_dictionary();
	struct kext_value *arguments = kext_value_new_dictionary();
	struct frame frame = {0};
	struct request *request;
	void *data;
	if (kext_value_set(arguments, key, value) ||
	    kext_value_set(body, KEY_ARGUMENTS, arguments) ||
	    kext_value_set(body, KEY_PREDICATE, kext_value_new_string(predicate)) ||
	    kext_value_to_binary(body, &data, &frame.size))
		abort();
	frame.body = data;
	if (request_new(daemon, 0, &frame, &request))
		abort();
	frame_free(&frame);
	kext_value_unref(body);
	request_start(request);
	cancel_in_time(daemon, request);
	answer_all(take_finished(daemon));
}

/* In this order, so that a script knows the ids of the questions. */
static void *ask_all(void *argument)
{
	struct daemon *daemon = argument;
	ask(daemon, PREDICATE_LIST, "None", kext_value_new_boolean(true));
	ask(daemon, PREDICATE_LOG, KEY_POSITION, kext_value_new_integer(0, 64));
	ask(daemon, PREDICATE_SYSCTL, KEY_NAME, kext_value_new_string("debug.x"));
	ask(daemon, PREDICATE_SYSCTL_NAMES, "None", kext_value_new_boolean(true));
	ask(daemon, PREDICATE_STATUS, "None", kext_value_new_boolean(true));
	ask(daemon, PREDICATE_UNLOAD, KEY_IDENTIFIER,
	    kext_value_new_string("com.example.loaded"));
	return NULL;
}

static void make_kernel(struct liar *liar)
{
	int ends[2], pipe_ends[2];
	struct kernel_image *image = calloc(1, sizeof(*image));
	if (!image || kernel_new(liar->daemon, &liar->kernel) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) || pipe(pipe_ends))
		abort();
	liar->kernel->socket = ends[0];
	liar->kernel->report_pipe = pipe_ends[0];
	liar->kernel->generation = 1;
	liar->socket = ends[1];
	liar->pipe = pipe_ends[1];
	image->references = 1;
	image->tag = 7;
	image->identifier = strdup("com.example.loaded");
	image->path = strdup("/nonexistent/Loaded.kext");
	image->image = kext_image_ref(liar->daemon->catalog.kernel_image);
	if (kernel_add_image(liar->kernel, image))
		abort();
	liar->daemon->is_leaving = false;
	liar->daemon->kernel = liar->kernel;
}

/* What comes within a moment is read and forgotten. */
static void hear(const struct liar *liar)
{
	static char question[65536];
	struct timeval moment = {.tv_usec = 20 * MILLISECOND};
	setsockopt(liar->socket, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof(moment));
	(void)!recv(liar->socket, question, sizeof(question), 0);
}

/* False when it falls silent instead of leaving. */
static bool play(const struct liar *liar, struct bytes script)
{
	struct cursor c = cursor_at(script, 0, false);
	bool is_first = true;
	for (;;) {
		uint8_t kind = cursor_u8(&c) % KINDS;
		uint16_t size = cursor_u16(&c);
		size_t left = c.failed ? 0 : script.size - c.at;
		const uint8_t *content = cursor_take(&c, size < left ? size : left);
		if (!content || kind == SILENCE)
			return kind != SILENCE;
		size = size < left ? size : (uint16_t)left;
		if (kind == REPORT && size < 4096) {
			(void)!write(liar->pipe, content, size);
			continue;
		}
		if (!is_first)
			hear(liar);
		is_first = false;
		(void)!send(liar->socket, content, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
}

static void read_report(struct kernel *kernel)
{
	static char text[65537];
	struct buffer named = {0};
	struct kext_value *content = kext_value_new_dictionary();
	ssize_t got = read(kernel->report_pipe, text, sizeof(text) - 1);
	text[got < 0 ? 0 : got] = 0;
	if (!content || report_symbolicate(kernel, text, &named))
		abort();
	buffer_u8(&named, 0);
	if (report_parse((const char *)named.data, content))
		abort();
	buffer_free(&named);
	kext_value_unref(content);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct daemon *daemon;
	pthread_t listener, asker;
	uint64_t began = daemon_now();
	if (!daemon)
		daemon = make_daemon();
	struct liar liar = {.daemon = daemon};
	make_kernel(&liar);
	if (pthread_create(&listener, NULL, listen_to, &liar) ||
	    pthread_create(&asker, NULL, ask_all, daemon))
		abort();
	bool leaves = play(&liar, bytes_of(data, size));
	if (leaves)
		shutdown(liar.socket, SHUT_RDWR);
	pthread_join(listener, NULL);
	pthread_join(asker, NULL);
	answer_all(take_finished(daemon)); /* loads that the kernel asked for */
	close(liar.pipe);
	read_report(liar.kernel);
	close(liar.socket);
	kernel_unref(liar.kernel);
	check_time(began, PATIENCE);
	return 0;
}
