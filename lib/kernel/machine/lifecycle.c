/*
 * Starting and stopping a kext: the checks, the order of constructors, start, stop and
 * destructors, and what a failure undoes. Kext code runs on the caller's thread without
 * any lock; the state alone keeps others away meanwhile.
 */
#include "kernel/libkern/OSRuntime.h"
#include "kernel/libkern/cxx.h"
#include "kernel/machine/machine.h"
#include "kernel/osfmk/osfmk.h"
#include "macho/format.h"

static bool is_code(const struct kmod *kext, uint64_t address)
{
	const struct kmod_range *s = kmod_segment_at(kext, address, 1);
	return s && (s->protection & VM_PROT_EXECUTE);
}

static bool are_code(const struct kmod *kext, const struct kmod_ranges *ranges)
{
	for (unsigned i = 0; i < ranges->count; i++) {
		const uint64_t *pointers = (const uint64_t *)ranges->items[i].address;
		for (uint64_t n = 0; n < ranges->items[i].size / sizeof(*pointers); n++) {
			if (pointers[n] && !is_code(kext, pointers[n]))
				return false;
		}
	}
	return true;
}

/* Both entry points and all constructors and destructors lie in the kext's own code. */
static bool is_well_mapped(const struct kmod *kext)
{
	const struct kmod_info *info = kext->info;
	uint64_t header = kext->address + info->hdr_size;
	return info->hdr_size < kext->size && (uint64_t)info->start >= header &&
	       (uint64_t)info->stop >= header && is_code(kext, (uint64_t)info->start) &&
	       is_code(kext, (uint64_t)info->stop) &&
	       are_code(kext, &kext->constructors) && are_code(kext, &kext->destructors);
}

/* Tells what a kext leaves behind while its code and data can still be looked at. */
static void report_leaks(const struct kmod *kext)
{
	const void *start = (const void *)kext->address;
	const void *end = (const void *)(kext->address + kext->size);
	sysctl_kmod_unloaded(kext->identifier, start, end);
	thread_call_kmod_unloaded(kext->identifier, start, end);
	bsd_kmod_unloaded(kext->identifier, start, end);
	kheap_kmod_unloaded(kext->identifier, start, end);
}

/*
 * Ends a kext whose stop routine has run or whose start routine failed. The latter goes
 * whatever it has left behind: nobody else can have use for it.
 */
static void unload(struct kmod *kext)
{
	upcall_forget(kext);
	if (OSRuntimeFinalizeCPP(kext) != kOSReturnSuccess) {
		kernel_log("kext %s: its instances lose their code\n", kext->identifier);
		OSRuntimeUnloadCPP(kext);
	}
	report_leaks(kext);
	pthread_mutex_lock(&kmod_lock);
	while (kext->callbacks)
		pthread_cond_wait(&kmod_changed, &kmod_lock);
	kmod_remove(kext);
	pthread_mutex_unlock(&kmod_lock);
}

/*
 * With kmod_lock held: waits until no library is still starting. A library whose start
 * failed is gone by then; a tag is never used again, so it cannot be mistaken for
 * another.
 */
static uint32_t await_libraries(uint32_t tag)
{
	for (;;) {
		struct kmod *kext = kmod_by_tag(tag);
		bool is_waiting = false;
		if (!kext)
			return kOSKextReturnNotFound;
		if (kext->state != KEXT_STATE_MAPPED)
			return kOSKextReturnInvalidArgument;
		for (unsigned i = 0; i < kext->dependency_count; i++) {
			struct kmod *library = kmod_by_tag(kext->dependencies[i]);
			if (!library)
				return kOSKextReturnDependencyLoad;
			if (library->state == KEXT_STATE_STARTING)
				is_waiting = true;
			else if (library->state != KEXT_STATE_STARTED)
				return kOSKextReturnStartStopError;
		}
		if (!is_waiting)
			return kOSReturnSuccess;
		pthread_cond_wait(&kmod_changed, &kmod_lock);
	}
}

/* Moves a mapped kext to STARTING, or removes it when it can never start. */
static uint32_t begin_start(uint32_t tag, struct kmod **ret)
{
	uint32_t error = await_libraries(tag);
	struct kmod *kext = kmod_by_tag(tag);
	if (!kext || error == kOSKextReturnInvalidArgument)
		return error;
	if (!error && !is_well_mapped(kext))
		error = kOSKextReturnBadData;
	if (error) {
		if (!kext->dependents)
			kmod_remove(kext);
		return error;
	}
	kext->state = KEXT_STATE_STARTING;
	*ret = kext;
	return kOSReturnSuccess;
}

static void set_state(struct kmod *kext, enum kernel_kext_state state)
{
	pthread_mutex_lock(&kmod_lock);
	kext->state = state;
	pthread_cond_broadcast(&kmod_changed);
	pthread_mutex_unlock(&kmod_lock);
}

/* Traps are for what the kext asks for; loading has methods of its own to call. */
static uint32_t call_start(struct kmod *kext)
{
	vtables_arm(true);
	uint32_t result = (uint32_t)kext->info->start(kext->info, NULL);
	vtables_arm(false);
	return result;
}

uint32_t kmod_start(uint32_t tag, uint32_t *ret_result)
{
	struct kmod *kext = NULL;
	pthread_mutex_lock(&kmod_lock);
	uint32_t error = begin_start(tag, &kext);
	pthread_mutex_unlock(&kmod_lock);
	if (error)
		return error;
	struct lock_balance held = lock_balance_now();
	uint32_t result = OSRuntimeInitializeCPP(kext);
	if (!result)
		result = call_start(kext);
	lock_balance_check(held, kext->identifier, "start", kext->info->start);
	*ret_result = result;
	if (result == KERN_SUCCESS) {
		set_state(kext, KEXT_STATE_STARTED);
		return kOSReturnSuccess;
	}
	unload(kext);
	return kOSKextReturnStartStopError;
}

static uint32_t begin_stop(uint32_t tag, struct kmod **ret)
{
	struct kmod *kext = kmod_by_tag(tag);
	if (!kext)
		return kOSKextReturnNotFound;
	if (kext->is_component || kext->state < KEXT_STATE_STARTED)
		return kOSKextReturnInvalidArgument;
	if (kext->state == KEXT_STATE_STOPPING)
		return kOSKextReturnStopping;
	if (kext->dependents || kext->retains || kext->callbacks)
		return kOSKextReturnInUse;
	if (!is_well_mapped(kext))
		return kOSKextReturnBadData;
	kext->state = KEXT_STATE_STOPPING;
	*ret = kext;
	return kOSReturnSuccess;
}

/* The stop routine and then the destructors; either may refuse, and the kext goes on. */
static uint32_t run_stop(struct kmod *kext)
{
	struct lock_balance held = lock_balance_now();
	uint32_t result = (uint32_t)kext->info->stop(kext->info, NULL);
	lock_balance_check(held, kext->identifier, "stop", kext->info->stop);
	if (!result)
		result = OSRuntimeFinalizeCPP(kext);
	if (result)
		libkern_restore_classes(kext->identifier);
	return result;
}

uint32_t kmod_stop(uint32_t tag, uint32_t *ret_result)
{
	struct kmod *kext = NULL;
	pthread_mutex_lock(&kmod_lock);
	uint32_t error = begin_stop(tag, &kext);
	pthread_mutex_unlock(&kmod_lock);
	if (error)
		return error;
	if (!libkern_remove_classes(kext->identifier)) {
		libkern_report_instances(kext->identifier);
		set_state(kext, KEXT_STATE_STARTED);
		return kOSKextReturnInUse;
	}
	*ret_result = run_stop(kext);
	if (*ret_result) {
		set_state(kext, KEXT_STATE_STARTED);
		return kOSKextReturnStartStopError;
	}
	unload(kext);
	return kOSReturnSuccess;
}
