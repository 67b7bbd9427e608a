/*
 * How much stack a kext has left. Our stacks are larger than Darwin's 16 KiB, but a
 * recursion that would overflow there is to see its guard work here.
 */
#include "kernel/osfmk/osfmk.h"

static const uintptr_t darwin_stack = 16384;

uint64_t OSKernelStackRemaining(void);

uint64_t OSKernelStackRemaining(void)
{
	uintptr_t used = thread_self()->stack_top - (uintptr_t)__builtin_frame_address(0);

	return used < darwin_stack ? darwin_stack - used : 0;
}
KPI(OSKernelStackRemaining);
