/*
 * Findings about a kext or an archive, as data: what is wrong, where, and what to do. The
 * library collects them; commands print them as text, property list or JSON.
 */
#ifndef KEXT_DIAGNOSTIC_H
#define KEXT_DIAGNOSTIC_H

#include <stdbool.h>
#include <stddef.h>
#include <kext/error.h>

enum kext_severity { KEXT_NOTE, KEXT_WARNING, KEXT_ERROR };

struct kext_diagnostic {
	enum kext_severity severity;
	const char *slug;	/* stable name, "auth.owner"; static storage */
	char *subject;		/* path or identifier the finding is about; never NULL */
	char *message;		/* what was found and what was expected */
	char *hint;		/* what to do; NULL when there is nothing to add */
	char *value;		/* what Darwin's lists show: a property path, an identifier; or NULL */
};

struct kext_diagnostics;

/* An empty list, or NULL without memory. The caller frees it with kext_diagnostics_free. */
KEXT_API struct kext_diagnostics *kext_diagnostics_new(void);
/* Takes NULL. Returns NULL. */
KEXT_API struct kext_diagnostics *kext_diagnostics_free(struct kext_diagnostics *list);

/*
 * Adds a finding. `list` may be NULL: then nothing is kept. `slug` must be a literal;
 * `hint` may be NULL; `subject` and `hint` are copied. Without memory the finding is lost but
 * kext_diagnostics_count still counts it by severity.
 */
KEXT_API void kext_diagnose(struct kext_diagnostics *list, enum kext_severity severity,
			    const char *slug, const char *subject, const char *hint,
			    const char *format, ...) __attribute__((format(printf, 6, 7)));

/* The same with a value, which is copied; NULL: none. */
KEXT_API void kext_diagnose_value(struct kext_diagnostics *list, enum kext_severity severity,
				  const char *slug, const char *subject, const char *value,
				  const char *hint, const char *format, ...)
	__attribute__((format(printf, 7, 8)));

/* Number of findings of at least this severity. */
KEXT_API size_t kext_diagnostics_count(const struct kext_diagnostics *list,
				       enum kext_severity at_least);
/* Number of findings kept, for kext_diagnostics_at. */
KEXT_API size_t kext_diagnostics_length(const struct kext_diagnostics *list);
/* Finding number `index`, owned by the list. NULL past the end. */
KEXT_API const struct kext_diagnostic *
kext_diagnostics_at(const struct kext_diagnostics *list, size_t index);
/* Moves all findings of `from` to the end of `to`; NULL: nobody asks, they stay. */
KEXT_API void kext_diagnostics_move(struct kext_diagnostics *to,
				    struct kext_diagnostics *from);
/* "note", "warning", "error". */
KEXT_API const char *kext_severity_name(enum kext_severity severity);

#endif
