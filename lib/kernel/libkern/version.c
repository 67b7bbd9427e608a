/*
 * The kernel's identity as plain data, and the few libkern symbols that Darwin itself
 * makes no-ops on x86_64.
 */
#include "kernel/libkern/libkern.h"

const char version[] = "Darwin Kernel Version 19.6.0: Thu Jun 18 20:49:00 PDT 2020; "
		       "libkext:xnu-6153.141.1~1/RELEASE_X86_64";
KPI(version);
const int version_major = 19;
KPI(version_major);
const int version_minor = 6;
KPI(version_minor);
const int version_revision = 0;
KPI(version_revision);
const int version_stage = 0x80; /* release */
KPI(version_stage);
const int version_prerelease_level = 0;
KPI(version_prerelease_level);
const char version_variant[] = "";
KPI(version_variant);
const char osrelease[] = "19.6.0";
KPI(osrelease);
const char ostype[] = "Darwin";
KPI(ostype);
char osversion[256] = "19H15";
KPI(osversion);

int kext_assertions_enable;
KPI(kext_assertions_enable);

/* Caches are coherent on this machine. */
void flush_dcache(uintptr_t address, unsigned size, int is_physical)
{
	(void)address;
	(void)size;
	(void)is_physical;
}
KPI(flush_dcache);
KPI_AS("_flush_dcache64", flush_dcache);

void invalidate_icache(uintptr_t address, unsigned size, int is_physical)
{
	(void)address;
	(void)size;
	(void)is_physical;
}
KPI(invalidate_icache);
KPI_AS("_invalidate_icache64", invalidate_icache);

/* Immortal objects are all that C code passes here. */
void *os_retain(void *object)
{
	return object;
}
KPI(os_retain);

void os_release(void *object)
{
	(void)object;
}
KPI(os_release);
