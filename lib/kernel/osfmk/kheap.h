/*
 * The kernel heap: every block that a kext may hold is recorded beside it by address,
 * with size, family and who asked, so that wrong frees are found and leaks named.
 */
#ifndef KERNEL_OSFMK_KHEAP_H
#define KERNEL_OSFMK_KHEAP_H

#include "kernel/kernel.h"

/* Blocks may be freed only within their family. */
enum heap_family {
	HEAP_GENERAL, /* IOMalloc, kalloc, OSMalloc */
	HEAP_DATA,    /* IOMallocData */
	HEAP_TYPED,   /* IOMallocType, operator new */
	HEAP_ALIGNED,
	HEAP_CONTIGUOUS,
	HEAP_PAGEABLE,
	HEAP_BSD, /* _MALLOC, kern_os_malloc */
	HEAP_LOCKS,
	HEAP_PAGES, /* kmem_alloc, vm_allocate */
	HEAP_MBUF,
	HEAP_CLUSTER, /* of mbufs */
	HEAP_ZLIB,
};

/* A call of the allocator: `name` is what messages call it. */
struct heap_call {
	const char *name;
	const void *caller;
	bool never_waits; /* allowed where blocking is not */
};
#define HEAP_CALL(name) ((struct heap_call){name, __builtin_return_address(0), false})

#define HEAP_ANY_SIZE	SIZE_MAX

/*
 * A block of `size` bytes, aligned to `alignment` (a power of two; 0 = Darwin's rule: 16,
 * and a page from a page on). Fresh memory is 0xaa unless `zero`. NULL without memory.
 */
void *kheap_alloc(struct heap_call call, enum heap_family family, size_t size,
		  size_t alignment, bool zero);
/*
 * Frees; NULL is ignored. A wrong size, a wrong family and a pointer that is no block are
 * logged (and panic with the boot argument -kheap_strict).
 */
void kheap_free(struct heap_call call, enum heap_family family, void *block, size_t size);
/* Size asked for, or HEAP_ANY_SIZE for what is no block of the family. */
size_t kheap_size(enum heap_family family, const void *block);
/* The size class that Darwin's zones would serve `size` from. */
size_t kheap_class(size_t size);

/* ---- the exported families ---- */
void *kalloc_external(size_t size);
void kfree(void *block, size_t size);
void *kalloc_data(size_t size, uint32_t flags);
void kfree_data(void *block, size_t size);
void *_MALLOC_external(size_t size, int type, int flags);
void *_MALLOC_ZONE_external(size_t size, int type, int flags);
void *_REALLOC(void *block, size_t size, int type, int flags);
void _FREE(void *block, int type);
void _FREE_ZONE(void *block, size_t size, int type);
char *STRDUP(const char *text, int type);
void *kern_os_malloc(size_t size);
void *kern_os_realloc(void *block, size_t size);
void kern_os_free(void *block);

typedef struct os_malloc_tag *OSMallocTag;
OSMallocTag OSMalloc_Tagalloc(const char *name, uint32_t flags);
void OSMalloc_Tagfree(OSMallocTag tag);
void *OSMalloc(uint32_t size, OSMallocTag tag);
void *OSMalloc_nowait(uint32_t size, OSMallocTag tag);
void OSFree(void *block, uint32_t size, OSMallocTag tag);
uint32_t OSMalloc_size(void *block);

/* ---- typed allocation: views lie in the kext and are never written to ---- */
void *IOMallocTypeImpl(const void *view);
void IOFreeTypeImpl(const void *view, void *block);
void *IOMallocTypeVarImpl(const void *view, size_t size);
void IOFreeTypeVarImpl(const void *view, void *block, size_t size);
void *OSObject_typed_operator_new(const void *view, size_t size);
void OSObject_typed_operator_delete(const void *view, void *block, size_t size);

/* ---- pages ---- */
struct vm_map;
extern struct vm_map *kernel_map;
kern_return_t kmem_alloc_external(struct vm_map *map, uint64_t *ret_address, size_t size);
void kmem_free(struct vm_map *map, uint64_t address, size_t size);
kern_return_t vm_allocate_external(struct vm_map *map, uint64_t *address, size_t size,
				   int flags);
kern_return_t vm_deallocate(struct vm_map *map, uint64_t address, size_t size);
kern_return_t vm_protect(struct vm_map *map, uint64_t address, size_t size,
			 boolean_t set_maximum, int protection);

#endif
