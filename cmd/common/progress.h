/*
 * A progress bar on stderr, shown only on a terminal and only when the work takes longer
 * than a second.
 */
#ifndef COMMON_PROGRESS_H
#define COMMON_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct progress {
	const char *what; /* "unpacking" */
	bool is_terminal, is_shown;
	struct timespec begun;
	unsigned percent; /* that stands there */
};

/* Starts the clock. `what` is borrowed. */
void progress_begin(struct progress *progress, const char *what);
/* So much of `total` is done. */
void progress_step(struct progress *progress, size_t done, size_t total);
/* Wipes the bar, so that messages start on an empty line. */
void progress_end(struct progress *progress);

#endif
