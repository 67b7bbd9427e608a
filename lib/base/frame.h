/*
 * Frames, the packets of both of our protocols: a fixed header, a body, and descriptors that
 * travel with it, over a stream socket of AF_UNIX. What a body means is not known here.
 *
 * Header, 24 bytes, little-endian: magic "KXFR", u16 version, u16 type, u64 id,
 * u32 number of descriptors, u32 length of the body.
 */
#ifndef BASE_FRAME_H
#define BASE_FRAME_H

#include <stdbool.h>
#include <sys/types.h>
#include "base/buffer.h"
#include "base/bytes.h"

#define FRAME_MAGIC	  0x5246584bu	/* "KXFR" read little-endian */
#define FRAME_VERSION	  1u
#define FRAME_HEADER_SIZE 24u
#define FRAME_MAX_FDS	  8u

struct frame {
	uint16_t type;
	uint64_t id;		/* an answer carries the id of its question */
	uint8_t *body;		/* owned by the frame */
	size_t size;
	int fds[FRAME_MAX_FDS];	/* owned by the frame */
	unsigned fd_count;
};

/* Frees body and closes descriptors. */
void frame_free(struct frame *frame);
/* Takes descriptor number `index` out of the frame; -1 when there is none. */
int frame_take_fd(struct frame *frame, unsigned index);

/* Appends header and body to a buffer, for senders that must not block; no descriptors. */
void frame_encode(const struct frame *frame, struct buffer *buffer);

/*
 * Sends a whole frame; blocks as the socket does (SO_SNDTIMEO bounds it: -EAGAIN, after which
 * the stream is unusable). Never raises SIGPIPE. The frame stays the caller's. 0 or -errno.
 */
int frame_send(int socket, const struct frame *frame) __attribute__((warn_unused_result));

/* The same, but -EAGAIN when the whole frame has not gone within that time. */
int frame_send_within(int socket, const struct frame *frame, uint64_t microseconds)
	__attribute__((warn_unused_result));

/* What has arrived of the next frame. */
struct frame_reader {
	int socket;
	size_t max_size;	/* of a body */
	bool never_waits;	/* reads as from a non-blocking socket */
	uint8_t header[FRAME_HEADER_SIZE];
	size_t have;		/* of header and body together */
	struct frame frame;
	bool has_header;
};

void frame_reader_init(struct frame_reader *reader, int socket, size_t max_size);
/* Whether a part of a frame has come, whose rest is awaited. */
static inline bool frame_reader_is_amid(const struct frame_reader *reader)
{
	return reader->have > 0;
}
/*
 * Reads on: 1 when *ret holds a frame (the caller's to free), 0 when a non-blocking socket
 * has no more, -EPIPE at the end of the stream, KEXT_ERR_PROTOCOL for another magic or
 * version, -EMSGSIZE for a body over the cap, or -errno.
 */
int frame_reader_read(struct frame_reader *reader, struct frame *ret)
	__attribute__((warn_unused_result));
void frame_reader_free(struct frame_reader *reader);

#endif
