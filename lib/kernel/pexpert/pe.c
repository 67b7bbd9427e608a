/*
 * What the platform expert says of this machine: a development box without firmware
 * services, screen or device tree.
 */
#include <time.h>
#include "kernel/pexpert/pexpert.h"

/* The record that boot_args points at is not modelled; a kext finds NULL pointers. */
struct PE_state PE_state = {.initialized = 1};
KPI(PE_state);

void *gPEEFISystemTable, *gPEEFIRuntimeServices;
KPI(gPEEFISystemTable);
KPI(gPEEFIRuntimeServices);

/* ---- system integrity: bits that are set are allowed ---- */

enum { CSR_KERNEL_DEBUGGER = 1 << 3, CSR_DEVICE_CONFIGURATION = 1 << 7 };
/* Implied by untrusted kexts or by Apple internal. */
enum { CSR_IMPLY_DEBUGGER = 1 << 0 | 1 << 4 };
enum { CSR_DEFAULT = 0x67, CSR_VALID = 0x7ff };

/* The boot argument csr-active-config overrides; as on a Mac, for the whole boot. */
static uint32_t csr_config(void)
{
	uint32_t config = CSR_DEFAULT;

	PE_parse_boot_argn("csr-active-config", &config, sizeof(config));
	return config & CSR_VALID;
}

int csr_get_active_config(uint32_t *ret_config)
{
	*ret_config = csr_config();
	return 0;
}
KPI(csr_get_active_config);

int csr_check(uint32_t mask)
{
	uint32_t config = csr_config();

	/* Device configuration follows a boot flag that only recovery systems set. */
	config &= ~(uint32_t)CSR_DEVICE_CONFIGURATION;
	if (config & CSR_IMPLY_DEBUGGER)
		config |= CSR_KERNEL_DEBUGGER;
	return (mask & ~config) ? XNU_EPERM : 0;
}
KPI(csr_check);

boolean_t PE_i_can_has_debugger(uint32_t *ret_flags)
{
	boolean_t is_allowed = csr_check(CSR_KERNEL_DEBUGGER) == 0;
	uint32_t flags = 0;

	if (is_allowed)
		PE_parse_boot_argn("debug", &flags, sizeof(flags));
	if (ret_flags)
		*ret_flags = flags;
	return is_allowed;
}
KPI(PE_i_can_has_debugger);

/* ---- the calendar clock ---- */

long PEGetGMTTimeOfDay(void)
{
	return (long)time(NULL);
}
KPI(PEGetGMTTimeOfDay);

/* The host's clock is not ours to set. */
void PESetGMTTimeOfDay(long seconds)
{
	(void)seconds;
}
KPI(PESetGMTTimeOfDay);

int PEGetPlatformEpoch(void)
{
	return 0;
}
KPI(PEGetPlatformEpoch);

/* Nothing keeps panic information across a boot. */
uint32_t PESavePanicInfo(uint8_t *data, uint32_t size)
{
	(void)data;
	(void)size;
	return 0;
}
KPI(PESavePanicInfo);
