/*
 * The runtime of C blocks: copies of stack blocks live on the heap under a reference
 * count in the low bits of their flags; global blocks are never copied.
 */
#include <string.h>
#include "kernel/libkern/blocks.h"
#include "kernel/osfmk/kheap.h"

/* Flags of a block; bits 1 to 15 count references by two, bit 0 is not ours. */
enum {
	BLOCK_ONE_REFERENCE = 2,
	BLOCK_REFERENCES = 0xfffe,
	BLOCK_NEEDS_FREE = 1 << 24,
	BLOCK_HAS_HELPERS = 1 << 25,
	BLOCK_IS_GLOBAL = 1 << 28,
};
/* What a captured variable is, for the compiler's helpers. */
enum {
	FIELD_IS_BLOCK = 7,
	FIELD_IS_BYREF = 8,
	FIELD_KIND = 0xf,
	FIELD_CALLED_FROM_BYREF = 128
};

/* A variable declared __block. */
struct byref {
	void *isa;
	struct byref *forwarding; /* to the copy that counts */
	_Atomic int flags;
	int size;
	void (*keep)(struct byref *to, struct byref *from); /* with HAS_HELPERS */
	void (*dispose)(struct byref *variable);
};

/* Only their addresses matter. */
void *_NSConcreteStackBlock[32], *_NSConcreteMallocBlock[32], *_NSConcreteGlobalBlock[32];
void *_NSConcreteAutoBlock[32], *_NSConcreteFinalizingBlock[32];
void *_NSConcreteWeakBlockVariable[32];
KPI(_NSConcreteStackBlock);
KPI(_NSConcreteMallocBlock);
KPI(_NSConcreteGlobalBlock);
KPI(_NSConcreteAutoBlock);
KPI(_NSConcreteFinalizingBlock);
KPI(_NSConcreteWeakBlockVariable);

/* True when the last reference went. */
static bool drop_reference(_Atomic int *flags)
{
	int before = atomic_fetch_sub(flags, BLOCK_ONE_REFERENCE);

	return (before & BLOCK_REFERENCES) == BLOCK_ONE_REFERENCE;
}

static int heap_flags(int flags)
{
	return (flags & ~(BLOCK_REFERENCES | 1)) | BLOCK_NEEDS_FREE | BLOCK_ONE_REFERENCE;
}

static void *copy_block(struct heap_call call, const void *original)
{
	struct block *block = (struct block *)(uintptr_t)original, *copy;

	if (!block || atomic_load(&block->flags) & BLOCK_IS_GLOBAL)
		return block;
	if (atomic_load(&block->flags) & BLOCK_NEEDS_FREE) {
		atomic_fetch_add(&block->flags, BLOCK_ONE_REFERENCE);
		return block;
	}
	copy = kheap_alloc(call, HEAP_BSD, block->descriptor->size, 0, false);
	if (!copy)
		return NULL;
	memcpy(copy, block, block->descriptor->size);
	copy->isa = _NSConcreteMallocBlock;
	atomic_store(&copy->flags, heap_flags(atomic_load(&block->flags)));
	if (atomic_load(&block->flags) & BLOCK_HAS_HELPERS)
		copy->descriptor->copy(copy, block);
	return copy;
}

static void release_block(struct heap_call call, const void *counted)
{
	struct block *block = (struct block *)(uintptr_t)counted;
	int flags = block ? atomic_load(&block->flags) : BLOCK_IS_GLOBAL;

	if (flags & BLOCK_IS_GLOBAL || !(flags & BLOCK_NEEDS_FREE) ||
	    !drop_reference(&block->flags))
		return;
	if (flags & BLOCK_HAS_HELPERS)
		block->descriptor->dispose(block);
	kheap_free(call, HEAP_BSD, block, HEAP_ANY_SIZE);
}

void *_Block_copy(const void *block)
{
	return copy_block(HEAP_CALL("_Block_copy"), block);
}
KPI(_Block_copy);

void _Block_release(const void *block)
{
	release_block(HEAP_CALL("_Block_release"), block);
}
KPI(_Block_release);

/* ---- captured variables ---- */

/* The first copy moves the variable; it starts with two references: old place and new
 * block. */
static struct byref *keep_byref(struct heap_call call, struct byref *variable)
{
	struct byref *from = variable->forwarding, *copy;
	int flags = atomic_load(&from->flags);

	if (flags & BLOCK_NEEDS_FREE) {
		atomic_fetch_add(&from->flags, BLOCK_ONE_REFERENCE);
		return from;
	}
	copy = kheap_alloc(call, HEAP_BSD, (size_t)variable->size, 0, false);
	if (!copy)
		panic_at(call.caller, "no memory for a __block variable");
	memcpy(copy, variable, (size_t)variable->size);
	atomic_store(&copy->flags, heap_flags(flags) + BLOCK_ONE_REFERENCE);
	copy->isa = NULL;
	copy->forwarding = copy;
	variable->forwarding = copy;
	if (flags & BLOCK_HAS_HELPERS)
		copy->keep(copy, variable);
	return copy;
}

static void release_byref(struct heap_call call, const void *counted)
{
	struct byref *variable = ((struct byref *)(uintptr_t)counted)->forwarding;
	int flags = atomic_load(&variable->flags);

	if (!(flags & BLOCK_NEEDS_FREE) || !drop_reference(&variable->flags))
		return;
	if (flags & BLOCK_HAS_HELPERS)
		variable->dispose(variable);
	kheap_free(call, HEAP_BSD, variable, HEAP_ANY_SIZE);
}

/* Called by the helpers that the compiler writes for blocks with captures. */
void _Block_object_assign(void *to, const void *object, int flags)
{
	struct heap_call call = HEAP_CALL("_Block_object_assign");
	int kind = flags & FIELD_KIND;
	void *kept = (void *)(uintptr_t)object;

	if (!(flags & FIELD_CALLED_FROM_BYREF) && kind == FIELD_IS_BLOCK)
		kept = copy_block(call, object);
	else if (!(flags & FIELD_CALLED_FROM_BYREF) && kind == FIELD_IS_BYREF)
		kept = keep_byref(call, kept);
	memcpy(to, &kept, sizeof(kept));
}
KPI(_Block_object_assign);

void _Block_object_dispose(const void *object, int flags)
{
	struct heap_call call = HEAP_CALL("_Block_object_dispose");
	int kind = flags & FIELD_KIND;

	if (flags & FIELD_CALLED_FROM_BYREF)
		return;
	if (kind == FIELD_IS_BLOCK)
		release_block(call, object);
	else if (kind == FIELD_IS_BYREF)
		release_byref(call, object);
}
KPI(_Block_object_dispose);
