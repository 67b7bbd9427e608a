/* Reaching kextd: the socket in the run folder, the greeting, and a start when wanted. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/file.h"
#include "base/memory.h"
#include "client/client.h"

#define HELLO_WAIT_MS 20000

static int open_socket(const struct place *place, int *ret_socket)
{
	struct sockaddr_un address;
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	place_socket_address(place, CLIENT_SOCKET, &address);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	*ret_socket = fd;
	fd = -1;
	return 0;
}

static int read_hello(struct kext_client *client)
{
	struct frame frame = {0};
	struct pollfd wait = {.fd = client->socket, .events = POLLIN};
	int got = poll(&wait, 1, HELLO_WAIT_MS);
	if (got <= 0)
		return got < 0 ? -errno : -ETIMEDOUT;
	got = frame_reader_read(&client->reader, &frame);
	if (got <= 0)
		return got < 0 ? got : -ETIMEDOUT;
	int error =
		frame.type == CLIENT_HELLO
			? kext_value_from_binary(frame.body, frame.size, &client->hello)
			: KEXT_ERR_PROTOCOL;
	frame_free(&frame);
	return error < 0 ? KEXT_ERR_PROTOCOL : 0;
}

int client_new(int socket, struct kext_client **ret_client)
{
	struct kext_client *client = mem_zero(1, sizeof(*client));
	if (!client) {
		file_close(socket);
		return -ENOMEM;
	}
	client->socket = socket;
	client->next_id = 1;
	frame_reader_init(&client->reader, socket, CLIENT_MAX_REPLY);
	int error = read_hello(client);
	if (error < 0) {
		kext_client_free(client);
		return error;
	}
	*ret_client = client;
	return 0;
}

struct kext_client *kext_client_free(struct kext_client *client)
{
	if (!client)
		return NULL;
	frame_reader_free(&client->reader);
	file_close(client->socket);
	kext_value_unref(client->hello);
	free(client);
	return NULL;
}

/* Nobody listens, or one that is leaving: the reasons for which a start may help. */
static bool is_absent(int error)
{
	return error == -ENOENT || error == -ECONNREFUSED || error == -EPIPE ||
	       error == -ECONNRESET;
}

static int try_connect(const struct place *place, struct kext_client **ret_client)
{
	int fd = -1;
	int error = open_socket(place, &fd);
	return error < 0 ? error : client_new(fd, ret_client);
}

/* Two clients at once start one kextd: the second finds it when it gets the lock. */
static int start_and_connect(const struct place *place, enum kext_instance instance,
			     struct kext_diagnostics *diagnostics,
			     struct kext_client **ret_client)
{
	_cleanup_fd_ int lock = openat(place->fd, CLIENT_START_LOCK,
				       O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (lock < 0)
		return -errno;
	while (flock(lock, LOCK_EX) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	int error = try_connect(place, ret_client);
	if (!is_absent(error))
		return error;
	error = client_start_daemon(instance, diagnostics);
	return error < 0 ? error : try_connect(place, ret_client);
}

static int explain(int error, const char *path, struct kext_diagnostics *diagnostics)
{
	if (is_absent(error)) {
		kext_diagnose(diagnostics, KEXT_ERROR, "client.absent", path, NULL,
			      "no kextd is running there");
		return KEXT_ERR_NO_SERVER;
	}
	if (error == KEXT_ERR_PROTOCOL) {
		kext_diagnose(
			diagnostics, KEXT_ERROR, "client.protocol", path,
			"stop it with the kextd it came with, then try again",
			"the kextd that serves there speaks another protocol version");
		return error;
	}
	if (error == -EACCES || error == -EPERM) {
		kext_diagnose(diagnostics, KEXT_ERROR, "client.permission", path, NULL,
			      "no permission to reach kextd");
		return KEXT_ERR_NOT_PRIVILEGED;
	}
	kext_diagnose(diagnostics, KEXT_ERROR, "client.connect", path, NULL,
		      "cannot reach kextd: %s", kext_error_string(error));
	return error;
}

int kext_client_connect(struct kext_context *context, enum kext_instance instance,
			unsigned flags, struct kext_diagnostics *diagnostics,
			struct kext_client **ret_client)
{
	/* Only its owner may start an instance. */
	bool may_start = flags & KEXT_CLIENT_START && place_owner(instance) == geteuid();
	_cleanup_place_ struct place place = {.fd = -1};
	int error = place_open_run(instance, may_start, diagnostics, &place);
	if (error == -ENOENT)
		return explain(error, place_instance_name(instance), diagnostics);
	if (error < 0)
		return error;
	error = try_connect(&place, ret_client);
	if (is_absent(error) && may_start) {
		kext_context_log(context, KEXT_LOG_PROGRESS, "starting kextd for %s",
				 place.path);
		error = start_and_connect(&place, instance, diagnostics, ret_client);
	}
	if (error == 0 || error == KEXT_ERR_NO_SERVER)
		return error;
	return explain(error, place.path, diagnostics);
}
