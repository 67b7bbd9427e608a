/* Allocators, and copying and filling. */
#include "kpi.h"
#include <libkern/OSMalloc.h>
#include <mach/mach_vm.h>
#include <mach/vm_map.h>
#include <sys/malloc.h>
#include <sys/systm.h>

void *kern_os_malloc(size_t size);
void *kern_os_realloc(void *block, size_t size);
void kern_os_free(void *block);
void *IOMallocData(size_t size);
void *IOMallocZeroData(size_t size);
void IOFreeData(void *block, size_t size);
void *IOMallocTypeImpl(const void *view);
void IOFreeTypeImpl(const void *view, void *block);
void *IOMallocTypeVarImpl(const void *view, size_t size);
void IOFreeTypeVarImpl(const void *view, void *block, size_t size);
void *OSObject_typed_operator_new(const void *view, size_t size);
void OSObject_typed_operator_delete(const void *view, void *block, size_t size);
void *kalloc(size_t size);
void kfree(void *block, size_t size);
void *kalloc_data(size_t size, unsigned int flags);
void kfree_data(void *block, size_t size);
void *_MALLOC(size_t size, int type, int flags);
void _FREE(void *block, int type);
void *_MALLOC_ZONE(size_t size, int type, int flags);
void _FREE_ZONE(void *block, size_t size, int type);
/* By these names the compiler knows them, and would call the plain functions. */
void *copy_checked(void *, const void *, size_t, size_t) __asm__("___memcpy_chk");
void *move_checked(void *, const void *, size_t, size_t) __asm__("___memmove_chk");
void *fill_checked(void *, int, size_t, size_t) __asm__("___memset_chk");
char *__strcpy_chk(char *to, const char *from, size_t room);
char *__strncpy_chk(char *to, const char *from, size_t size, size_t room);
char *__strcat_chk(char *to, const char *from, size_t room);
char *__strncat_chk(char *to, const char *from, size_t size, size_t room);
size_t __strlcpy_chk(char *to, const char *from, size_t size, size_t room);
size_t __strlcat_chk(char *to, const char *from, size_t size, size_t room);
void __bzero(void *to, size_t size);
void ovbcopy(const void *from, void *to, size_t size);
void bzero_phys(uint64_t address, uint32_t size);
unsigned int ml_phys_read_word_64(uint64_t address);
void ml_phys_write_word_64(uint64_t address, unsigned int value);
uint64_t ml_phys_read_double_64(uint64_t address);
unsigned int ml_phys_read_half_64(uint64_t address);
unsigned int ml_phys_read_byte_64(uint64_t address);
unsigned int ml_phys_read(uint64_t address);
void ml_phys_write_double_64(uint64_t address, uint64_t value);
void ml_phys_write_half_64(uint64_t address, unsigned int value);
void ml_phys_write_byte_64(uint64_t address, unsigned int value);
void ml_phys_write(uint64_t address, unsigned int value);
kern_return_t kmem_alloc_kobject(vm_map_t map, vm_offset_t *address, vm_size_t size);
kern_return_t kmem_alloc_pageable(vm_map_t map, vm_offset_t *address, vm_size_t size);

/* A view of allocations as newer kexts carry them: 64 bytes, the size in a 24-bit field.
 */
struct view {
	uint64_t words[5];
	uint32_t flags, size;
	uint64_t unused[2];
};

static const struct view view = {.flags = 0x61, .size = 0x05000000 | 136};

static void check_physical(void *p, uint64_t physical)
{
	const uint64_t value = 0x1122334455667788ull;

	IOMappedWrite64(physical, value);
	CHECK("mapped-reads", IOMappedRead64(physical) == value &&
				      IOMappedRead16(physical) == 0x7788 &&
				      IOMappedRead8(physical + 7) == 0x11);
	CHECK("physical-reads", ml_phys_read_double_64(physical) == value &&
					ml_phys_read_half_64(physical + 6) == 0x1122 &&
					ml_phys_read_byte_64(physical) == 0x88 &&
					ml_phys_read(physical) == 0x55667788);
	IOMappedWrite32(physical, 1);
	IOMappedWrite16(physical + 4, 2);
	IOMappedWrite8(physical + 6, 3);
	CHECK("mapped-writes", *(uint64_t *)p == 0x1103000200000001ull);
	ml_phys_write_double_64(physical, 0);
	ml_phys_write(physical, 1);
	ml_phys_write_half_64(physical + 4, 2);
	ml_phys_write_byte_64(physical + 6, 3);
	CHECK("physical-writes", *(uint64_t *)p == 0x0003000200000001ull);
}

static void check_iokit(void)
{
	uint64_t physical = 0;
	void *p = IOMalloc(100), *zero = IOMallocZero(100), *none = IOMalloc(0);

	CHECK("iomalloc", p && (uintptr_t)p % 16 == 0 && !all_bytes(p, 0, 100));
	CHECK("iomalloc-zero", all_bytes(zero, 0, 100));
	CHECK("situation-15-iomalloc-nothing", none != NULL);
	IOFree(p, 100);
	IOFree(zero, 100);
	IOFree(none, 0);
	IOFree(NULL, 100);
	p = IOMallocAligned(100, 24);
	CHECK("situation-14-aligned", p && (uintptr_t)p % 32 == 0);
	IOFreeAligned(p, 100);
	CHECK("situation-15-aligned-nothing", IOMallocAligned(0, 16) == NULL);
	CHECK("situation-15-contiguous-nothing",
	      IOMallocContiguous(0, 1, &physical) == NULL);
	p = IOMallocContiguous(5000, 8192, &physical);
	CHECK("contiguous", p && physical && physical % 8192 == 0 && physical >> 32 == 0);
	ml_phys_write_word_64(physical + 4096, 0x12345678);
	CHECK("physical-memory",
	      ((uint32_t *)p)[1024] == 0x12345678 &&
		      ml_phys_read_word_64(physical + 4096) == 0x12345678 &&
		      IOMappedRead32(physical + 4096) == 0x12345678);
	check_physical(p, physical);
	bzero_phys(physical, 5000);
	CHECK("bzero-phys", all_bytes(p, 0, 5000));
	IOFreeContiguous(p, 5000);
	p = IOMallocPageable(10000, 64);
	CHECK("pageable", p && all_bytes(p, 0, 10000) && (uintptr_t)p % 64 == 0);
	IOFreePageable(p, 10000);
	CHECK("pageable-alignment", IOMallocPageable(100, 8192) == NULL);
}

static void check_newer(void)
{
	struct view before = view;
	void *p = IOMallocTypeImpl(&view), *q = IOMallocData(0);

	CHECK("situation-15-data-nothing", q != NULL);
	IOFreeData(q, 0);
	CHECK("situation-17-typed",
	      p && all_bytes(p, 0, 136) && !memcmp(&before, &view, sizeof(view)));
	IOFreeTypeImpl(&view, p);
	p = OSObject_typed_operator_new(&view, 200);
	CHECK("situation-18-typed-new", p && all_bytes(p, 0, 200));
	OSObject_typed_operator_delete(&view, p, 200);
	p = IOMallocTypeVarImpl(&view, 300);
	CHECK("typed-variable", p && all_bytes(p, 0, 300));
	IOFreeTypeVarImpl(&view, p, 300);
	p = IOMallocZeroData(64);
	CHECK("zero-data", all_bytes(p, 0, 64));
	IOFreeData(p, 64);
	p = kalloc_data(64, 4);
	CHECK("kalloc-data", all_bytes(p, 0, 64));
	kfree_data(p, 64);
}

static void check_bsd(void)
{
	OSMallocTag tag = OSMalloc_Tagalloc("kpi", 0);
	char *p = kern_os_malloc(40);

	CHECK("situation-16-zeroed", p && all_bytes(p, 0, 40));
	memset(p, 'k', 40);
	p = kern_os_realloc(p, 200);
	CHECK("situation-16-grown",
	      p && all_bytes(p, 'k', 40) && all_bytes(p + 40, 0, 160));
	CHECK("situation-16-to-nothing", kern_os_realloc(p, 0) == NULL);
	p = kern_os_malloc(8);
	kern_os_free(p);
	CHECK("situation-15-kern-os-nothing", kern_os_malloc(0) == NULL);
	CHECK("situation-15-malloc-nothing", _MALLOC(0, 80, 0) == NULL);
	p = _MALLOC(100, 80, 4);
	CHECK("malloc-zero", all_bytes(p, 0, 100));
	_FREE(p, 80);
	p = _MALLOC_ZONE(100, 16, 0);
	CHECK("malloc-zone", p != NULL);
	_FREE_ZONE(p, 100, 16);
	p = kalloc(100);
	CHECK("kalloc", p != NULL);
	kfree(p, 100);
	p = OSMalloc(100, tag);
	CHECK("osmalloc", p != NULL);
	OSFree(p, 100, tag);
	p = OSMalloc_nowait(100, tag);
	CHECK("osmalloc-nowait", p != NULL);
	OSFree(p, 100, tag);
	p = OSMalloc_noblock(100, tag);
	CHECK("osmalloc-noblock", p != NULL);
	OSFree(p, 100, tag);
	OSMalloc_Tagfree(tag);
}

static void check_pages(void)
{
	vm_offset_t address = 0;

	CHECK("kmem-alloc", kmem_alloc(kernel_map, &address, 5000) == 0 && address &&
				    address % 4096 == 0 &&
				    all_bytes((void *)address, 0, 8192));
	kmem_free(kernel_map, address, 5000);
	CHECK("vm-allocate", vm_allocate(kernel_map, &address, 4096, 1) == 0 && address);
	*(int *)address = 7;
	CHECK("vm-protect",
	      vm_protect(kernel_map, address, 4096, 0, 1) == 0 && *(int *)address == 7);
	CHECK("vm-protect-write-and-execute",
	      vm_protect(kernel_map, address, 4096, 0, 6) != 0);
	CHECK("vm-deallocate", vm_deallocate(kernel_map, address, 4096) == 0);
}

/* The same under names for other maps and wider addresses. */
static void check_other_pages(void)
{
	vm_offset_t address = 0;
	uint64_t wide = 0;

	CHECK("kmem-alloc-kobject", kmem_alloc_kobject(kernel_map, &address, 4096) == 0 &&
					    address % 4096 == 0 &&
					    all_bytes((void *)address, 0, 4096));
	kmem_free(kernel_map, address, 4096);
	CHECK("kmem-alloc-pageable",
	      kmem_alloc_pageable(kernel_map, &address, 4096) == 0 &&
		      address % 4096 == 0);
	kmem_free(kernel_map, address, 4096);
	CHECK("mach-vm-allocate", mach_vm_allocate(kernel_map, &wide, 8192, 1) == 0 &&
					  all_bytes((void *)wide, 0, 8192));
	CHECK("mach-vm-protect", mach_vm_protect(kernel_map, wide, 4096, 0, 1) == 0 &&
					 mach_vm_protect(kernel_map, wide, 4096, 0, 6));
	CHECK("mach-vm-deallocate", mach_vm_deallocate(kernel_map, wide, 8192) == 0);
}

/* Addresses of images do not slide; others are shown moved, all by the same distance. */
static void check_shown_addresses(void)
{
	vm_offset_t block = (vm_offset_t)IOMalloc(64), code = (vm_offset_t)check_pages;
	vm_offset_t shown = 0, next = 0, same = 0, none = 1;

	vm_kernel_unslide_or_perm_external(block, &shown);
	vm_kernel_unslide_or_perm_external(block + 8, &next);
	vm_kernel_unslide_or_perm_external(code, &same);
	vm_kernel_unslide_or_perm_external(0, &none);
	CHECK("shown-block", shown != block && next - shown == 8);
	CHECK("shown-code", same == code && none == 0);
	IOFree((void *)block, 64);
}

static void check_bytes(void)
{
	char b[8] = "abcdefg";

	CHECK("memmove",
	      !memcmp(memmove(b + 1, b, 3), "abc", 3) && !strcmp(b, "aabcefg"));
	CHECK("bcopy", (bcopy("xy", b, 2), !strcmp(b, "xybcefg")));
	CHECK("ovbcopy", (ovbcopy(b, b + 1, 2), !strcmp(b, "xxycefg")));
	CHECK("memcpy", !strcmp(memcpy(b, "0123", 5), "0123"));
	CHECK("memset", all_bytes(memset(b, 'z', 8), 'z', 8));
	CHECK("bzero", (bzero(b, 4), all_bytes(b, 0, 4) && b[4] == 'z'));
	CHECK("bzero-twin", (__bzero(b + 4, 2), all_bytes(b, 0, 6) && b[6] == 'z'));
	CHECK("memcmp", memcmp("\xff", "\1", 1) > 0 && bcmp("a", "a", 1) == 0);
	memset(b, 0, 8);
	CHECK("situation-20-memset-s",
	      memset_s(b, 4, 1, 8) == 84 && all_bytes(b, 1, 4) && all_bytes(b + 4, 0, 4));
}

static void check_bounded(void)
{
	char b[8];

	CHECK("memcpy-chk", !memcmp(copy_checked(b, "12345678", 8, 8), "12345678", 8));
	CHECK("memmove-chk", !memcmp(move_checked(b, b + 2, 4, 8), "3456", 4));
	CHECK("memset-chk", all_bytes(fill_checked(b, 0, 8, 8), 0, 8));
	CHECK("strcpy-chk", !strcmp(__strcpy_chk(b, "abc", 8), "abc"));
	CHECK("strcat-chk", !strcmp(__strcat_chk(b, "de", 8), "abcde"));
	CHECK("strncat-chk", !strcmp(__strncat_chk(b, "fgh", 1, 8), "abcdef"));
	CHECK("strncpy-chk", !strcmp(__strncpy_chk(b, "xy", 8, 8), "xy"));
	CHECK("strlcpy-chk", __strlcpy_chk(b, "longer than it", 8, 8) == 14);
	CHECK("strlcat-chk", __strlcat_chk(b, "more", 8, 8) == 11);
}

void check(void)
{
	check_iokit();
	check_newer();
	check_bsd();
	check_pages();
	check_other_pages();
	check_shown_addresses();
	check_bytes();
	check_bounded();
}
