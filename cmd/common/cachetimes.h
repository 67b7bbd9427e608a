/*
 * How old a cache file is meant to be: a second younger than the newest of its sources.
 */
#ifndef COMMON_CACHETIMES_H
#define COMMON_CACHETIMES_H

#include <stdbool.h>
#include <time.h>
#include "common/options.h"

/*
 * The time, in seconds, that a file made from these folders (and a kernel, or NULL) has:
 * a second after the newest folder, or after the kernel if that is newer still. 0: none
 * of them is there.
 */
time_t cachetimes_of(const struct option_list *folders, const char *kernel);

/* The sources as they were, for kexts may come and go while we read. */
struct cachetimes {
	struct timespec folders, kernel;
};

struct cachetimes cachetimes_note(const struct option_list *folders, const char *kernel);
bool cachetimes_have_changed(const struct option_list *folders, const char *kernel,
			     const struct cachetimes *before);

#endif
