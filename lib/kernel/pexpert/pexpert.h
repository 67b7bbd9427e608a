/*
 * The platform expert's C interfaces.
 */
#ifndef KERNEL_PEXPERT_PEXPERT_H
#define KERNEL_PEXPERT_PEXPERT_H

#include "kernel/kernel.h"

boolean_t PE_parse_boot_argn(const char *name, void *buffer, int size);
boolean_t PE_parse_boot_arg_str(const char *name, char *buffer, int size);
boolean_t PE_get_default(const char *name, void *buffer, unsigned size);
char *PE_boot_args(void);
boolean_t PE_i_can_has_debugger(uint32_t *ret_flags);

/* 168 bytes in Darwin, at these offsets. */
struct PE_state {
	int initialized;
	struct {
		long base_address, row_bytes, width, height, depth, display;
		char pixel_format[64];
		long offset, length;
		uint8_t rotate, scale, reserved[6];
		long reserved_long;
	} video;
	void *device_tree_head, *boot_args;
};
_Static_assert(sizeof(struct PE_state) == 168, "PE_state");
_Static_assert(offsetof(struct PE_state, device_tree_head) == 152, "PE_state");
extern struct PE_state PE_state;
extern void *gPEEFISystemTable, *gPEEFIRuntimeServices;

long PEGetGMTTimeOfDay(void);
void PESetGMTTimeOfDay(long seconds);
int PEGetPlatformEpoch(void);
uint32_t PESavePanicInfo(uint8_t *data, uint32_t size);
int csr_check(uint32_t mask);
int csr_get_active_config(uint32_t *ret_config);

#endif
