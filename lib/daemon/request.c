/*
 * A client's request: read from its frame, judged (who may ask what), run on a worker,
 * and turned into a reply.
 */
#include <errno.h>
#include <string.h>
#include "base/memory.h"
#include "daemon/daemon.h"

#define WORKERS_MAX 128u

/* What may be asked, by whom. "Owner" is the instance's, or root. */
struct predicate {
	const char *name;
	int (*run)(struct request *request);
	bool needs_owner;
};

/* Load is open to others under rules of its own (load.c); sysctls are judged by the
 * kernel. */
static const struct predicate predicates[] = {
	{PREDICATE_LIST, query_list, false},
	{PREDICATE_LOAD, daemon_load_run, false},
	{PREDICATE_UNLOAD, unload_run, true},
	{PREDICATE_LOG, query_log, false},
	{PREDICATE_SYSCTL, query_sysctl, false},
	{PREDICATE_SYSCTL_NAMES, query_sysctl_names, false},
	{PREDICATE_STATUS, query_status, false},
	{PREDICATE_FINDINGS, query_findings, false},
	{PREDICATE_SHUTDOWN, request_shutdown, true},
	{PREDICATE_RESTART, request_restart, true},
};

static const struct predicate *find_predicate(const char *name)
{
	for (size_t i = 0; name && i < sizeof(predicates) / sizeof(*predicates); i++) {
		if (strcmp(predicates[i].name, name) == 0)
			return &predicates[i];
	}
	return NULL;
}

static int allocate(struct daemon *daemon, struct request **ret_request)
{
	struct request *request = mem_zero(1, sizeof(*request));
	if (!request)
		return -ENOMEM;
	request->daemon = daemon;
	request->fd = -1;
	request->diagnostics = kext_diagnostics_new();
	if (!request->diagnostics) {
		free(request);
		return -ENOMEM;
	}
	*ret_request = request;
	return 0;
}

struct request *request_free(struct request *request)
{
	if (!request)
		return NULL;
	kext_value_unref(request->arguments);
	kext_value_unref(request->answer);
	kext_diagnostics_free(request->diagnostics);
	file_close(request->fd);
	free(request->report);
	free(request);
	return NULL;
}

int request_new(struct daemon *daemon, uid_t uid, struct frame *frame,
		struct request **ret_request)
{
	struct kext_value *body;
	struct request *request;
	int error = kext_value_from_binary(frame->body, frame->size, &body);
	if (error < 0)
		return error;
	error = allocate(daemon, &request);
	if (error < 0) {
		kext_value_unref(body);
		return error;
	}
	struct kext_value *arguments = kext_value_get(body, KEY_ARGUMENTS);
	request->id = frame->id;
	request->uid = uid;
	request->is_owner = uid == daemon->owner || uid == 0;
	request->predicate =
		find_predicate(kext_value_string(kext_value_get(body, KEY_PREDICATE)));
	request->arguments = arguments ? kext_value_ref(arguments) : NULL;
	request->fd = frame_take_fd(frame, 0);
	kext_value_unref(body);
	*ret_request = request;
	return 0;
}

/* A load on behalf of the instance itself. */
static int new_own_load(struct daemon *daemon, const char *key, const char *value,
			struct request **ret_request)
{
	struct request *request;
	int error = allocate(daemon, &request);
	if (error < 0)
		return error;
	request->uid = daemon->owner;
	request->is_owner = true;
	request->predicate = find_predicate(PREDICATE_LOAD);
	request->arguments = kext_value_new_dictionary();
	error = request->arguments ? kext_value_set(request->arguments, key,
						    kext_value_new_string(value))
				   : -ENOMEM;
	if (error < 0) {
		request_free(request);
		return error;
	}
	*ret_request = request;
	return 0;
}

int request_new_upcall(struct daemon *daemon, const char *identifier,
		       struct request **ret_request)
{
	return new_own_load(daemon, KEY_IDENTIFIER, identifier, ret_request);
}

int request_new_restore(struct daemon *daemon, const char *path,
			struct kext_value *dependencies, struct request **ret_request)
{
	struct request *request;
	int error = new_own_load(daemon, KEY_PATH, path, &request);
	if (error < 0) {
		kext_value_unref(dependencies);
		return error;
	}
	error = kext_value_set(request->arguments, KEY_DEPENDENCIES, dependencies);
	if (error < 0) {
		request_free(request);
		return error;
	}
	*ret_request = request;
	return 0;
}

/* ---- running ---- */

static int judge_and_run(struct request *request)
{
	const struct predicate *predicate = request->predicate;
	if (!predicate) {
		kext_diagnose(request->diagnostics, KEXT_ERROR, "request.unknown",
			      "kextd", NULL, "it does not know this request");
		return KEXT_ERR_UNSUPPORTED;
	}
	if (predicate->needs_owner && !request->is_owner) {
		kext_diagnose(request->diagnostics, KEXT_ERROR, "request.privilege",
			      "kextd", NULL,
			      "only the owner of the %s instance (uid %u) may do this",
			      place_instance_name(request->daemon->instance),
			      (unsigned)request->daemon->owner);
		return KEXT_ERR_NOT_PRIVILEGED;
	}
	return predicate->run(request);
}

static void *work(void *argument)
{
	struct request *request = argument;
	request->error = judge_and_run(request);
	server_done(request);
	return NULL;
}

void request_start(struct request *request)
{
	struct daemon *daemon = request->daemon;
	pthread_attr_t attributes;
	pthread_t thread;
	request->is_running = true;
	pthread_mutex_lock(&daemon->done_lock);
	bool has_room = daemon->running++ < WORKERS_MAX;
	pthread_mutex_unlock(&daemon->done_lock);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	if (!has_room || pthread_create(&thread, &attributes, work, request) != 0) {
		request->error = -EAGAIN;
		server_done(request);
	}
	pthread_attr_destroy(&attributes);
}

int request_shutdown(struct request *request)
{
	/* The loop leaves when the reply is on its way: see server.c. */
	daemon_log(request->daemon, "told to leave by uid %u", (unsigned)request->uid);
	return 0;
}

bool request_is_shutdown(const struct request *request)
{
	return request->predicate && request->predicate->run == request_shutdown;
}

int request_restart(struct request *request)
{
	struct kernel *old = supervisor_peek(request->daemon), *fresh;
	if (old)
		kernel_end(old, NULL);
	kernel_unref(old);
	int error = supervisor_kernel(request->daemon, request->diagnostics, &fresh);
	if (error == 0)
		kernel_unref(fresh);
	return error;
}

/* ---- the reply ---- */

static int add_finding(struct kext_value *list, const struct kext_diagnostic *item)
{
	struct kext_value *row = kext_value_new_dictionary();
	int error = row ? kext_value_set(row, KEY_SEVERITY,
					 kext_value_new_integer(item->severity, 32))
			: -ENOMEM;
	if (error == 0)
		error = kext_value_set(row, KEY_SLUG, kext_value_new_string(item->slug));
	if (error == 0)
		error = kext_value_set(row, KEY_SUBJECT,
				       kext_value_new_string(item->subject));
	if (error == 0)
		error = kext_value_set(row, KEY_MESSAGE,
				       kext_value_new_string(item->message));
	if (error == 0 && item->hint)
		error = kext_value_set(row, KEY_HINT, kext_value_new_string(item->hint));
	if (error == 0)
		return kext_value_append(list, row);
	kext_value_unref(row);
	return error;
}

static int set_findings(const struct request *request, struct kext_value *reply)
{
	size_t count = kext_diagnostics_length(request->diagnostics);
	struct kext_value *list = kext_value_new_array();
	int error = list ? 0 : -ENOMEM;
	for (size_t i = 0; error == 0 && i < count; i++)
		error = add_finding(list, kext_diagnostics_at(request->diagnostics, i));
	if (error == 0)
		return kext_value_set(reply, KEY_DIAGNOSTICS, list);
	kext_value_unref(list);
	return error;
}

static int fill_reply(const struct request *request, struct kext_value *reply)
{
	int error = kext_value_set(
		reply, KEY_RESULT_CODE,
		kext_value_new_integer(kext_error_osreturn(request->error), 32));
	if (error == 0)
		error = kext_value_set(
			reply, KEY_ERROR,
			kext_value_new_integer((uint64_t)-request->error, 32));
	if (error == 0)
		error = set_findings(request, reply);
	if (error == 0 && request->report)
		error = kext_value_set(reply, KEY_REPORT,
				       kext_value_new_string(request->report));
	if (error == 0 && request->answer)
		error = kext_value_set(reply, KEY_ANSWER,
				       kext_value_ref(request->answer));
	return error;
}

int request_encode_reply(const struct request *request, struct frame *ret)
{
	struct frame frame = {.type = CLIENT_REPLY, .id = request->id};
	struct kext_value *reply = kext_value_new_dictionary();
	void *data;
	int error = reply ? fill_reply(request, reply) : -ENOMEM;
	if (error == 0)
		error = kext_value_to_binary(reply, &data, &frame.size);
	kext_value_unref(reply);
	if (error < 0)
		return error;
	frame.body = data;
	*ret = frame;
	return 0;
}
