/*
 * Guarded blocks of the kernel heap: each on pages of its own, at their end, with an
 * inaccessible page behind; inaccessible once freed, and never used again.
 */
#ifndef KERNEL_OSFMK_GUARDED_H
#define KERNEL_OSFMK_GUARDED_H

#include "kernel/kernel.h"

struct guarded {
	char *block, *pages;
	size_t size, span;     /* span: of the accessible pages */
	const void *allocated; /* who asked for it */
	const void *freed;     /* who freed it; NULL: it is alive */
};

/* Takes the addresses; false: there are none. */
bool guarded_startup(void);
/* NULL: no room, or guarded_startup has not been called. The block is not filled. */
struct guarded *guarded_new(size_t size, size_t alignment, const void *caller);
/* What was written around the block: the name of a check, or NULL. */
const char *guarded_damage(const struct guarded *guarded);
void guarded_free(struct guarded *guarded, const void *caller);
/* What is or was at the address, on its pages or in reach of them; NULL: nothing.
 * Async-signal-safe. */
struct guarded *guarded_at(const void *address);

/*
 * A fault at the address: tells of it in `text` too, makes the page accessible and
 * returns true: the kext can go on. False: the page is none of a guarded block's.
 */
bool guarded_fault(const void *address, const char *access, const void *site,
		   char text[160]);

#endif
