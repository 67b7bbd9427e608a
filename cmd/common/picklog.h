/* What was judged for an archive or a kernel, as data: an entry a kext and architecture.
 */
#ifndef COMMON_PICKLOG_H
#define COMMON_PICKLOG_H

#include "common/pick.h"

/*
 * Notes what was found about a kext, in place of what was noted of it before; `reason`
 * is why it is left out, or NULL. Nothing without a log. Exits 71 without memory.
 */
void picklog_add(const struct pick *pick, const struct kext_bundle *bundle,
		 const char *reason, const struct kext_diagnostics *diagnostics);
/* Notes which of them were chosen for the architecture at hand. */
void picklog_finish(const struct pick *pick);

#endif
