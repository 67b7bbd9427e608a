/*
 * The files kextcache makes: mkext archives and prelinked kernels, built from chosen
 * kexts and dated by their sources.
 */
#ifndef COMMON_CACHEFILE_H
#define COMMON_CACHEFILE_H

#include <time.h>
#include <kext/prelink.h>
#include "common/pick.h"

enum cachefile_kind { CACHEFILE_MKEXT1, CACHEFILE_MKEXT2, CACHEFILE_PRELINKED };

struct cachefile {
	const char *path; /* "-": standard output */
	enum cachefile_kind kind;
	const struct kext_arch **archs;
	size_t arch_count;
	const char *kernel;	 /* of a prelinked kernel */
	const char *symbols;	 /* folder for symbol files; or NULL */
	const char *volume_root; /* or NULL */
	enum kext_compression compression;
	bool no_link_failures, all_personalities;
	unsigned jobs;
	struct pick_options pick;
};

/* Makes it; returns an exit status. */
int cachefile_make(struct kext_context *context, const struct cachefile *file);
/* Brings a prelinked kernel into the other form, keeping its time; an exit status. */
int cachefile_convert(const char *path, enum kext_compression compression,
		      unsigned level);
/*
 * The time, in seconds, that a file made from these folders (and a kernel, or NULL) has:
 * a second after the newest folder, or after the kernel if that is newer still. 0: none
 * of them is there.
 */
time_t cachefile_time(const struct option_list *folders, const char *kernel);

#endif
