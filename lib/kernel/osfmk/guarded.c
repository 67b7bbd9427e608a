/*
 * Where guarded blocks lie: one range of addresses, handed out from its start to its end.
 * An index by page leads from an address to the block, also when it is long gone.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "kernel/libkern/libkern.h"
#include "kernel/osfmk/futex.h"
#include "kernel/osfmk/guarded.h"
#include "kernel/osfmk/osfmk.h"

enum { PAGE = 4096, LEAST_ALIGNMENT = 16 };
enum { AROUND = 0xe7, DEAD = 0xdd };
/* Each live block costs Linux two mappings, of which a process may have 65,530. */
enum { MAX_LIVE = 24000 };
static const size_t range_size = (size_t)4 << 30;

static struct guard guard;
static char *range;
static size_t used;		 /* of the range */
static struct guarded **by_page; /* one for each page of it */
static _Atomic unsigned live;

static void *reserve(size_t size, int protection)
{
	void *place = mmap(NULL, size, protection,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return place == MAP_FAILED ? NULL : place;
}

bool guarded_startup(void)
{
	range = reserve(range_size, PROT_NONE);
	by_page = reserve(range_size / PAGE * sizeof(struct guarded *),
			  PROT_READ | PROT_WRITE);
	used = PAGE; /* in reach before the first block */
	return range && by_page;
}

static size_t round_up(size_t size, size_t to)
{
	return (size + to - 1) & ~(to - 1);
}

/* Accessible pages with inaccessible ones on both sides; NULL at the range's end. */
static char *take_pages(size_t span, size_t alignment)
{
	char *pages = NULL;

	guard_lock(&guard);
	size_t at = used;
	if (alignment > PAGE)
		at = round_up((uintptr_t)range + at, alignment) - (uintptr_t)range;
	if (at < range_size && span < range_size - at - PAGE) {
		pages = range + at;
		used = at + span + PAGE;
	}
	guard_unlock(&guard);
	if (pages && mprotect(pages, span, PROT_READ | PROT_WRITE) == 0)
		return pages;
	return NULL;
}

/* The guard page behind is the block's too. */
static void enter(struct guarded *guarded)
{
	size_t first = (size_t)(guarded->pages - range) / PAGE;

	for (size_t i = 0; i <= guarded->span / PAGE; i++)
		__atomic_store_n(&by_page[first + i], guarded, __ATOMIC_RELEASE);
}

/* At the end of its pages, as near as alignment allows. */
static void place(struct guarded *guarded, size_t alignment)
{
	size_t room = round_up(guarded->size ? guarded->size : 1, alignment);
	char *end = guarded->pages + guarded->span;

	guarded->block = alignment >= PAGE ? guarded->pages : end - room;
	memset(guarded->pages, AROUND, guarded->span);
}

struct guarded *guarded_new(size_t size, size_t alignment, const void *caller)
{
	struct guarded *guarded;

	if (!by_page || size > range_size)
		return NULL;
	if (atomic_fetch_add(&live, 1) >= MAX_LIVE ||
	    !(guarded = calloc(1, sizeof(*guarded)))) {
		atomic_fetch_sub(&live, 1);
		return NULL;
	}
	if (alignment < LEAST_ALIGNMENT)
		alignment = LEAST_ALIGNMENT;
	guarded->size = size;
	guarded->span = round_up(size ? size : 1, PAGE);
	guarded->allocated = caller;
	guarded->pages = take_pages(guarded->span, alignment);
	if (!guarded->pages) {
		atomic_fetch_sub(&live, 1);
		free(guarded);
		return NULL;
	}
	place(guarded, alignment);
	enter(guarded);
	return guarded;
}

static bool is_untouched(const char *from, const char *to)
{
	while (from < to && (unsigned char)*from == AROUND)
		from++;
	return from >= to;
}

const char *guarded_damage(const struct guarded *guarded)
{
	if (!is_untouched(guarded->block + guarded->size, guarded->pages + guarded->span))
		return "heap.overrun";
	if (!is_untouched(guarded->pages, guarded->block))
		return "heap.underrun";
	return NULL;
}

/* The pages go back to Linux, the addresses are never used again. */
void guarded_free(struct guarded *guarded, const void *caller)
{
	guarded->freed = caller;
	madvise(guarded->pages, guarded->span, MADV_DONTNEED);
	mprotect(guarded->pages, guarded->span + PAGE, PROT_NONE);
	atomic_fetch_sub(&live, 1);
}

/* ---- faults ---- */

static struct guarded *at_page(size_t page)
{
	return page < range_size / PAGE
		       ? __atomic_load_n(&by_page[page], __ATOMIC_ACQUIRE)
		       : NULL;
}

/* The second half of a guard page is in reach of the block behind it. */
struct guarded *guarded_at(const void *address)
{
	size_t offset = (size_t)((const char *)address - range), page = offset / PAGE;

	if (!by_page || (const char *)address < range || offset >= range_size)
		return NULL;
	struct guarded *found = at_page(page), *next = at_page(page + 1);
	bool is_between = !found || (const char *)address >= found->pages + found->span;
	if (is_between && next && (offset % PAGE >= PAGE / 2 || !found))
		return next;
	return found;
}

static const char *check_of(const struct guarded *guarded, const char *address)
{
	if (address >= guarded->pages + guarded->span)
		return "heap.overrun";
	if (address < guarded->pages)
		return "heap.underrun";
	return "heap.use-after-free";
}

/* Where the address is, seen from the block. */
static void describe(const struct guarded *guarded, const char *address,
		     const char *access, char text[160])
{
	const char *end = guarded->block + guarded->size;
	const char *state = guarded->freed ? ", which is freed" : "";

	if (address < guarded->block)
		xnu_snprintf(text, 160, "%s of byte %ld before a block of %lu%s", access,
			     (long)(guarded->block - address), guarded->size, state);
	else if (address >= end)
		xnu_snprintf(text, 160, "%s of byte %ld behind a block of %lu%s", access,
			     (long)(address - end), guarded->size, state);
	else
		xnu_snprintf(text, 160, "%s of byte %ld of a block of %lu%s", access,
			     (long)(address - guarded->block), guarded->size, state);
}

bool guarded_fault(const void *address, const char *access, const void *site,
		   char text[160])
{
	struct guarded *guarded = guarded_at(address);
	char *page = (char *)((uintptr_t)address & ~(uintptr_t)(PAGE - 1));

	if (!guarded || mprotect(page, PAGE, PROT_READ | PROT_WRITE))
		return false;
	memset(page, guarded->freed ? DEAD : AROUND, PAGE);
	describe(guarded, address, access, text);
	finding_tell_of_fault(check_of(guarded, address), site, guarded->allocated, text);
	log_format(NULL, "%s (by code at %p)\n", text, site);
	return true;
}
