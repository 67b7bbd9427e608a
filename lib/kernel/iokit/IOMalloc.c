/*
 * I/O Kit's allocators, each a family or an alignment of the kernel heap.
 */
#include "kernel/iokit/IOLib.h"
#include "kernel/osfmk/kheap.h"
#include "kernel/osfmk/physical.h"

enum { PAGE = 4096 };
static const size_t pageable_max = 512u << 20;

void *IOMalloc(size_t size)
{
	return kheap_alloc(HEAP_CALL("IOMalloc"), HEAP_GENERAL, size, 0, false);
}
KPI(IOMalloc);

void *IOMallocZero(size_t size)
{
	return kheap_alloc(HEAP_CALL("IOMallocZero"), HEAP_GENERAL, size, 0, true);
}
KPI(IOMallocZero);

void IOFree(void *block, size_t size)
{
	kheap_free(HEAP_CALL("IOFree"), HEAP_GENERAL, block, size);
}
KPI(IOFree);

/* Up to the next power of two; 0 counts as 1. A saturated result finds no memory. */
static size_t round_up(size_t alignment)
{
	size_t power = 1;

	while (power < alignment && power <= SIZE_MAX / 2)
		power <<= 1;
	return power;
}

void *IOMallocAligned(size_t size, size_t alignment)
{
	if (!size)
		return NULL;
	return kheap_alloc(HEAP_CALL("IOMallocAligned"), HEAP_ALIGNED, size,
			   round_up(alignment), false);
}
KPI(IOMallocAligned);

void IOFreeAligned(void *block, size_t size)
{
	kheap_free(HEAP_CALL("IOFreeAligned"), HEAP_ALIGNED, block, size);
}
KPI(IOFreeAligned);

void *IOMallocContiguous(size_t size, size_t alignment, uint64_t *ret_physical)
{
	size_t rounded = round_up(alignment);
	uint64_t physical;
	void *block;

	if (!size)
		return NULL;
	block = kheap_alloc(HEAP_CALL("IOMallocContiguous"), HEAP_CONTIGUOUS, size,
			    rounded > PAGE ? rounded : PAGE, false);
	if (!block)
		return NULL;
	physical = physical_assign(block, size, rounded);
	if (!physical) {
		kheap_free(HEAP_CALL("IOMallocContiguous"), HEAP_CONTIGUOUS, block, size);
		return NULL;
	}
	if (ret_physical)
		*ret_physical = physical;
	return block;
}
KPI(IOMallocContiguous);

void IOFreeContiguous(void *block, size_t size)
{
	if (block)
		physical_release(block);
	kheap_free(HEAP_CALL("IOFreeContiguous"), HEAP_CONTIGUOUS, block, size);
}
KPI(IOFreeContiguous);

void *IOMallocPageable(size_t size, size_t alignment)
{
	if (alignment > PAGE || size > pageable_max)
		return NULL;
	return kheap_alloc(HEAP_CALL("IOMallocPageable"), HEAP_PAGEABLE, size ? size : 1,
			   round_up(alignment), size >= PAGE);
}
KPI(IOMallocPageable);

void IOFreePageable(void *block, size_t size)
{
	kheap_free(HEAP_CALL("IOFreePageable"), HEAP_PAGEABLE, block, size ? size : 1);
}
KPI(IOFreePageable);

void *IOMallocData(size_t size)
{
	return kheap_alloc(HEAP_CALL("IOMallocData"), HEAP_DATA, size, 0, false);
}
KPI(IOMallocData);

void *IOMallocZeroData(size_t size)
{
	return kheap_alloc(HEAP_CALL("IOMallocZeroData"), HEAP_DATA, size, 0, true);
}
KPI(IOMallocZeroData);

void IOFreeData(void *block, size_t size)
{
	kheap_free(HEAP_CALL("IOFreeData"), HEAP_DATA, block, size);
}
KPI(IOFreeData);
