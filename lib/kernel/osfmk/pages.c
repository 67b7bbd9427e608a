/*
 * Whole pages: kmem_alloc from the heap, vm_allocate from the host. What vm_allocate gave
 * is kept as sorted ranges, so that a kext can give back or protect any part of it and
 * nothing else.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include "kernel/osfmk/futex.h"
#include "kernel/osfmk/kheap.h"
#include "kernel/osfmk/osfmk.h"

enum { PAGE = 4096, FLAG_ANYWHERE = 1 };
enum { READ = 1, WRITE = 2, EXECUTE = 4, COPY = 0x10 };

struct range {
	struct range *next;
	uint64_t start, end;
};

static struct guard guard;
static struct range *ranges;

/* Kexts see an address that is never NULL. */
static char map_record;
struct vm_map *kernel_map = (struct vm_map *)&map_record;
KPI(kernel_map);

/* ---- kmem: whole pages, whatever was asked for ---- */

static bool round_to_pages(size_t *size)
{
	if (__builtin_add_overflow(*size, PAGE - 1, size))
		return false;
	*size &= ~(size_t)(PAGE - 1);
	return true;
}

static kern_return_t kmem_allocate(struct heap_call call, uint64_t *ret_address,
				   size_t size)
{
	void *block;

	*ret_address = 0;
	if (!size)
		return KERN_INVALID_ARGUMENT;
	if (!round_to_pages(&size))
		return KERN_NO_SPACE;
	block = kheap_alloc(call, HEAP_PAGES, size, PAGE, true);
	if (!block)
		return KERN_NO_SPACE;
	*ret_address = (uintptr_t)block;
	return KERN_SUCCESS;
}

kern_return_t kmem_alloc_external(struct vm_map *map, uint64_t *ret_address, size_t size)
{
	(void)map;
	return kmem_allocate(HEAP_CALL("kmem_alloc"), ret_address, size);
}
KPI(kmem_alloc_external);
KPI_AS("_kmem_alloc_kobject_external", kmem_alloc_external);
KPI_AS("_kmem_alloc_pageable_external", kmem_alloc_external);

void kmem_free(struct vm_map *map, uint64_t address, size_t size)
{
	(void)map;
	if (!round_to_pages(&size))
		panic_at(__builtin_return_address(0), "kmem_free of %zu bytes", size);
	kheap_free(HEAP_CALL("kmem_free"), HEAP_PAGES, (void *)(uintptr_t)address, size);
}
KPI(kmem_free);

/* ---- ranges; with the guard held ---- */

static bool insert(uint64_t start, uint64_t end)
{
	struct range *range = malloc(sizeof(*range)), **link = &ranges;

	if (!range)
		return false;
	while (*link && (*link)->start < start)
		link = &(*link)->next;
	*range = (struct range){*link, start, end};
	*link = range;
	return true;
}

/* True if every byte of [start, end) is in some range. */
static bool is_covered(uint64_t start, uint64_t end)
{
	for (const struct range *range = ranges; range && start < end;
	     range = range->next) {
		if (range->start <= start && start < range->end)
			start = range->end;
	}
	return start >= end;
}

/*
 * Takes [start, end) out of one range. The part of it that lay inside is unmapped; a
 * range that is cut in the middle becomes two. False without memory for that.
 */
static bool cut(struct range *range, uint64_t start, uint64_t end)
{
	uint64_t from = start > range->start ? start : range->start;
	uint64_t to = end < range->end ? end : range->end;

	if (from >= to)
		return true;
	if (from > range->start && to < range->end && !insert(to, range->end))
		return false;
	if (from > range->start)
		range->end = from;
	else
		range->start = to;
	munmap((void *)(uintptr_t)from, to - from);
	return true;
}

static void drop_empty(void)
{
	struct range **link = &ranges, *range;

	while ((range = *link)) {
		if (range->start < range->end) {
			link = &range->next;
			continue;
		}
		*link = range->next;
		free(range);
	}
}

/* The whole pages that [address, address + size) touches; false if it wraps. */
static bool to_pages(uint64_t address, size_t size, uint64_t *ret_start,
		     uint64_t *ret_end)
{
	uint64_t end;

	if (__builtin_add_overflow(address, size, &end) || end > UINT64_MAX - PAGE)
		return false;
	*ret_start = address & ~(uint64_t)(PAGE - 1);
	*ret_end = (end + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	return true;
}

/* ---- the interface ---- */

kern_return_t vm_allocate_external(struct vm_map *map, uint64_t *address, size_t size,
				   int flags)
{
	bool anywhere = flags & FLAG_ANYWHERE;
	uint64_t start, end;
	bool is_kept;
	void *pages;

	if (!map || !to_pages(anywhere ? 0 : *address, size, &start, &end))
		return KERN_INVALID_ARGUMENT;
	if (!size) {
		*address = 0;
		return KERN_SUCCESS;
	}
	pages = mmap(anywhere ? NULL : (void *)(uintptr_t)start, end - start,
		     PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | (anywhere ? 0 : MAP_FIXED_NOREPLACE),
		     -1, 0);
	if (pages == MAP_FAILED)
		return KERN_NO_SPACE;
	guard_lock(&guard);
	is_kept = insert((uintptr_t)pages, (uintptr_t)pages + (end - start));
	guard_unlock(&guard);
	if (!is_kept) {
		munmap(pages, end - start);
		return KERN_RESOURCE_SHORTAGE;
	}
	*address = (uintptr_t)pages;
	return KERN_SUCCESS;
}
KPI(vm_allocate_external);
KPI_AS("_mach_vm_allocate_external", vm_allocate_external);

kern_return_t vm_deallocate(struct vm_map *map, uint64_t address, size_t size)
{
	kern_return_t answer = KERN_SUCCESS;
	uint64_t start, end;

	if (!map || !to_pages(address, size, &start, &end))
		return KERN_INVALID_ARGUMENT;
	if (!size)
		return KERN_SUCCESS;
	guard_lock(&guard);
	for (struct range *range = ranges; range; range = range->next) {
		if (!cut(range, start, end))
			answer = KERN_RESOURCE_SHORTAGE;
	}
	drop_empty();
	guard_unlock(&guard);
	return answer;
}
KPI(vm_deallocate);
KPI_AS("_mach_vm_deallocate", vm_deallocate);

/* Never writable and executable at once, never outside of what was allocated here. */
kern_return_t vm_protect(struct vm_map *map, uint64_t address, size_t size,
			 boolean_t set_maximum, int protection)
{
	kern_return_t answer = KERN_SUCCESS;
	uint64_t start, end;
	int host = (protection & READ ? PROT_READ : 0) |
		   (protection & WRITE ? PROT_WRITE : 0) |
		   (protection & EXECUTE ? PROT_EXEC : 0);

	if (!map || protection & ~(READ | WRITE | EXECUTE | COPY) ||
	    !to_pages(address, size, &start, &end))
		return KERN_INVALID_ARGUMENT;
	if (!size)
		return KERN_SUCCESS;
	if (set_maximum) /* the host keeps no maximum */
		return KERN_NOT_SUPPORTED;
	if (protection & WRITE && protection & EXECUTE)
		return KERN_PROTECTION_FAILURE;
	guard_lock(&guard);
	if (!is_covered(start, end))
		answer = KERN_INVALID_ADDRESS;
	else if (mprotect((void *)(uintptr_t)start, end - start, host))
		answer = KERN_PROTECTION_FAILURE;
	guard_unlock(&guard);
	return answer;
}
KPI(vm_protect);
KPI_AS("_mach_vm_protect", vm_protect);
