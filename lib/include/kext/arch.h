/*
 * Architectures by the names that -arch takes and by Mach-O's numbers.
 */
#ifndef KEXT_ARCH_H
#define KEXT_ARCH_H

#include <stdint.h>
#include <kext/error.h>

#define KEXT_CPU_ARCH_64   0x01000000u
#define KEXT_CPU_I386	   7u
#define KEXT_CPU_X86_64	   (7u | KEXT_CPU_ARCH_64)
#define KEXT_CPU_ARM	   12u
#define KEXT_CPU_ARM64	   (12u | KEXT_CPU_ARCH_64)
#define KEXT_CPU_PPC	   18u
#define KEXT_CPU_PPC64	   (18u | KEXT_CPU_ARCH_64)
#define KEXT_CPU_ANY	   0xffffffffu

struct kext_arch {
	const char *name;	/* "x86_64", "arm64e", … */
	uint32_t cputype;
	uint32_t cpusubtype;	/* without the capability bits */
};

/* The row for a name, or NULL. Static. */
KEXT_API const struct kext_arch *kext_arch_named(const char *name);
/* The row for the numbers: the exact subtype, else the CPU's generic row, else NULL. */
KEXT_API const struct kext_arch *kext_arch_numbered(uint32_t cputype, uint32_t cpusubtype);
/* What runs here: x86_64. */
KEXT_API const struct kext_arch *kext_arch_host(void);
/* Generic name of a CPU ("arm" for armv7), as property keys carry it; NULL if unknown. */
KEXT_API const char *kext_arch_generic_name(uint32_t cputype);

#endif
