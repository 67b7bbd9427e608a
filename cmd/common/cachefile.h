/*
 * The files kextcache makes: mkext archives and prelinked kernels, built from chosen
 * kexts and dated by their sources.
 */
#ifndef COMMON_CACHEFILE_H
#define COMMON_CACHEFILE_H

#include <kext/prelink.h>
#include "common/pick.h"

#define CACHEFILE_MAX_ARCHS 64u

enum cachefile_kind { CACHEFILE_MKEXT1, CACHEFILE_MKEXT2, CACHEFILE_PRELINKED };

struct cachefile {
	const char *path; /* "-": standard output */
#define CACHEFILE_MAX_ARCHS 64u

	enum cachefile_kind kind;
	const struct kext_arch *const *archs;
	size_t arch_count;	 /* 0: all of the kernel's, or this machine's */
	const char *kernel;	 /* of a prelinked kernel */
	bool kernel_is_named;	 /* rather than the system's */
	const char *symbols;	 /* folder for symbol files; or NULL */
	const char *volume_root; /* or NULL */
	enum kext_compression compression;
	bool no_link_failures, all_personalities, strip_symbols;
	unsigned jobs;
	struct pick_options pick;
};

/* Makes it; returns an exit status. */
int cachefile_make(struct kext_context *context, const struct cachefile *file);
/* Brings a prelinked kernel into the other form, keeping its time; an exit status. */
int cachefile_convert(const char *path, enum kext_compression compression,
		      unsigned level);

#endif
