/* The table of CPUs; see cpu.h. */
#include "link/cpu.h"

const struct cpu *cpu_numbered(uint32_t cputype)
{
	static const struct cpu *const table[] = {&cpu_x86_64, &cpu_arm64, &cpu_arm,
						  &cpu_i386, &cpu_ppc};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (table[i]->cputype == cputype)
			return table[i];
	return NULL;
}
