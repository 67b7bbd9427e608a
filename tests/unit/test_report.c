/*
 * The table of findings, held against the list of Darwin's constants that is written down
 * here, and the three ways of printing them.
 */
#include "kext_fixture.h"
#include <kext/report.h>

/* Group, constant without its prefix, and whether only the heading is printed. */
static const struct {
	enum kext_report_class class;
	const char *key;
	bool is_flag;
} darwin[] = {
	{KEXT_REPORT_VALIDATION, "URLConversionKey", true},
	{KEXT_REPORT_VALIDATION, "FileNotFoundKey", false},
	{KEXT_REPORT_AUTHENTICATION, "FileNotFoundKey", false},
	{KEXT_REPORT_AUTHENTICATION, "StatFailureKey", false},
	{KEXT_REPORT_VALIDATION, "FileAccessKey", false},
	{KEXT_REPORT_AUTHENTICATION, "FileAccessKey", false},
	{KEXT_REPORT_VALIDATION, "NotABundleKey", true},
	{KEXT_REPORT_VALIDATION, "BadPropertyListXMLKey", false},
	{KEXT_REPORT_VALIDATION, "MissingPropertyKey", false},
	{KEXT_REPORT_VALIDATION, "BadSystemPropertyKey", false},
	{KEXT_REPORT_VALIDATION, "PropertyIsIllegalTypeKey", false},
	{KEXT_REPORT_VALIDATION, "PropertyIsIllegalValueKey", false},
	{KEXT_REPORT_VALIDATION, "IdentifierOrVersionTooLongKey", false},
	{KEXT_REPORT_VALIDATION, "ExecutableMissingKey", false},
	{KEXT_REPORT_VALIDATION, "SharedExecutableKextMissingKey", false},
	{KEXT_REPORT_VALIDATION, "SharedExecutableAndExecutableKey", true},
	{KEXT_REPORT_VALIDATION, "CompatibleVersionLaterThanVersionKey", true},
	{KEXT_REPORT_VALIDATION, "ExecutableBadKey", true},
	{KEXT_REPORT_AUTHENTICATION, "NoFileKey", true},
	{KEXT_REPORT_AUTHENTICATION, "OwnerPermissionKey", false},
	{KEXT_REPORT_WARNINGS, "TypeWarningKey", false},
	{KEXT_REPORT_WARNINGS, "KernelComponentNotInterfaceKey", true},
	{KEXT_REPORT_WARNINGS, "ExecutableArchNotFoundKey", false},
	{KEXT_REPORT_WARNINGS, "SymlinkKey", false},
	{KEXT_REPORT_WARNINGS, "DeprecatedPropertyKey", false},
	{KEXT_REPORT_WARNINGS, "PersonalityHasNoBundleIdentifierKey", false},
	{KEXT_REPORT_WARNINGS, "PersonalityNamesUnknownKextKey", false},
	{KEXT_REPORT_WARNINGS, "PersonalityNamesNonloadableKextKey", false},
	{KEXT_REPORT_WARNINGS, "PersonalityNamesKextWithNoExecutableKey", false},
	{KEXT_REPORT_WARNINGS, "PersonalityHasDifferentBundleIdentifierKey", false},
	{KEXT_REPORT_WARNINGS, "NonuniqueIOResourcesMatchKey", false},
	{KEXT_REPORT_WARNINGS, "CodelessWithLibrariesKey", true},
	{KEXT_REPORT_WARNINGS, "NoExplicitKernelDependencyKey", true},
	{KEXT_REPORT_WARNINGS, "DeclaresNoKPIsWarningKey", true},
	{KEXT_REPORT_WARNINGS, "DeclaresBothKernelAndKPIDependenciesKey", true},
	{KEXT_REPORT_WARNINGS, "BundleIdentifierMismatchKey", false},
	{KEXT_REPORT_WARNINGS, "BundleVersionMismatchKey", false},
	{KEXT_REPORT_WARNINGS, "sDependencyNotOSBundleRequired", false},
	{KEXT_REPORT_WARNINGS, "NotSignedKey", true},
	{KEXT_REPORT_DEPENDENCIES, "Unavailable", false},
	{KEXT_REPORT_DEPENDENCIES, "NoCompatibleVersion", false},
	{KEXT_REPORT_DEPENDENCIES, "CompatibleVersionUndeclared", false},
	{KEXT_REPORT_DEPENDENCIES, "LoadedIsIncompatible", false},
	{KEXT_REPORT_DEPENDENCIES, "LoadedCompatibleVersionUndeclared", false},
	{KEXT_REPORT_DEPENDENCIES, "IndirectDependencyUnresolvable", false},
	{KEXT_REPORT_DEPENDENCIES, "MultipleVersionsDetected", false},
	{KEXT_REPORT_DEPENDENCIES, "CircularReference", false},
	{KEXT_REPORT_DEPENDENCIES, "RawAndComponentKernel", true},
	{KEXT_REPORT_DEPENDENCIES, "Invalid", false},
	{KEXT_REPORT_DEPENDENCIES, "Inauthentic", false},
	{KEXT_REPORT_DEPENDENCIES, "DeclaresNonKPIDependenciesKey", true},
	{KEXT_REPORT_DEPENDENCIES, "NonAppleKextDeclaresPrivateKPIDependencyKey", true},
	{KEXT_REPORT_DEPENDENCIES, "RawKernelDependency", true},
	{KEXT_REPORT_DEPENDENCIES, "sInterfaceDependencyCount", true},
	{KEXT_REPORT_BOOT_LEVEL, "IneligibleInSafeBoot", true},
	{KEXT_REPORT_BOOT_LEVEL, "DependencyIneligibleInSafeBoot", false},
};
#define DARWIN_COUNT (sizeof(darwin) / sizeof(*darwin))

static const char *without_prefix(const char *key)
{
	static const char *const prefixes[] = {"kOSKextDiagnostic", "kOSKextDependency"};
	for (size_t i = 0; i < 2; i++)
		if (strncmp(key, prefixes[i], strlen(prefixes[i])) == 0)
			return key + strlen(prefixes[i]);
	fail_msg("%s", key);
	return NULL;
}

static bool has_row(size_t index)
{
	const struct kext_report_row *row;
	for (size_t i = 0; (row = kext_report_row_at(i)); i++)
		if (row->key && row->class == darwin[index].class &&
		    strcmp(without_prefix(row->key), darwin[index].key) == 0 &&
		    (row->shape == KEXT_REPORT_FLAG) == darwin[index].is_flag)
			return true;
	return false;
}

static bool is_darwins(const struct kext_report_row *row)
{
	for (size_t i = 0; i < DARWIN_COUNT; i++)
		if (row->class == darwin[i].class &&
		    strcmp(without_prefix(row->key), darwin[i].key) == 0)
			return true;
	return false;
}

static void test_table(void **state)
{
	(void)state;
	const struct kext_report_row *row;
	for (size_t i = 0; i < DARWIN_COUNT; i++)
		if (!has_row(i))
			fail_msg("no row for %s", darwin[i].key);
	for (size_t i = 0; (row = kext_report_row_at(i)); i++) {
		assert_ptr_equal(kext_report_row(row->slug), row); /* each slug once */
		assert_non_null(row->heading);
		if (row->key && !is_darwins(row))
			fail_msg("%s is none of Darwin's", row->key);
	}
	assert_null(kext_report_row("link.unresolved"));
}

static void add_some(struct fixture *f)
{
	kext_diagnose_value(f->diagnostics, KEXT_ERROR, "dependency.missing", "com.a",
			    "com.b", "get it", "needs com.b");
	kext_diagnose_value(f->diagnostics, KEXT_ERROR, "property.missing", "/A.kext",
			    "CFBundleVersion", NULL, "Info.plist lacks CFBundleVersion");
	kext_diagnose_value(f->diagnostics, KEXT_ERROR, "property.missing", "/A.kext",
			    "OSBundleLibraries", NULL, "Info.plist lacks it");
	kext_diagnose(f->diagnostics, KEXT_ERROR, "executable.bad", "/A.kext", NULL,
		      "bad");
	kext_diagnose(f->diagnostics, KEXT_ERROR, "auth.owner", "/A.kext/Contents", NULL,
		      "is owned by 5:5");
	kext_diagnose(f->diagnostics, KEXT_ERROR, "auth.mode", "/A.kext/Contents", NULL,
		      "has mode 777");
	kext_diagnose(f->diagnostics, KEXT_WARNING, "dependency.no-kpi", "com.a", NULL,
		      "asks for none");
	kext_diagnose(f->diagnostics, KEXT_NOTE, "inspect.done", "com.a", NULL, "fine");
}

/* Four spaces before a heading, eight before a value, an empty line between groups. */
static void test_classic_text(void **state)
{
	struct fixture *f = *state;
	char *text;
	add_some(f);
	assert_int_equal(kext_report_text(f->diagnostics, KEXT_ERA_MODERN, &text), 0);
	assert_string_equal(
		text,
		"Validation Failures: \n"
		"    Info.plist lacks a property: \n"
		"        CFBundleVersion\n"
		"        OSBundleLibraries\n"
		"    The executable is no Mach-O file of a kext, or lacks kmod_info: \n"
		"\n"
		"Authentication Failures: \n"
		"    Owner or permissions are wrong: \n"
		"        /A.kext/Contents\n"
		"\n"
		"Dependency Resolution Failures: \n"
		"    No kext found for these libraries: \n"
		"        com.b\n"
		"\n"
		"Warnings: \n"
		"    Asks for no com.apple.kpi library: \n");
	free(text);
}

static void test_tiger_text(void **state)
{
	struct fixture *f = *state;
	char *text;
	kext_diagnose(f->diagnostics, KEXT_ERROR, "version.compatible", "/A.kext", NULL,
		      "later");
	kext_diagnose(f->diagnostics, KEXT_ERROR, "executable.shared", "/A.kext", NULL,
		      "both");
	kext_diagnose_value(f->diagnostics, KEXT_ERROR, "executable.arch", "/A.kext",
			    "ppc", NULL, "no code");
	kext_diagnose_value(f->diagnostics, KEXT_ERROR, "dependency.cycle", "com.a",
			    "com.b", NULL, "loops");
	kext_diagnose(f->diagnostics, KEXT_WARNING, "dependency.no-kpi", "com.a", NULL,
		      "asks for none");
	assert_int_equal(kext_report_text(f->diagnostics, KEXT_ERA_TIGER, &text), 0);
	/* 8 + 4 + 52 + 4 stays on its line; what reaches beyond 72 does not. */
	assert_string_equal(
		text,
		"{\n"
		"    \"Validation failures\" = {\n"
		"        \"OSBundleCompatibleVersion is later than CFBundleVersion\" = "
		"true\n"
		"        \"Info.plist names an executable and one that is shared\" = "
		"true\n"
		"        \"The executable has no code for this architecture\" = (\n"
		"            \"ppc\"\n"
		"        )\n"
		"    }\n"
		"    \"Missing dependencies\" = {\n"
		"        \"Libraries that depend on themselves\" = (\n"
		"            \"com.b\"\n"
		"        )\n"
		"    }\n"
		"}\n");
	free(text);
	fixture_forget(f);
	kext_diagnose(f->diagnostics, KEXT_ERROR, "bundle.not-a-bundle", "/A.kext", NULL,
		      "none");
	kext_diagnose(f->diagnostics, KEXT_ERROR, "executable.bad", "/A.kext", NULL,
		      "bad");
	assert_int_equal(kext_report_text(f->diagnostics, KEXT_ERA_TIGER, &text), 0);
	assert_string_equal(
		text, "{\n"
		      "    \"Validation failures\" = {\n"
		      "        \"Not a bundle of a kext\" = true\n"
		      "        \"The executable is no Mach-O file of a kext, or lacks "
		      "kmod_info\" = \n"
		      "            true\n"
		      "    }\n"
		      "}\n");
	free(text);
}

static void test_nothing_and_others(void **state)
{
	struct fixture *f = *state;
	char *text;
	for (enum kext_era era = KEXT_ERA_TIGER; era <= KEXT_ERA_MODERN; era++) {
		assert_int_equal(kext_report_text(f->diagnostics, era, &text), 0);
		assert_string_equal(text, "");
		free(text);
	}
	kext_diagnose(f->diagnostics, KEXT_ERROR, "link.unresolved", "com.a", NULL,
		      "lacks _f");
	kext_diagnose(f->diagnostics, KEXT_ERROR, "plist.syntax", "/A/Info.plist", NULL,
		      "line 3: bad");
	kext_diagnose(f->diagnostics, KEXT_ERROR, "boot.level", "com.a", NULL, "no");
	assert_int_equal(kext_report_text(f->diagnostics, KEXT_ERA_SNOWLEOPARD, &text),
			 0);
	assert_string_equal(text, "Validation Failures: \n"
				  "    Info.plist cannot be parsed: \n"
				  "        line 3: bad\n"
				  "\n"
				  "Boot Level Restrictions: \n"
				  "    Not eligible in a safe boot: \n"
				  "\n"
				  "Other Findings: \n"
				  "    link.unresolved: \n"
				  "        com.a: lacks _f\n");
	free(text);
}

static void test_values(void **state)
{
	struct fixture *f = *state;
	struct kext_value *value;
	char *json;
	add_some(f);
	assert_int_equal(kext_report_value(f->diagnostics, KEXT_ERA_MODERN, &value), 0);
	const struct kext_value *group = kext_value_get(value, "Validation Failures");
	assert_int_equal(kext_value_count(group), 2);
	assert_true(kext_value_boolean(kext_value_at(group, 1)));
	assert_string_equal(kext_value_string(kext_value_at(kext_value_at(group, 0), 1)),
			    "OSBundleLibraries");
	kext_value_unref(value);
	fixture_forget(f);
	kext_diagnose_value(f->diagnostics, KEXT_ERROR, "dependency.missing", "com.a",
			    "com.b", "get it", "needs \"com.b\"");
	kext_diagnose(f->diagnostics, KEXT_NOTE, "inspect.done", "com.a", NULL, "fine");
	assert_int_equal(kext_report_list(f->diagnostics, &value), 0);
	assert_int_equal(kext_value_integer(kext_value_get(value, "version")), 1);
	const struct kext_value *list = kext_value_get(value, "diagnostics");
	assert_int_equal(kext_value_count(list), 2);
	static const char *const expected[][2] = {
		{"severity", "error"},		{"slug", "dependency.missing"},
		{"class", "dependencies"},	{"key", "kOSKextDependencyUnavailable"},
		{"subject", "com.a"},		{"value", "com.b"},
		{"message", "needs \"com.b\""}, {"hint", "get it"},
	};
	assert_int_equal(kext_value_count(kext_value_at(list, 0)), 8);
	for (size_t i = 0; i < 8; i++)
		assert_string_equal(kext_value_string(kext_value_get(
					    kext_value_at(list, 0), expected[i][0])),
				    expected[i][1]);
	assert_int_equal(kext_value_count(kext_value_at(list, 1)), 5);
	assert_int_equal(kext_value_to_json(value, &json), 0);
	assert_non_null(strstr(json, "\"needs \\\"com.b\\\"\""));
	free(json);
	kext_value_unref(value);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		TEST(test_classic_text),
		TEST(test_tiger_text),
		TEST(test_nothing_and_others),
		TEST(test_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
