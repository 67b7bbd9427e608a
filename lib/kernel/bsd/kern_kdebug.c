/*
 * Kernel tracing: kexts test kdebug_enable before they call kernel_debug, and tracing is
 * never on here.
 */
#include "kernel/bsd/bsd.h"

unsigned kdebug_enable;
KPI(kdebug_enable);

void kernel_debug(uint32_t id, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d,
		  uintptr_t e);
void kernel_debug(uint32_t id, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d,
		  uintptr_t e)
{
	(void)id;
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	(void)e;
}
KPI(kernel_debug);
KPI_AS("_kernel_debug1", kernel_debug);

void kernel_debug_string(const char *text);
void kernel_debug_string(const char *text)
{
	(void)text;
}
KPI(kernel_debug_string);
