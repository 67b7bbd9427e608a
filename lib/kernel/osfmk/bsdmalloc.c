/*
 * The BSD allocators (_MALLOC and relatives) and kern_os_malloc: one family, sizes known
 * to the heap.
 */
#include <string.h>
#include "kernel/osfmk/kheap.h"

enum { M_NOWAIT = 1, M_ZERO = 4, M_NULL = 8, M_LAST = 129 };

/* Darwin's largest size class: more than that may have to wait. */
enum { NOWAIT_MAX = 8192 };

static void check_type(const void *caller, const char *name, int type)
{
	if (type < 0 || type >= M_LAST)
		panic_at(caller, "%s: TYPE %d out of range", name, type);
}

static void *allocate(struct heap_call call, size_t size, int type, int flags)
{
	void *block;

	check_type(call.caller, call.name, type);
	if (!size || (flags & M_NOWAIT && size > NOWAIT_MAX))
		return NULL;
	call.never_waits = (flags & M_NOWAIT) != 0;
	block = kheap_alloc(call, HEAP_BSD, size, 0, (flags & M_ZERO) != 0);
	if (!block && !(flags & (M_NOWAIT | M_NULL)))
		panic_at(call.caller, "%s: no memory for %zu bytes", call.name, size);
	return block;
}

void *_MALLOC_external(size_t size, int type, int flags)
{
	return allocate(HEAP_CALL("_MALLOC"), size, type, flags);
}
KPI(_MALLOC_external);

/* Darwin wants types that have a zone here; any type will do for us. */
void *_MALLOC_ZONE_external(size_t size, int type, int flags)
{
	return allocate(HEAP_CALL("_MALLOC_ZONE"), size, type, flags);
}
KPI(_MALLOC_ZONE_external);

void _FREE(void *block, int type)
{
	check_type(__builtin_return_address(0), "_FREE", type);
	kheap_free(HEAP_CALL("_FREE"), HEAP_BSD, block, HEAP_ANY_SIZE);
}
KPI(_FREE);

void _FREE_ZONE(void *block, size_t size, int type)
{
	check_type(__builtin_return_address(0), "_FREE_ZONE", type);
	kheap_free(HEAP_CALL("_FREE_ZONE"), HEAP_BSD, block, size);
}
KPI(_FREE_ZONE);

/* Moves the block's contents into `to`, which has room for `size`. */
static void move(struct heap_call call, void *to, void *block, size_t size)
{
	size_t old = kheap_size(HEAP_BSD, block);

	if (old != HEAP_ANY_SIZE)
		memcpy(to, block, old < size ? old : size);
	kheap_free(call, HEAP_BSD, block, HEAP_ANY_SIZE);
}

/* A failure keeps the old block. */
void *_REALLOC(void *block, size_t size, int type, int flags)
{
	struct heap_call call = HEAP_CALL("_REALLOC");
	void *to = allocate(call, size, type, flags);

	if (to && block)
		move(call, to, block, size);
	return to;
}
KPI(_REALLOC);

char *STRDUP(const char *text, int type)
{
	size_t size = strlen(text) + 1;
	char *copy = allocate(HEAP_CALL("STRDUP"), size, type, 0);

	return memcpy(copy, text, size);
}
KPI(STRDUP);

void *kern_os_malloc(size_t size)
{
	return size ? kheap_alloc(HEAP_CALL("kern_os_malloc"), HEAP_BSD, size, 0, true)
		    : NULL;
}
KPI(kern_os_malloc);

void kern_os_free(void *block)
{
	kheap_free(HEAP_CALL("kern_os_free"), HEAP_BSD, block, HEAP_ANY_SIZE);
}
KPI(kern_os_free);

/* Unlike _REALLOC: size 0 and failures free the old block; what is added is zero. */
void *kern_os_realloc(void *block, size_t size)
{
	struct heap_call call = HEAP_CALL("kern_os_realloc");
	void *to = size ? kheap_alloc(call, HEAP_BSD, size, 0, true) : NULL;

	if (!block)
		return to;
	if (to)
		move(call, to, block, size);
	else
		kheap_free(call, HEAP_BSD, block, HEAP_ANY_SIZE);
	return to;
}
KPI(kern_os_realloc);
