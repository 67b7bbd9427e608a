/*
 * Findings as Darwin's tools list them: in groups, under fixed headings, with the property
 * paths, files and identifiers concerned. The slugs are ours and stable; this is the table
 * between them and Darwin's keys.
 */
#ifndef KEXT_REPORT_H
#define KEXT_REPORT_H

#include <kext/context.h>
#include <kext/diagnostic.h>
#include <kext/value.h>

enum kext_report_class {
	KEXT_REPORT_VALIDATION,
	KEXT_REPORT_AUTHENTICATION,
	KEXT_REPORT_DEPENDENCIES,
	KEXT_REPORT_WARNINGS,
	KEXT_REPORT_BOOT_LEVEL,
	KEXT_REPORT_OTHER,	/* of the linker, archives and the kernel: no group of Darwin's */
};

enum kext_report_shape {
	KEXT_REPORT_FLAG,	/* the heading says it all */
	KEXT_REPORT_MESSAGES,	/* the messages of the findings */
	KEXT_REPORT_VALUES,	/* the values of the findings; their subjects for want of one */
};

struct kext_report_row {
	const char *slug;
	enum kext_report_class class;
	enum kext_report_shape shape;
	const char *key;	/* Darwin's constant; NULL where Darwin has none */
	const char *heading;
};

/* Rows of the table by position, NULL past the end, and by slug, NULL for other slugs. */
KEXT_API const struct kext_report_row *kext_report_row_at(size_t index);
KEXT_API const struct kext_report_row *kext_report_row(const char *slug);
/* "Validation Failures", "Warnings", … as the era writes it. */
KEXT_API const char *kext_report_class_name(enum kext_report_class class, enum kext_era era);

/*
 * Warnings and errors as a dictionary of groups, each a dictionary from heading to true or to
 * an array of strings; empty without findings. Tiger's has no warnings, and counts among
 * the validation failures what only Tiger refuses. 0 or -ENOMEM.
 */
KEXT_API KEXT_MUST_CHECK int kext_report_value(const struct kext_diagnostics *diagnostics,
					       enum kext_era era,
					       struct kext_value **ret_value);
/*
 * The same as text: the group, headings indented by 4, values by 8; in Tiger's era an old-style
 * property list. Empty without findings. The caller frees. 0 or -ENOMEM.
 */
KEXT_API KEXT_MUST_CHECK int kext_report_text(const struct kext_diagnostics *diagnostics,
					      enum kext_era era, char **ret_text);
/*
 * All findings in their order, for kext_value_to_json: {"version": 1, "diagnostics": [{"severity",
 * "slug", "class", "subject", "message" and, where there are any, "key", "value", "hint"}]}.
 * 0 or -ENOMEM.
 */
KEXT_API KEXT_MUST_CHECK int kext_report_list(const struct kext_diagnostics *diagnostics,
					      struct kext_value **ret_value);

#endif
