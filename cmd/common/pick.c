/* Choosing kexts; see pick.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include <kext/resolve.h>
#include "common/pick.h"
#include "common/picklog.h"
#include "common/print.h"

/* A finding about one kext goes out at once, before what is decided about it. */
static void flush(struct kext_diagnostics **diagnostics, enum kext_severity at_least)
{
	print_diagnostics(*diagnostics, at_least);
	kext_diagnostics_free(*diagnostics);
	*diagnostics = kext_diagnostics_new();
}

bool pick_is_kext_name(const char *path)
{
	size_t length = strlen(path);
	while (length > 1 && path[length - 1] == '/')
		length--;
	return length > 5 && memcmp(path + length - 5, ".kext", 5) == 0;
}

/* ---- the list ---- */

bool pick_has_path(const struct pick *pick, const char *path)
{
	for (size_t i = 0; i < pick->count; i++) {
		if (strcmp(kext_bundle_path(pick->bundles[i]), path) == 0)
			return true;
	}
	return false;
}

/* The place of a kext of this identifier, when one version of it is enough. */
static struct kext_bundle **same_identifier(struct pick *pick,
					    const struct kext_bundle *bundle)
{
	for (size_t i = 0; pick->options.only_newest && i < pick->count; i++) {
		if (strcmp(kext_bundle_identifier(pick->bundles[i]),
			   kext_bundle_identifier(bundle)) == 0)
			return &pick->bundles[i];
	}
	return NULL;
}

static void push(struct pick *pick, struct kext_bundle *bundle)
{
	struct kext_bundle **other = same_identifier(pick, bundle);
	if (other) {
		if (kext_bundle_version(bundle) <= kext_bundle_version(*other))
			return;
		kext_bundle_unref(*other);
		*other = kext_bundle_ref(bundle);
		return;
	}
	if (pick->count == pick->capacity) {
		pick->capacity = pick->capacity ? pick->capacity * 2 : 64;
		struct kext_bundle **grown =
			reallocarray(pick->bundles, pick->capacity, sizeof(*grown));
		if (!grown) {
			print_error("%s", strerror(ENOMEM));
			exit(EX_OSERR);
		}
		pick->bundles = grown;
	}
	pick->bundles[pick->count++] = kext_bundle_ref(bundle);
}

static void clear(struct pick *pick)
{
	for (size_t i = 0; i < pick->count; i++)
		kext_bundle_unref(pick->bundles[i]);
	pick->count = 0;
}

/* ---- judging ---- */

static bool passes_filter(const struct pick *pick, const struct kext_bundle *bundle,
			  unsigned filter)
{
	const char *required = kext_value_string(
		kext_bundle_property(bundle, "OSBundleRequired", pick->arch));
	if (!filter)
		return true;
	if (!required)
		return false;
	if (strcmp(required, "Root") == 0 || strcmp(required, "Console") == 0)
		return true;
	if (strcmp(required, "Local-Root") == 0)
		return filter & PICK_LOCAL_ROOT;
	if (strcmp(required, "Network-Root") == 0)
		return filter & PICK_NETWORK_ROOT;
	return strcmp(required, "Safe Boot") == 0 && (filter & PICK_SAFE_BOOT);
}

/* Why a kext is left out, or NULL; *ret_status is the exit status that stands for it. */
static const char *reason_against(const struct pick *pick, struct kext_bundle *bundle,
				  struct kext_diagnostics *diagnostics, int *ret_status)
{
	static char text[96];
	const void *data;
	size_t size;
	*ret_status = EXIT_BAD_KEXT;
	if (kext_bundle_has_executable(bundle) &&
	    kext_bundle_slice(bundle, pick->arch, diagnostics, &data, &size) ==
		    KEXT_ERR_ARCH_NOT_FOUND) {
		*ret_status = pick->options.has_other_archs ? EX_OK : EXIT_ARCH;
		snprintf(text, sizeof(text), "doesn't support architecture '%s'",
			 pick->arch->name);
		return text;
	}
	if (kext_bundle_validate(bundle, pick->arch, diagnostics) < 0)
		return "is not valid";
	*ret_status = EX_NOPERM;
	if (!pick->options.skips_authentication &&
	    kext_bundle_authenticate(bundle, geteuid(), diagnostics) < 0)
		return pick->options.needs_dependencies ? "does not authenticate"
							: "is not authentic";
	return NULL;
}

/*
 * What cannot be resolved here may be where an archive is used, so that is a warning
 * only; into a kernel a kext goes with all it needs.
 */
static bool has_dependencies(struct pick *pick, struct kext_bundle *bundle,
			     struct kext_diagnostics *found)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	struct kext_load_list *list = NULL;
	bool is_fatal = pick->options.needs_dependencies;
	int error = kext_resolve(pick->known, bundle, NULL, 0, pick->arch, diagnostics,
				 &list);
	if (error < 0) {
		if (pick->options.level > 0 || pick->options.prints_findings || is_fatal)
			print_diagnostics(diagnostics, KEXT_WARNING);
		if (!pick->options.quiet)
			print_error("%s is missing dependencies (%s)",
				    kext_bundle_name(bundle),
				    is_fatal ? "omitting" : "including anyway");
	}
	kext_load_list_free(list);
	kext_diagnostics_move(found, diagnostics);
	kext_diagnostics_free(diagnostics);
	return error == 0 || !is_fatal;
}

/* What lacks code for one CPU is no news about a folder of kexts for several. */
static void explain(const struct pick *pick, const struct kext_bundle *bundle,
		    const char *reason, int status, bool is_named)
{
	const struct pick_options *options = &pick->options;
	bool is_arch = status == EXIT_ARCH || status == EX_OK;
	bool is_skipped = is_arch && options->needs_dependencies;
	if (!is_named && (options->quiet || (is_skipped && options->level < 4)))
		return;
	print_error("%s %s; %s%s.", kext_bundle_name(bundle), reason,
		    is_skipped ? "skipping" : "omitting", options->suffix);
}

/* A kext that was named and is left out makes the command fail; one of a folder does not.
 */
static void judge(struct pick *pick, struct kext_bundle *bundle, bool is_named)
{
	const struct pick_options *options = &pick->options;
	int status;
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	const char *reason = reason_against(pick, bundle, diagnostics, &status);
	if (is_named || options->level > 0 || options->prints_findings)
		print_diagnostics(diagnostics, KEXT_WARNING);
	if (reason) {
		explain(pick, bundle, reason, status, is_named);
	} else if (!has_dependencies(pick, bundle, diagnostics)) {
		reason = "is missing dependencies";
		status = EXIT_BAD_KEXT;
	}
	picklog_add(pick, bundle, reason, diagnostics);
	kext_diagnostics_free(diagnostics);
	if (!reason)
		push(pick, bundle);
	else if (is_named && status != EX_OK)
		pick->status = status;
}

static void consider(struct pick *pick, struct kext_bundle *bundle, bool is_named)
{
	const struct pick_options *options = &pick->options;
	unsigned filter = is_named ? options->named_filter : options->folder_filter;
	if (pick_has_path(pick, kext_bundle_path(bundle)))
		return;
	if (passes_filter(pick, bundle, filter))
		judge(pick, bundle, is_named);
	else if (options->level >= 4)
		print_error("%s does not match OSBundleRequired conditions; omitting%s.",
			    kext_bundle_name(bundle), options->suffix);
}

/* ---- opening ---- */

static struct kext_bundle *open_kext(struct pick *pick, const char *path)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	struct kext_bundle *bundle = NULL;
	int error = kext_bundle_open(pick->context, path, diagnostics, &bundle);
	if (error < 0)
		pick->status = error == -ENOENT ? EXIT_NOT_FOUND : EXIT_BAD_KEXT;
	flush(&diagnostics, KEXT_WARNING);
	kext_diagnostics_free(diagnostics);
	return bundle;
}

static int open_operand(struct pick *pick, size_t index)
{
	const char *path = pick->options.operands->items[index];
	struct kext_diagnostics *diagnostics;
	if (pick_is_kext_name(path)) {
		pick->named[index] = open_kext(pick, path);
		return pick->named[index]
			       ? kext_repository_add(pick->known, pick->named[index])
			       : 0;
	}
	diagnostics = kext_diagnostics_new();
	int error = kext_repository_add_folder(pick->folders, path, diagnostics);
	if (error < 0) {
		print_error("%s: the folder cannot be read: %s", path,
			    kext_error_string(error));
		pick->status = EXIT_NOT_FOUND;
	}
	print_diagnostics(diagnostics,
			  pick->options.level > 0 ? KEXT_WARNING : KEXT_ERROR);
	kext_diagnostics_free(diagnostics);
	return error == -ENOMEM ? error : 0;
}

/* All know each other, so that dependencies are found. Later ones win ties. */
static int gather(struct pick *pick)
{
	int error = 0;
	if (pick->options.system_folders)
		error = kext_repository_add_system(pick->known, NULL);
	for (size_t i = 0; error == 0 && i < pick->options.operands->count; i++)
		error = open_operand(pick, i);
	for (size_t i = 0; error == 0 && i < kext_repository_count(pick->folders); i++)
		error = kext_repository_add(pick->known,
					    kext_repository_at(pick->folders, i));
	if (error == 0 && pick->options.own_components)
		error = kext_repository_add_own(pick->known, NULL);
	return error;
}

int pick_open(struct pick *pick, struct kext_context *context,
	      const struct pick_options *options)
{
	*pick = (struct pick){.options = *options, .context = context};
	pick->named = calloc(options->operands->count + 1, sizeof(*pick->named));
	int error = pick->named ? kext_repository_new(context, &pick->folders) : -ENOMEM;
	if (error == 0)
		error = kext_repository_new(context, &pick->known);
	if (error == 0)
		error = gather(pick);
	if (error < 0)
		print_error("%s", kext_error_string(error));
	return error;
}

void pick_close(struct pick *pick)
{
	clear(pick);
	for (size_t i = 0; pick->named && i < pick->options.operands->count; i++)
		kext_bundle_unref(pick->named[i]);
	free(pick->named);
	free(pick->bundles);
	kext_repository_free(pick->known);
	kext_repository_free(pick->folders);
}

/* ---- choosing ---- */

static void consider_with_plugins(struct pick *pick, struct kext_bundle *bundle)
{
	consider(pick, bundle, true);
	for (size_t i = 0; i < kext_bundle_plugin_count(bundle); i++) {
		struct kext_bundle *plugin =
			open_kext(pick, kext_bundle_plugin_path(bundle, i));
		if (plugin)
			consider(pick, plugin, true);
		kext_bundle_unref(plugin);
	}
}

static void choose_identifiers(struct pick *pick)
{
	const struct option_list *identifiers = pick->options.identifiers;
	for (size_t i = 0; i < identifiers->count; i++) {
		struct kext_bundle *bundle =
			kext_repository_find(pick->known, identifiers->items[i]);
		if (bundle) {
			consider(pick, bundle, true);
			continue;
		}
		print_error("no kext of the identifier %s was found",
			    identifiers->items[i]);
		pick->status = EXIT_NOT_FOUND;
	}
}

/* What is loaded is taken whatever the filters. */
static void choose_loaded(struct pick *pick)
{
	const struct option_list *loaded = pick->options.loaded;
	for (size_t i = 0; loaded && i < loaded->count; i++) {
		struct kext_bundle *bundle =
			kext_repository_find(pick->folders, loaded->items[i]);
		if (bundle)
			judge(pick, bundle, false);
	}
}

static void choose_all(struct pick *pick)
{
	choose_loaded(pick);
	for (size_t i = 0; i < pick->options.operands->count; i++)
		if (pick->named[i])
			consider_with_plugins(pick, pick->named[i]);
	for (size_t i = 0; i < kext_repository_count(pick->folders); i++)
		consider(pick, kext_repository_at(pick->folders, i), false);
}

/* Identifiers alone; or what is loaded, named kexts in their order, those of the folders
 * by identifier. */
void pick_choose(struct pick *pick, const struct kext_arch *arch)
{
	clear(pick);
	pick->arch = arch;
	if (pick->options.identifiers->count)
		choose_identifiers(pick);
	else
		choose_all(pick);
	picklog_finish(pick);
}
