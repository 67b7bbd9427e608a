/*
 * The event loop's side of clients: accepting, reading requests, queueing replies. A
 * client may be slow, lie or vanish; nothing here waits for one, and what one may pile up
 * is bounded.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <systemd/sd-daemon.h>
#include "base/memory.h"
#include "daemon/daemon.h"

#define CLIENTS_MAX  256u
#define REQUESTS_MAX 16u /* of one client at a time */
#define QUEUE_MAX    (CLIENT_MAX_REPLY * 2u)

struct client {
	struct daemon *daemon;
	struct client *next;
	int socket;
	sd_event_source *source;
	uid_t uid;
	pid_t pid;
	struct frame_reader reader;
	struct buffer queue; /* bytes of replies; [sent, size) are still to go */
	size_t sent;
	struct request *requests; /* on workers, or parked */
	unsigned request_count;
};

/* ---- the end of a client ---- */

static void unlink_client(struct client *client)
{
	for (struct client **place = &client->daemon->clients; *place;
	     place = &(*place)->next) {
		if (*place == client) {
			*place = client->next;
			client->daemon->client_count--;
			return;
		}
	}
}

/* What it asked for goes on; a load does not depend on who waits for it. */
static void drop_client(struct client *client)
{
	unlink_client(client);
	while (client->requests) {
		struct request *request = client->requests;
		client->requests = request->next;
		request->client = NULL;
		if (!request->is_running)
			request_free(request); /* parked */
	}
	sd_event_source_unref(client->source);
	frame_reader_free(&client->reader);
	buffer_free(&client->queue);
	file_close(client->socket);
	free(client);
}

/* ---- replies ---- */

static void watch(struct client *client)
{
	bool has_more = client->sent < client->queue.size;
	bool may_ask = client->request_count < REQUESTS_MAX &&
		       client->queue.size < CLIENT_MAX_REPLY;
	sd_event_source_set_io_events(client->source, (has_more ? EPOLLOUT : 0u) |
							      (may_ask ? EPOLLIN : 0u));
}

/* Sends what the socket takes now. False when the client is gone. */
static bool flush_queue(struct client *client)
{
	while (client->sent < client->queue.size) {
		ssize_t n = send(client->socket, client->queue.data + client->sent,
				 client->queue.size - client->sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0)
			return false;
		client->sent += (size_t)n;
	}
	client->queue.size = client->sent = 0;
	return true;
}

static bool enqueue(struct client *client, const struct frame *frame)
{
	if (client->queue.size + frame->size > QUEUE_MAX)
		return false;
	frame_encode(frame, &client->queue);
	return !client->queue.failed && flush_queue(client);
}

static void reply(struct request *request)
{
	struct client *client = request->client;
	struct frame frame = {0};
	bool is_sent =
		request_encode_reply(request, &frame) == 0 && enqueue(client, &frame);
	frame_free(&frame);
	if (is_sent)
		watch(client);
	else
		drop_client(client);
}

/* ---- requests ---- */

static void unlink_request(struct request *request)
{
	struct client *client = request->client;
	for (struct request **place = &client->requests; *place;
	     place = &(*place)->next) {
		if (*place == request) {
			*place = request->next;
			client->request_count--;
			return;
		}
	}
}

/* Nothing new in the log since it was read: the request waits, without a thread. */
static void park_or_retry(struct request *request)
{
	if (!request->client) {
		request_free(request);
	} else if (request->log_serial != atomic_load(&request->daemon->log_serial)) {
		request->is_parked = false;
		request_start(request);
	}
}

static void finish(struct request *request)
{
	struct daemon *daemon = request->daemon;
	bool is_shutdown = request->error == 0 && request_is_shutdown(request);
	daemon->last_activity = daemon_now();
	if (request->is_parked && request->error == 0) {
		park_or_retry(request);
		return;
	}
	request->is_parked = false;
	if (request->client) {
		unlink_request(request);
		reply(request);
	}
	request_free(request);
	if (is_shutdown)
		sd_event_exit(daemon->event, 0);
}

static void retry_parked(struct daemon *daemon)
{
	for (struct client *client = daemon->clients; client; client = client->next) {
		for (struct request *r = client->requests; r; r = r->next) {
			if (r->is_running ||
			    r->log_serial == atomic_load(&daemon->log_serial))
				continue;
			r->is_parked = false;
			request_start(r);
		}
	}
}

static struct request *take_done(struct daemon *daemon)
{
	pthread_mutex_lock(&daemon->done_lock);
	struct request *list = daemon->done;
	daemon->done = NULL;
	pthread_mutex_unlock(&daemon->done_lock);
	return list;
}

static int on_wake(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct daemon *daemon = data;
	eventfd_t ignored;
	(void)source;
	(void)events;
	eventfd_read(fd, &ignored);
	struct request *request = take_done(daemon);
	while (request) {
		struct request *next = request->next_done;
		request->is_running = false;
		finish(request);
		request = next;
	}
	retry_parked(daemon);
	return 0;
}

void server_done(struct request *request)
{
	struct daemon *daemon = request->daemon;
	pthread_mutex_lock(&daemon->done_lock);
	struct request **place = &daemon->done;
	while (*place)
		place = &(*place)->next_done;
	request->next_done = NULL;
	*place = request;
	daemon->running--;
	pthread_cond_broadcast(&daemon->done_changed);
	eventfd_write(daemon->wake, 1);
	pthread_mutex_unlock(&daemon->done_lock);
}

void server_log_grew(struct daemon *daemon)
{
	atomic_fetch_add(&daemon->log_serial, 1);
	eventfd_write(daemon->wake, 1);
}

static bool cancel(struct client *client, uint64_t id)
{
	for (struct request *request = client->requests; request;
	     request = request->next) {
		if (request->id != id)
			continue;
		atomic_store(&request->is_cancelled, true);
		struct kernel *kernel = supervisor_peek(client->daemon);
		if (kernel)
			kernel_poke(kernel);
		kernel_unref(kernel);
	}
	return true; /* it may have been answered meanwhile */
}

static bool take_frame(struct client *client, struct frame *frame)
{
	struct request *request;
	if (frame->type == CLIENT_CANCEL)
		return cancel(client, frame->id);
	if (frame->type != CLIENT_REQUEST ||
	    request_new(client->daemon, client->uid, frame, &request) < 0)
		return false;
	request->pid = client->pid;
	request->client = client;
	request->next = client->requests;
	client->requests = request;
	client->request_count++;
	request_start(request);
	return true;
}

/* One frame a time, so that no client keeps the loop to itself. */
static bool read_client(struct client *client)
{
	struct frame frame = {0};
	int got = frame_reader_read(&client->reader, &frame);
	if (got <= 0)
		return got == 0;
	bool is_good = take_frame(client, &frame);
	frame_free(&frame);
	return is_good;
}

static int on_client(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct client *client = data;
	(void)source;
	(void)fd;
	client->daemon->last_activity = daemon_now();
	bool is_alive = !(events & EPOLLOUT) || flush_queue(client);
	if (is_alive && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		is_alive = read_client(client);
	if (is_alive)
		watch(client);
	else
		drop_client(client);
	return 0;
}

/* ---- the beginning of a client ---- */

static int say_hello(struct client *client)
{
	struct daemon *daemon = client->daemon;
	struct frame frame = {.type = CLIENT_HELLO};
	struct kext_value *hello = kext_value_new_dictionary();
	void *data = NULL;
	const char *name = place_instance_name(daemon->instance);
	int error = hello ? kext_value_set(hello, "Instance", kext_value_new_string(name))
			  : -ENOMEM;
	if (error == 0)
		error = kext_value_set(hello, "Owner",
				       kext_value_new_integer(daemon->owner, 32));
	if (error == 0)
		error = kext_value_set(hello, "Process",
				       kext_value_new_integer((uint64_t)getpid(), 32));
	if (error == 0)
		error = kext_value_to_binary(hello, &data, &frame.size);
	kext_value_unref(hello);
	frame.body = data;
	if (error == 0 && !enqueue(client, &frame))
		error = -EPIPE;
	frame_free(&frame);
	return error;
}

static int open_client(struct daemon *daemon, int socket, const struct ucred *peer)
{
	struct client *client = mem_zero(1, sizeof(*client));
	if (!client) {
		file_close(socket);
		return -ENOMEM;
	}
	*client = (struct client){
		.daemon = daemon,
		.next = daemon->clients,
		.socket = socket,
		.uid = peer->uid,
		.pid = peer->pid,
	};
	daemon->clients = client;
	daemon->client_count++;
	frame_reader_init(&client->reader, socket, CLIENT_MAX_REQUEST);
	int error = sd_event_add_io(daemon->event, &client->source, socket, EPOLLIN,
				    on_client, client);
	if (error >= 0)
		error = say_hello(client);
	if (error < 0)
		drop_client(client);
	else
		watch(client);
	return error;
}

static int on_listener(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct daemon *daemon = data;
	struct ucred peer;
	socklen_t size = sizeof(peer);
	(void)source;
	(void)events;
	int socket = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (socket < 0)
		return 0;
	daemon->last_activity = daemon_now();
	if (daemon->client_count >= CLIENTS_MAX ||
	    getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
		daemon_log(daemon, "a client is turned away");
		file_close(socket);
		return 0;
	}
	if (open_client(daemon, socket, &peer) < 0)
		daemon_log(daemon, "a client (uid %u) was lost at once",
			   (unsigned)peer.uid);
	return 0;
}

/* ---- the socket ---- */

/* We hold the instance's lock: a socket that stands there is a dead daemon's. */
static int bind_listener(struct daemon *daemon)
{
	struct sockaddr_un address;
	mode_t mode = daemon->instance == KEXT_INSTANCE_SYSTEM ? 0666 : 0600;
	_cleanup_fd_ int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (unlinkat(daemon->run.fd, CLIENT_SOCKET, 0) < 0 && errno != ENOENT)
		return -errno;
	place_socket_address(&daemon->run, CLIENT_SOCKET, &address);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    fchmodat(daemon->run.fd, CLIENT_SOCKET, mode, 0) < 0 || listen(fd, 128) < 0)
		return -errno;
	daemon->listener = fd;
	fd = -1;
	return 0;
}

/* systemd's socket may be a blocking one, on which a client that left again would stop
 * us. */
static int take_listener(struct daemon *daemon)
{
	int flags = fcntl(SD_LISTEN_FDS_START, F_GETFL);
	if (sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, NULL, 0) <= 0 ||
	    flags < 0 || fcntl(SD_LISTEN_FDS_START, F_SETFL, flags | O_NONBLOCK) < 0)
		return -ENOTSOCK;
	daemon->listener = SD_LISTEN_FDS_START;
	return 0;
}

int server_start(struct daemon *daemon)
{
	int error;
	daemon->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (daemon->wake < 0)
		return -errno;
	daemon->is_activated = sd_listen_fds(1) > 0;
	error = daemon->is_activated ? take_listener(daemon) : bind_listener(daemon);
	if (error == 0)
		error = sd_event_add_io(daemon->event, NULL, daemon->listener, EPOLLIN,
					on_listener, daemon);
	if (error >= 0)
		error = sd_event_add_io(daemon->event, NULL, daemon->wake, EPOLLIN,
					on_wake, daemon);
	return error < 0 ? error : 0;
}

/*
 * The socket goes first, so that a client that comes now starts another daemon instead of
 * waiting for this one. Workers end when the kernel has ended.
 */
void server_stop(struct daemon *daemon)
{
	uint64_t deadline = daemon_now() + 5000000;
	if (!daemon->is_activated && daemon->listener >= 0)
		unlinkat(daemon->run.fd, CLIENT_SOCKET, 0);
	daemon->listener = file_close(daemon->listener);
	supervisor_stop(daemon);
	pthread_mutex_lock(&daemon->done_lock);
	while (daemon->running && daemon_now() < deadline)
		daemon_cond_wait(&daemon->done_changed, &daemon->done_lock, deadline);
	pthread_mutex_unlock(&daemon->done_lock);
	for (struct request *request = take_done(daemon), *next; request;
	     request = next) {
		next = request->next_done;
		finish(request);
	}
	while (daemon->clients)
		drop_client(daemon->clients);
	daemon->wake = file_close(daemon->wake);
}
