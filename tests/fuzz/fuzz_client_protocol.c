/*
 * A client that sends anything to kextd: the input is what it writes into the socket.
 * Each frame that is a request gets a reply, whatever is in it, and the others end it.
 */
#include "daemon.h"

#define PATIENCE 20u /* seconds */

static void take_requests(struct daemon *daemon, int socket)
{
	struct frame_reader reader;
	struct frame frame = {0};
	frame_reader_init(&reader, socket, CLIENT_MAX_REQUEST);
	while (frame_reader_read(&reader, &frame) == 1) {
		struct request *request;
		bool is_request = frame.type == CLIENT_REQUEST;
		if (is_request &&
		    request_new(daemon, (uid_t)frame.id, &frame, &request) == 0)
			request_start(request);
		answer_all(take_finished(daemon));
		frame_free(&frame);
	}
	frame_reader_free(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct daemon *daemon;
	int ends[2];
	uint64_t began = daemon_now();
	if (!daemon) {
		daemon = make_daemon();
		daemon->is_leaving = true;
	}
	if (size > 65536)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) ||
	    send(ends[1], data, size, 0) != (ssize_t)size)
		abort();
	close(ends[1]);
	take_requests(daemon, ends[0]);
	close(ends[0]);
	check_time(began, PATIENCE);
	return 0;
}
