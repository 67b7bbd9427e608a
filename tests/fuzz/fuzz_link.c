/*
 * Any bytes as a kext (bundle, object file, split kext) linked against a small kernel, as
 * the kernel or library of another link, and as its KPI interface. The kernel has the
 * names of tests/model/kit.py's kexts.
 */
#include <stdio.h>
#include <kext/link.h>
#include "link/cpu.h"
#include "macho/builder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

struct fixed_kernel {
	uint8_t *data;
	size_t size;
	struct kext_image *image;
};

static size_t fill_vtables(const struct cpu *cpu, uint8_t *data, uint64_t offsets[3])
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

static void build_kernel(const struct cpu *cpu, struct fixed_kernel *ret)
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
	if (macho_builder_finish(&b, &ret->data, &ret->size) ||
	    kext_image_open(ret->data, ret->size, "kernel", NULL, &ret->image))
		abort();
	macho_builder_free(&b);
}

/* The kernel for the CPU that the input claims; each is built once. */
static struct kext_image *kernel_for(const uint8_t *data, size_t size)
{
	static struct fixed_kernel kernels[5];
	static const struct cpu *const cpus[] = {&cpu_x86_64, &cpu_arm64, &cpu_arm,
						 &cpu_i386, &cpu_ppc};
	size_t chosen = 0;
	for (size_t i = 0; i < 5; i++)
		if (size >= 8 && load32(data + 4, cpus[i]->big) == cpus[i]->cputype)
			chosen = i;
	if (!kernels[chosen].image)
		build_kernel(cpus[chosen], &kernels[chosen]);
	return kernels[chosen].image;
}

static int allocate(void *data, uint64_t size, uint64_t *ret_address)
{
	(void)data, (void)size;
	*ret_address = BASE + 0x100000;
	return 0;
}

static void link_once(const uint8_t *data, size_t size,
		      struct kext_link_dependency *dependencies, size_t count, bool flag,
		      bool split)
{
	static const struct kext_link_segment places[] = {
		{"__TEXT", BASE + 0x100000},	 {"__TEXT_EXEC", BASE + 0x200010},
		{"__DATA", BASE + 0x300000},	 {"__DATA_CONST", BASE + 0x400000},
		{"__LINKEDIT", BASE + 0x500000},
	};
	struct kext_link_request request = {
		.data = data,
		.size = size,
		.name = "input",
		.dependencies = dependencies,
		.dependency_count = count,
		.allocate = allocate,
		.include_relocations = flag,
		.allow_missing = flag,
		.segments = places,
		.segment_count = split ? 5 : 0,
	};
	struct kext_link_result result;
	struct kext_diagnostics *list = kext_diagnostics_new();
	int r = kext_link(&request, list, &result);
	if (r == 0)
		free(result.data);
	else if (r == KEXT_ERR_LINK && kext_diagnostics_count(list, KEXT_ERROR) == 0)
		abort(); /* every refusal has a reason */
	kext_diagnostics_free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kext_image *image = NULL, *kernel = kernel_for(data, size);
	struct kext_link_dependency dependencies[] = {{kernel, NULL, true}, {0}, {0}};
	link_once(data, size, dependencies, 1, false, false);
	link_once(data, size, dependencies, 1, true, false);
	link_once(data, size, dependencies, 1, true, true);
	if (kext_image_open(data, size, "input", NULL, &image))
		return 0;
	uint64_t offset;
	(void)kext_image_symbol_near(image, BASE + 0x1234, &offset);
	(void)kext_image_symbol_address(image, "_kmod_info");
	(void)kext_image_uuid(image);
	dependencies[1] = (struct kext_link_dependency){kernel, image, true};
	dependencies[2] = (struct kext_link_dependency){image, NULL, true};
	link_once(data, size, dependencies, 3, false, false);
	dependencies[2].is_direct = false;
	link_once(data, size, dependencies, 3, false, false);
	kext_image_unref(image);
	return 0;
}
