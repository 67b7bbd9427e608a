/*
 * The machine's measures as data symbols.
 */
#include <unistd.h>
#include "kernel/osfmk/osfmk.h"

size_t page_size = 4096, page_mask = 4095;
int page_shift = 12;
int hz = 100;
int smp_initialized = 1;
unsigned real_ncpus = 1;
uint64_t max_mem, sane_size;
/* 32 bits in spirit: 2 GiB is the most it says. */
size_t mem_size;
KPI(page_size);
KPI(page_mask);
KPI(page_shift);
KPI(hz);
KPI(smp_initialized);
KPI(real_ncpus);
KPI(max_mem);
KPI(sane_size);
KPI(mem_size);

void facts_startup(void)
{
	const uint64_t limit = 2ull << 30;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES);

	real_ncpus = cpus < 1 ? 1 : cpus > 64 ? 64 : (unsigned)cpus;
	max_mem = sane_size = pages > 0 ? (uint64_t)pages * page_size : limit;
	mem_size = max_mem < limit ? max_mem : limit;
}
