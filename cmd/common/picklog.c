/* A log of what was judged; see picklog.h. */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include "common/findings.h"
#include "common/picklog.h"
#include "common/print.h"

static void check(int error)
{
	if (error == 0)
		return;
	print_error("%s", kext_error_string(error));
	exit(EX_OSERR);
}

static bool has_text(const struct kext_value *entry, const char *key, const char *text)
{
	return strcmp(kext_value_string(kext_value_get(entry, key)), text) == 0;
}

/* Its entry, cleared of what may not be set again; a fresh one at the end. */
static struct kext_value *entry_of(const struct pick *pick, const char *path)
{
	struct kext_value *log = pick->options.log;
	for (size_t i = 0; i < kext_value_count(log); i++) {
		struct kext_value *entry = kext_value_at(log, i);
		if (!has_text(entry, "path", path) ||
		    !has_text(entry, "arch", pick->arch->name))
			continue;
		kext_value_remove(entry, "reason");
		return entry;
	}
	struct kext_value *entry = kext_value_new_dictionary();
	check(kext_value_append(log, entry)); /* keeps it alive */
	return entry;
}

static void set_text(struct kext_value *entry, const char *key, const char *text)
{
	check(kext_value_set(entry, key, kext_value_new_string(text)));
}

void picklog_add(const struct pick *pick, const struct kext_bundle *bundle,
		 const char *reason, const struct kext_diagnostics *diagnostics)
{
	struct kext_value *groups;
	if (!pick->options.log)
		return;
	struct kext_value *entry = entry_of(pick, kext_bundle_path(bundle));
	set_text(entry, "path", kext_bundle_path(bundle));
	set_text(entry, "identifier", kext_bundle_identifier(bundle));
	set_text(entry, "version", kext_bundle_version_text(bundle));
	set_text(entry, "arch", pick->arch->name);
	check(kext_value_set(entry, "included", kext_value_new_boolean(false)));
	if (reason)
		set_text(entry, "reason", reason);
	check(kext_report_value(diagnostics, kext_context_era(pick->context), &groups));
	check(kext_value_set(entry, "findings", groups));
}

void picklog_finish(const struct pick *pick)
{
	struct kext_value *log = pick->options.log;
	for (size_t i = 0; i < kext_value_count(log); i++) {
		struct kext_value *entry = kext_value_at(log, i);
		const char *path = kext_value_string(kext_value_get(entry, "path"));
		if (has_text(entry, "arch", pick->arch->name) &&
		    pick_has_path(pick, path))
			check(kext_value_set(entry, "included",
					     kext_value_new_boolean(true)));
	}
}
