/*
 * Personalities for the kernel: kextutil's -m and -p, and what loading a driver means.
 * The userland kernel has no catalogue of drivers yet to take them.
 */
#ifndef COMMON_PERSONALITIES_H
#define COMMON_PERSONALITIES_H

#include "common/offline.h"

struct personalities_plan {
	const struct option_list *names; /* only these; empty: all */
	bool must_be_loaded;		 /* as with -m: nothing else has looked */
};

/*
 * For each kext that the options name: are the personalities there, and does the kernel
 * take them? 0 when there is nothing to send, KEXT_ERR_UNSUPPORTED when there is,
 * KEXT_ERR_NOT_LOADABLE for a kext that is not loaded, KEXT_ERR_INVALID_ARGUMENT for a
 * name that none has; each with a message.
 */
int personalities_send(const struct offline *options,
		       const struct personalities_plan *plan);

#endif
