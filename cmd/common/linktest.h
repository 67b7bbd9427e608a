/* A load without a kernel: every kext of a load list is linked, none is loaded. */
#ifndef COMMON_LINKTEST_H
#define COMMON_LINKTEST_H

#include <kext/resolve.h>

/*
 * Links what is not loaded in the list, in its order, against our kernel's description at
 * addresses of no consequence. 0, or an error with diagnostics.
 */
int link_test(const struct kext_load_list *list, bool allow_missing,
	      struct kext_diagnostics *diagnostics);

#endif
