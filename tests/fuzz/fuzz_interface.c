/*
 * Any bytes as a KPI's symbol set: a kext that wants every name of the kernel, and some
 * more, is linked through it, alone and behind a set that is sound.
 */
#include "kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const wanted[] = {
	"_printf",
	"_IOLog",
	"_alias",
	"_twice",
	"_old",
	"_lck_mtx_lock",
	"__ZN8OSObject4freeEv",
	"__ZTV9IOService",
	"_trapped",
};
#define WANTED (sizeof(wanted) / sizeof(*wanted))

/* The kernel, a kext and a sound symbol set, each CPU's built once. */
struct fixed {
	const struct cpu *cpu;
	struct kext_image *kernel, *interface;
	uint8_t *kext;
	size_t kext_size;
};

static void build_interface(struct fixed *fixed)
{
	struct macho_builder b = {.cputype = fixed->cpu->cputype,
				  .filetype = MH_KEXT_BUNDLE};
	uint8_t *data;
	size_t size;
	macho_builder_symbol(&b, "_printf", N_EXT, 0, 0, 0);
	macho_builder_symbol(&b, "_old", N_EXT, 0, N_DESC_DISCARDED, 0);
	macho_builder_indirect(&b, "_alias", "_IOLog", 0);
	if (macho_builder_finish(&b, &data, &size) ||
	    kext_image_open(data, size, "sound", NULL, &fixed->interface))
		abort();
	macho_builder_free(&b);
}

static const struct fixed *fixed_for(const struct cpu *cpu)
{
	static struct fixed all[5];
	struct fixed *fixed = all;
	uint8_t *data;
	size_t size;
	while (fixed->cpu && fixed->cpu != cpu)
		fixed++;
	if (fixed->cpu)
		return fixed;
	fixed->cpu = cpu;
	build_kernel(cpu, &data, &size);
	if (kext_image_open(data, size, "kernel", NULL, &fixed->kernel))
		abort();
	build_kext(cpu, wanted, WANTED, "_own", &fixed->kext, &fixed->kext_size);
	build_interface(fixed);
	return fixed;
}

static int allocate(void *data, uint64_t size, uint64_t *ret_address)
{
	(void)data, (void)size;
	*ret_address = BASE + 0x100000;
	return 0;
}

static void link_once(const struct fixed *fixed,
		      struct kext_link_dependency *dependencies, size_t count)
{
	struct kext_link_request request = {
		.data = fixed->kext,
		.size = fixed->kext_size,
		.name = "kext",
		.dependencies = dependencies,
		.dependency_count = count,
		.allocate = allocate,
		.allow_missing = true,
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
	const struct fixed *fixed = fixed_for(claimed_cpu(data, size));
	struct kext_image *set;
	if (kext_image_open(data, size, "input", NULL, &set))
		return 0;
	struct kext_link_dependency both[] = {{fixed->kernel, fixed->interface, true},
					      {fixed->kernel, set, true}};
	link_once(fixed, &both[1], 1);
	link_once(fixed, both, 2);
	/* As an indirect one it may be suggested, but binds nothing. */
	both[1].is_direct = false;
	link_once(fixed, both, 2);
	/* The symbol set stands for the names of another set, which defines none. */
	both[1] = (struct kext_link_dependency){fixed->interface, set, true};
	link_once(fixed, both, 2);
	kext_image_unref(set);
	return 0;
}
