/*
 * Kexts whose code ended a kernel, and how often. Kept in a file of the state folder, a
 * line "COUNT IDENTIFIER" for each, so that a kextd that starts anew knows them too. Who
 * removes the file forgives them all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include "base/memory.h"
#include "daemon/daemon.h"

#define CULPRITS_NAME	 "culprits"
#define CULPRITS_MAX	 (1u << 20) /* bytes of the file */
#define COUNT_MAX	 1000000u
#define BLAMED_TOO_OFTEN 2u

/* Consumes `identifier`. With kernel_lock, or before there are threads. */
static int add(struct daemon *daemon, char *identifier, uintptr_t times)
{
	void **count = identifier ? map_slot(&daemon->culprits, identifier, NULL) : NULL;
	if (!count) {
		free(identifier);
		return -ENOMEM;
	}
	bool is_known = *count != NULL;
	*count = (void *)((uintptr_t)*count + times);
	if (is_known)
		free(identifier); /* the map keeps the first one's text */
	return 0;
}

static int read_line(struct daemon *daemon, const char *line)
{
	char identifier[65];
	unsigned count;
	if (sscanf(line, "%u %64s", &count, identifier) != 2 || !count ||
	    count > COUNT_MAX)
		return 0; /* a person may have edited it */
	return add(daemon, mem_string(identifier), count);
}

int culprits_read(struct daemon *daemon)
{
	struct file_map file;
	int error = file_map_path(daemon->state.fd, CULPRITS_NAME, CULPRITS_MAX, &file);
	if (error < 0)
		return error == -ENOENT ? 0 : error;
	_cleanup_free_ char *text =
		mem_string_n((const char *)file.bytes.data, file.bytes.size);
	file_unmap(&file);
	if (!text)
		return -ENOMEM;
	char *rest = NULL;
	for (char *line = strtok_r(text, "\n", &rest); line && error == 0;
	     line = strtok_r(NULL, "\n", &rest))
		error = read_line(daemon, line);
	return error;
}

/* With kernel_lock. */
static int write_all(struct daemon *daemon)
{
	_cleanup_buffer_ struct buffer text = {0};
	map_for_each (entry, &daemon->culprits)
		buffer_printf(&text, "%ju %s\n", (uintmax_t)(uintptr_t)entry->value,
			      entry->key);
	int error = buffer_error(&text);
	return error < 0 ? error
			 : file_publish(daemon->state.fd, CULPRITS_NAME, text.data,
					text.size, 0644, false);
}

void culprit_count(struct daemon *daemon, const char *identifier)
{
	pthread_mutex_lock(&daemon->kernel_lock);
	int error = add(daemon, mem_string(identifier), 1);
	if (error == 0)
		error = write_all(daemon);
	pthread_mutex_unlock(&daemon->kernel_lock);
	if (error < 0)
		daemon_log(daemon, "%s as a culprit cannot be noted: %s", identifier,
			   kext_error_string(error));
}

bool culprit_is_blamed(struct daemon *daemon, const char *identifier)
{
	pthread_mutex_lock(&daemon->kernel_lock);
	uintptr_t count = (uintptr_t)map_get(&daemon->culprits, identifier);
	pthread_mutex_unlock(&daemon->kernel_lock);
	return count >= BLAMED_TOO_OFTEN;
}

void culprits_free(struct daemon *daemon)
{
	map_for_each (entry, &daemon->culprits)
		free((char *)entry->key);
	map_free(&daemon->culprits);
}
