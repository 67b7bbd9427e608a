/*
 * Where an instance of kextd keeps its socket (the run folder) and its log, reports and
 * boot arguments (the state folder), and whether those folders may be trusted.
 */
#ifndef CLIENT_PLACES_H
#define CLIENT_PLACES_H

#include <stdbool.h>
#include <kext/client.h>

struct place {
	int fd;	    /* the folder, opened and checked; -1: not open */
	char *path; /* for messages */
};

/* The instance that DEFAULT stands for: root's for root, else the user's. */
enum kext_instance place_instance(enum kext_instance instance);
/* "system" or "user". */
const char *place_instance_name(enum kext_instance instance);
/* Who owns the instance: root, or the effective user. */
uid_t place_owner(enum kext_instance instance);

/*
 * Opens the folder, makes it when `make`. It must belong to the owner and not be open to
 * others: mode 0700, for root's instance 0755. -ENOENT when it is not there,
 * KEXT_ERR_NOT_PRIVILEGED or system errors with a diagnostic "place.…".
 */
int place_open_run(enum kext_instance instance, bool make,
		   struct kext_diagnostics *diagnostics, struct place *ret)
	__attribute__((warn_unused_result));
int place_open_state(enum kext_instance instance, bool make,
		     struct kext_diagnostics *diagnostics, struct place *ret)
	__attribute__((warn_unused_result));
void place_close(struct place *place);

#define _cleanup_place_ __attribute__((cleanup(place_close)))

/*
 * Address of a socket in an open folder, whatever the length of the folder's path:
 * through /proc/self/fd. Valid while the folder is open.
 */
struct sockaddr_un;
void place_socket_address(const struct place *place, const char *name,
			  struct sockaddr_un *ret_address);

#endif
