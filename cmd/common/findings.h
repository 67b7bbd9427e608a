/*
 * Everything that can be found about one kext without linking it, in one go, and how it
 * is shown: Darwin's lists on stderr, or JSON on stdout.
 */
#ifndef COMMON_FINDINGS_H
#define COMMON_FINDINGS_H

#include <kext/report.h>
#include <kext/repository.h>
#include <kext/resolve.h>

struct findings_tests {
	const struct kext_repository *repository;
	struct kext_load_checks checks;
	bool resolves;
};

/* Runs all tests, whichever of them fail. 0 or the first error. */
int findings_collect(const struct findings_tests *tests, struct kext_bundle *bundle,
		     struct kext_diagnostics *diagnostics);
/* Adds copies of all findings, or of all but those about dependencies. */
void findings_copy(const struct kext_diagnostics *from, bool without_dependencies,
		   struct kext_diagnostics *to);
/* `Diagnostics for NAME:` and the lists of the era on stderr; nothing without findings.
 */
void findings_print(const char *name, const struct kext_diagnostics *diagnostics,
		    enum kext_era era);

/*
 * The document of a run, for json_print: of all messages, then an entry for each kext.
 * 0, -ENOMEM or KEXT_ERR_SERIALIZATION.
 */
int findings_json(const struct kext_diagnostics *diagnostics,
		  struct kext_value **ret_report);
int findings_json_add(struct kext_value *report, const char *name,
		      const struct kext_bundle *bundle, int error,
		      const struct kext_diagnostics *diagnostics, enum kext_era era);

#endif
