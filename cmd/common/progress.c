/* The progress bar; see progress.h. */
#include <stdio.h>
#include <unistd.h>
#include "common/progress.h"

#define WIDTH	 40u
#define PATIENCE 1.0 /* seconds without a bar */

void progress_begin(struct progress *progress, const char *what)
{
	*progress = (struct progress){.what = what,
				      .is_terminal = isatty(STDERR_FILENO) == 1};
	clock_gettime(CLOCK_MONOTONIC, &progress->begun);
}

static double seconds_since(const struct timespec *begun)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - begun->tv_sec) +
	       (double)(now.tv_nsec - begun->tv_nsec) / 1e9;
}

void progress_step(struct progress *progress, size_t done, size_t total)
{
	char bar[WIDTH + 1];
	if (!progress->is_terminal || !total ||
	    seconds_since(&progress->begun) < PATIENCE)
		return;
	unsigned percent = (unsigned)(done * 100 / total);
	if (progress->is_shown && percent == progress->percent)
		return;
	for (unsigned i = 0; i < WIDTH; i++)
		bar[i] = i * 100 < percent * WIDTH ? '#' : '.';
	bar[WIDTH] = '\0';
	fprintf(stderr, "\r%s [%s] %3u %%", progress->what, bar, percent);
	progress->percent = percent;
	progress->is_shown = true;
}

void progress_end(struct progress *progress)
{
	if (progress->is_shown)
		fprintf(stderr, "\r\033[K");
	progress->is_shown = false;
}
