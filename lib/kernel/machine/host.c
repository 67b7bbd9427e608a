/*
 * The host's libraries in this process, for reports: noted at the start, because walking
 * the loader's list takes a lock and a report may take none.
 */
#include <link.h>
#include "kernel/libkern/libkern.h"
#include "kernel/machine/machine.h"

#define MODULES_MAX 16u

static struct {
	uint64_t start, end;
	char name[32];
} modules[MODULES_MAX];
static unsigned count;

static const char *last_component(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* The kernel itself has an empty name; the vDSO one without a folder. */
static int note(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	if (!info->dlpi_name[0] || count == MODULES_MAX)
		return 0;
	xnu_strlcpy(modules[count].name, last_component(info->dlpi_name),
		    sizeof(modules[count].name));
	modules[count].start = info->dlpi_addr;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uint64_t end = info->dlpi_addr + segment->p_vaddr + segment->p_memsz;
		if (segment->p_type == PT_LOAD && end > modules[count].end)
			modules[count].end = end;
	}
	count++;
	return 0;
}

void host_startup(void)
{
	dl_iterate_phdr(note, NULL);
}

const char *host_module_at(uint64_t address, uint64_t *ret_base)
{
	for (unsigned i = 0; i < count; i++) {
		if (address < modules[i].start || address >= modules[i].end)
			continue;
		*ret_base = modules[i].start;
		return modules[i].name;
	}
	return NULL;
}
