/* Loading kexts through kextd, as kextload and kextutil do it. */
#ifndef COMMON_LOAD_H
#define COMMON_LOAD_H

#include "common/instance.h"

struct load_plan {
	const struct option_list *identifiers, *paths; /* what; in this order */
	const struct option_list *dependencies, *repositories;
	enum kext_instance instance;
	enum kext_era era; /* whose words tell the outcome */
	bool no_system, allow_missing;
	bool delay_autounload; /* time to look at what has been loaded */
	unsigned timeout_ms;
	enum kext_severity at_least; /* of the findings that are printed */
};

/*
 * Loads one after the other, each whatever became of the one before, until the user
 * interrupts; prints findings and outcomes. 0, or the first error.
 */
int load_run(const struct load_plan *plan);

#endif
