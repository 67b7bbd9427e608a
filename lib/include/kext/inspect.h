/*
 * The second opinion on a Mach-O: LIEF, in the worker program kext-inspect, behind our own
 * preflight. Never on the path of linking; a worker that dies is one finding.
 */
#ifndef KEXT_INSPECT_H
#define KEXT_INSPECT_H

#include <stddef.h>
#include <kext/context.h>
#include <kext/diagnostic.h>

/*
 * Compares LIEF's reading of a file (fat or thin, at most 1 GiB) with ours; each field on
 * which they differ is a warning "inspect.differs" about `subject`, a worker that died or
 * timed out a warning "inspect.worker", a file that preflight holds back from LIEF a note
 * "inspect.preflight". The worker is found beside the library ($KEXT_LIBEXECDIR first).
 * 0 when the comparison took place and everything agreed, KEXT_ERR_VALIDATION otherwise.
 */
KEXT_API KEXT_MUST_CHECK int kext_inspect(struct kext_context *context, const void *data,
					  size_t size, const char *subject,
					  struct kext_diagnostics *diagnostics);

#endif
