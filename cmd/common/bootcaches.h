/*
 * What a volume's usr/standalone/bootcaches.plist says of its boot cache: which file, of
 * what kind, from which folders and kernel.
 */
#ifndef COMMON_BOOTCACHES_H
#define COMMON_BOOTCACHES_H

#include "common/cachefile.h"

#define BOOTCACHES_MAX_ARCHS 8u

struct bootcaches {
	char *volume;		  /* absolute, without symbolic links */
	struct kext_value *plist; /* NULL: the volume has none */
	bool has_cache;		  /* one of a kind known here is described; the rest: */
	enum cachefile_kind kind;
	const char *path;	    /* NULL: none, or it leads out of the volume */
	const char *kernel;	    /* likewise */
	struct option_list folders; /* that are there */
	const struct kext_arch *archs[BOOTCACHES_MAX_ARCHS];
	size_t arch_count; /* 0: none are stated */
	enum kext_compression compression;
	struct option_list texts; /* paths, owned */
};

/*
 * EX_OK; EX_NOINPUT: the volume is not there or the file cannot be read; EX_DATAERR: it
 * makes no sense. Each failure was printed. *ret is to be freed in any case.
 */
int bootcaches_read(const char *volume, struct bootcaches *ret);
void bootcaches_free(struct bootcaches *boot);

#endif
