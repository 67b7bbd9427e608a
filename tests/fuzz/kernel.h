/*
 * A small kernel of any CPU for the fuzz targets that link, with the names that
 * tests/model/kit.py's kexts use, and a kext that uses all of them.
 */
#ifndef FUZZ_KERNEL_H
#define FUZZ_KERNEL_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <kext/kernelfile.h>
#include "link/cpu.h"
#include "macho/builder.h"

#define BASE 0x80000000u

static const char *const functions[] = {
	"_printf",
	"_IOLog",
	"__MALLOC_external",
	"_lck_mtx_lock",
	"_old",
	"_gOSKextUnresolved",
	"__ZN8OSObjectD1Ev",
	"__ZNK8OSObject7releaseEv",
	"__ZN8OSObject4freeEv",
	"__ZN9IOService5startEPS_",
	"__ZN9IOService4stopEPS_",
	"__ZN9IOService9configureEv",
	"__ZN9IOService20_RESERVEDIOService1Ev",
	"__ZN11OSMetaClassD1Ev",
	"__ZNK11OSMetaClass4workEv",
	"__ZN9IOService10gMetaClassE",
	"__ZN8OSObject10gMetaClassE",
};

/* Slots as indexes into `functions`; they end below 0. */
static const struct {
	const char *name;
	signed char slots[9];
} vtables[] = {
	{"__ZTV8OSObject", {6, 7, 8, -1}},
	{"__ZTV9IOService", {6, 7, 8, 9, 10, 11, 12, -1}},
	{"__ZTV11OSMetaClass", {13, 14, -1}},
};

static inline size_t fill_vtables(const struct cpu *cpu, uint8_t *data,
				  uint64_t offsets[3])
{
	size_t word = cpu->is_64 ? 8 : 4, at = 0;
	for (size_t v = 0; v < 3; v++) {
		offsets[v] = at;
		at += 2 * word;
		for (size_t i = 0; vtables[v].slots[i] >= 0; i++, at += word) {
			uint64_t value =
				BASE + 0x1000 + (uint64_t)vtables[v].slots[i] * 16;
			store32(data + at, (uint32_t)value, cpu->big);
		}
		at += word;
	}
	return at;
}

static inline void build_kernel(const struct cpu *cpu, uint8_t **ret, size_t *ret_size)
{
	uint8_t table[512] = {0};
	uint64_t offsets[3], tables = BASE + 0x2000;
	size_t count = sizeof(functions) / sizeof(*functions);
	size_t size = fill_vtables(cpu, table, offsets);
	struct macho_builder b = {.cputype = cpu->cputype, .filetype = MH_EXECUTE};
	unsigned text = macho_builder_segment(&b, "__TEXT", BASE, 0x2000, 5);
	unsigned code = macho_builder_section(&b, text, "__text", BASE + 0x1000, 0x1000,
					      4, 0, NULL);
	unsigned segment = macho_builder_segment(&b, "__DATA", tables, 0x1000, 3);
	unsigned data =
		macho_builder_section(&b, segment, "__const", tables, size, 3, 0, table);
	macho_builder_segment(&b, "__TRAP", BASE + 0x3000, 0x1000, 0);
	for (size_t i = 0; i < count; i++)
		macho_builder_symbol(&b, functions[i], N_SECT | N_EXT, code, 0,
				     BASE + 0x1000 + i * 16);
	macho_builder_symbol(&b, "_trapped", N_ABS | N_EXT, 0, 0, BASE + 0x3000);
	for (size_t v = 0; v < 3; v++)
		macho_builder_symbol(&b, vtables[v].name, N_SECT | N_EXT, data, 0,
				     tables + offsets[v]);
	if (macho_builder_finish(&b, ret, ret_size))
		abort();
	macho_builder_free(&b);
}

/* The CPU that the input claims to be for. */
static inline const struct cpu *claimed_cpu(const uint8_t *data, size_t size)
{
	static const struct cpu *const cpus[] = {&cpu_x86_64, &cpu_arm64, &cpu_arm,
						 &cpu_i386, &cpu_ppc};
	for (size_t i = 0; i < sizeof(cpus) / sizeof(*cpus); i++)
		if (size >= 8 && load32(data + 4, cpus[i]->big) == cpus[i]->cputype)
			return cpus[i];
	return cpus[0];
}

/* A kext that leaves these names undefined and exports `export`. */
static inline void build_kext(const struct cpu *cpu, const char *const *undefined,
			      size_t count, const char *export, uint8_t **ret,
			      size_t *ret_size)
{
	static const uint8_t content[0x200];
	struct macho_builder b = {.cputype = cpu->cputype,
				  .filetype = MH_KEXT_BUNDLE,
				  .with_dysymtab = true,
				  .linkedit_address = 0x8000};
	unsigned text = macho_builder_segment(&b, "__TEXT", 0, 0x4000, 5);
	unsigned code =
		macho_builder_section(&b, text, "__text", 0x800, 16, 4, 0, content);
	unsigned data = macho_builder_segment(&b, "__DATA", 0x4000, 0x4000, 3);
	unsigned info = macho_builder_section(&b, data, "__data", 0x4000, sizeof(content),
					      4, 0, content);
	macho_builder_symbol(&b, export, N_SECT | N_EXT, code, 0, 0x800);
	macho_builder_symbol(&b, "_kmod_info", N_SECT | N_EXT, info, 0, 0x4010);
	for (size_t i = 0; i < count; i++)
		macho_builder_symbol(&b, undefined[i], N_EXT, 0, 0, 0);
	if (macho_builder_finish(&b, ret, ret_size))
		abort();
	macho_builder_free(&b);
}

/* A kernel's file of these bytes; NULL when it is refused. */
static inline struct kext_kernel_file *open_kernel_file(const struct kext_arch *arch,
							const uint8_t *data, size_t size)
{
	char path[64];
	struct kext_kernel_file *kernel = NULL;
	struct kext_diagnostics *list = kext_diagnostics_new();
	int fd = memfd_create("kernel", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (kext_kernel_file_open(path, arch, list, &kernel) < 0 &&
	    kext_diagnostics_count(list, KEXT_ERROR) == 0)
		abort(); /* every refusal has a reason */
	close(fd);
	kext_diagnostics_free(list);
	return kernel;
}

#endif
