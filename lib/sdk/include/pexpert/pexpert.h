/* Boot arguments, the calendar clock, and early output. */
#ifndef _SDK_PEXPERT_PEXPERT_H_
#define _SDK_PEXPERT_PEXPERT_H_

#include <mach/mach_types.h>

__BEGIN_DECLS
boolean_t PE_parse_boot_argn(const char *name, void *value, int size);
uint32_t PE_i_can_has_debugger(uint32_t *flags);
extern void (*PE_kputc)(char character);
long PEGetGMTTimeOfDay(void);
void PESetGMTTimeOfDay(long seconds);
int PEGetPlatformEpoch(void);
uint32_t PESavePanicInfo(uint8_t *data, uint32_t size);
__END_DECLS

#endif
