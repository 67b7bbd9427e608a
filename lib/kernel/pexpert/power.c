/*
 * Where a driver for processor power management attaches. It is told that its version
 * fits and is never called: Linux manages the power. What it is to call back stays as it
 * is.
 */
#include "kernel/bsd/bsd.h"

enum { PM_VERSION = 102 };

void pmKextRegister(uint32_t wanted, void *functions, void *callbacks);
int pmCPUControl(uint32_t command, void *data);

static void *_Atomic dispatch;

void pmKextRegister(uint32_t wanted, void *functions, void *callbacks)
{
	void *none = NULL;

	if (callbacks && wanted != PM_VERSION)
		panic_at(
			__builtin_return_address(0),
			"Version mis-match between kernel (%d) and power management (%u)",
			PM_VERSION, wanted);
	if (!functions)
		atomic_store(&dispatch, NULL);
	else if (!atomic_compare_exchange_strong(&dispatch, &none, functions))
		panic_at(__builtin_return_address(0),
			 "power management is registered a second time");
	else
		kernel_log("power management is registered; it is never called\n");
}
KPI(pmKextRegister);

/* As without a dispatch table. */
int pmCPUControl(uint32_t command, void *data)
{
	(void)command;
	(void)data;
	return -1;
}
KPI(pmCPUControl);
