/*
 * A whole set: any bytes as a library in the middle of it, linked against a KPI and a
 * sound library, and linked against by two kexts. On two threads as on one: images,
 * errors and findings are the same. And the bytes as the kernel's file.
 */
#include <kext/linkset.h>
#include "kernel.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ALL WORLD_NEEDS("com.apple.kpi.libkern") WORLD_NEEDS("org.library")

/* What does not depend on the input, each CPU's made once. */
struct fixed {
	const struct cpu *cpu;
	const struct kext_arch *arch;
	struct kext_kernel_file *kernel;
	uint8_t *interface, *library, *user;
	size_t interface_size, library_size, user_size;
};

static void build_interface(struct fixed *fixed)
{
	struct macho_builder b = {.cputype = fixed->cpu->cputype,
				  .filetype = MH_KEXT_BUNDLE};
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		macho_builder_symbol(&b, functions[i], N_EXT, 0, 0, 0);
	for (size_t i = 0; i < sizeof(vtables) / sizeof(*vtables); i++)
		macho_builder_symbol(&b, vtables[i].name, N_EXT, 0, 0, 0);
	macho_builder_indirect(&b, "_alias", "_IOLog", 0);
	if (macho_builder_finish(&b, &fixed->interface, &fixed->interface_size))
		abort();
	macho_builder_free(&b);
}

static const struct fixed *fixed_for(const struct cpu *cpu)
{
	static const char *const below[] = {"_printf", "_alias"};
	static const char *const above[] = {"_printf", "_library", "_kmod_start",
					    "__ZTV3Foo"};
	static struct fixed all[5];
	struct fixed *fixed = all;
	uint8_t *data;
	size_t size;
	while (fixed->cpu && fixed->cpu != cpu)
		fixed++;
	if (fixed->cpu)
		return fixed;
	fixed->cpu = cpu;
	fixed->arch = kext_arch_numbered(cpu->cputype, 0);
	build_kernel(cpu, &data, &size);
	fixed->kernel = open_kernel_file(fixed->arch, data, size);
	free(data);
	build_interface(fixed);
	build_kext(cpu, below, 2, "_library", &fixed->library, &fixed->library_size);
	build_kext(cpu, above, 4, "_user", &fixed->user, &fixed->user_size);
	return fixed;
}

static int choose_address(void *data, const struct kext_bundle *bundle, uint64_t size,
			  uint64_t *ret_address)
{
	uint64_t *next = data;
	(void)bundle;
	*ret_address = *next;
	*next += size;
	return 0;
}

struct run {
	uint64_t next;
	struct kext_diagnostics *list;
	struct kext_linkset *set;
};

static void link_on(struct run *run, struct kext_kernel_file *kernel,
		    const struct kext_arch *arch, struct world *world,
		    struct kext_bundle *const *bundles, size_t count, unsigned jobs)
{
	*run = (struct run){.next = BASE + 0x100000, .list = kext_diagnostics_new()};
	struct kext_linkset_options options = {
		.repository = world->repository,
		.kernel = kernel,
		.arch = arch,
		.bundles = bundles,
		.bundle_count = count,
		.address = choose_address,
		.address_data = &run->next,
		.jobs = jobs,
		.allow_missing = true,
	};
	world_must(kext_linkset_new(&options, run->list, &run->set));
	for (size_t i = 0; i < count; i++)
		if (kext_linkset_status(run->set, i) < 0 &&
		    kext_diagnostics_count(run->list, KEXT_ERROR) == 0)
			abort(); /* every refusal has a reason */
}

static void compare_findings(const struct kext_diagnostics *a,
			     const struct kext_diagnostics *b)
{
	if (kext_diagnostics_length(a) != kext_diagnostics_length(b))
		abort();
	for (size_t i = 0; i < kext_diagnostics_length(a); i++)
		if (strcmp(kext_diagnostics_at(a, i)->message,
			   kext_diagnostics_at(b, i)->message) != 0)
			abort();
}

static void compare(const struct run *a, const struct run *b)
{
	compare_findings(a->list, b->list);
	if (a->next != b->next ||
	    kext_linkset_count(a->set) != kext_linkset_count(b->set))
		abort();
	for (size_t i = 0; i < kext_linkset_count(a->set); i++) {
		const struct kext_linked *x = kext_linkset_at(a->set, i);
		const struct kext_linked *y = kext_linkset_at(b->set, i);
		if (x->error != y->error || x->size != y->size ||
		    (x->size && memcmp(x->data, y->data, x->size) != 0))
			abort();
	}
}

static void free_run(struct run *run)
{
	kext_linkset_free(run->set);
	kext_diagnostics_free(run->list);
}

static void link_with(const struct fixed *fixed, struct world *world, const uint8_t *data,
		      size_t size)
{
	struct kext_bundle *bundles[] = {
		world_add(world, "org.input", WORLD_LIBRARIES(ALL), data, size),
		world_add(world, "org.user",
			  WORLD_LIBRARIES(ALL WORLD_NEEDS("org.input")), fixed->user,
			  fixed->user_size),
		world_add(world, "org.other",
			  WORLD_LIBRARIES(ALL WORLD_NEEDS("org.input")), fixed->library,
			  fixed->library_size),
	};
	struct run runs[2];
	for (unsigned i = 0; i < 2; i++)
		link_on(&runs[i], fixed->kernel, fixed->arch, world, bundles, 3, i + 1);
	compare(&runs[0], &runs[1]);
	free_run(&runs[0]);
	free_run(&runs[1]);
}

static void link_against(const struct fixed *fixed, struct world *world,
			 struct kext_bundle *library, const uint8_t *data, size_t size)
{
	struct kext_kernel_file *kernel = open_kernel_file(fixed->arch, data, size);
	struct run run;
	if (!kernel)
		return;
	(void)kext_kernel_file_version(kernel);
	(void)kext_kernel_file_address(kernel);
	(void)kext_kernel_file_lacks(kernel, "_kmod_info");
	link_on(&run, kernel, fixed->arch, world, &library, 1, 1);
	free_run(&run);
	kext_kernel_file_unref(kernel);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct fixed *fixed = fixed_for(claimed_cpu(data, size));
	struct world world;
	world_open(&world);
	world_add(&world, "com.apple.kpi.libkern", WORLD_COMPONENT, fixed->interface,
		  fixed->interface_size);
	struct kext_bundle *library =
		world_add(&world, "org.library",
			  WORLD_LIBRARIES(WORLD_NEEDS("com.apple.kpi.libkern")),
			  fixed->library, fixed->library_size);
	link_with(fixed, &world, data, size);
	link_against(fixed, &world, library, data, size);
	world_close(&world);
	return 0;
}
