/*
 * The fixed address ranges: one inaccessible page per symbol without an implementation,
 * and the gigabyte in which kexts live. Both are taken before anything allocates memory,
 * because Linux may start the heap of a program that is linked at a fixed address
 * anywhere in the gigabyte behind it; a heap that meets our ranges then simply grows
 * elsewhere.
 */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/array.h"
#include "kernel/machine/machine.h"

#define RESERVED_SIZE (KERNEL_KEXTS + KERNEL_KEXTS_SIZE - KERNEL_TRAPS)

struct range {
	uint64_t address, size;
};

static bool is_reserved;
static ARRAY_OF(struct range) used; /* sorted by address */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Runs before constructors and thus before the heap exists; plain system call for that.
 */
__attribute__((no_sanitize("address", "undefined"))) static void reserve_early(void)
{
	long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
	is_reserved = syscall(SYS_mmap, KERNEL_TRAPS, RESERVED_SIZE, PROT_NONE, flags, -1,
			      0) == (long)KERNEL_TRAPS;
}

__attribute__((section(".preinit_array"),
	       used)) static void (*const preinit)(void) = reserve_early;

bool space_is_reserved(void)
{
	return is_reserved;
}

/* Index of the first used range behind a gap of `size`, and the gap's address. */
static bool find_gap(uint64_t size, size_t *ret_index, uint64_t *ret_address)
{
	uint64_t address = KERNEL_KEXTS;
	size_t i;
	for (i = 0; i < used.count; i++) {
		if (used.items[i].address - address >= size)
			break;
		address = used.items[i].address + used.items[i].size;
	}
	if (KERNEL_KEXTS + KERNEL_KEXTS_SIZE - address < size)
		return false;
	*ret_index = i;
	*ret_address = address;
	return true;
}

static bool allocate_locked(uint64_t size, uint64_t *ret_address)
{
	size_t index;
	if (!find_gap(size, &index, ret_address) || !array_push(&used))
		return false;
	memmove(&used.items[index + 1], &used.items[index],
		(used.count - 1 - index) * sizeof(*used.items));
	used.items[index] = (struct range){*ret_address, size};
	return true;
}

bool space_allocate(uint64_t size, uint64_t *ret_address)
{
	if (!is_reserved || size == 0 || size > KERNEL_KEXTS_SIZE)
		return false;
	size = (size + KERNEL_PAGE - 1) & -KERNEL_PAGE;
	pthread_mutex_lock(&lock);
	bool done = allocate_locked(size, ret_address);
	pthread_mutex_unlock(&lock);
	return done;
}

void space_release(uint64_t address, uint64_t size)
{
	size = (size + KERNEL_PAGE - 1) & -KERNEL_PAGE;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
	if (mmap((void *)address, size, PROT_NONE, flags, -1, 0) == MAP_FAILED)
		panic("cannot take back a kext's pages at 0x%llx",
		      (unsigned long long)address);
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < used.count; i++) {
		if (used.items[i].address != address)
			continue;
		used.count--;
		memmove(&used.items[i], &used.items[i + 1],
			(used.count - i) * sizeof(*used.items));
		break;
	}
	pthread_mutex_unlock(&lock);
}
