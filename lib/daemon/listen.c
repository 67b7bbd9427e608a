/*
 * Listening to a kernel until it ends, breaks a rule, or has had its time: for its
 * greeting, for the rest of a message, for the end it was told. Every message is judged
 * as hostile: one that follows no rule ends the kernel.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include "daemon/daemon.h"

#define MESSAGE_MAX (48u << 20)

struct listening {
	struct frame_reader reader;
	uint64_t hello_by, frame_by; /* microseconds of daemon_now */
};

static bool take_hello(struct kernel *kernel, struct bytes body)
{
	const uint8_t *ours = kext_image_uuid(kernel->daemon->catalog.kernel_image);
	struct bytes uuid = fields_bytes(body, FIELD_UUID);
	if (kernel->ready || !ours || uuid.size != 16 || memcmp(uuid.data, ours, 16) != 0)
		return false;
	pthread_mutex_lock(&kernel->lock);
	kernel->ready = true;
	pthread_mutex_unlock(&kernel->lock);
	pthread_mutex_lock(&kernel->daemon->kernel_lock);
	pthread_cond_broadcast(&kernel->daemon->kernel_changed);
	pthread_mutex_unlock(&kernel->daemon->kernel_lock);
	restore_start(kernel->daemon);
	return true;
}

static bool take_message(struct kernel *kernel, struct frame *frame)
{
	struct bytes body = bytes_of(frame->body, frame->size);
	if (frame->fd_count || !fields_valid(body))
		return false;
	if (frame->type == KERNEL_HELLO)
		return take_hello(kernel, body);
	if (!kernel->ready)
		return false;
	return upcall_is(frame->type) ? upcall_take(kernel, frame)
				      : kernel_take_reply(kernel, frame);
}

/* One readable moment of the socket. False at the end of the stream or of our trust. */
static bool read_message(struct kernel *kernel, struct frame_reader *reader)
{
	struct frame frame = {0};
	int got = frame_reader_read(reader, &frame);
	if (got < 0 && got != -EPIPE && got != -ECONNRESET)
		kernel_end(kernel, "it broke the protocol");
	if (got <= 0)
		return got == 0;
	bool is_good = take_message(kernel, &frame);
	frame_free(&frame);
	if (!is_good)
		kernel_end(kernel, "it broke the protocol");
	return is_good;
}

uint64_t kernel_end_time(struct kernel *kernel)
{
	pthread_mutex_lock(&kernel->lock);
	uint64_t at = kernel->kill_at;
	pthread_mutex_unlock(&kernel->lock);
	return at;
}

/* A report in the pipe means that the end is near; it gets no longer than that. */
static void expect_end(struct kernel *kernel)
{
	pthread_mutex_lock(&kernel->lock);
	kernel->kill_at = daemon_now() + kernel->daemon->deadlines.end;
	pthread_mutex_unlock(&kernel->lock);
}

/* When the kernel's time is up if nothing else comes; 0: never. */
static uint64_t next_deadline(struct kernel *kernel, const struct listening *listening)
{
	uint64_t at = kernel_end_time(kernel);
	if (!at && !kernel->ready)
		at = listening->hello_by;
	if (!at && frame_reader_is_amid(&listening->reader))
		at = listening->frame_by;
	return at;
}

/* It is late: with a cause to name, it is told to end and gets the time for a report. */
static bool is_over(struct kernel *kernel)
{
	if (kernel_end_time(kernel) || !kernel->ready)
		return true;
	kernel_end(kernel, "it stopped in the middle of a message");
	return false;
}

/* One readable moment; a frame has to be whole soon after its first byte. */
static bool read_on(struct kernel *kernel, struct listening *listening)
{
	bool was_amid = frame_reader_is_amid(&listening->reader);
	if (!read_message(kernel, &listening->reader))
		return false;
	if (!was_amid)
		listening->frame_by = daemon_now() + kernel->daemon->deadlines.frame;
	return true;
}

void kernel_listen(struct kernel *kernel)
{
	struct listening listening = {.hello_by = daemon_now() +
						  kernel->daemon->deadlines.hello};
	struct pollfd fds[3] = {
		{.fd = kernel->socket, .events = POLLIN},
		{.fd = kernel->wake, .events = POLLIN},
		{.fd = kernel->report_pipe, .events = POLLIN},
	};
	frame_reader_init(&listening.reader, kernel->socket, MESSAGE_MAX);
	listening.reader.never_waits = true;
	for (;;) {
		uint64_t at = next_deadline(kernel, &listening);
		if (at && daemon_now() >= at && is_over(kernel))
			break;
		if (poll(fds, 3, daemon_milliseconds_until(at)) < 0 && errno != EINTR)
			break;
		eventfd_t ignored;
		if (fds[1].revents)
			eventfd_read(kernel->wake, &ignored);
		if (fds[2].revents) {
			fds[2].fd = -1;
			expect_end(kernel);
		}
		if (fds[0].revents && !read_on(kernel, &listening))
			break;
	}
	frame_reader_free(&listening.reader);
}
