/*
 * The tests of a kext short of its link: properties, executable, owners and modes,
 * dependencies, and what LIEF reads in its executable.
 */
#ifndef COMMON_JUDGEMENT_H
#define COMMON_JUDGEMENT_H

#include "common/world.h"

/* 0 or the first error; the findings stay in candidate->findings, too. */
int judge(struct world *world, struct candidate *candidate,
	  struct kext_diagnostics *diagnostics);

#endif
