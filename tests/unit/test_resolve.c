/* Dependency resolution: what is chosen, in which order, and why not.
 */
#include "kext_fixture.h"
#include <kext/repository.h>
#include <kext/resolve.h>
#include "base/memory.h"

#define COMPATIBLE(version) PLIST_STRING("OSBundleCompatibleVersion", version)
#define EXECUTABLE	    PLIST_STRING("CFBundleExecutable", "X")
#define NEEDS(id, version)  PLIST_STRING(id, version)
#define KPI		    NEEDS("com.apple.kpi.libkern", "8.0.0")

/* A library with code, as most are. */
#define LIBRARY(id, version, compatible, needs)                                          \
	PLIST_KEXT(id, version)                                                          \
	COMPATIBLE(compatible) EXECUTABLE PLIST_LIBRARIES(KPI needs)

struct run {
	struct kext_repository *repository;
	struct kext_bundle *root;
	struct kext_load_list *list;
	int result;
};

static void add_kpis(struct fixture *f, const char *version)
{
	char entries[2048];
	static const char *const names[] = {"libkern", "private", "bsd"};
	for (size_t i = 0; i < 3; i++) {
		char kext[64];
		snprintf(kext, sizeof(kext), "System.kext/Contents/PlugIns/%s.kext",
			 names[i]);
		snprintf(entries, sizeof(entries),
			 "<key>CFBundleIdentifier</key><string>com.apple.kpi.%s</string>"
			 "<key>CFBundleVersion</key><string>%s</string>" COMPATIBLE(
				 "8.0.0") EXECUTABLE PLIST_TRUE("OSKernelResource"),
			 names[i], version);
		fixture_info(f, kext, entries);
	}
	fixture_info(f, "System.kext",
		     PLIST_KEXT("com.apple.kernel", "19.6.0")
			     PLIST_TRUE("OSKernelResource"));
}

static struct run resolve_with(struct fixture *f, const char *kext, const char *arch,
			       const struct kext_loaded *loaded, size_t count)
{
	struct run run = {0};
	fixture_forget(f);
	assert_int_equal(kext_repository_new(f->context, &run.repository), 0);
	assert_int_equal(kext_repository_add_folder(run.repository, f->folder, NULL), 0);
	run.root = fixture_open(f, kext);
	run.result = kext_resolve(run.repository, run.root, loaded, count,
				  kext_arch_named(arch), f->diagnostics, &run.list);
	return run;
}

static struct run resolve(struct fixture *f, const char *kext)
{
	return resolve_with(f, kext, "x86_64", NULL, 0);
}

static void run_free(struct run *run)
{
	kext_load_list_free(run->list);
	kext_bundle_unref(run->root);
	kext_repository_free(run->repository);
}

static const char *identifier_of(const struct kext_load_item *item)
{
	return item->bundle ? kext_bundle_identifier(item->bundle)
			    : item->loaded->identifier;
}

/* "a b c": the identifiers in the list, or at some positions of it, without "com." */
static const char *text_of(const struct kext_load_list *list, const size_t *positions,
			   size_t count)
{
	static char text[4][4096];
	static unsigned next;
	char *at = text[next++ % 4], *begin = at;
	*at = '\0';
	for (size_t i = 0; i < count; i++) {
		const struct kext_load_item *item =
			kext_load_list_at(list, positions ? positions[i] : i);
		at += sprintf(at, "%s%s", i ? " " : "", identifier_of(item) + 4);
	}
	return begin;
}

static const char *order_of(const struct run *run)
{
	return text_of(run->list, NULL, kext_load_list_count(run->list));
}

static const struct kext_load_item *item_of(const struct run *run, const char *identifier)
{
	for (size_t i = 0; i < kext_load_list_count(run->list); i++)
		if (strcmp(identifier_of(kext_load_list_at(run->list, i)), identifier) ==
		    0)
			return kext_load_list_at(run->list, i);
	fail_msg("%s is not in the list", identifier);
	return NULL;
}

static const char *direct_of(const struct run *run, const char *identifier)
{
	const struct kext_load_item *item = item_of(run, identifier);
	return text_of(run->list, item->direct, item->direct_count);
}

static const char *indirect_of(const struct run *run, const char *identifier)
{
	const struct kext_load_item *item = item_of(run, identifier);
	return text_of(run->list, item->indirect, item->indirect_count);
}

static void test_order_and_lists(void **state)
{
	struct fixture *f = *state;
	add_kpis(f, "19.6.0");
	fixture_info(f, "A.kext",
		     LIBRARY("com.a", "1.0", "1.0",
			     NEEDS("com.b", "1.0") NEEDS("com.c", "1.0")));
	fixture_info(f, "B.kext", LIBRARY("com.b", "1.0", "1.0", NEEDS("com.d", "1.0")));
	fixture_info(f, "C.kext", LIBRARY("com.c", "1.0", "1.0", NEEDS("com.d", "1.0")));
	fixture_info(f, "D.kext", LIBRARY("com.d", "1.0", "1.0", ""));
	struct run run = resolve(f, "A.kext");
	assert_int_equal(run.result, 0);
	assert_string_equal(order_of(&run), "apple.kpi.libkern d b c a");
	assert_string_equal(direct_of(&run, "com.a"), "apple.kpi.libkern b c");
	assert_string_equal(indirect_of(&run, "com.a"), "d");
	assert_string_equal(direct_of(&run, "com.d"), "apple.kpi.libkern");
	assert_string_equal(indirect_of(&run, "com.d"), "");
	assert_true(item_of(&run, "com.apple.kpi.libkern")->is_kernel_component);
	assert_false(item_of(&run, "com.a")->is_kernel_component);
	assert_null(item_of(&run, "com.a")->loaded);
	assert_ptr_equal(item_of(&run, "com.a")->bundle, run.root);
	run_free(&run);
}

/* A library without code stands for its own dependencies, however many are in a row. */
static void test_codeless_library(void **state)
{
	struct fixture *f = *state;
	add_kpis(f, "19.6.0");
	fixture_info(f, "A.kext",
		     PLIST_KEXT("com.a", "1") EXECUTABLE PLIST_LIBRARIES(
			     NEEDS("com.umbrella", "1") NEEDS("com.e", "1")));
	fixture_info(f, "U.kext",
		     PLIST_KEXT("com.umbrella", "1") COMPATIBLE("1")
			     PLIST_LIBRARIES(NEEDS("com.inner", "1") KPI));
	fixture_info(f, "I.kext",
		     PLIST_KEXT("com.inner", "1") COMPATIBLE("1")
			     PLIST_LIBRARIES(NEEDS("com.d", "1")));
	fixture_info(f, "D.kext", LIBRARY("com.d", "1.0", "1.0", NEEDS("com.e", "1")));
	fixture_info(f, "E.kext", LIBRARY("com.e", "1.0", "1.0", NEEDS("com.z", "1")));
	fixture_info(f, "Z.kext", LIBRARY("com.z", "1.0", "1.0", ""));
	struct run run = resolve(f, "A.kext");
	assert_int_equal(run.result, 0);
	assert_string_equal(order_of(&run), "apple.kpi.libkern z e d inner umbrella a");
	assert_string_equal(direct_of(&run, "com.a"), "d apple.kpi.libkern e");
	assert_string_equal(indirect_of(&run, "com.a"), "z");
	run_free(&run);
}

static int64_t chosen_version(const struct run *run, const char *identifier)
{
	return kext_bundle_version(item_of(run, identifier)->bundle);
}

static void add_libraries(struct fixture *f)
{
	add_kpis(f, "19.6.0");
	fixture_info(f, "L1.kext", LIBRARY("com.lib", "1.5", "1.0", ""));
	fixture_info(f, "L2.kext", LIBRARY("com.lib", "2.0", "1.5", ""));
	fixture_info(f, "L3.kext", LIBRARY("com.lib", "3.0", "2.5", ""));
	fixture_info(f, "A.kext", LIBRARY("com.a", "1", "1", NEEDS("com.lib", "1.5")));
	fixture_info(f, "B.kext", LIBRARY("com.b", "1", "1", NEEDS("com.lib", "1.2")));
	fixture_info(f, "C.kext", LIBRARY("com.c", "1", "1", NEEDS("com.lib", "2.2")));
	fixture_info(f, "D.kext", LIBRARY("com.d", "1", "1", NEEDS("com.lib", "4")));
}

static void test_highest_compatible(void **state)
{
	struct fixture *f = *state;
	add_libraries(f);
	struct run run = resolve(f, "A.kext");
	assert_int_equal(run.result, 0);
	assert_true(chosen_version(&run, "com.lib") == 2000000009000);
	run_free(&run);
	run = resolve(f, "B.kext");
	assert_int_equal(run.result, 0);
	assert_true(chosen_version(&run, "com.lib") == 1000500009000);
	run_free(&run);
}

static void test_incompatible_names_both_sides(void **state)
{
	struct fixture *f = *state;
	add_libraries(f);
	struct run run = resolve(f, "C.kext");
	assert_int_equal(run.result, KEXT_ERR_DEPENDENCIES);
	assert_null(run.list);
	fixture_expect(f, "dependency.version", KEXT_ERROR,
		       "no compatible dependency found for com.lib: needs com.lib >= 2.2 "
		       "compatible; found 3.0 whose compatible version is 2.5 in ");
	fixture_expect(f, "dependency.version", KEXT_ERROR, "L3.kext and ");
	fixture_expect(f, "dependency.version", KEXT_ERROR, "1.5 in");
	assert_string_equal(fixture_find(f, "dependency.version")->subject, "com.c");
	assert_string_equal(fixture_find(f, "dependency.version")->hint,
			    "ask for 3.0 in OSBundleLibraries, or provide a version that "
			    "is still compatible with 2.2");
	run_free(&run);
	run = resolve(f, "D.kext");
	assert_int_equal(run.result, KEXT_ERR_DEPENDENCIES);
	fixture_expect(f, "dependency.version", KEXT_ERROR, "needs com.lib >= 4");
	run_free(&run);
}

static void test_too_new_a_request_names_the_version(void **state)
{
	struct fixture *f = *state;
	add_libraries(f);
	struct run run = resolve(f, "D.kext");
	assert_string_equal(fixture_find(f, "dependency.version")->hint,
			    "provide version 4 or a newer one, or ask for 3.0 in "
			    "OSBundleLibraries if that will do");
	run_free(&run);
}

/* The kernel's own cannot be unloaded to make place for another version. */
static void test_too_old_a_request_of_the_kernel(void **state)
{
	struct fixture *f = *state;
	add_libraries(f);
	struct kext_loaded loaded = {"com.apple.kpi.libkern", 19000600009000,
				     9000000009000, 1};
	fixture_info(f, "O.kext",
		     LIBRARY("com.o", "1", "1", NEEDS("com.apple.kpi.libkern", "8.0")));
	struct run run = resolve_with(f, "O.kext", "x86_64", &loaded, 1);
	assert_int_equal(run.result, KEXT_ERR_DEPENDENCIES);
	assert_string_equal(fixture_find(f, "dependency.loaded")->hint,
			    "ask for 19.6 in OSBundleLibraries, or provide a version "
			    "that is still compatible with 8.0");
	run_free(&run);
}

static void test_missing_and_undeclared(void **state)
{
	struct fixture *f = *state;
	add_kpis(f, "19.6.0");
	fixture_info(f, "A.kext",
		     LIBRARY("com.a", "1", "1",
			     NEEDS("com.none", "1.0") NEEDS("com.plain", "1.0")));
	fixture_info(f, "B.kext", LIBRARY("com.b", "1", "1", NEEDS("com.a", "1")));
	fixture_info(f, "P.kext", PLIST_KEXT("com.plain", "1.0"));
	struct run run = resolve(f, "B.kext");
	assert_int_equal(run.result, KEXT_ERR_DEPENDENCIES);
	fixture_expect(f, "dependency.missing", KEXT_ERROR,
		       "no compatible dependency found for com.none");
	fixture_expect(f, "dependency.undeclared", KEXT_ERROR,
		       "OSBundleCompatibleVersion");
	fixture_expect(f, "dependency.indirect", KEXT_ERROR, "com.a");
	run_free(&run);
}

static void test_loaded_wins(void **state)
{
	struct fixture *f = *state;
	add_libraries(f);
	struct kext_loaded loaded[] = {
		{"com.apple.kpi.libkern", 19000600009000, 8000000009000, 1},
		{"com.lib", 1000500009000, 1000000009000, 7},
	};
	struct run run = resolve_with(f, "A.kext", "x86_64", loaded, 2);
	assert_int_equal(run.result, 0);
	assert_true(chosen_version(&run, "com.lib") == 1000500009000);
	assert_int_equal(item_of(&run, "com.lib")->loaded->tag, 7);
	assert_true(item_of(&run, "com.apple.kpi.libkern")->is_kernel_component);
	run_free(&run);
	/* No fallback to the copies on disk. */
	run = resolve_with(f, "C.kext", "x86_64", loaded, 2);
	assert_int_equal(run.result, KEXT_ERR_DEPENDENCIES);
	fixture_expect(f, "dependency.loaded", KEXT_ERROR,
		       "no compatible dependency found for com.lib: needs com.lib >= "
		       "2.2, but 1.5 "
		       "is loaded, whose compatible version is 1.0");
	run_free(&run);
	loaded[1].compatible_version = 0;
	run = resolve_with(f, "A.kext", "x86_64", loaded, 2);
	assert_int_equal(run.result, KEXT_ERR_DEPENDENCIES);
	fixture_expect(f, "dependency.loaded-undeclared", KEXT_ERROR, "no library");
	run_free(&run);
}

static void test_loaded_without_bundle(void **state)
{
	struct fixture *f = *state;
	add_libraries(f);
	const struct kext_loaded loaded[] = {
		{"com.lib", 1000800009000, 1000000009000, 7},
		{"com.a", 1000000009000, 1000000009000, 9},
	};
	struct run run = resolve_with(f, "A.kext", "x86_64", loaded, 2);
	assert_int_equal(run.result, 0);
	assert_null(item_of(&run, "com.lib")->bundle);
	assert_string_equal(direct_of(&run, "com.a"), "apple.kpi.libkern lib");
	assert_int_equal(item_of(&run, "com.a")->loaded->tag, 9);
	assert_ptr_equal(item_of(&run, "com.a")->bundle, run.root);
	run_free(&run);
}

static void test_kernel_of_another_version(void **state)
{
	struct fixture *f = *state;
	add_kpis(f, "18.7.0");
	fixture_info(f, "A.kext", LIBRARY("com.a", "1", "1", ""));
	const struct kext_loaded loaded = {"com.apple.kpi.libkern", 19000600009000,
					   8000000009000, 1};
	struct run run = resolve_with(f, "A.kext", "x86_64", &loaded, 1);
	assert_int_equal(run.result, KEXT_ERR_DEPENDENCIES);
	fixture_expect(f, "dependency.kernel", KEXT_ERROR, "19.6 of it; found 18.7 in");
	run_free(&run);
}

static void test_cycle(void **state)
{
	struct fixture *f = *state;
	add_kpis(f, "19.6.0");
	fixture_info(f, "A.kext", LIBRARY("com.a", "1", "1", NEEDS("com.b", "1")));
	fixture_info(f, "B.kext", LIBRARY("com.b", "1", "1", NEEDS("com.c", "1")));
	fixture_info(f, "C.kext", LIBRARY("com.c", "1", "1", NEEDS("com.b", "1")));
	fixture_info(f, "S.kext", LIBRARY("com.s", "1", "1", NEEDS("com.s", "1")));
	struct run run = resolve(f, "A.kext");
	assert_int_equal(run.result, KEXT_ERR_DEPENDENCIES);
	fixture_expect(f, "dependency.cycle", KEXT_ERROR, ": com.b -> com.c -> com.b");
	fixture_expect(f, "dependency.indirect", KEXT_ERROR, "com.b");
	run_free(&run);
	run = resolve(f, "S.kext");
	assert_int_equal(run.result, KEXT_ERR_DEPENDENCIES);
	fixture_expect(f, "dependency.cycle", KEXT_ERROR, ": com.s -> com.s");
	run_free(&run);
}

static void test_two_versions_in_one_graph(void **state)
{
	struct fixture *f = *state;
	add_libraries(f);
	fixture_info(f, "M.kext",
		     LIBRARY("com.m", "1", "1", NEEDS("com.a", "1") NEEDS("com.b", "1")));
	struct run run = resolve(f, "M.kext");
	assert_int_equal(run.result, KEXT_ERR_DEPENDENCIES);
	fixture_expect(f, "dependency.multiple", KEXT_ERROR, "com.lib in two versions");
	run_free(&run);
}

static void test_kernel_libraries(void **state)
{
	struct fixture *f = *state;
	add_kpis(f, "19.6.0");
	fixture_info(f, "K.kext",
		     PLIST_KEXT("com.apple.kernel.mach", "6.9.9") COMPATIBLE("6.0")
			     PLIST_TRUE("OSKernelResource"));
	fixture_info(f, "K6.kext",
		     PLIST_KEXT("com.apple.kernel.6.0", "7.9.9")
			     EXECUTABLE COMPATIBLE("6.0") PLIST_TRUE("OSKernelResource"));
	fixture_info(f, "A.kext",
		     LIBRARY("com.a", "1", "1", NEEDS("com.apple.kernel.mach", "6.0")));
	fixture_info(f, "R.kext",
		     LIBRARY("com.r", "1", "1", NEEDS("com.apple.kernel", "6.0")));
	fixture_info(f, "N.kext",
		     PLIST_KEXT("com.n", "1")
			     EXECUTABLE PLIST_LIBRARIES(NEEDS("com.plain", "1")));
	fixture_info(f, "P.kext", PLIST_KEXT("com.plain", "1") COMPATIBLE("1"));
	struct run run = resolve(f, "A.kext");
	assert_int_equal(run.result, KEXT_ERR_DEPENDENCIES);
	fixture_expect(f, "dependency.non-kpi", KEXT_ERROR, "64-bit");
	run_free(&run);
	run = resolve_with(f, "A.kext", "i386", NULL, 0);
	assert_int_equal(run.result, 0);
	fixture_expect(f, "dependency.both", KEXT_WARNING, "both");
	run_free(&run);
	run = resolve_with(f, "R.kext", "i386", NULL, 0);
	assert_int_equal(run.result, KEXT_ERR_DEPENDENCIES);
	fixture_expect(f, "dependency.raw-kernel", KEXT_ERROR, "com.apple.kernel itself");
	run_free(&run);
	run = resolve(f, "N.kext");
	assert_int_equal(run.result, 0);
	fixture_expect(f, "dependency.no-kpi", KEXT_WARNING, "com.apple.kpi");
	assert_string_equal(order_of(&run), "plain n");
	run_free(&run);
	run = resolve_with(f, "N.kext", "i386", NULL, 0);
	assert_int_equal(run.result, 0);
	fixture_expect(f, "dependency.no-kernel", KEXT_WARNING, "implied");
	assert_string_equal(order_of(&run), "plain apple.kernel.6.0 n");
	assert_string_equal(direct_of(&run, "com.n"), "apple.kernel.6.0");
	run_free(&run);
}

/* 32-bit kexts without KPIs see everything behind their dependencies as direct. */
static void test_bleed_through(void **state)
{
	struct fixture *f = *state;
	fixture_info(f, "K6.kext",
		     PLIST_KEXT("com.apple.kernel.6.0", "7.9.9")
			     EXECUTABLE COMPATIBLE("6.0") PLIST_TRUE("OSKernelResource"));
	fixture_info(f, "A.kext",
		     PLIST_KEXT("com.a", "1")
			     EXECUTABLE PLIST_LIBRARIES(NEEDS("com.b", "1")));
	fixture_info(f, "B.kext",
		     PLIST_KEXT("com.b", "1") COMPATIBLE("1")
			     EXECUTABLE PLIST_LIBRARIES(NEEDS("com.c", "1")));
	fixture_info(f, "C.kext",
		     PLIST_KEXT("com.c", "1") COMPATIBLE("1") EXECUTABLE PLIST_LIBRARIES(
			     NEEDS("com.apple.kernel.6.0", "6.0")));
	struct run run = resolve_with(f, "A.kext", "i386", NULL, 0);
	assert_int_equal(run.result, 0);
	assert_string_equal(direct_of(&run, "com.a"), "b apple.kernel.6.0 c");
	assert_string_equal(indirect_of(&run, "com.a"), "");
	run_free(&run);
	run = resolve(f, "A.kext");
	assert_int_equal(run.result, KEXT_ERR_DEPENDENCIES); /* com.apple.kernel.6.0 */
	run_free(&run);
}

static bool may_use_private(struct fixture *f, const char *identifier,
			    const char *copyright)
{
	char entries[2048];
	snprintf(entries, sizeof(entries),
		 "<key>CFBundleIdentifier</key><string>%s</string>" PLIST_STRING(
			 "CFBundleVersion", "1")
			 EXECUTABLE PLIST_LIBRARIES(
				 NEEDS("com.apple.kpi.private",
				       "8.0")) "<key>NSHumanReadableCopyright</"
					       "key><string>%s</string>",
		 identifier, copyright);
	fixture_info(f, "Private.kext", entries);
	struct run run = resolve(f, "Private.kext");
	if (run.result)
		fixture_expect(f, "dependency.private", KEXT_ERROR,
			       "com.apple.kpi.private");
	run_free(&run);
	return run.result == 0;
}

#define COPYRIGHT "Copyright \xc2\xa9 "
#define RESERVED  " Apple Inc. All rights reserved."

static void test_private_kpi(void **state)
{
	struct fixture *f = *state;
	static const char *const good[] = {"2006", "2004-2009", "2000-2004, 2006 2008",
					   "1999,2001"};
	static const char *const bad[] = {
		"06", "20066", "2004-", "-2004", "2004-2005-2006", "year 2006", ""};
	char text[256];
	add_kpis(f, "19.6.0");
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		snprintf(text, sizeof(text), "1.0, " COPYRIGHT "%s" RESERVED, good[i]);
		assert_true(may_use_private(f, "com.apple.driver.X", text));
		assert_false(may_use_private(f, "com.example.driver.X", text));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), COPYRIGHT "%s" RESERVED, bad[i]);
		if (may_use_private(f, "com.apple.driver.X", text))
			fail_msg("accepted \"%s\"", text);
	}
	assert_false(
		may_use_private(f, "com.apple.driver.X",
				"Copyright (c) 2006 Apple Inc. All rights reserved."));
	assert_false(
		may_use_private(f, "com.apple.driver.X", COPYRIGHT "2006 Example Inc."));
}

static void test_interface(void **state)
{
	struct fixture *f = *state;
	add_kpis(f, "19.6.0");
	fixture_info(f, "A.kext",
		     PLIST_KEXT("com.a", "1") EXECUTABLE PLIST_TRUE("OSBundleIsInterface")
			     PLIST_LIBRARIES(KPI NEEDS("com.apple.kpi.bsd", "8.0.0")));
	fixture_info(f, "B.kext",
		     PLIST_KEXT("com.b", "1") EXECUTABLE PLIST_TRUE("OSBundleIsInterface")
			     PLIST_LIBRARIES(KPI));
	struct run run = resolve(f, "A.kext");
	assert_int_equal(run.result, KEXT_ERR_DEPENDENCIES);
	fixture_expect(f, "dependency.interface", KEXT_ERROR, "exactly one");
	run_free(&run);
	run = resolve(f, "B.kext");
	assert_int_equal(run.result, 0);
	run_free(&run);
}

static void test_bad_version_and_arch_variant(void **state)
{
	struct fixture *f = *state;
	add_kpis(f, "19.6.0");
	fixture_info(
		f, "A.kext",
		PLIST_KEXT("com.a", "1") EXECUTABLE PLIST_LIBRARIES(NEEDS(
			"com.x", "one")) "<key>OSBundleLibraries_x86_64</key><dict>" KPI
					 "</dict>");
	struct run run = resolve(f, "A.kext");
	assert_int_equal(run.result, 0);
	assert_string_equal(order_of(&run), "apple.kpi.libkern a");
	run_free(&run);
	run = resolve_with(f, "A.kext", "arm64", NULL, 0);
	assert_int_equal(run.result, KEXT_ERR_DEPENDENCIES);
	fixture_expect(f, "dependency.request", KEXT_ERROR, "\"one\"");
	run_free(&run);
}

static void test_required_in_early_boot(void **state)
{
	struct fixture *f = *state;
	add_kpis(f, "19.6.0");
	fixture_info(f, "A.kext",
		     LIBRARY("com.a", "1", "1", NEEDS("com.b", "1") NEEDS("com.c", "1"))
			     PLIST_STRING("OSBundleRequired", "Local-Root"));
	fixture_info(f, "B.kext",
		     LIBRARY("com.b", "1", "1", "")
			     PLIST_STRING("OSBundleRequired", "Network-Root"));
	fixture_info(f, "C.kext",
		     LIBRARY("com.c", "1", "1", "")
			     PLIST_STRING("OSBundleRequired", "Console"));
	struct run run = resolve(f, "A.kext");
	assert_int_equal(run.result, 0);
	assert_int_equal(kext_diagnostics_count(f->diagnostics, KEXT_WARNING), 1);
	fixture_expect(f, "dependency.required", KEXT_WARNING, "needs com.b");
	run_free(&run);
}

static void test_kasan(void **state)
{
	struct fixture *f = *state;
	add_kpis(f, "19.6.0");
	fixture_info(f, "K.kext",
		     PLIST_KEXT("com.apple.kpi.kasan", "19.6.0") COMPATIBLE("8.0.0b1")
			     EXECUTABLE PLIST_TRUE("OSKernelResource"));
	fixture_info(f, "A.kext",
		     PLIST_KEXT("com.a", "1")
			     PLIST_STRING("CFBundleExecutable", "A_kasan")
				     PLIST_LIBRARIES(KPI));
	struct run run = resolve(f, "A.kext");
	assert_int_equal(run.result, 0);
	assert_string_equal(direct_of(&run, "com.a"),
			    "apple.kpi.libkern apple.kpi.kasan");
	run_free(&run);
}

/* A chain far longer than any C stack would bear if the walk recursed. */
static void test_long_chain(void **state)
{
	struct fixture *f = *state;
	enum { LENGTH = 3000 };
	struct kext_repository *repository;
	struct kext_bundle *last = NULL;
	assert_int_equal(kext_repository_new(f->context, &repository), 0);
	for (int i = 0; i < LENGTH; i++) {
		char text[32];
		struct kext_value *info = kext_value_new_dictionary();
		struct kext_value *libraries = kext_value_new_dictionary();
		snprintf(text, sizeof(text), "com.k%d", i);
		assert_int_equal(kext_value_set(info, "CFBundleIdentifier",
						kext_value_new_string(text)),
				 0);
		snprintf(text, sizeof(text), "com.k%d", i - 1);
		if (i)
			assert_int_equal(kext_value_set(libraries, text,
							kext_value_new_string("1")),
					 0);
		assert_int_equal(kext_value_set(info, "CFBundleVersion",
						kext_value_new_string("1")),
				 0);
		assert_int_equal(kext_value_set(info, "OSBundleCompatibleVersion",
						kext_value_new_string("1")),
				 0);
		assert_int_equal(kext_value_set(info, "OSBundleLibraries", libraries), 0);
		kext_bundle_unref(last);
		assert_int_equal(kext_bundle_new_archived(f->context, NULL, NULL, info,
							  NULL, 0, NULL, &last),
				 0);
		kext_value_unref(info);
		assert_int_equal(kext_repository_add(repository, last), 0);
	}
	struct kext_load_list *list;
	assert_int_equal(
		kext_resolve(repository, last, NULL, 0, kext_arch_host(), NULL, &list),
		0);
	assert_int_equal(kext_load_list_count(list), LENGTH);
	assert_string_equal(identifier_of(kext_load_list_at(list, 0)), "com.k0");
	kext_load_list_free(list);
	kext_bundle_unref(last);
	kext_repository_free(repository);
}

/* Everything from the scan to the list, with allocation number `n` failing. */
static int run_all(struct fixture *f)
{
	struct kext_repository *repository = NULL;
	struct kext_bundle *bundle = NULL;
	struct kext_load_list *list = NULL;
	int error = kext_repository_new(f->context, &repository);
	if (error == 0)
		error = kext_repository_add_folder(repository, f->folder, f->diagnostics);
	if (error == 0)
		error = kext_bundle_open(f->context, fixture_path(f, "A.kext"),
					 f->diagnostics, &bundle);
	if (error == 0)
		error = kext_resolve(repository, bundle, NULL, 0, kext_arch_host(),
				     f->diagnostics, &list);
	if (error == 0)
		error = kext_bundle_authenticate(bundle, getuid(), f->diagnostics);
	kext_load_list_free(list);
	kext_bundle_unref(bundle);
	kext_repository_free(repository);
	return error;
}

static void test_without_memory(void **state)
{
	struct fixture *f = *state;
	unsigned failures = 0, fine = 0;
	int error;
	add_kpis(f, "19.6.0");
	fixture_info(f, "A.kext", LIBRARY("com.a", "1.0", "1.0", NEEDS("com.b", "1.0")));
	fixture_info(f, "B.kext", LIBRARY("com.b", "1.0", "1.0", ""));
	fixture_text(f, "A.kext/Contents/MacOS/X", "code");
	for (unsigned n = 1;; n++) {
		fixture_forget(f);
		fault_arm_allocation(n);
		error = run_all(f);
		fault_arm_allocation(0);
		if (error == -ENOMEM) {
			failures++;
			fine = 0;
			continue;
		}
		/* A cache that cannot be read for want of memory is none. */
		assert_int_equal(error, 0);
		if (++fine == 100)
			break;
	}
	assert_true(failures > 50);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order_and_lists),
		TEST(test_codeless_library),
		TEST(test_highest_compatible),
		TEST(test_incompatible_names_both_sides),
		TEST(test_too_new_a_request_names_the_version),
		TEST(test_too_old_a_request_of_the_kernel),
		TEST(test_missing_and_undeclared),
		TEST(test_loaded_wins),
		TEST(test_loaded_without_bundle),
		TEST(test_kernel_of_another_version),
		TEST(test_cycle),
		TEST(test_two_versions_in_one_graph),
		TEST(test_kernel_libraries),
		TEST(test_bleed_through),
		TEST(test_private_kpi),
		TEST(test_interface),
		TEST(test_bad_version_and_arch_variant),
		TEST(test_required_in_early_boot),
		TEST(test_kasan),
		TEST(test_long_chain),
		TEST(test_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
