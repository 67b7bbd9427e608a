/*
 * One life of kexts in a kernel of their own: loaded, started, set, stopped, unloaded,
 * and what the kernel's checks found meanwhile. Nothing stays behind.
 */
#ifndef COMMON_RUN_H
#define COMMON_RUN_H

#include "common/load.h"

struct run_plan {
	struct load_plan load;		    /* instance is ignored */
	const struct option_list *settings; /* NAME=VALUE of sysctls, in this order */
	const char *boot_args;		    /* NULL: none */
	bool as_json;
};

/* The exit status: 0, 65 (a check found something), 70, 71 or 75. */
int run_privately(const struct run_plan *plan);

#endif
