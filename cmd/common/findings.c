/* All findings about one kext; see findings.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/findings.h"
#include "common/json.h"

static int resolve(const struct findings_tests *tests, struct kext_bundle *bundle,
		   struct kext_diagnostics *diagnostics)
{
	struct kext_load_list *list;
	int error = kext_resolve(tests->repository, bundle, NULL, 0, tests->checks.arch,
				 diagnostics, &list);
	if (error < 0)
		return error;
	error = kext_load_list_check(list, &tests->checks, diagnostics);
	kext_load_list_free(list);
	return error;
}

int findings_collect(const struct findings_tests *tests, struct kext_bundle *bundle,
		     struct kext_diagnostics *diagnostics)
{
	int first = kext_bundle_validate(bundle, tests->checks.arch, diagnostics);
	int error = kext_repository_check(tests->repository, bundle, tests->checks.arch,
					  diagnostics);
	first = first ? first : error;
	if (tests->checks.authenticates)
		error = kext_bundle_authenticate(bundle, tests->checks.owner,
						 diagnostics);
	first = first ? first : error;
	if (tests->resolves)
		error = resolve(tests, bundle, diagnostics);
	return first ? first : error;
}

void findings_copy(const struct kext_diagnostics *from, bool without_dependencies,
		   struct kext_diagnostics *to)
{
	const struct kext_diagnostic *item;
	for (size_t i = 0; (item = kext_diagnostics_at(from, i)); i++)
		if (!without_dependencies || strncmp(item->slug, "dependency.", 11) != 0)
			kext_diagnose_value(to, item->severity, item->slug, item->subject,
					    item->value, item->hint, "%s", item->message);
}

void findings_print(const char *name, const struct kext_diagnostics *diagnostics,
		    enum kext_era era)
{
	char *text;
	if (kext_report_text(diagnostics, era, &text) < 0)
		return;
	if (*text)
		fprintf(stderr, "Diagnostics for %s:\n%s\n", name, text);
	free(text);
}

static int set_text(struct kext_value *to, const char *key, const char *text)
{
	return kext_value_set(to, key, kext_value_new_string(text));
}

int findings_json(const struct kext_diagnostics *diagnostics,
		  struct kext_value **ret_report)
{
	struct kext_value *report;
	int error = kext_report_list(diagnostics, &report);
	if (error < 0)
		return error;
	/* The document's schema says it in place of the list's own. */
	kext_value_remove(report, "version");
	report = json_document_of("kextutil/1", "", report);
	error = kext_value_set(report, "kexts", kext_value_new_array());
	if (error < 0)
		kext_value_unref(report);
	else
		*ret_report = report;
	return error;
}

int findings_json_add(struct kext_value *report, const char *name,
		      const struct kext_bundle *bundle, int error,
		      const struct kext_diagnostics *diagnostics, enum kext_era era)
{
	struct kext_value *groups, *kext = kext_value_new_dictionary();
	struct kext_value *kexts = kext_value_get(report, "kexts");
	int result = kext_value_append(kexts, kext); /* keeps it alive */
	if (result == 0)
		result = set_text(kext, "name", name);
	if (result == 0 && bundle)
		result = set_text(kext, "identifier", kext_bundle_identifier(bundle));
	if (result == 0 && bundle)
		result = set_text(kext, "version", kext_bundle_version_text(bundle));
	if (result == 0)
		result = kext_value_set(kext, "loadable", kext_value_new_boolean(!error));
	if (result == 0 && error < 0)
		result = set_text(kext, "error", kext_error_string(error));
	if (result == 0)
		result = kext_report_value(diagnostics, era, &groups);
	return result < 0 ? result : kext_value_set(kext, "findings", groups);
}
