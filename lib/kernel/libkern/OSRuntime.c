/*
 * The C++ side of a kext's start and end: its constructors inside the bracket that
 * registers its classes, its destructors when none of its classes has instances. Nothing
 * here looks at the kext's state; lifecycle.c calls in the right order.
 */
#include "kernel/libkern/OSRuntime.h"
#include "kernel/libkern/cxx.h"

typedef void (*structor)(void);

/*
 * The entries of one section in array order, as long as `handle`'s bracket is in order
 * (NULL: in any case). A NULL entry is skipped and told once per section.
 */
static bool run_section(const struct kmod *kext, const struct kmod_range *range,
			void *handle)
{
	const structor *functions = (const structor *)range->address;
	uint64_t count = range->size / sizeof(*functions), skipped = 0;
	bool is_good = true;
	for (uint64_t n = 0; n < count && is_good; n++) {
		if (functions[n])
			functions[n]();
		else
			skipped++;
		is_good = !handle || libkern_check_mod_load(handle);
	}
	if (skipped)
		kernel_log("kext %s: %llu null structor entries skipped\n",
			   kext->identifier, (unsigned long long)skipped);
	return is_good;
}

/* Destructors of all segments that lie before `end`. */
static void run_destructors(const struct kmod *kext, uint64_t end)
{
	for (unsigned i = 0; i < kext->destructors.count; i++) {
		if (kext->destructors.items[i].address < end)
			(void)run_section(kext, &kext->destructors.items[i], NULL);
	}
}

/* The address of the segment whose constructors failed, or 0. */
static uint64_t run_constructors(const struct kmod *kext, void *handle)
{
	for (unsigned i = 0; i < kext->constructors.count; i++) {
		const struct kmod_range *range = &kext->constructors.items[i];
		if (run_section(kext, range, handle))
			continue;
		return kmod_segment_at(kext, range->address, range->size)->address;
	}
	return 0;
}

/* Destructors inside a bracket of their own, which keeps other kexts' classes away. */
static void end_image(const struct kmod *kext)
{
	void *handle = libkern_pre_mod_load(kext->identifier);
	OSRuntimeUnloadCPP(kext);
	if (handle)
		(void)libkern_post_mod_load(handle);
}

uint32_t OSRuntimeInitializeCPP(struct kmod *kext)
{
	if (kext->is_cxx_initialized)
		return kOSReturnSuccess;
	void *handle = libkern_pre_mod_load(kext->identifier);
	if (!handle)
		return KERN_FAILURE;
	uint64_t failed = run_constructors(kext, handle);
	if (failed)
		run_destructors(kext, failed);
	uint32_t result = libkern_post_mod_load(handle);
	if (!failed && result)
		end_image(kext);
	kext->is_cxx_initialized = !result;
	return result;
}

uint32_t OSRuntimeFinalizeCPP(struct kmod *kext)
{
	if (!kext->is_cxx_initialized)
		return kOSReturnSuccess;
	if (libkern_has_instances(kext->identifier)) {
		kernel_log("kext %s cannot be torn down: its classes have instances\n",
			   kext->identifier);
		libkern_report_instances(kext->identifier);
		return kOSMetaClassHasInstances;
	}
	end_image(kext);
	kext->is_cxx_initialized = false;
	return kOSReturnSuccess;
}

void OSRuntimeUnloadCPP(const struct kmod *kext)
{
	libkern_keep_symbols(kext->address, kext->address + kext->size);
	run_destructors(kext, UINT64_MAX);
}
