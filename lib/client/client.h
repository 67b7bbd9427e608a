/* A connection to kextd, inside the library: one request at a time. */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <stdatomic.h>
#include <kext/client.h>
#include "base/frame.h"
#include "client/places.h"
#include "client/protocol.h"

struct kext_client {
	int socket;
	struct frame_reader reader;
	uint64_t next_id;
	atomic_ullong in_flight; /* id of the request that is wholly sent; 0: none */
	atomic_bool cancel_wanted;
	struct kext_value *hello; /* what kextd said of itself */
};

/* A client on a connected socket, which it takes over; waits for kextd's hello. */
int client_new(int socket, struct kext_client **ret_client)
	__attribute__((warn_unused_result));

/*
 * Starts a kextd for the instance, detached, and waits until it serves.
 * KEXT_ERR_NO_SERVER with a diagnostic that tells what it said.
 */
int client_start_daemon(enum kext_instance instance, struct kext_diagnostics *diagnostics)
	__attribute__((warn_unused_result));

/*
 * Sends a request, waits for its reply and hands over its findings and answer (NULL:
 * there is none). Consumes `arguments`, takes NULL for -ENOMEM. `fd` (-1: none) travels
 * along. *ret_report is written also when an error is returned: NULL or a path to free.
 */
int client_call(struct kext_client *client, const char *predicate,
		struct kext_value *arguments, int fd,
		struct kext_diagnostics *diagnostics, struct kext_value **ret_answer,
		char **ret_report) __attribute__((warn_unused_result));

#endif
