/*
 * I/O Kit's odds and ends in C: threads, delays, name tables, and what has no meaning
 * here.
 */
#include <string.h>
#include "kernel/iokit/IOLib.h"
#include "kernel/libkern/libkern.h"

/* The caller gets no reference: the pointer serves comparison only. */
struct thread *IOCreateThread(void (*body)(void *argument), void *argument)
{
	struct thread *thread;

	if (kernel_thread_start((thread_continue_t)(void (*)(void))body, argument,
				&thread))
		return NULL;
	thread_deallocate(thread);
	return thread;
}
KPI(IOCreateThread);

void IOExitThread(void)
{
	thread_continue(__builtin_return_address(0), NULL, NULL, THREAD_AWAKENED);
}
KPI(IOExitThread);

void IOSleep(unsigned milliseconds)
{
	delay_nanoseconds(__builtin_return_address(0), (uint64_t)milliseconds * 1000000);
}
KPI(IOSleep);

void IOSleepWithLeeway(unsigned milliseconds, unsigned leeway)
{
	(void)leeway;
	delay_nanoseconds(__builtin_return_address(0), (uint64_t)milliseconds * 1000000);
}
KPI(IOSleepWithLeeway);

void IODelay(unsigned microseconds)
{
	delay_nanoseconds(__builtin_return_address(0), (uint64_t)microseconds * 1000);
}
KPI(IODelay);

void IOPause(unsigned nanoseconds)
{
	delay_nanoseconds(__builtin_return_address(0), nanoseconds);
}
KPI(IOPause);

void IOGetTime(mach_timespec_t *ret_time)
{
	uint64_t seconds;
	uint32_t nanoseconds;

	clock_get_system_nanotime(&seconds, &nanoseconds);
	*ret_time = (mach_timespec_t){(uint32_t)seconds, (int32_t)nanoseconds};
}
KPI(IOGetTime);

/* ---- name tables, ended by a NULL name ---- */

IOReturn IOFindValueForName(const char *name, const IONamedValue *table, int *ret_value)
{
	for (; table->name; table++) {
		if (!strcmp(table->name, name)) {
			*ret_value = table->value;
			return kIOReturnSuccess;
		}
	}
	return kIOReturnBadArgument;
}
KPI(IOFindValueForName);

/* The text of an unknown value lives in one buffer for all, as in Darwin. */
const char *IOFindNameForValue(int value, const IONamedValue *table)
{
	static char text[80];

	for (; table->name; table++) {
		if (table->value == value)
			return table->name;
	}
	xnu_snprintf(text, sizeof(text), "0x%x (UNDEFINED)", value);
	return text;
}
KPI(IOFindNameForValue);

unsigned IOSizeToAlignment(unsigned size)
{
	return size ? 31u - (unsigned)__builtin_clz(size) : 0;
}
KPI(IOSizeToAlignment);

unsigned IOAlignmentToSize(unsigned alignment)
{
	return alignment < 32 ? 1u << alignment : 0;
}
KPI(IOAlignmentToSize);

/* ---- caches are coherent, shutdown needs nobody ---- */

IOReturn IOFlushProcessorCache(struct task *task, uint64_t address, uint64_t size)
{
	(void)address;
	(void)size;
	return task == kernel_task ? kIOReturnSuccess : kIOReturnUnsupported;
}
KPI(IOFlushProcessorCache);

IOReturn IOSetProcessorCacheMode(struct task *task, uint64_t address, uint64_t size,
				 uint32_t mode)
{
	(void)address;
	(void)size;
	(void)mode;
	return task == kernel_task ? kIOReturnSuccess : kIOReturnUnsupported;
}
KPI(IOSetProcessorCacheMode);

void IOSystemShutdownNotification(void)
{
}
KPI(IOSystemShutdownNotification);
