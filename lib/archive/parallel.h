/*
 * Work on many entries that do not depend on each other, by several threads.
 */
#ifndef ARCHIVE_PARALLEL_H
#define ARCHIVE_PARALLEL_H

#include <stddef.h>

typedef int parallel_work(void *data, size_t index);

/*
 * Calls work(data, 0) … work(data, count - 1), in that order when `jobs` is 1 (0: a thread
 * a core). After a failure nothing new is begun; the one of the lowest index is returned.
 */
int parallel_run(unsigned jobs, size_t count, parallel_work *work, void *data)
	__attribute__((warn_unused_result));

#endif
