/* Caches, shutdown, panic storage and tracing: accepted, though nothing is there. */
#include "kpi.h"
#include <kern/task.h>
#include <pexpert/pexpert.h>
#include <sys/kdebug.h>

void IOSystemShutdownNotification(void);
void kernel_debug_string(const char *text);
void OSPrintMemory(void);
extern int debug_container_malloc_size, debug_ivars_size, debug_malloc_size;
extern int kext_assertions_enable;

static void check_caches(void)
{
	static unsigned char data[64] = {1};
	uintptr_t address = (uintptr_t)data;

	CHECK("flush-processor-cache",
	      IOFlushProcessorCache(kernel_task, address, 64) == kIOReturnSuccess);
	CHECK("flush-of-no-task",
	      (unsigned)IOFlushProcessorCache(NULL, address, 64) == 0xe00002c7);
	CHECK("cache-mode",
	      IOSetProcessorCacheMode(kernel_task, address, 64, 0) == kIOReturnSuccess);
	flush_dcache(address, 64, 0);
	flush_dcache64(address, 64, 0);
	invalidate_icache(address, 64, 0);
	invalidate_icache64(address, 64, 0);
	CHECK("caches-keep-data", data[0] == 1 && all_bytes(data + 1, 0, 63));
}

static void check_platform(void)
{
	uint8_t report[8] = {0};

	PESetGMTTimeOfDay(0);
	CHECK("clock-is-not-set", PEGetGMTTimeOfDay() > 1500000000);
	CHECK("no-panic-storage", PESavePanicInfo(report, sizeof(report)) == 0);
	IOSystemShutdownNotification();
}

static void check_debugging(void)
{
	kernel_debug1(1, 2, 3, 4, 5, 6);
	kernel_debug_string("nobody traces");
	OSPrintMemory();
	CHECK("sizes-are-not-kept", debug_container_malloc_size == 0 &&
					    debug_ivars_size == 0 &&
					    debug_malloc_size == 0);
	CHECK("assertions-are-off", kext_assertions_enable == 0);
}

void check(void)
{
	check_caches();
	check_platform();
	check_debugging();
}
