/*
 * Named checks of the C KPIs: a kext per noun, whose start routine calls check(). Each
 * check prints one line to the kernel's log, which tests/cli/kpi.sh counts; start fails
 * when a check does. The checks named situation-N are Darwin's rules that are easily got
 * wrong. A kext called ends_… panics instead, with what its first line says.
 */
#ifndef KPI_H
#define KPI_H

#include <IOKit/IOLib.h>
#include <libkern/libkern.h>
#include <mach/mach_types.h>

void check(void);
void check_line(const char *name, int is_good, const char *file, int line);
#define CHECK(name, condition) check_line(name, !!(condition), __FILE__, __LINE__)

/* Whether all `size` bytes are `byte`. */
static inline int all_bytes(const void *data, int byte, size_t size)
{
	const unsigned char *bytes = data;
	size_t i;

	for (i = 0; i < size && bytes[i] == byte; i++)
		;
	return i == size;
}

#endif
