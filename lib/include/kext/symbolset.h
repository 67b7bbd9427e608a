/*
 * KPI symbol sets: export lists turned into the symbol-only Mach-O files that stand as
 * executables in System.kext's plug-ins.
 */
#ifndef KEXT_SYMBOLSET_H
#define KEXT_SYMBOLSET_H

#include <stdbool.h>
#include <kext/arch.h>
#include <kext/context.h>
#include <kext/diagnostic.h>

struct kext_symbolset_options {
	const struct kext_arch *arch;
	const char *const *exports;	/* paths of export lists */
	size_t export_count;
	const char *const *imports;	/* paths of name lists or Mach-O files that … */
	size_t import_count;		/* … define what may be exported; none: all is */
	const char *output;
	bool keep_missing;		/* no error for names that the imports lack */
};

/*
 * Reads the lists and publishes the symbol set. KEXT_ERR_LINK with diagnostics
 * "symbolset.duplicate", ".missing", ".syntax" that name list and line.
 */
KEXT_API KEXT_MUST_CHECK int kext_symbolset_write(struct kext_context *context,
						  const struct kext_symbolset_options *options,
						  struct kext_diagnostics *diagnostics);

/*
 * Compares lists and imports instead of writing anything: a line "-NAME" for each name that the
 * lists have and the imports lack, "+NAME" for the reverse, sorted. Errors as above; `output` and
 * `keep_missing` are not looked at. free() the text.
 */
KEXT_API KEXT_MUST_CHECK int kext_symbolset_diff(const struct kext_symbolset_options *options,
						 struct kext_diagnostics *diagnostics,
						 char **ret_text);

#endif
