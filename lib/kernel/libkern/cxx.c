/* What libkern's C++ needs of the kernel's C: locks, memory for objects, the kext table.
 */
#include "kernel/libkern/cxx.h"
#include "kernel/bsd/bsd.h"
#include "kernel/kernel.h"
#include "kernel/machine/machine.h"
#include "kernel/osfmk/kheap.h"
#include "kernel/pexpert/pexpert.h"

/* Of a thread's 512 KiB. */
#define STACK_FOR_RECURSION (384u << 10)

static pthread_rwlock_t locks[LIBKERN_LOCKS] = {
	PTHREAD_RWLOCK_INITIALIZER,
	PTHREAD_RWLOCK_INITIALIZER,
	PTHREAD_RWLOCK_INITIALIZER,
	PTHREAD_RWLOCK_INITIALIZER,
};

/* Kept by Darwin only in debugging builds; kexts read zeros elsewhere. */
int debug_container_malloc_size, debug_ivars_size, debug_malloc_size;
KPI(debug_container_malloc_size);
KPI(debug_ivars_size);
KPI(debug_malloc_size);

void libkern_lock(enum libkern_lock lock, bool is_shared)
{
	if (is_shared)
		pthread_rwlock_rdlock(&locks[lock]);
	else
		pthread_rwlock_wrlock(&locks[lock]);
}

void libkern_unlock(enum libkern_lock lock)
{
	pthread_rwlock_unlock(&locks[lock]);
}

void *libkern_new_object(const void *caller, size_t size)
{
	struct heap_call call = {"operator new", caller, false};
	void *object = kheap_alloc(call, HEAP_TYPED, size, 0, true);
	if (!object)
		panic_at(caller, "operator new: no memory for %zu bytes", size);
	return object;
}

void libkern_delete_object(const void *caller, void *object, size_t size)
{
	struct heap_call call = {"operator delete", caller, false};
	kheap_free(call, HEAP_TYPED, object, size);
}

bool libkern_is_kext(const char *identifier)
{
	if (strcmp(identifier, "__kernel__") == 0)
		return true;
	pthread_mutex_lock(&kmod_lock);
	const struct kmod *kext = kmod_by_identifier(identifier);
	bool is_mapped = kext && kext->state != KEXT_STATE_RESERVED;
	pthread_mutex_unlock(&kmod_lock);
	return is_mapped;
}

void libkern_may_autounload(const char *identifier)
{
	pthread_mutex_lock(&kmod_lock);
	struct kmod *kext = kmod_by_identifier(identifier);
	if (kext)
		kext->may_autounload = true;
	pthread_mutex_unlock(&kmod_lock);
}

void libkern_consider_unloads(void)
{
	autounload_consider(false);
}

bool libkern_has_stack(void)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
	return thread_self()->stack_top - frame < STACK_FOR_RECURSION;
}

uint64_t libkern_debug_bits(void)
{
	uint64_t bits = 0;
	PE_parse_boot_argn("io", &bits, sizeof(bits));
	return bits;
}
