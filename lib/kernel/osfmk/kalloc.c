/*
 * kalloc and its data variant, on the heap that IOMalloc uses too.
 */
#include "kernel/osfmk/kheap.h"

/* Flags of kalloc_data. */
enum { Z_ZERO = 4, Z_NOFAIL = 0x8000 };

void *kalloc_external(size_t size)
{
	return kheap_alloc(HEAP_CALL("kalloc"), HEAP_GENERAL, size, 0, false);
}
KPI(kalloc_external);

/* Darwin checks the size class only; so does this. */
static size_t size_to_check(enum heap_family family, const void *block, size_t size)
{
	size_t true_size = kheap_size(family, block);

	if (true_size != HEAP_ANY_SIZE && kheap_class(true_size) == kheap_class(size))
		return HEAP_ANY_SIZE;
	return size;
}

void kfree(void *block, size_t size)
{
	kheap_free(HEAP_CALL("kfree"), HEAP_GENERAL, block,
		   size_to_check(HEAP_GENERAL, block, size));
}
KPI(kfree);

void *kalloc_data(size_t size, uint32_t flags)
{
	void *block = kheap_alloc(HEAP_CALL("kalloc_data"), HEAP_DATA, size, 0,
				  (flags & Z_ZERO) != 0);

	if (!block && flags & Z_NOFAIL)
		panic_at(__builtin_return_address(0),
			 "kalloc_data: no memory for %zu bytes that must not fail", size);
	return block;
}
KPI(kalloc_data);

void kfree_data(void *block, size_t size)
{
	kheap_free(HEAP_CALL("kfree_data"), HEAP_DATA, block,
		   size_to_check(HEAP_DATA, block, size));
}
KPI(kfree_data);
