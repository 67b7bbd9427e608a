/*
 * The rules for Info.plist's keys. A finding of severity error makes the kext unloadable;
 * what Darwin records without refusing the kext (CFBundlePackageType, an unknown
 * OSBundleRequired) is a warning. Tiger refused those, and knew fewer keys.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <kext/version.h>
#include "bundle/bundle.h"

#define TEXT_LIMIT 63u /* kmod_info holds 64 bytes each of identifier and version */

struct check {
	const struct kext_bundle *bundle;
	const struct kext_arch *arch;
	struct kext_diagnostics *diagnostics;
};

static bool is_tiger(const struct check *check)
{
	return bundle_era(check->bundle) == KEXT_ERA_TIGER;
}

/* Severity of what only Tiger refuses. */
static enum kext_severity since_tiger(const struct check *check)
{
	return is_tiger(check) ? KEXT_ERROR : KEXT_WARNING;
}

static const char *const kind_names[] = {
	[KEXT_VALUE_BOOLEAN] = "a boolean",	  [KEXT_VALUE_INTEGER] = "an integer",
	[KEXT_VALUE_STRING] = "a string",	  [KEXT_VALUE_DATA] = "data",
	[KEXT_VALUE_ARRAY] = "an array",	  [KEXT_VALUE_SET] = "a set",
	[KEXT_VALUE_DICTIONARY] = "a dictionary",
};

static void wrong_type(const struct check *check, const char *path,
		       enum kext_value_kind expected, const struct kext_value *found)
{
	kext_diagnose_value(check->diagnostics, KEXT_ERROR, "property.type",
			    check->bundle->name, path, "correct the key in Info.plist",
			    "%s must be %s, but is %s", path, kind_names[expected],
			    kind_names[kext_value_kind(found)]);
}

/* The property when it is there and of the right kind; its name as written in `name`. */
static const struct kext_value *typed(const struct check *check, const char *key,
				      enum kext_value_kind kind, char name[128])
{
	const struct kext_value *value =
		bundle_property(check->bundle, key, check->arch, name);
	if (!value || kext_value_is(value, kind))
		return value;
	wrong_type(check, name, kind, value);
	return NULL;
}

static const char *required_string(const struct check *check, const char *key)
{
	char name[128];
	const struct kext_value *value = typed(check, key, KEXT_VALUE_STRING, name);
	if (!value && !kext_value_get(check->bundle->info, key))
		kext_diagnose_value(check->diagnostics, KEXT_ERROR, "property.missing",
				    check->bundle->name, key, "add the key to Info.plist",
				    "Info.plist lacks %s, a string", key);
	return kext_value_string(value);
}

static void check_length(const struct check *check, const char *key, const char *text)
{
	if (text && strlen(text) > TEXT_LIMIT)
		kext_diagnose_value(check->diagnostics, KEXT_ERROR, "property.too-long",
				    check->bundle->name, key, "choose a shorter one",
				    "%s has %zu bytes, but must be shorter than 64", key,
				    strlen(text));
}

/* Tiger read Info.plist as any program does; since then I/O Kit's parser does. */
static void check_form(const struct check *check)
{
	if (check->bundle->is_binary && !is_tiger(check))
		kext_diagnose(check->diagnostics, KEXT_ERROR, "plist.binary",
			      check->bundle->name,
			      "convert it to XML, e.g. with plistutil",
			      "Info.plist is a binary property list; Darwin's kext tools "
			      "read XML only");
}

static void check_identifier(const struct check *check)
{
	if (bundle_check_identifier(check->bundle->info, check->bundle->name,
				    check->diagnostics) == 0)
		check_length(check, "CFBundleIdentifier", check->bundle->identifier);
}

static void check_package_type(const struct check *check)
{
	const char *type = required_string(check, "CFBundlePackageType");
	if (type && strcmp(type, "KEXT") != 0)
		kext_diagnose_value(
			check->diagnostics, since_tiger(check), "property.value",
			check->bundle->name, "CFBundlePackageType", NULL,
			"CFBundlePackageType should be KEXT, but is \"%s\"", type);
}

/* False, with a diagnostic, when the text is no version. */
static bool check_version(const struct check *check, const char *path, const char *text,
			  int64_t *ret_version)
{
	if (kext_version_parse_as(bundle_era(check->bundle), text, ret_version) == 0)
		return true;
	kext_diagnose_value(check->diagnostics, KEXT_ERROR, "property.value",
			    check->bundle->name, path,
			    "write it like 1.2.3 or 1.2.3b4, at most 19 characters",
			    "%s is \"%s\", which is not a version", path, text);
	return false;
}

static void check_versions(const struct check *check)
{
	char name[128], own[KEXT_VERSION_TEXT_MAX], compatible[KEXT_VERSION_TEXT_MAX];
	int64_t version, least;
	const char *text = required_string(check, "CFBundleVersion");
	check_length(check, "CFBundleVersion", text);
	bool has_version =
		text && check_version(check, "CFBundleVersion", text, &version);
	text = kext_value_string(
		typed(check, "OSBundleCompatibleVersion", KEXT_VALUE_STRING, name));
	if (!text || !check_version(check, name, text, &least) || !has_version ||
	    least <= version)
		return;
	kext_diagnose(check->diagnostics, KEXT_ERROR, "version.compatible",
		      check->bundle->name, "lower it",
		      "%s is %s, later than the version of the kext, %s", name,
		      kext_version_format(least, compatible),
		      kext_version_format(version, own));
}

static void check_executable_name(const struct check *check)
{
	char name[128];
	const struct kext_value *value =
		typed(check, "CFBundleExecutable", KEXT_VALUE_STRING, name);
	if (value && !bundle_executable_name(check->bundle))
		kext_diagnose_value(
			check->diagnostics, KEXT_ERROR, "property.value",
			check->bundle->name, name, NULL,
			"CFBundleExecutable must name a file, without a path and at "
			"most 255 bytes long");
	if (is_tiger(check))
		return;
	const struct kext_value *shared = typed(
		check, "OSBundleSharedExecutableIdentifier", KEXT_VALUE_STRING, name);
	if (shared && !*kext_value_string(shared))
		kext_diagnose_value(check->diagnostics, KEXT_ERROR, "property.value",
				    check->bundle->name, name, NULL,
				    "%s must name a kext", name);
	if (value && shared)
		kext_diagnose(check->diagnostics, KEXT_ERROR, "executable.shared",
			      check->bundle->name, "remove one of them",
			      "CFBundleExecutable and OSBundleSharedExecutableIdentifier "
			      "exclude each other");
}

static void check_interface(const struct check *check)
{
	char name[128];
	const struct kext_value *interface =
		bundle_property(check->bundle, "OSBundleIsInterface", check->arch, name);
	if (check->bundle->is_kernel_component &&
	    kext_value_is(interface, KEXT_VALUE_BOOLEAN) &&
	    !kext_value_boolean(interface))
		kext_diagnose(
			check->diagnostics, KEXT_WARNING, "property.overridden",
			check->bundle->name, NULL,
			"%s is false, but a kernel component is always an interface",
			name);
}

static void check_debug_level(const struct check *check)
{
	char name[128];
	if (is_tiger(check))
		typed(check, "OSBundleDebugLevel", KEXT_VALUE_INTEGER, name);
	else if (bundle_property(check->bundle, "OSBundleDebugLevel", check->arch, name))
		kext_diagnose_value(check->diagnostics, KEXT_WARNING,
				    "property.deprecated", check->bundle->name, name,
				    "remove it", "%s is ignored", name);
}

static void check_flags(const struct check *check)
{
	static const char *const flags[] = {"OSKernelResource", "OSBundleIsInterface",
					    "OSBundleAllowUserLoad",
					    "OSBundleEnableKextLogging"};
	char name[128];
	size_t count = is_tiger(check) ? 1 : sizeof(flags) / sizeof(*flags);
	for (size_t i = 0; i < count; i++)
		typed(check, flags[i], KEXT_VALUE_BOOLEAN, name);
	if (!is_tiger(check))
		check_interface(check);
	check_debug_level(check);
}

static void check_required(const struct check *check)
{
	static const char *const keys[] = {"OSBundleRequired",
					   "OSBundleRequiredPromotion"};
	char name[128];
	size_t count = is_tiger(check) ? 1 : 2;
	for (size_t i = 0; i < count; i++) {
		const char *text =
			kext_value_string(typed(check, keys[i], KEXT_VALUE_STRING, name));
		if (text && !bundle_is_boot_level(text))
			kext_diagnose_value(check->diagnostics, since_tiger(check),
					    "property.value", check->bundle->name, name,
					    "use Root, Local-Root, Network-Root, "
					    "Console or Safe Boot",
					    "%s is \"%s\", which is none of the known "
					    "values",
					    name, text);
	}
}

static void check_library(const struct check *check, const char *name, const char *key,
			  const struct kext_value *version)
{
	char path[256];
	int64_t packed;
	snprintf(path, sizeof(path), "%s%c%.120s", name, is_tiger(check) ? ':' : '.',
		 key);
	if (!*key)
		kext_diagnose_value(check->diagnostics, KEXT_ERROR, "property.value",
				    check->bundle->name, name, NULL,
				    "%s has an entry without a name", name);
	if (!kext_value_is(version, KEXT_VALUE_STRING))
		wrong_type(check, path, KEXT_VALUE_STRING, version);
	else
		check_version(check, path, kext_value_string(version), &packed);
}

static bool needs_libraries(const struct check *check)
{
	const struct kext_bundle *bundle = check->bundle;
	bool has_code = kext_bundle_has_executable(bundle) ||
			kext_bundle_shared_executable(bundle, check->arch);
	return has_code &&
	       !(is_tiger(check) ? bundle->is_kernel_component : bundle->is_interface);
}

static void check_need_of_libraries(const struct check *check,
				    const struct kext_value *libraries, const char *name)
{
	const struct kext_bundle *bundle = check->bundle;
	size_t count = kext_value_count(libraries);
	if (libraries && bundle->is_kernel_component)
		kext_diagnose_value(check->diagnostics, KEXT_ERROR, "property.system",
				    bundle->name, name, "remove it",
				    "a kernel component must not have %s", name);
	else if (!kext_value_get(bundle->info, name) && needs_libraries(check))
		kext_diagnose_value(
			check->diagnostics, KEXT_ERROR, "property.missing", bundle->name,
			name, "add the libraries it uses; kextlibs finds them",
			"Info.plist lacks OSBundleLibraries, a dictionary, which a kext "
			"with an executable needs");
	else if (libraries && !count && is_tiger(check) && needs_libraries(check))
		kext_diagnose_value(check->diagnostics, KEXT_ERROR, "property.value",
				    bundle->name, name, "add the libraries it uses",
				    "%s of a kext with an executable is empty", name);
	else if (count && !is_tiger(check) && !kext_bundle_has_executable(bundle) &&
		 !kext_bundle_shared_executable(bundle, check->arch) &&
		 !bundle->compatible_version)
		kext_diagnose(check->diagnostics, KEXT_WARNING, "libraries.codeless",
			      bundle->name, NULL,
			      "has %s, but neither an executable nor "
			      "OSBundleCompatibleVersion",
			      name);
}

static void check_libraries(const struct check *check)
{
	char name[128];
	const struct kext_value *libraries =
		typed(check, "OSBundleLibraries", KEXT_VALUE_DICTIONARY, name);
	for (size_t i = 0; i < kext_value_count(libraries); i++)
		check_library(check, name, kext_value_key_at(libraries, i),
			      kext_value_at(libraries, i));
	check_need_of_libraries(check, libraries, name);
}

void bundle_check_properties(const struct kext_bundle *bundle,
			     const struct kext_arch *arch,
			     struct kext_diagnostics *diagnostics)
{
	const struct check check = {bundle, arch, diagnostics};
	check_form(&check);
	check_package_type(&check);
	check_identifier(&check);
	check_versions(&check);
	check_executable_name(&check);
	check_flags(&check);
	check_required(&check);
	check_libraries(&check);
}

int kext_bundle_validate(struct kext_bundle *bundle, const struct kext_arch *arch,
			 struct kext_diagnostics *diagnostics)
{
	/* Counted apart, so that a caller without diagnostics gets the same verdict. */
	struct kext_diagnostics *own = kext_diagnostics_new();
	if (!own)
		return -ENOMEM;
	bundle_check_properties(bundle, arch, own);
	bundle_check_personalities(bundle, arch, own);
	bool is_valid = kext_diagnostics_count(own, KEXT_ERROR) == 0;
	int error = 0;
	if (!kext_bundle_has_executable(bundle) || bundle_executable_name(bundle))
		error = bundle_check_executable(bundle, arch, own);
	if (diagnostics)
		kext_diagnostics_move(diagnostics, own);
	kext_diagnostics_free(own);
	return error == 0 && !is_valid ? KEXT_ERR_VALIDATION : error;
}
