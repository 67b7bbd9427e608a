/*
 * Typed allocation of SDKs from macOS 12 on. The kext brings a record (view) per site or
 * class: the low 24 bits of the word at +44 are the size. A view without a zone, which
 * every one of ours is, is served from the general heap by that size, always zeroed.
 */
#include <string.h>
#include "kernel/osfmk/kheap.h"

static size_t view_size(const void *view)
{
	uint32_t word;

	memcpy(&word, (const char *)view + 44, sizeof(word));
	return word & 0xffffff;
}

static void *allocate_or_panic(struct heap_call call, size_t size)
{
	void *block = kheap_alloc(call, HEAP_TYPED, size, 0, true);

	if (!block)
		panic_at(call.caller, "%s: no memory for %zu bytes", call.name, size);
	return block;
}

void *IOMallocTypeImpl(const void *view)
{
	return allocate_or_panic(HEAP_CALL("IOMallocTypeImpl"), view_size(view));
}
KPI(IOMallocTypeImpl);

void IOFreeTypeImpl(const void *view, void *block)
{
	kheap_free(HEAP_CALL("IOFreeTypeImpl"), HEAP_TYPED, block, view_size(view));
}
KPI(IOFreeTypeImpl);

/* The caller computed header and elements into `size`. */
void *IOMallocTypeVarImpl(const void *view, size_t size)
{
	(void)view;
	return kheap_alloc(HEAP_CALL("IOMallocTypeVarImpl"), HEAP_TYPED, size, 0, true);
}
KPI(IOMallocTypeVarImpl);

void IOFreeTypeVarImpl(const void *view, void *block, size_t size)
{
	(void)view;
	kheap_free(HEAP_CALL("IOFreeTypeVarImpl"), HEAP_TYPED, block, size);
}
KPI(IOFreeTypeVarImpl);

/* A class without structors of its own asks with its parent's view and a larger size. */
static size_t object_size(const void *view, size_t size)
{
	size_t of_view = view_size(view);

	return size > of_view ? size : of_view;
}

void *OSObject_typed_operator_new(const void *view, size_t size)
{
	return allocate_or_panic(HEAP_CALL("OSObject_typed_operator_new"),
				 object_size(view, size));
}
KPI(OSObject_typed_operator_new);

void OSObject_typed_operator_delete(const void *view, void *block, size_t size)
{
	kheap_free(HEAP_CALL("OSObject_typed_operator_delete"), HEAP_TYPED, block,
		   object_size(view, size));
}
KPI(OSObject_typed_operator_delete);
