/*
 * os_refcnt: reference counts that panic instead of wrapping. The group argument serves
 * Darwin's debugging only.
 */
#include "kernel/libkern/libkern.h"

enum { REFERENCES_MAX = 0x0fffffff };

static void check_retained(const void *caller, struct os_refcnt *count, uint32_t before)
{
	if (before < 1 || before >= REFERENCES_MAX)
		panic_at(caller, "os_refcnt: %s: rc %p, count %u",
			 before ? "overflow" : "attempted resurrection", (void *)count,
			 before);
}

static uint32_t release(const void *caller, struct os_refcnt *count)
{
	uint32_t before = atomic_fetch_sub(&count->count, 1);

	if (before < 1 || before > REFERENCES_MAX)
		panic_at(caller, "os_refcnt: underflow: rc %p, count %u", (void *)count,
			 before);
	return before - 1;
}

void os_ref_init_count_internal(struct os_refcnt *count, void *group, uint32_t value)
{
	(void)group;
	if (value < 1 || value > REFERENCES_MAX)
		panic_at(__builtin_return_address(0), "os_refcnt: bad first count %u",
			 value);
	atomic_store(&count->count, value);
}
KPI(os_ref_init_count_internal);

void os_ref_retain_internal(struct os_refcnt *count, void *group)
{
	(void)group;
	check_retained(__builtin_return_address(0), count,
		       atomic_fetch_add(&count->count, 1));
}
KPI(os_ref_retain_internal);

void os_ref_retain_locked_internal(struct os_refcnt *count, void *group)
{
	(void)group;
	check_retained(__builtin_return_address(0), count,
		       atomic_fetch_add(&count->count, 1));
}
KPI(os_ref_retain_locked_internal);

/* False when the count had reached zero. */
bool os_ref_retain_try_internal(struct os_refcnt *count, void *group)
{
	uint32_t before = atomic_load(&count->count);

	(void)group;
	do {
		if (!before)
			return false;
	} while (!atomic_compare_exchange_weak(&count->count, &before, before + 1));
	check_retained(__builtin_return_address(0), count, before);
	return true;
}
KPI(os_ref_retain_try_internal);

#define DEFINE_RELEASE(name)                                                             \
	uint32_t name(struct os_refcnt *count, void *group)                              \
	{                                                                                \
		(void)group;                                                             \
		return release(__builtin_return_address(0), count);                      \
	}                                                                                \
	KPI(name)

DEFINE_RELEASE(os_ref_release_internal);
DEFINE_RELEASE(os_ref_release_barrier_internal);
DEFINE_RELEASE(os_ref_release_relaxed_internal);
DEFINE_RELEASE(os_ref_release_locked_internal);
