/*
 * A kextd without a socket, a log and a kernel of its own, for the fuzz targets of its
 * protocols: it is about to leave, so that whoever asks for a kernel need not wait.
 */
#ifndef FUZZ_DAEMON_H
#define FUZZ_DAEMON_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon/daemon.h"
#include "macho/builder.h"
#include "macho/macho.h"

#define MILLISECOND 1000u

static const uint8_t our_uuid[16] = "0123456789abcdef";

/* A mach_kernel of one symbol, whose UUID the kernel of the seeds states. */
static inline struct kext_image *make_image(void)
{
	uint8_t *data;
	size_t size;
	struct kext_image *image;
	struct macho_builder b = {.cputype = 0x01000007,
				  .cpusubtype = 3,
				  .filetype = MH_EXECUTE,
				  .has_uuid = true};
	memcpy(b.uuid, our_uuid, sizeof(our_uuid));
	unsigned text = macho_builder_segment(&b, "__TEXT", 0x1000, 0x1000, 5);
	unsigned code =
		macho_builder_section(&b, text, "__text", 0x1000, 0x1000, 4, 0, NULL);
	macho_builder_symbol(&b, "_panic", N_SECT | N_EXT, code, 0, 0x1010);
	if (macho_builder_finish(&b, &data, &size) ||
	    kext_image_open(data, size, "mach_kernel", NULL, &image))
		abort();
	macho_builder_free(&b);
	return image; /* both live as long as the program */
}

static inline struct daemon *make_daemon(void)
{
	static const struct kext_daemon_options options;
	static char folder[] = "/nonexistent", no_args[] = "";
	struct daemon *daemon = calloc(1, sizeof(*daemon));
	if (!daemon || setenv("KEXT_ROOT", folder, 1) ||
	    kext_context_new(&daemon->context) < 0)
		abort();
	daemon->options = &options;
	daemon->instance = KEXT_INSTANCE_USER;
	daemon->run = (struct place){.fd = -1, .path = folder};
	daemon->state = (struct place){.fd = -1, .path = folder};
	daemon->boot_args = no_args;
	daemon->listener = daemon->instance_lock = -1;
	daemon->file_root = open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	daemon->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	daemon->deadlines = (struct deadlines){40 * MILLISECOND, 40 * MILLISECOND,
					       40 * MILLISECOND, 40 * MILLISECOND};
	pthread_mutex_init(&daemon->done_lock, NULL);
	pthread_mutex_init(&daemon->kernel_lock, NULL);
	pthread_mutex_init(&daemon->load_lock, NULL);
	daemon_cond_init(&daemon->done_changed);
	daemon_cond_init(&daemon->kernel_changed);
	daemon_cond_init(&daemon->load_changed);
	daemon->catalog.kernel_image = make_image();
	return daemon;
}

/* Waits for the workers, and hands over what they did as one list. */
static inline struct request *take_finished(struct daemon *daemon)
{
	pthread_mutex_lock(&daemon->done_lock);
	while (daemon->running)
		pthread_cond_wait(&daemon->done_changed, &daemon->done_lock);
	struct request *list = daemon->done;
	daemon->done = NULL;
	pthread_mutex_unlock(&daemon->done_lock);
	return list;
}

/* Each must have a reply that can be sent, whatever was asked. */
static inline void answer_all(struct request *list)
{
	while (list) {
		struct request *next = list->next_done;
		struct frame frame = {0};
		if (!list->is_parked && request_encode_reply(list, &frame) < 0)
			abort();
		frame_free(&frame);
		request_free(list);
		list = next;
	}
}

/* Aborts when more than `seconds` have passed: nobody may be made to wait for ever. */
static inline void check_time(uint64_t began, unsigned seconds)
{
	if (daemon_now() - began > seconds * 1000000ull)
		abort();
}

#endif
