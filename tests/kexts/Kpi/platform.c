/*
 * Boot arguments (those of the file boot-args), system integrity, facts about the machine
 * and the kernel's version, and what text a debugger would want.
 */
#include "kpi.h"
#include <kern/task.h>
#include <libkern/OSDebug.h>
#include <libkern/version.h>
#include <pexpert/pexpert.h>
#include <sys/kdebug.h>

int csr_check(uint32_t mask);
int csr_get_active_config(uint32_t *config);
extern vm_size_t page_size, page_mask, mem_size;
extern int page_shift, hz, smp_initialized;
extern uint64_t max_mem;
extern int securelevel;
extern void *gPEEFISystemTable, *gPEEFIRuntimeServices;
extern char PE_state[168];
uint64_t ml_cpu_int_event_time(void);
int panic_active(void);

static void check_boot_arguments(void)
{
	unsigned char large[64];
	char text[16] = "";
	int number = 0;

	CHECK("situation-12-last-wins",
	      PE_parse_boot_argn("debug", &number, 4) && number == 3);
	CHECK("situation-12-flag", PE_parse_boot_argn("-v", &number, 4) && number == 1);
	CHECK("situation-12-text",
	      PE_parse_boot_argn("x", text, 16) && !strcmp(text, "08"));
	CHECK("situation-12-suffix",
	      PE_parse_boot_argn("n", &number, 4) && number == -2048);
	CHECK("situation-12-no-flag", !PE_parse_boot_argn("v", &number, 4));
	memset(large, 0xee, sizeof(large));
	CHECK("situation-13-four-bytes", PE_parse_boot_argn("debug", large, 64) &&
						 *(int *)large == 3 &&
						 all_bytes(large + 4, 0xee, 60));
}

static void check_integrity(void)
{
	uint32_t config = 0, flags = 0;

	CHECK("csr-config", csr_get_active_config(&config) == 0 && config == 0x67);
	CHECK("situation-45-debugger", csr_check(8) == 0);
	CHECK("situation-45-device", csr_check(0x80) == 1);
	CHECK("situation-45-kexts", csr_check(1) == 0);
	CHECK("debugger-flags", PE_i_can_has_debugger(&flags) && flags == 3);
}

static void check_version(void)
{
	CHECK("version", !strncmp(version, "Darwin Kernel Version 19.", 25));
	CHECK("version-numbers",
	      version_major == 19 && version_minor == 6 && version_revision == 0);
	CHECK("version-stage", version_stage == 0x80 && version_prerelease_level == 0 &&
				       version_variant[0] == 0);
	CHECK("os-names", !strcmp(osrelease, "19.6.0") && !strcmp(ostype, "Darwin"));
}

static void check_facts(void)
{
	CHECK("page", page_size == 4096 && page_mask == 4095 && page_shift == 12);
	CHECK("hz", hz == 100);
	CHECK("processors-run", smp_initialized == 1);
	CHECK("memory", mem_size >= 4096 && max_mem >= 4096);
	CHECK("securelevel", securelevel <= 0);
	CHECK("kdebug-is-off", kdebug_enable == 0);
	kernel_debug(1, 2, 3, 4, 5, 6);
	CHECK("no-firmware", gPEEFISystemTable == NULL && gPEEFIRuntimeServices == NULL);
	CHECK("pe-state", *(int *)PE_state == 1);
	CHECK("interrupt-time", ml_cpu_int_event_time() != 0);
	CHECK("no-panic", panic_active() == 0);
	CHECK("platform-time",
	      PEGetGMTTimeOfDay() > 1500000000 && PEGetPlatformEpoch() + 1 <= 1);
	PE_kputc('.');
}

static void check_backtrace(void)
{
	void *frames[8];

	CHECK("backtrace", OSBacktrace(frames, 8) > 0 && frames[0]);
	OSReportWithBacktrace("by %s", "OSReportWithBacktrace");
}

static const IONamedValue names[] = {{3, "three"}, {4, "four"}, {0, NULL}};

static void check_names(void)
{
	int value = 9;

	CHECK("name-for-value", !strcmp(IOFindNameForValue(4, names), "four"));
	CHECK("name-for-no-value",
	      !strcmp(IOFindNameForValue(16, names), "0x10 (UNDEFINED)"));
	CHECK("value-for-name",
	      IOFindValueForName("three", names, &value) == 0 && value == 3);
	CHECK("value-for-no-name",
	      IOFindValueForName("five", names, &value) == (IOReturn)0xe00002c2 &&
		      value == 3);
	CHECK("alignment", IOSizeToAlignment(4096) == 12 && IOAlignmentToSize(5) == 32);
}

void check(void)
{
	check_boot_arguments();
	check_integrity();
	check_version();
	check_facts();
	check_backtrace();
	check_names();
}
