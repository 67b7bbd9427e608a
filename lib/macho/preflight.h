/*
 * What LIEF 0.9 must not be shown: rules that hold back files it is known to die on or to
 * read wrongly without a word. They lower the rate; the worker's process boundary is the
 * guarantee.
 */
#ifndef MACHO_PREFLIGHT_H
#define MACHO_PREFLIGHT_H

#include "macho/macho.h"

/*
 * 0 when a file of `count` slices (one of its images) may be shown as far as it goes; else
 * KEXT_ERR_VALIDATION with a note "inspect.preflight" about `subject`.
 */
int preflight_file(struct bytes file, int count, const char *subject,
		   struct kext_diagnostics *diagnostics) KEXT_MUST_CHECK;
int preflight_image(const struct macho *image, const char *subject,
		    struct kext_diagnostics *diagnostics) KEXT_MUST_CHECK;

#endif
