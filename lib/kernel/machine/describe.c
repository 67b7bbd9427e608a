/*
 * mach_kernel: this program as a Mach-O image that holds symbols and no bytes of code.
 * __TEXT stands for the ELF image, __TRAP for the pages of symbols without
 * implementation; __DATA_CONST holds the vtables, which the kext linker reads.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/memory.h"
#include "kernel/machine/machine.h"
#include "macho/builder.h"

#define CPU_TYPE_X86_64	       0x01000007u
#define CPU_SUBTYPE_X86_64_ALL 3u

/* Each symbol in the section of its address; `trapped`, which may be NULL, at its trap.
 */
static void add_symbols(struct macho_builder *builder, const char *trapped, unsigned text,
			unsigned trap, unsigned vtables)
{
	size_t count;
	const struct kernel_symbol *symbols = kernel_symbols(&count);
	for (size_t i = 0; i < count; i++) {
		uint64_t address = symbols[i].address;
		if (trapped && strcmp(symbols[i].name, trapped) == 0)
			address = trap_of_symbol(trapped);
		macho_builder_symbol(builder, symbols[i].name, N_SECT | N_EXT,
				     address >= KERNEL_VTABLES ? vtables
				     : address >= KERNEL_TRAPS ? trap
							       : text,
				     0, address);
	}
}

static unsigned add_vtables(struct macho_builder *builder, const uint8_t *words)
{
	uint64_t size = vtables_size();
	unsigned segment = macho_builder_segment(builder, "__DATA_CONST", KERNEL_VTABLES,
						 size, VM_PROT_READ);
	return macho_builder_section(builder, segment, "__const", KERNEL_VTABLES, size,
				     12, 0, words);
}

int kernel_describe(const char *path, const char *trapped)
{
	_cleanup_macho_builder_ struct macho_builder builder = {
		.cputype = CPU_TYPE_X86_64,
		.cpusubtype = CPU_SUBTYPE_X86_64_ALL,
		.filetype = MH_EXECUTE,
		.flags = MH_NOUNDEFS,
		.has_uuid = true,
	};
	const uint64_t text_size = KERNEL_TRAPS - KERNEL_BASE;
	const uint64_t trap_size = KERNEL_PAGE * (kpi_name_count ? kpi_name_count : 1);
	if (trapped && !trap_of_symbol(trapped))
		return -ENOENT;
	uint8_t *data = NULL, *words = mem_zero(vtables_size() + 1, 1);
	size_t size;
	if (!words)
		return -ENOMEM;
	vtables_copy(words);
	if (trapped)
		vtables_trap(words, trapped);
	kernel_uuid(builder.uuid);
	unsigned segment =
		macho_builder_segment(&builder, "__TEXT", KERNEL_BASE, text_size,
				      VM_PROT_READ | VM_PROT_EXECUTE);
	unsigned text =
		macho_builder_section(&builder, segment, "__text", KERNEL_BASE, text_size,
				      12, S_ATTR_SOME_INSTRUCTIONS, NULL);
	segment = macho_builder_segment(&builder, "__TRAP", KERNEL_TRAPS, trap_size, 0);
	unsigned trap = macho_builder_section(&builder, segment, "__trap", KERNEL_TRAPS,
					      trap_size, 12, 0, NULL);
	add_symbols(&builder, trapped, text, trap, add_vtables(&builder, words));
	int error = macho_builder_finish(&builder, &data, &size);
	if (!error)
		error = file_publish(AT_FDCWD, path, data, size, 0644, false);
	free(words);
	free(data);
	return error;
}
