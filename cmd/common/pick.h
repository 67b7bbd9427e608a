/*
 * Which kexts go into an archive or a kernel: those named, those of folders, filtered by
 * OSBundleRequired, judged one by one. What is left out is said.
 */
#ifndef COMMON_PICK_H
#define COMMON_PICK_H

#include <kext/repository.h>
#include "common/options.h"

/* Exit statuses of kextcache alone. */
enum {
	EXIT_NOT_FOUND = 1,
	EXIT_ARCH = 2,
	EXIT_BAD_KEXT = 3,
	EXIT_STALE = 4,
	EXIT_OTHER = 11,
};

enum pick_filter { /* by OSBundleRequired; any of them lets Root and Console pass too */
		   PICK_LOCAL_ROOT = 1 << 0,
		   PICK_NETWORK_ROOT = 1 << 1,
		   PICK_SAFE_BOOT = 1 << 2,
};

struct pick_options {
	const struct option_list *operands;    /* kexts and folders, as on the line */
	const struct option_list *identifiers; /* -b: then only these */
	const struct option_list *loaded;      /* -r: identifiers, if they are known */
	unsigned folder_filter, named_filter;  /* 0: no restriction */
	bool skips_authentication;
	bool only_newest;	 /* one version of an identifier */
	bool needs_dependencies; /* a kext without them is left out */
	bool has_other_archs;	 /* code for one of several is enough */
	bool own_components;	 /* our own KPI plug-ins serve */
	bool system_folders;	 /* dependencies may be in the default repositories */
	bool prints_findings;	 /* -t */
	bool quiet;
	unsigned level;
	const char *suffix;	/* of messages: " from mkext" or "" */
	struct kext_value *log; /* an array for picklog.h, or NULL */
};

struct pick {
	struct pick_options options;
	struct kext_context *context;
	const struct kext_arch *arch;
	struct kext_repository *folders; /* of the folders given */
	struct kext_repository *known;	 /* where dependencies are looked for */
	struct kext_bundle **named;	 /* by operand; NULL for folders */
	struct kext_bundle **bundles;	 /* chosen for `arch` */
	size_t count, capacity;
	int status; /* exit status so far */
};

/* Opens all that is named. 0 or an error, which was printed. */
int pick_open(struct pick *pick, struct kext_context *context,
	      const struct pick_options *options);
/* Chooses for an architecture, anew. */
void pick_choose(struct pick *pick, const struct kext_arch *arch);
void pick_close(struct pick *pick);

/* Whether the kext at this path has been chosen. */
bool pick_has_path(const struct pick *pick, const char *path);
/* Whether an operand names a kext rather than a folder of kexts. */
bool pick_is_kext_name(const char *path);

#endif
