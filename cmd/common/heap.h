/*
 * The heap of a program that makes many large blocks on several threads. By default every
 * block from 128 KiB on is a mapping of its own: threads then queue for the lock on the
 * address space, and memory that was faulted in once is given back at once.
 */
#ifndef COMMON_HEAP_H
#define COMMON_HEAP_H

#include <malloc.h>

/* Before the first thread. Address space is reserved in advance, memory is not. */
static inline void heap_expect_large_blocks(void)
{
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TOP_PAD, 16 << 20);
	mallopt(M_TRIM_THRESHOLD, 256 << 20);
}
/* After them: what they freed goes back to the system before more is asked for. */
static inline void heap_large_blocks_are_done(void)
{
	malloc_trim(0);
}

#endif
