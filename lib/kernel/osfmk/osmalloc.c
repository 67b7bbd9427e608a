/*
 * OSMalloc: allocation under tags. A tag that its creator freed lives on until its last
 * block is freed.
 */
#include <stdlib.h>
#include "kernel/libkern/libkern.h"
#include "kernel/osfmk/kheap.h"

enum {
	TAG_PAGEABLE = 1,
	TAG_VALID = 0xdeab0000,
	TAG_VALID_MASK = 0xffff0000,
	TAG_RELEASED = 1
};

struct os_malloc_tag {
	_Atomic uint32_t references;
	_Atomic uint32_t state;
	uint32_t flags;
	char name[64];
};

static void check(const void *caller, OSMallocTag tag, const char *what)
{
	if (!tag || (atomic_load(&tag->state) & TAG_VALID_MASK) != TAG_VALID)
		panic_at(caller, "%s: bad tag %p", what, (void *)tag);
}

OSMallocTag OSMalloc_Tagalloc(const char *name, uint32_t flags)
{
	OSMallocTag tag = calloc(1, sizeof(*tag));

	if (!tag)
		return NULL;
	tag->flags = flags;
	atomic_store(&tag->references, 1);
	atomic_store(&tag->state, TAG_VALID);
	xnu_strlcpy(tag->name, name, sizeof(tag->name));
	return tag;
}
KPI(OSMalloc_Tagalloc);

static void release(OSMallocTag tag)
{
	if (atomic_fetch_sub(&tag->references, 1) != 1)
		return;
	atomic_store(&tag->state, 0);
	free(tag);
}

void OSMalloc_Tagfree(OSMallocTag tag)
{
	check(__builtin_return_address(0), tag, "OSMalloc_Tagfree");
	if (atomic_fetch_or(&tag->state, TAG_RELEASED) & TAG_RELEASED)
		panic_at(__builtin_return_address(0),
			 "OSMalloc_Tagfree: tag %s was freed already", tag->name);
	release(tag);
}
KPI(OSMalloc_Tagfree);

static void *allocate(struct heap_call call, uint32_t size, OSMallocTag tag)
{
	void *block;

	check(call.caller, tag, call.name);
	block = kheap_alloc(call, HEAP_GENERAL, size, 0, false);
	if (block)
		atomic_fetch_add(&tag->references, 1);
	return block;
}

void *OSMalloc(uint32_t size, OSMallocTag tag)
{
	return allocate(HEAP_CALL("OSMalloc"), size, tag);
}
KPI(OSMalloc);

/* Pageable memory cannot be had without waiting. */
void *OSMalloc_nowait(uint32_t size, OSMallocTag tag)
{
	check(__builtin_return_address(0), tag, "OSMalloc_nowait");
	return tag->flags & TAG_PAGEABLE
		       ? NULL
		       : allocate(HEAP_CALL("OSMalloc_nowait"), size, tag);
}
KPI(OSMalloc_nowait);
KPI_AS("_OSMalloc_noblock", OSMalloc_nowait);

void OSFree(void *block, uint32_t size, OSMallocTag tag)
{
	check(__builtin_return_address(0), tag, "OSFree");
	kheap_free(HEAP_CALL("OSFree"), HEAP_GENERAL, block, size);
	if (block)
		release(tag);
}
KPI(OSFree);

uint32_t OSMalloc_size(void *block)
{
	size_t size = kheap_size(HEAP_GENERAL, block);

	return size == HEAP_ANY_SIZE ? 0 : (uint32_t)kheap_class(size);
}
KPI(OSMalloc_size);
