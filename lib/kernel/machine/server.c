/*
 * Answers kextd's requests. One reader takes frames and never waits for anything but the
 * next frame; requests that run kext code get a thread of their own; one writer sends
 * what is queued, and tells how far the log has grown.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/frame.h"
#include "base/memory.h"
#include "kernel/libkern/libkern.h"
#include "kernel/machine/machine.h"

#define MAX_BODY   ((16u << 20) + (64u << 10))
#define MAX_QUEUED 4096u /* frames that kextd has not taken yet */
#define LOG_CHUNK  (256u << 10)

/* A frame on its way: in, with its answer to be; or out, in the queue. */
struct message {
	struct message *next;
	struct frame frame;
};

static int kextd = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct message *queue, **queue_end = &queue;
static unsigned queued;
static _Atomic uint32_t wake_word; /* counts reasons to wake the writer */

/* ---- writer ---- */

/* Async-signal-safe and without locks: printing must be possible everywhere. */
void server_wake(void)
{
	atomic_fetch_add(&wake_word, 1);
	syscall(SYS_futex, &wake_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

bool server_send(uint16_t type, uint64_t id, struct buffer *body)
{
	struct message *message = mem_zero(1, sizeof(*message));
	if (!message || buffer_error(body)) {
		free(message);
		return false;
	}
	message->frame.type = type;
	message->frame.id = id;
	message->frame.body = buffer_steal(body, &message->frame.size);
	pthread_mutex_lock(&lock);
	bool has_room = queued < MAX_QUEUED;
	if (has_room) {
		*queue_end = message;
		queue_end = &message->next;
		queued++;
	}
	pthread_mutex_unlock(&lock);
	if (!has_room) {
		frame_free(&message->frame);
		free(message);
		return false;
	}
	server_wake();
	return true;
}

static struct message *take_queued(void)
{
	pthread_mutex_lock(&lock);
	struct message *message = queue;
	if (message) {
		queue = message->next;
		queued--;
		if (!queue)
			queue_end = &queue;
	}
	pthread_mutex_unlock(&lock);
	return message;
}

/* kextd is gone when it cannot be written to: there is nobody left to serve. */
static void send_or_leave(const struct frame *frame)
{
	if (frame_send(kextd, frame) < 0)
		_exit(0);
}

static void send_log_position(uint64_t position)
{
	_cleanup_buffer_ struct buffer body = {0};
	fields_put_u64(&body, FIELD_POSITION, position);
	if (!buffer_error(&body))
		send_or_leave(&(struct frame){
			.type = KERNEL_LOG, .body = body.data, .size = body.size});
}

/* Before what is queued: an answer may tell kextd that a kext is gone, and its symbols.
 */
static void send_findings(void)
{
	for (;;) {
		_cleanup_buffer_ struct buffer body = {0};
		if (!finding_next(&body))
			return;
		if (!buffer_error(&body))
			send_or_leave(&(struct frame){.type = KERNEL_FINDING,
						      .body = body.data,
						      .size = body.size});
		finding_is_sent();
	}
}

static void writer(void *argument)
{
	uint64_t told = 0;
	(void)argument;
	for (;;) {
		uint32_t seen = atomic_load(&wake_word);
		struct message *message;
		while ((message = take_queued())) {
			send_findings();
			send_or_leave(&message->frame);
			frame_free(&message->frame);
			free(message);
		}
		send_findings();
		uint64_t end = msgbuf_end();
		if (end != told)
			send_log_position(told = end);
		syscall(SYS_futex, &wake_word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
	}
}

/* ---- requests: each appends its answer to `reply` and returns the value of ERROR ----
 */

static uint32_t on_reserve(struct frame *frame, struct bytes body, struct buffer *reply)
{
	uint32_t tag;
	uint64_t address;
	(void)frame;
	uint32_t error = kmod_reserve(fields_text(body, FIELD_IDENTIFIER),
				      fields_u64(body, FIELD_SIZE), &tag, &address);
	if (!error) {
		fields_put_u32(reply, FIELD_TAG, tag);
		fields_put_u64(reply, FIELD_ADDRESS, address);
	}
	return error;
}

static uint32_t on_map(struct frame *frame, struct bytes body, struct buffer *reply)
{
	(void)reply;
	if (frame->fd_count != 1)
		return kOSKextReturnInvalidArgument;
	return kmod_map(body, frame->fds[0]);
}

static uint32_t on_abort(struct frame *frame, struct bytes body, struct buffer *reply)
{
	(void)frame;
	(void)reply;
	return kmod_abort(fields_u32(body, FIELD_TAG));
}

static uint32_t on_start(struct frame *frame, struct bytes body, struct buffer *reply)
{
	uint32_t result = 0;
	(void)frame;
	uint32_t error = kmod_start(fields_u32(body, FIELD_TAG), &result);
	fields_put_u32(reply, FIELD_RESULT, result);
	return error;
}

static uint32_t on_stop(struct frame *frame, struct bytes body, struct buffer *reply)
{
	uint32_t result = 0;
	(void)frame;
	uint32_t error = kmod_stop(fields_u32(body, FIELD_TAG), &result);
	fields_put_u32(reply, FIELD_RESULT, result);
	return error;
}

static uint32_t on_list(struct frame *frame, struct bytes body, struct buffer *reply)
{
	(void)frame;
	(void)body;
	autounload_consider(true); /* somebody is interested */
	kmod_list(reply);
	return kOSReturnSuccess;
}

static uint32_t on_sysctl(struct frame *frame, struct bytes body, struct buffer *reply)
{
	struct sysctl_reply answer = {0};
	struct bytes value = fields_bytes(body, FIELD_DATA);
	(void)frame;
	bool is_superuser = fields_u32(body, FIELD_SUPERUSER) == 1;
	proc_enter_client(fields_u32(body, FIELD_PID),
			  is_superuser ? 0 : fields_u32(body, FIELD_UID));
	sysctl_request(fields_text(body, FIELD_NAME),
		       fields_has(body, FIELD_DATA) ? (const void *)value.data : NULL,
		       value.size, is_superuser, &answer);
	proc_leave_client();
	fields_put_bytes(reply, FIELD_DATA, answer.data, answer.size);
	fields_put_u32(reply, FIELD_KIND, answer.kind);
	fields_put_text(reply, FIELD_FORMAT, answer.format);
	free(answer.data);
	return (uint32_t)answer.error;
}

static uint32_t on_sysctl_names(struct frame *frame, struct bytes body,
				struct buffer *reply)
{
	size_t size = 0;
	(void)frame;
	(void)body;
	char *names = sysctl_names(&size);
	if (!names)
		return kOSKextReturnNoMemory;
	fields_put_bytes(reply, FIELD_DATA, names, size);
	free(names);
	return kOSReturnSuccess;
}

static uint32_t on_log_read(struct frame *frame, struct bytes body, struct buffer *reply)
{
	uint64_t position = fields_u64(body, FIELD_POSITION);
	(void)frame;
	char *text = mem_alloc(LOG_CHUNK);
	if (!text)
		return kOSKextReturnNoMemory;
	size_t size = msgbuf_read(&position, text, LOG_CHUNK);
	fields_put_u64(reply, FIELD_POSITION, position);
	fields_put_bytes(reply, FIELD_DATA, text, size);
	free(text);
	return kOSReturnSuccess;
}

static uint32_t on_cancel(struct frame *frame, struct bytes body, struct buffer *reply)
{
	(void)frame;
	(void)reply;
	const char *cause = fields_text(body, FIELD_CAUSE);
	panic_at(NULL, "%s", *cause ? cause : "cancelled");
}

static uint32_t on_shutdown(struct frame *frame, struct bytes body, struct buffer *reply)
{
	(void)frame;
	(void)body;
	(void)reply;
	_exit(0);
}

static uint32_t on_resource(struct frame *frame, struct bytes body, struct buffer *reply)
{
	(void)frame;
	(void)reply;
	upcall_resource(fields_u64(body, FIELD_REQUEST), fields_u32(body, FIELD_RESULT),
			fields_bytes(body, FIELD_DATA));
	return kOSReturnSuccess;
}

/* On the reader's thread: nothing of a kext runs for it. */
static uint32_t on_open(struct frame *frame, struct bytes body, struct buffer *reply)
{
	(void)reply;
	file_take_answer(frame, body);
	return kOSReturnSuccess;
}

static const struct request_kind {
	uint32_t (*answer)(struct frame *frame, struct bytes body, struct buffer *reply);
	const char *thread; /* runs kext code: on a thread of this name */
	bool is_silent;	    /* no reply */
} kinds[] = {
	[KERNEL_RESERVE] = {on_reserve, NULL, false},
	[KERNEL_MAP] = {on_map, NULL, false},
	[KERNEL_ABORT] = {on_abort, NULL, false},
	[KERNEL_START] = {on_start, "kext start", false},
	[KERNEL_STOP] = {on_stop, "kext stop", false},
	[KERNEL_LIST] = {on_list, NULL, false},
	[KERNEL_SYSCTL] = {on_sysctl, "sysctl", false},
	[KERNEL_SYSCTL_NAMES] = {on_sysctl_names, NULL, false},
	[KERNEL_LOG_READ] = {on_log_read, NULL, false},
	[KERNEL_CANCEL] = {on_cancel, NULL, true},
	[KERNEL_SHUTDOWN] = {on_shutdown, NULL, true},
	[KERNEL_RESOURCE] = {on_resource, "kext resource", true},
	[KERNEL_OPEN] = {on_open, NULL, true},
};

/* ---- reader ---- */

static const struct request_kind *kind_of(uint16_t type)
{
	if (type >= sizeof(kinds) / sizeof(*kinds) || !kinds[type].answer)
		return NULL;
	return &kinds[type];
}

static void refuse(const struct frame *frame, uint32_t error)
{
	_cleanup_buffer_ struct buffer reply = {0};
	fields_put_u32(&reply, FIELD_ERROR, error);
	if (!server_send(frame->type, frame->id, &reply))
		panic_at(NULL, "no memory for an answer to kextd");
}

/* Answers one request and frees it. */
static void serve(void *argument)
{
	struct message *message = argument;
	struct frame *frame = &message->frame;
	const struct request_kind *kind = kind_of(frame->type);
	_cleanup_buffer_ struct buffer reply = {0};
	fields_put_u32(&reply, FIELD_ERROR, 0);
	uint32_t error = kind->answer(frame, bytes_of(frame->body, frame->size), &reply);
	if (!buffer_error(&reply))
		buffer_set_u32(&reply, 8, error, false); /* behind ERROR's header */
	if (!kind->is_silent && !server_send(frame->type, frame->id, &reply))
		panic_at(NULL, "no memory for an answer to kextd");
	frame_free(frame);
	free(message);
}

static void dispatch(struct frame *frame)
{
	const struct request_kind *kind = kind_of(frame->type);
	struct message *message = mem_zero(1, sizeof(*message));
	if (!message || !kind || !fields_valid(bytes_of(frame->body, frame->size))) {
		refuse(frame,
		       message ? kOSKextReturnInvalidArgument : kOSKextReturnNoMemory);
		free(message);
		frame_free(frame);
		return;
	}
	message->frame = *frame;
	if (!kind->thread) {
		serve(message);
	} else if (kernel_spawn(kind->thread, serve, message) != 0) {
		refuse(frame, kOSKextReturnNoResources);
		frame_free(frame);
		free(message);
	}
}

static void say_hello(void)
{
	_cleanup_buffer_ struct buffer body = {0};
	uint8_t uuid[16];
	kernel_uuid(uuid);
	fields_put_text(&body, FIELD_VERSION, osrelease);
	fields_put_bytes(&body, FIELD_UUID, uuid, sizeof(uuid));
	fields_put_u32(&body, FIELD_PID, (uint32_t)getpid());
	if (!server_send(KERNEL_HELLO, 0, &body))
		panic_at(NULL, "no memory for the greeting");
}

void server_run(int socket)
{
	struct frame_reader reader;
	struct frame frame;
	kextd = socket;
	msgbuf_notify = server_wake;
	say_hello();
	if (kernel_spawn("kextd writer", writer, NULL) != 0)
		panic_at(NULL, "no thread for the writer");
	frame_reader_init(&reader, socket, MAX_BODY);
	int got;
	while ((got = frame_reader_read(&reader, &frame)) >= 0) {
		if (got > 0)
			dispatch(&frame);
	}
	if (got != -EPIPE && got != -ECONNRESET)
		panic_at(NULL, "kextd broke the protocol (error %d)", got);
	_exit(0);
}
