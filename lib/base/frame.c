/* Sending and receiving frames; see frame.h. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <kext/error.h>
#include "base/file.h"
#include "base/frame.h"
#include "base/memory.h"

void frame_free(struct frame *frame)
{
	free(frame->body);
	for (unsigned i = 0; i < frame->fd_count; i++)
		file_close(frame->fds[i]);
	*frame = (struct frame){0};
}

int frame_take_fd(struct frame *frame, unsigned index)
{
	if (index >= frame->fd_count)
		return -1;
	int fd = frame->fds[index];
	frame->fds[index] = -1;
	return fd;
}

static void encode_header(uint8_t *h, const struct frame *frame)
{
	store32(h, FRAME_MAGIC, false);
	store16(h + 4, FRAME_VERSION, false);
	store16(h + 6, frame->type, false);
	store64(h + 8, frame->id, false);
	store32(h + 16, frame->fd_count, false);
	store32(h + 20, (uint32_t)frame->size, false);
}

void frame_encode(const struct frame *frame, struct buffer *buffer)
{
	uint8_t *header = buffer_extend(buffer, FRAME_HEADER_SIZE);
	if (header)
		encode_header(header, frame);
	buffer_append(buffer, frame->body, frame->size);
}

/* Attaches the descriptors to the message that carries the header. */
static void attach_fds(struct msghdr *message, void *control, const struct frame *frame)
{
	size_t size = frame->fd_count * sizeof(int);
	message->msg_control = control;
	message->msg_controllen = CMSG_SPACE(size);
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(header), frame->fds, size);
}

/* Removes `sent` bytes from the front of the vector. */
static void advance(struct iovec *vector, size_t sent)
{
	for (int i = 0; i < 2; i++) {
		size_t n = sent < vector[i].iov_len ? sent : vector[i].iov_len;
		if (!n)
			continue; /* a frame without a body has no address for it */
		vector[i].iov_base = (uint8_t *)vector[i].iov_base + n;
		vector[i].iov_len -= n;
		sent -= n;
	}
}

static uint64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

/* Waits for room in the socket until `deadline`; -EAGAIN when there is none by then. */
static int await_room(int socket, uint64_t deadline)
{
	struct pollfd room = {.fd = socket, .events = POLLOUT};
	uint64_t at = now();
	if (at >= deadline)
		return -EAGAIN;
	int got = poll(&room, 1, (int)((deadline - at + 999) / 1000));
	return got < 0 && errno != EINTR ? -errno : 0;
}

/* With a deadline each send returns at once: a reader that takes a byte now and then would
 * otherwise make each of them wait anew. `deadline` 0: as the socket does. */
static int send_all(int socket, struct msghdr *message, uint64_t deadline)
{
	struct iovec *vector = message->msg_iov;
	while (vector[0].iov_len + vector[1].iov_len) {
		ssize_t sent = sendmsg(socket, message,
				       MSG_NOSIGNAL | (deadline ? MSG_DONTWAIT : 0));
		int error = sent < 0 ? -errno : 0;
		if (error == -EAGAIN && deadline)
			error = await_room(socket, deadline);
		if (error < 0 && error != -EINTR)
			return error;
		if (sent < 0)
			continue;
		message->msg_control = NULL;	/* the descriptors went with the first byte */
		message->msg_controllen = 0;
		advance(vector, (size_t)sent);
	}
	return 0;
}

static int send_by(int socket, const struct frame *frame, uint64_t deadline)
{
	uint8_t header[FRAME_HEADER_SIZE];
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(FRAME_MAX_FDS * sizeof(int))] = {0};
	if (frame->fd_count > FRAME_MAX_FDS || frame->size > UINT32_MAX)
		return -EMSGSIZE;
	encode_header(header, frame);
	struct iovec vector[2] = {{header, sizeof(header)}, {frame->body, frame->size}};
	struct msghdr message = {.msg_iov = vector, .msg_iovlen = 2};
	if (frame->fd_count)
		attach_fds(&message, control, frame);
	return send_all(socket, &message, deadline);
}

int frame_send(int socket, const struct frame *frame)
{
	return send_by(socket, frame, 0);
}

int frame_send_within(int socket, const struct frame *frame, uint64_t microseconds)
{
	return send_by(socket, frame, now() + microseconds);
}

void frame_reader_init(struct frame_reader *reader, int socket, size_t max_size)
{
	*reader = (struct frame_reader){.socket = socket, .max_size = max_size};
}

void frame_reader_free(struct frame_reader *reader)
{
	frame_free(&reader->frame);
}

/* Moves received descriptors into the frame; what is too many is closed at once. */
static void collect_fds(struct frame_reader *reader, struct msghdr *message)
{
	struct cmsghdr *c;
	for (c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (reader->frame.fd_count < FRAME_MAX_FDS)
				reader->frame.fds[reader->frame.fd_count++] = fd;
			else
				file_close(fd);
		}
	}
}

static ssize_t receive(struct frame_reader *reader, void *place, size_t size)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(2 * FRAME_MAX_FDS * sizeof(int))];
	struct iovec vector = {place, size};
	struct msghdr message = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int flags = MSG_CMSG_CLOEXEC | (reader->never_waits ? MSG_DONTWAIT : 0);
	ssize_t got;
	do
		got = recvmsg(reader->socket, &message, flags);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	collect_fds(reader, &message);
	return got ? got : -EPIPE;
}

static int decode_header(struct frame_reader *reader)
{
	const uint8_t *h = reader->header;
	struct frame *frame = &reader->frame;
	if (load32(h, false) != FRAME_MAGIC || load16(h + 4, false) != FRAME_VERSION)
		return KEXT_ERR_PROTOCOL;
	frame->type = load16(h + 6, false);
	frame->id = load64(h + 8, false);
	frame->size = load32(h + 20, false);
	/* The body may not have come yet, but its descriptors come with the first byte. */
	if (load32(h + 16, false) != frame->fd_count)
		return KEXT_ERR_PROTOCOL;
	if (frame->size > reader->max_size)
		return -EMSGSIZE;
	frame->body = mem_alloc(frame->size + 1);
	if (!frame->body)
		return -ENOMEM;
	frame->body[frame->size] = 0;
	reader->has_header = true;
	return 0;
}

static int read_some(struct frame_reader *reader)
{
	ssize_t got;
	if (reader->has_header) {
		size_t at = reader->have - FRAME_HEADER_SIZE;
		got = receive(reader, reader->frame.body + at, reader->frame.size - at);
	} else {
		got = receive(reader, reader->header + reader->have,
			      FRAME_HEADER_SIZE - reader->have);
	}
	if (got < 0)
		return got == -EAGAIN || got == -EWOULDBLOCK ? 0 : (int)got;
	reader->have += (size_t)got;
	if (!reader->has_header && reader->have == FRAME_HEADER_SIZE) {
		int error = decode_header(reader);
		return error < 0 ? error : 1;
	}
	return 1;
}

int frame_reader_read(struct frame_reader *reader, struct frame *ret)
{
	while (!reader->has_header || reader->have < FRAME_HEADER_SIZE + reader->frame.size) {
		int progress = read_some(reader);
		if (progress <= 0)
			return progress;
	}
	*ret = reader->frame;
	reader->frame = (struct frame){0};
	reader->have = 0;
	reader->has_header = false;
	return 1;
}
