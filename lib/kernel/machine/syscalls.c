/* Linux' system calls by number, for reports: the build takes them from its headers. */
#include <linux/audit.h>
#include "kernel/machine/machine.h"

#define X32_BIT 0x40000000

const char *syscall_name(unsigned arch, int number)
{
	const char *const *names =
		arch == AUDIT_ARCH_I386 ? syscall_names_32 : syscall_names_64;
	unsigned count = arch == AUDIT_ARCH_I386 ? syscall_count_32 : syscall_count_64;
	unsigned index = (unsigned)(arch == AUDIT_ARCH_I386 ? number : number & ~X32_BIT);
	const char *name = index < count ? names[index] : NULL;
	return name ? name : "of an unknown number";
}
