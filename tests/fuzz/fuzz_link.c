/*
 * Any bytes as a kext (bundle, object file, split kext) linked against a small kernel, as
 * the kernel or library of another link, and as its KPI interface.
 */
#include "kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The kernel for the CPU that the input claims; each is built once. */
static struct kext_image *kernel_for(const uint8_t *data, size_t size)
{
	static struct {
		const struct cpu *cpu;
		struct kext_image *image;
	} kernels[5];
	const struct cpu *cpu = claimed_cpu(data, size);
	size_t chosen = 0, length;
	uint8_t *bytes;
	while (kernels[chosen].cpu && kernels[chosen].cpu != cpu)
		chosen++;
	if (!kernels[chosen].image) {
		build_kernel(cpu, &bytes, &length);
		if (kext_image_open(bytes, length, "kernel", NULL,
				    &kernels[chosen].image))
			abort();
		kernels[chosen].cpu = cpu;
	}
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
