/* Loading with questions: kextutil -i and -I. */
#ifndef COMMON_INTERACTIVE_H
#define COMMON_INTERACTIVE_H

#include "common/load.h"
#include "common/offline.h"

enum { INTERACTIVE_ABORTED = 1 };

/*
 * Asks before each named kext, and with `asks_all` before each that it needs and that is
 * not loaded, whether to load it; all of a kext's questions come before it is loaded, so
 * that a refusal leaves nothing half done. 0, the first error, or INTERACTIVE_ABORTED,
 * after which nothing more was loaded.
 */
int interactive_run(const struct offline *options, const struct load_plan *plan,
		    bool asks_all);

#endif
