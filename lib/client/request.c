/* One exchange with kextd, and the requests that load, unload and list kexts. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/file.h"
#include "base/memory.h"
#include "client/client.h"
#include "value/utf8.h"

/* ---- one exchange ---- */

/* Slugs are literals in a process; those that come from kextd are kept for its life. */
static const char *keep_slug(const char *slug)
{
	static _Thread_local struct slug {
		struct slug *next;
		char text[];
	} * kept;
	for (struct slug *s = kept; s; s = s->next) {
		if (strcmp(s->text, slug) == 0)
			return s->text;
	}
	struct slug *fresh = mem_alloc(sizeof(*fresh) + strlen(slug) + 1);
	if (!fresh)
		return "kextd";
	strcpy(fresh->text, slug);
	fresh->next = kept;
	kept = fresh;
	return fresh->text;
}

static void take_finding(const struct kext_value *item,
			 struct kext_diagnostics *diagnostics)
{
	uint64_t severity = kext_value_integer(kext_value_get(item, KEY_SEVERITY));
	const char *slug = kext_value_string(kext_value_get(item, KEY_SLUG));
	const char *message = kext_value_string(kext_value_get(item, KEY_MESSAGE));
	kext_diagnose(diagnostics,
		      severity <= KEXT_ERROR ? (enum kext_severity)severity : KEXT_ERROR,
		      keep_slug(slug ? slug : "kextd"),
		      kext_value_string(kext_value_get(item, KEY_SUBJECT)),
		      kext_value_string(kext_value_get(item, KEY_HINT)), "%s",
		      message ? message : "");
}

static int take_reply(const struct kext_value *reply,
		      struct kext_diagnostics *diagnostics,
		      struct kext_value **ret_answer, char **ret_report)
{
	const struct kext_value *list = kext_value_get(reply, KEY_DIAGNOSTICS);
	const char *report = kext_value_string(kext_value_get(reply, KEY_REPORT));
	uint64_t error = kext_value_integer(kext_value_get(reply, KEY_ERROR));
	for (size_t i = 0; i < kext_value_count(list); i++)
		take_finding(kext_value_at(list, i), diagnostics);
	if (ret_report)
		*ret_report = report ? mem_string(report) : NULL;
	if (error)
		return error <= INT_MAX ? -(int)error : KEXT_ERR_PROTOCOL;
	if (ret_answer) {
		struct kext_value *answer = kext_value_get(reply, KEY_ANSWER);
		*ret_answer = answer ? kext_value_ref(answer) : NULL;
	}
	return 0;
}

static int encode(const char *predicate, struct kext_value *arguments,
		  struct frame *frame)
{
	void *data;
	struct kext_value *request = kext_value_new_dictionary();
	if (!request) {
		kext_value_unref(arguments);
		return -ENOMEM;
	}
	int error = kext_value_set(request, KEY_ARGUMENTS, arguments);
	if (error == 0)
		error = kext_value_set(request, KEY_PREDICATE,
				       kext_value_new_string(predicate));
	if (error == 0)
		error = kext_value_to_binary(request, &data, &frame->size);
	if (error == 0)
		frame->body = data;
	kext_value_unref(request);
	return error;
}

/* Frames that answer something else are skipped: an earlier wait that was given up. */
static int receive(struct kext_client *client, uint64_t id, struct kext_value **ret_reply)
{
	for (;;) {
		struct frame frame = {0};
		int got = frame_reader_read(&client->reader, &frame);
		if (got < 0)
			return got;
		int error = 1;
		if (got > 0 && frame.type == CLIENT_REPLY && frame.id == id)
			error = kext_value_from_binary(frame.body, frame.size, ret_reply);
		frame_free(&frame);
		if (error <= 0)
			return error < 0 ? KEXT_ERR_PROTOCOL : 0;
	}
}

static int exchange(struct kext_client *client, struct frame *frame,
		    struct kext_value **ret_reply)
{
	frame->id = client->next_id++;
	frame->type = CLIENT_REQUEST;
	int error = frame_send(client->socket, frame);
	if (error < 0)
		return error;
	/* A cancel that came before this line could not know the id: it is sent now. */
	atomic_store(&client->in_flight, frame->id);
	if (atomic_load(&client->cancel_wanted))
		kext_client_cancel(client);
	error = receive(client, frame->id, ret_reply);
	atomic_store(&client->in_flight, 0);
	return error;
}

int client_call(struct kext_client *client, const char *predicate,
		struct kext_value *arguments, int fd,
		struct kext_diagnostics *diagnostics, struct kext_value **ret_answer,
		char **ret_report)
{
	struct frame frame = {0};
	struct kext_value *reply;
	if (ret_report)
		*ret_report = NULL;
	int error = encode(predicate, arguments, &frame);
	if (error == 0) {
		frame.fds[0] = fd;
		frame.fd_count = fd >= 0;
		error = exchange(client, &frame, &reply);
	}
	frame.fd_count = 0; /* the caller's */
	frame_free(&frame);
	if (error == -EPIPE || error == -ECONNRESET) {
		kext_diagnose(diagnostics, KEXT_ERROR, "client.lost", "kextd", NULL,
			      "it ended before it answered");
		return KEXT_ERR_NO_SERVER;
	}
	if (error < 0)
		return error;
	error = take_reply(reply, diagnostics, ret_answer, ret_report);
	kext_value_unref(reply);
	return error;
}

void kext_client_cancel(struct kext_client *client)
{
	int saved = errno;
	uint64_t id = atomic_load(&client->in_flight);
	struct frame frame = {.type = CLIENT_CANCEL, .id = id};
	atomic_store(&client->cancel_wanted, true);
	/* An empty frame is sent with one system call and allocates nothing. */
	if (id && frame_send(client->socket, &frame) < 0)
		shutdown(client->socket, SHUT_RDWR);
	errno = saved;
}

/* ---- load, unload ---- */

static int set_texts(struct kext_value *arguments, const char *key,
		     const char *const *texts, size_t count)
{
	struct kext_value *array = kext_value_new_array();
	int error = array ? 0 : -ENOMEM;
	for (size_t i = 0; error == 0 && i < count; i++) {
		/* kextd works in "/": every path is made absolute here. */
		_cleanup_free_ char *path = realpath(texts[i], NULL);
		error = kext_value_append(array,
					  kext_value_new_string(path ? path : texts[i]));
	}
	if (error < 0) {
		kext_value_unref(array);
		return error;
	}
	return kext_value_set(arguments, key, array);
}

/* The path made absolute without following links: rules on paths are kextd's to judge. */
static char *absolute_path(const char *path)
{
	if (path[0] == '/')
		return mem_string(path);
	_cleanup_free_ char *folder = getcwd(NULL, 0);
	return folder ? mem_format("%s/%s", folder, path) : NULL;
}

static int set_path(struct kext_value *arguments, const char *path)
{
	_cleanup_free_ char *absolute = absolute_path(path);
	if (!absolute)
		return -ENOMEM;
	return kext_value_set(arguments, KEY_PATH, kext_value_new_string(absolute));
}

static int load_arguments(struct kext_value *arguments,
			  const struct kext_load_options *options)
{
	int error;
	if (options->path)
		error = set_path(arguments, options->path);
	else
		error = kext_value_set(arguments, KEY_IDENTIFIER,
				       kext_value_new_string(options->identifier));
	if (error == 0)
		error = set_texts(arguments, KEY_REPOSITORIES, options->repositories,
				  options->repository_count);
	if (error == 0)
		error = set_texts(arguments, KEY_DEPENDENCIES, options->dependencies,
				  options->dependency_count);
	if (error == 0)
		error = kext_value_set(
			arguments, KEY_NO_SYSTEM,
			kext_value_new_boolean(options->no_system_extensions));
	if (error == 0)
		error = kext_value_set(arguments, KEY_ALLOW_MISSING,
				       kext_value_new_boolean(options->allow_missing));
	if (error == 0)
		error = kext_value_set(arguments, KEY_DELAY,
				       kext_value_new_boolean(options->delay_autounload));
	if (error == 0)
		error = kext_value_set(arguments, KEY_TIMEOUT,
				       kext_value_new_integer(options->timeout_ms, 32));
	return error;
}

static int call_and_read(struct kext_client *client, const char *predicate,
			 struct kext_value *arguments, int fd,
			 struct kext_diagnostics *diagnostics,
			 struct kext_load_reply *ret_reply)
{
	struct kext_value *answer = NULL;
	struct kext_load_reply reply = {0};
	int error = client_call(client, predicate, arguments, fd, diagnostics, &answer,
				&reply.report);
	reply.was_loaded = kext_value_boolean(kext_value_get(answer, KEY_WAS_LOADED));
	reply.tag = (uint32_t)kext_value_integer(kext_value_get(answer, KEY_LOAD_TAG));
	reply.start_result =
		(uint32_t)kext_value_integer(kext_value_get(answer, KEY_START_RESULT));
	kext_value_unref(answer);
	*ret_reply = reply;
	return error;
}

/* A request is a property list, whose texts are UTF-8: other paths cannot be told. */
static int check_paths(const char *const *paths, size_t count,
		       struct kext_diagnostics *diagnostics)
{
	for (size_t i = 0; i < count; i++) {
		_cleanup_free_ char *absolute = absolute_path(paths[i]);
		if (!absolute)
			return -ENOMEM;
		if (utf8_is_valid(absolute, strlen(absolute)))
			continue;
		kext_diagnose(diagnostics, KEXT_ERROR, "client.path", paths[i],
			      "rename what is not, or copy the kext elsewhere",
			      "the path is not UTF-8, so that kextd cannot be asked");
		return -EILSEQ;
	}
	return 0;
}

static int check_load(const struct kext_load_options *options,
		      struct kext_diagnostics *diagnostics)
{
	if (!options->path == !options->identifier)
		return KEXT_ERR_INVALID_ARGUMENT;
	int error = check_paths(&options->path, options->path ? 1 : 0, diagnostics);
	if (error == 0)
		error = check_paths(options->repositories, options->repository_count,
				    diagnostics);
	return error < 0 ? error
			 : check_paths(options->dependencies, options->dependency_count,
				       diagnostics);
}

int kext_client_load(struct kext_client *client, const struct kext_load_options *options,
		     struct kext_diagnostics *diagnostics,
		     struct kext_load_reply *ret_reply)
{
	*ret_reply = (struct kext_load_reply){0};
	int error = check_load(options, diagnostics);
	if (error < 0)
		return error;
	struct kext_value *arguments = kext_value_new_dictionary();
	error = arguments ? load_arguments(arguments, options) : -ENOMEM;
	if (error < 0) {
		kext_value_unref(arguments);
		return error;
	}
	/* The folder meant goes along, so that nobody can put another one in its place.
	 */
	_cleanup_fd_ int fd = -1;
	if (options->path)
		fd = open(options->path, O_PATH | O_CLOEXEC);
	return call_and_read(client, PREDICATE_LOAD, arguments, fd, diagnostics,
			     ret_reply);
}

int kext_client_unload(struct kext_client *client, const char *identifier,
		       unsigned timeout_ms, struct kext_diagnostics *diagnostics,
		       struct kext_load_reply *ret_reply)
{
	*ret_reply = (struct kext_load_reply){0};
	struct kext_value *arguments = kext_value_new_dictionary();
	int error = arguments ? kext_value_set(arguments, KEY_IDENTIFIER,
					       kext_value_new_string(identifier))
			      : -ENOMEM;
	if (error == 0)
		error = kext_value_set(arguments, KEY_TIMEOUT,
				       kext_value_new_integer(timeout_ms, 32));
	if (error < 0) {
		kext_value_unref(arguments);
		return error;
	}
	return call_and_read(client, PREDICATE_UNLOAD, arguments, -1, diagnostics,
			     ret_reply);
}

/* ---- list ---- */

static int by_load_tag(const void *a, const void *b)
{
	uint64_t x = kext_value_integer(
		kext_value_get(*(struct kext_value *const *)a, KEY_LOAD_TAG));
	uint64_t y = kext_value_integer(
		kext_value_get(*(struct kext_value *const *)b, KEY_LOAD_TAG));
	return (x > y) - (x < y);
}

/* kextd answers with a dictionary by identifier, as the kernel's own call does. */
static int sort_by_tag(const struct kext_value *kexts, struct kext_value *array)
{
	size_t count = kext_value_count(kexts);
	_cleanup_free_ struct kext_value **items = mem_zero(count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		items[i] = kext_value_at(kexts, i);
	qsort(items, count, sizeof(*items), by_load_tag);
	int error = 0;
	for (size_t i = 0; error == 0 && i < count; i++)
		error = kext_value_append(array, kext_value_ref(items[i]));
	return error;
}

int kext_client_list(struct kext_client *client, struct kext_diagnostics *diagnostics,
		     struct kext_value **ret_kexts)
{
	struct kext_value *answer = NULL;
	int error = client_call(client, PREDICATE_LIST, kext_value_new_dictionary(), -1,
				diagnostics, &answer, NULL);
	if (error < 0)
		return error;
	struct kext_value *array = kext_value_new_array();
	error = array ? sort_by_tag(answer, array) : -ENOMEM;
	kext_value_unref(answer);
	if (error < 0) {
		kext_value_unref(array);
		return error;
	}
	*ret_kexts = array;
	return 0;
}
