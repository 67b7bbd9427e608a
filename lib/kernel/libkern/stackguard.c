/*
 * The stack protector of kexts: a guard word that is constant for the life of the
 * process, with a zero byte that stops string overruns, and the function called when it
 * was hit.
 */
#include <sys/random.h>
#include "kernel/libkern/libkern.h"

/* Compilers read it as a long; Darwin declares eight of them. */
uintptr_t xnu_stack_chk_guard[8];
KPI_AS("___stack_chk_guard", xnu_stack_chk_guard);

void stack_guard_startup(void)
{
	uintptr_t value = 0;

	/* A short read cannot happen for 8 bytes; without one the fixed part remains. */
	if (getrandom(&value, sizeof(value), 0) != (ssize_t)sizeof(value))
		value = (uintptr_t)&value * 0x9e3779b97f4a7c15ull;
	xnu_stack_chk_guard[0] = value & ~0xff00ull;
}

void xnu_stack_chk_fail(void)
{
	panic_at(__builtin_return_address(0), "Kernel stack memory corruption detected");
}
KPI_AS("___stack_chk_fail", xnu_stack_chk_fail);
