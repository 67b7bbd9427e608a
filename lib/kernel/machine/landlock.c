/*
 * Landlock, where the Linux kernel has it: a second wall behind the system call filter.
 * The ruleset handles every right its version knows and grants none, so that no file, no
 * TCP port, and no process outside can be reached even by a call the filter let through.
 */
#include <errno.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "kernel/machine/machine.h"

/* As of version 7; headers of an older Linux have fewer fields and names. */
struct ruleset {
	uint64_t files, network, scoped;
};

#define NETWORK_SINCE 4
#define SCOPED_SINCE  6

/* Rights on files that each version handles, by their number: execute (0) to … */
static uint64_t file_rights(int version)
{
	static const unsigned counts[] = {0, 13, 14, 15, 15, 16};
	unsigned last = sizeof(counts) / sizeof(*counts) - 1;
	unsigned count = counts[(unsigned)version < last ? (unsigned)version : last];
	return (UINT64_C(1) << count) - 1;
}

int landlock_version(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION);
	return version < 0 ? 0 : (int)version;
}

int landlock_enter(void)
{
	int version = landlock_version();
	struct ruleset all = {file_rights(version), 3 /* bind, connect */,
			      3 /* abstract sockets, signals */};
	size_t size = version >= SCOPED_SINCE	 ? sizeof(all)
		      : version >= NETWORK_SINCE ? sizeof(all) - sizeof(all.scoped)
						 : sizeof(all.files);
	if (version == 0)
		return 0;
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
	if (ruleset < 0)
		return -errno;
	long failed = syscall(SYS_landlock_restrict_self, ruleset, 0);
	int error = errno;
	close(ruleset);
	return failed ? -error : version;
}
