/* The allocators and their checks. */
#include "kernel_stand_ins.h"
#include "kernel/iokit/IOLib.h"
#include "kernel/libkern/blocks.h"
#include "kernel/osfmk/kheap.h"
#include "kernel/osfmk/physical.h"

static bool is_filled(const void *block, uint8_t value, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (((const uint8_t *)block)[i] != value)
			return false;
	}
	return true;
}

static bool is_aligned(const void *block, uintptr_t alignment)
{
	return ((uintptr_t)block & (alignment - 1)) == 0;
}

static void nothing_is_logged_by_right_use(void **state)
{
	uint64_t start = msgbuf_end();
	void *p = IOMalloc(40);

	(void)state;
	assert_non_null(p);
	assert_true(is_aligned(p, 16));
	assert_false(is_filled(p, 0, 40));
	IOFree(p, 40);
	p = IOMallocZero(40);
	assert_true(is_filled(p, 0, 40));
	IOFree(p, 40);
	IOFree(NULL, 40);
	p = kalloc_external(40); /* one heap with IOMalloc */
	IOFree(p, 40);
	p = IOMalloc(33);
	kfree(p, 48); /* the class is what counts */
	p = IOMalloc(4096);
	assert_true(is_aligned(p, 4096));
	IOFree(p, 4096);
	assert_string_equal(log_since(start), "");
}

static void aligned_memory(void **state)
{
	uint64_t start = msgbuf_end(), physical = 0;
	void *p = IOMallocAligned(100, 24);

	(void)state;
	assert_true(is_aligned(p, 32));
	IOFreeAligned(p, 100);
	p = IOMallocAligned(100, 65536);
	assert_true(is_aligned(p, 65536));
	IOFreeAligned(p, 100);
	p = IOMallocContiguous(5000, 8192, &physical);
	assert_true(is_aligned(p, 8192));
	assert_true(physical && physical % 8192 == 0 && physical + 5000 < 1ull << 32);
	IOMappedWrite32(physical + 4, 0x11223344);
	assert_int_equal(((uint8_t *)p)[4], 0x44);
	assert_int_equal(IOMappedRead16(physical + 6), 0x1122);
	assert_panic("out of bounds", IOMappedRead32(physical + 8192));
	IOFreeContiguous(p, 5000);
	assert_panic("out of bounds", ml_phys_read(physical));
	assert_string_equal(log_since(start), "");
}

static void size_zero(void **state)
{
	uint64_t start = msgbuf_end(), physical;
	void *p;

	(void)state;
	assert_null(IOMallocAligned(0, 16));
	assert_null(IOMallocContiguous(0, 1, &physical));
	assert_null(kern_os_malloc(0));
	assert_null(_MALLOC_external(0, 80, 0));
	p = IOMalloc(0);
	assert_non_null(p);
	IOFree(p, 0);
	p = IOMallocData(0);
	assert_non_null(p);
	IOFreeData(p, 0);
	p = IOMallocPageable(0, 1);
	assert_non_null(p);
	IOFreePageable(p, 0);
	assert_string_equal(log_since(start), "");
}

static void impossible_sizes(void **state)
{
	(void)state;
	assert_null(IOMalloc(SIZE_MAX));
	assert_null(IOMalloc(SIZE_MAX - 64));
	assert_null(IOMallocAligned(1, SIZE_MAX));
	assert_null(IOMallocPageable((512u << 20) + 1, 1));
	assert_null(IOMallocPageable(1, 8192));
	assert_null(_MALLOC_external(SIZE_MAX, 80, 8));
	assert_null(_MALLOC_external(1 << 20, 80, 1));
	assert_panic("no memory", _MALLOC_external(SIZE_MAX, 80, 0));
	assert_panic("out of range", _MALLOC_external(1, 129, 0));
	assert_panic("no memory", kalloc_data(SIZE_MAX, 0x8000));
}

static void kern_os_memory(void **state)
{
	uint8_t *p = kern_os_malloc(40);

	(void)state;
	assert_true(is_filled(p, 0, 40));
	memset(p, 7, 40);
	p = kern_os_realloc(p, 200);
	assert_true(is_filled(p, 7, 40));
	assert_true(is_filled(p + 40, 0, 160));
	p = kern_os_realloc(p, 8);
	assert_true(is_filled(p, 7, 8));
	assert_null(kern_os_realloc(p, 0));
	p = kern_os_realloc(NULL, 4);
	assert_non_null(p);
	kern_os_free(p);
	kern_os_free(NULL);
}

static void bsd_memory(void **state)
{
	uint64_t start = msgbuf_end();
	uint8_t *p = _MALLOC_external(24, 80, 4);
	char *copy;

	(void)state;
	assert_true(is_filled(p, 0, 24));
	p = _REALLOC(p, 100, 80, 0);
	assert_true(is_filled(p, 0, 24));
	_FREE(p, 80);
	copy = STRDUP("text", 80);
	assert_string_equal(copy, "text");
	kern_os_free(copy); /* the same heap */
	_FREE(NULL, 80);
	p = _MALLOC_ZONE_external(16, 25, 0);
	_FREE_ZONE(p, 16, 25);
	assert_string_equal(log_since(start), "");
}

static void views(void **state)
{
	uint8_t view[64] = {0}, before[64];
	uint32_t size_word = 0x05000088;
	uint64_t start = msgbuf_end();
	void *p;

	(void)state;
	memcpy(view + 44, &size_word, 4);
	memcpy(before, view, sizeof(view));
	p = IOMallocTypeImpl(view);
	assert_int_equal(kheap_size(HEAP_TYPED, p), 136);
	assert_true(is_filled(p, 0, 136));
	IOFreeTypeImpl(view, p);
	IOFreeTypeImpl(view, NULL);
	p = OSObject_typed_operator_new(view, 200);
	assert_int_equal(kheap_size(HEAP_TYPED, p), 200);
	assert_true(is_filled(p, 0, 200));
	OSObject_typed_operator_delete(view, p, 200);
	p = OSObject_typed_operator_new(view, 16);
	assert_int_equal(kheap_size(HEAP_TYPED, p), 136);
	OSObject_typed_operator_delete(view, p, 16);
	p = IOMallocTypeVarImpl(view, 72);
	assert_true(is_filled(p, 0, 72));
	IOFreeTypeVarImpl(view, p, 72);
	assert_memory_equal(view, before, sizeof(view));
	assert_string_equal(log_since(start), "");
}

static void wrong_frees_are_named(void **state)
{
	uint64_t start = msgbuf_end();
	int local;
	void *p = IOMalloc(0x20);

	(void)state;
	IOFree(p, 0x21);
	assert_non_null(strstr(log_since(start), "bad IOFree size 0x21 should be 0x20"));
	start = msgbuf_end();
	IOFree(p, 0x20);
	assert_non_null(strstr(log_since(start), "not an allocated block"));
	start = msgbuf_end();
	IOFree(&local, 4);
	assert_non_null(strstr(log_since(start), "not an allocated block"));
	start = msgbuf_end();
	p = IOMallocAligned(64, 64);
	IOFree(p, 64);
	assert_non_null(strstr(log_since(start), "from the family of IOMallocAligned"));
}

static void os_malloc_tags(void **state)
{
	OSMallocTag tag = OSMalloc_Tagalloc("a tag", 0), pageable;
	void *p = OSMalloc(100, tag);

	(void)state;
	assert_int_equal(OSMalloc_size(p), 128);
	OSMalloc_Tagfree(tag); /* lives on with its block */
	assert_panic("freed already", OSMalloc_Tagfree(tag));
	OSFree(p, 100, tag);
	assert_panic("bad tag", OSMalloc(1, NULL));
	pageable = OSMalloc_Tagalloc("pages", 1);
	assert_null(OSMalloc_nowait(10, pageable));
	p = OSMalloc(8192, pageable);
	assert_true(is_aligned(p, 4096));
	OSFree(p, 8192, pageable);
	OSMalloc_Tagfree(pageable);
}

/* "The kext" is the text around this function, as far as return addresses go. */
__attribute__((noinline)) static void *leaking(void)
{
	void *p = IOMalloc(77);

	__asm__ volatile("" : : "r"(p));
	return p;
}

static void leaks_are_reported_by_caller(void **state)
{
	const char *code = (const char *)leaking;
	uint64_t start = msgbuf_end();
	void *p = leaking(), *q = leaking();

	(void)state;
	kheap_kmod_unloaded("org.leaky", code, code + 64);
	assert_non_null(
		strstr(log_since(start), "org.leaky leaked 2 block(s), 154 byte(s)"));
	assert_non_null(strstr(log_since(start), "IOMalloc at +0x"));
	IOFree(p, 77);
	IOFree(q, 77);
	start = msgbuf_end();
	kheap_kmod_unloaded("org.leaky", code, code + 64);
	assert_string_equal(log_since(start), "");
}

static void *churn(void *seed)
{
	void *blocks[64] = {0};
	size_t sizes[64];
	uint32_t x = (uint32_t)(uintptr_t)seed;

	for (int i = 0; i < 20000; i++) {
		unsigned slot = (x = x * 1664525 + 1013904223) >> 26;

		if (blocks[slot])
			IOFree(blocks[slot], sizes[slot]);
		sizes[slot] = x >> 8 & 255;
		blocks[slot] = IOMalloc(sizes[slot]);
	}
	for (int i = 0; i < 64; i++) {
		if (blocks[i])
			IOFree(blocks[i], sizes[i]);
	}
	return NULL;
}

static void four_threads_share_the_heap(void **state)
{
	uint64_t start = msgbuf_end();
	pthread_t threads[4];

	(void)state;
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, churn, (void *)(i * 77 + 1));
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_string_equal(log_since(start), "");
}

static void blocking_calls_under_a_spin_lock_are_reported(void **state)
{
	lck_spin_t *lock = IOSimpleLockAlloc();
	uint64_t start = msgbuf_end();
	void *p, *q;

	(void)state;
	lck_spin_lock(lock);
	q = _MALLOC_external(16, 80, 1); /* M_NOWAIT is allowed here */
	assert_string_equal(log_since(start), "");
	p = IOMalloc(16);
	lck_spin_unlock(lock);
	assert_non_null(strstr(log_since(start), "IOMalloc called from"));
	assert_non_null(strstr(log_since(start), "while a spin lock is held"));
	IOFree(p, 16);
	_FREE(q, 80);
	IOSimpleLockFree(lock);
}

static void page_ranges(void **state)
{
	uint64_t a = 0, fixed;
	volatile uint8_t *p;

	(void)state;
	assert_int_equal(vm_allocate_external(kernel_map, &a, 0, 1), KERN_SUCCESS);
	assert_int_equal(a, 0);
	assert_int_equal(vm_allocate_external(kernel_map, &a, 3 * 4096 - 1, 1), 0);
	p = (uint8_t *)a;
	assert_true(is_filled((void *)a, 0, 3 * 4096));
	fixed = a + 4096;
	assert_int_equal(vm_allocate_external(kernel_map, &fixed, 1, 0), KERN_NO_SPACE);
	assert_int_equal(vm_deallocate(kernel_map, a + 4096, 1), 0);
	assert_int_equal(vm_protect(kernel_map, a, 3 * 4096, 0, 1), KERN_INVALID_ADDRESS);
	assert_int_equal(vm_protect(kernel_map, a, 4096, 0, 6), KERN_PROTECTION_FAILURE);
	assert_int_equal(vm_protect(kernel_map, a, 4096, 0, 0x20), KERN_INVALID_ARGUMENT);
	assert_int_equal(vm_protect(kernel_map, a, 4096, 0, 1), 0);
	assert_int_equal(vm_protect(kernel_map, a, 4096, 0, 3), 0);
	p[0] = p[2 * 4096] = 1; /* both ends are still there */
	assert_int_equal(vm_allocate_external(kernel_map, &fixed, 1, 0), 0);
	assert_int_equal(fixed, a + 4096);
	assert_int_equal(vm_protect(kernel_map, a, 3 * 4096, 0, 3), 0);
	assert_int_equal(vm_deallocate(NULL, a, 4096), KERN_INVALID_ARGUMENT);
	assert_int_equal(vm_deallocate(kernel_map, a, 3 * 4096), 0);
	assert_int_equal(vm_protect(kernel_map, a, 4096, 0, 1), KERN_INVALID_ADDRESS);
	assert_int_equal(kmem_alloc_external(kernel_map, &a, 0), KERN_INVALID_ARGUMENT);
	assert_int_equal(kmem_alloc_external(kernel_map, &a, 5000), 0);
	assert_true(a % 4096 == 0 && is_filled((void *)a, 0, 5000));
	kmem_free(kernel_map, a, 5000);
}

static int helper_copies, helper_disposals;

static void helper_copy(void *to, const void *from)
{
	(void)to;
	(void)from;
	helper_copies++;
}

static void helper_dispose(const void *block)
{
	(void)block;
	helper_disposals++;
}

static void blocks(void **state)
{
	struct block_descriptor descriptor = {0, sizeof(struct block) + 8, helper_copy,
					      helper_dispose};
	struct {
		struct block block;
		uint64_t captured;
	} on_stack = {{_NSConcreteStackBlock, 1 << 25, 0, NULL, &descriptor}, 77}, *copy;
	struct block global = {_NSConcreteGlobalBlock, 1 << 28, 0, NULL, &descriptor};
	uint64_t start = msgbuf_end();

	(void)state;
	assert_ptr_equal(_Block_copy(&global), &global);
	copy = _Block_copy(&on_stack);
	assert_ptr_not_equal(copy, &on_stack);
	assert_int_equal(copy->captured, 77);
	assert_ptr_equal(copy->block.isa, _NSConcreteMallocBlock);
	assert_ptr_equal(_Block_copy(copy), copy);
	assert_int_equal(helper_copies, 1);
	_Block_release(copy);
	assert_int_equal(helper_disposals, 0);
	_Block_release(copy);
	assert_int_equal(helper_disposals, 1);
	_Block_release(&global);
	_Block_release(&on_stack);
	assert_int_equal(helper_disposals, 1);
	assert_string_equal(log_since(start), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_logged_by_right_use),
		cmocka_unit_test(aligned_memory),
		cmocka_unit_test(size_zero),
		cmocka_unit_test(impossible_sizes),
		cmocka_unit_test(kern_os_memory),
		cmocka_unit_test(bsd_memory),
		cmocka_unit_test(views),
		cmocka_unit_test(wrong_frees_are_named),
		cmocka_unit_test(os_malloc_tags),
		cmocka_unit_test(leaks_are_reported_by_caller),
		cmocka_unit_test(four_threads_share_the_heap),
		cmocka_unit_test(page_ranges),
		cmocka_unit_test(blocks),
		cmocka_unit_test(blocking_calls_under_a_spin_lock_are_reported),
	};

	return cmocka_run_group_tests(tests, kernel_parts_startup, NULL);
}
