/*
 * The table of architectures. Within a CPU the first row is its generic one, which stands
 * for subtypes that have no row.
 */
#include <string.h>
#include <kext/arch.h>

#define CAPABILITY_BITS 0xff000000u

static const struct kext_arch archs[] = {
	{"x86_64", KEXT_CPU_X86_64, 3}, {"x86_64h", KEXT_CPU_X86_64, 8},
	{"i386", KEXT_CPU_I386, 3},	{"arm", KEXT_CPU_ARM, 0},
	{"armv4t", KEXT_CPU_ARM, 5},	{"armv6", KEXT_CPU_ARM, 6},
	{"armv5", KEXT_CPU_ARM, 7},	{"xscale", KEXT_CPU_ARM, 8},
	{"armv7", KEXT_CPU_ARM, 9},	{"armv7f", KEXT_CPU_ARM, 10},
	{"armv7s", KEXT_CPU_ARM, 11},	{"armv7k", KEXT_CPU_ARM, 12},
	{"armv8", KEXT_CPU_ARM, 13},	{"armv6m", KEXT_CPU_ARM, 14},
	{"armv7m", KEXT_CPU_ARM, 15},	{"armv7em", KEXT_CPU_ARM, 16},
	{"arm64", KEXT_CPU_ARM64, 0},	{"arm64v8", KEXT_CPU_ARM64, 1},
	{"arm64e", KEXT_CPU_ARM64, 2},	{"ppc", KEXT_CPU_PPC, 0},
	{"ppc603", KEXT_CPU_PPC, 3},	{"ppc604", KEXT_CPU_PPC, 6},
	{"ppc750", KEXT_CPU_PPC, 9},	{"ppc7400", KEXT_CPU_PPC, 10},
	{"ppc7450", KEXT_CPU_PPC, 11},	{"ppc970", KEXT_CPU_PPC, 100},
	{"ppc64", KEXT_CPU_PPC64, 0},	{"ppc970-64", KEXT_CPU_PPC64, 100},
};

#define ARCH_COUNT (sizeof(archs) / sizeof(archs[0]))

const struct kext_arch *kext_arch_named(const char *name)
{
	for (size_t i = 0; i < ARCH_COUNT; i++)
		if (strcmp(archs[i].name, name) == 0)
			return &archs[i];
	return NULL;
}

const struct kext_arch *kext_arch_numbered(uint32_t cputype, uint32_t cpusubtype)
{
	const struct kext_arch *generic = NULL;
	for (size_t i = 0; i < ARCH_COUNT; i++) {
		if (archs[i].cputype != cputype)
			continue;
		if (archs[i].cpusubtype == (cpusubtype & ~CAPABILITY_BITS))
			return &archs[i];
		generic = generic ? generic : &archs[i];
	}
	return generic;
}

const struct kext_arch *kext_arch_host(void)
{
	return &archs[0];
}

const char *kext_arch_generic_name(uint32_t cputype)
{
	for (size_t i = 0; i < ARCH_COUNT; i++)
		if (archs[i].cputype == cputype)
			return archs[i].name;
	return NULL;
}
