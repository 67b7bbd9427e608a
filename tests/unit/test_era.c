/*
 * The same kext under the rules of three eras: what Tiger refused, what came later, and
 * what 10.14 changed.
 */
#include "kext_fixture.h"
#include <kext/repository.h>
#include <kext/resolve.h>

#define OK	   0
#define INVALID	   KEXT_ERR_VALIDATION
#define TIGER	   KEXT_ERA_TIGER
#define SNOW	   KEXT_ERA_SNOWLEOPARD
#define MODERN	   KEXT_ERA_MODERN
#define COMPATIBLE PLIST_STRING("OSBundleCompatibleVersion", "1")
#define EXECUTABLE PLIST_STRING("CFBundleExecutable", "A")
#define PERSONALITY(entries)                                                             \
	PLIST_KEXT("a", "1")                                                             \
	"<key>IOKitPersonalities</key><dict><key>P</key><dict>" entries "</dict></dict>"
#define CLASSES                                                                          \
	PLIST_STRING("IOClass", "C") PLIST_STRING("IOProviderClass", "IOResources")

static int judge(struct fixture *f, const char *entries, enum kext_era era,
		 const char *arch)
{
	fixture_forget(f);
	kext_context_set_era(f->context, era);
	fixture_info(f, "A.kext", entries);
	struct kext_bundle *bundle = fixture_open(f, "A.kext");
	int code = kext_bundle_validate(bundle, kext_arch_named(arch), f->diagnostics);
	kext_bundle_unref(bundle);
	return code;
}

/* Verdicts of each era; the slug is what the first era that says it says. */
static const struct {
	const char *entries;
	int verdicts[3];
	const char *slugs[3]; /* NULL: not a word */
} rules[] = {
	{PLIST_STRING("CFBundleIdentifier", "a") PLIST_STRING("CFBundleVersion", "1")
		 PLIST_STRING("CFBundlePackageType", "BNDL"),
	 {INVALID, OK, OK},
	 {"property.value", "property.value", "property.value"}},
	{PLIST_KEXT("a", "1.100"),
	 {INVALID, INVALID, OK},
	 {"property.value", "property.value", NULL}},
	{PLIST_KEXT("a", "1.2.33."), {OK, OK, INVALID}, {NULL, NULL, "property.value"}},
	{PLIST_KEXT("a", "1") PLIST_STRING("OSBundleRequired", "Never"),
	 {INVALID, OK, OK},
	 {"property.value", "property.value", "property.value"}},
	{PLIST_KEXT("a", "1") "<key>OSBundleDebugLevel</key><integer>1</integer>",
	 {OK, OK, OK},
	 {NULL, "property.deprecated", "property.deprecated"}},
	{PLIST_KEXT("a", "1") PLIST_STRING("OSBundleDebugLevel", "1"),
	 {INVALID, OK, OK},
	 {"property.type", "property.deprecated", "property.deprecated"}},
	{PLIST_KEXT("a", "1") PLIST_STRING("OSBundleIsInterface", "yes"),
	 {OK, INVALID, INVALID},
	 {NULL, "property.type", "property.type"}},
	{PLIST_KEXT("a", "1") PLIST_STRING("OSBundleAllowUserLoad", "yes"),
	 {OK, INVALID, INVALID},
	 {NULL, "property.type", "property.type"}},
	{PLIST_KEXT("a", "1") PLIST_STRING("OSKernelResource", "yes"),
	 {INVALID, INVALID, INVALID},
	 {"property.type", "property.type", "property.type"}},
	/* Variants per architecture came later. */
	{PLIST_KEXT("a", "1") PLIST_TRUE("OSBundleCompatibleVersion_x86_64"),
	 {OK, INVALID, INVALID},
	 {NULL, "property.type", "property.type"}},
	{PLIST_KEXT("a", "1") PLIST_LIBRARIES(PLIST_STRING("b", "1")),
	 {OK, OK, OK},
	 {NULL, "libraries.codeless", "libraries.codeless"}},
	{PLIST_KEXT("a", "1") PLIST_TRUE("OSBundleSharedExecutableIdentifier"),
	 {OK, INVALID, INVALID},
	 {NULL, "property.type", "property.type"}},
	{PLIST_KEXT("a", "1") PLIST_STRING("OSBundleSharedExecutableIdentifier", "b"),
	 {OK, INVALID, INVALID}, /* it has code, and names no libraries */
	 {NULL, "property.missing", "property.missing"}},
	{PLIST_KEXT("a", "1") PLIST_STRING("OSBundleRequiredPromotion", "Never"),
	 {OK, OK, OK},
	 {NULL, "property.value", "property.value"}},
	{PERSONALITY(CLASSES),
	 {OK, OK, OK},
	 {NULL, "personality.no-identifier", "personality.no-identifier"}},
	{PERSONALITY(CLASSES PLIST_STRING("CFBundleIdentifier", "b")),
	 {OK, OK, OK},
	 {NULL, "personality.other-identifier", "personality.other-identifier"}},
	{PERSONALITY(CLASSES PLIST_TRUE("CFBundleIdentifier")),
	 {INVALID, INVALID, INVALID},
	 {"property.type", "property.type", "property.type"}},
	{PERSONALITY(CLASSES PLIST_STRING("CFBundleIdentifier", "a")
			     PLIST_STRING("IOMatchCategory", "D")),
	 {OK, OK, OK},
	 {NULL, "personality.match-category", "personality.match-category"}},
	{PERSONALITY(CLASSES PLIST_STRING("CFBundleIdentifier", "a")
			     PLIST_STRING("IOProbeScore", "D")),
	 {OK, OK, OK},
	 {NULL, "property.type-warning", "property.type-warning"}},
	{PERSONALITY(CLASSES PLIST_STRING("CFBundleIdentifier", "a")
			     PLIST_STRING("IOKitDebug", "D")),
	 {INVALID, INVALID, INVALID},
	 {"property.type", "property.type", "property.type"}},
	{PERSONALITY(CLASSES PLIST_STRING("CFBundleIdentifier", "a") PLIST_STRING(
		 "Any", "1") "<key>X</key><array><set/></array>"),
	 {INVALID, OK, OK},
	 {"property.type", NULL, NULL}},
	{PLIST_KEXT("a", "1") PLIST_TRUE("IOKitPersonalities"),
	 {INVALID, INVALID, INVALID},
	 {"personality.kind", "property.type", "property.type"}},
};

static void test_properties(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		for (enum kext_era era = TIGER; era <= MODERN; era++) {
			int code = judge(f, rules[i].entries, era, "x86_64");
			if (code != rules[i].verdicts[era])
				fail_msg("rule %zu, era %d: %d", i, era, code);
			const char *slug = rules[i].slugs[era];
			if (slug ? !fixture_find(f, slug)
				 : kext_diagnostics_length(f->diagnostics) != 0)
				fail_msg("rule %zu, era %d: no %s", i, era,
					 slug ? slug : "silence");
		}
	}
}

/* Tiger demanded libraries of everything with code but kernel resources. */
static void test_libraries_of_interfaces(void **state)
{
	struct fixture *f = *state;
	static const char interface[] =
		PLIST_KEXT("a", "1") EXECUTABLE PLIST_TRUE("OSBundleIsInterface");
	static const char empty[] = PLIST_KEXT("a", "1") EXECUTABLE PLIST_LIBRARIES("");
	judge(f, interface, TIGER, "x86_64");
	fixture_expect(f, "property.missing", KEXT_ERROR, "OSBundleLibraries");
	judge(f, interface, MODERN, "x86_64");
	assert_null(fixture_find(f, "property.missing"));
	judge(f, empty, TIGER, "x86_64");
	fixture_expect(f, "property.value", KEXT_ERROR, "empty");
	judge(f, empty, SNOW, "x86_64");
	assert_null(fixture_find(f, "property.value"));
}

static void test_executables(void **state)
{
	struct fixture *f = *state;
	uint8_t image[FIXTURE_MACHO_SIZE];
	const struct fixture_macho m = {KEXT_CPU_X86_64, 11,	"_kmod_info",
					"com.other",	 "2.0", 0x0f};
	static const char kpi[] = PLIST_KEXT("a", "1")
		EXECUTABLE PLIST_LIBRARIES(PLIST_STRING("com.apple.kpi.mach", "8.0"));
	static const char none[] =
		PLIST_KEXT("a", "1") EXECUTABLE PLIST_LIBRARIES(PLIST_STRING("b", "1"));
	static const char old[] = PLIST_KEXT("a", "1")
		EXECUTABLE PLIST_LIBRARIES(PLIST_STRING("com.apple.kernel.mach", "1.3"));
	fixture_macho(&m, image);
	fixture_write(f, "A.kext/Contents/MacOS/A", image, sizeof(image));
	assert_int_equal(judge(f, kpi, TIGER, "arm64"), KEXT_ERR_VALIDATION);
	assert_int_equal(judge(f, kpi, SNOW, "arm64"), KEXT_ERR_ARCH_NOT_FOUND);
	assert_int_equal(judge(f, kpi, TIGER, "x86_64"), 0);
	assert_int_equal(judge(f, none, SNOW, "x86_64"), 0);
	assert_null(fixture_find(f, "kmod.identifier"));
	judge(f, none, TIGER, "x86_64");
	fixture_expect(f, "kmod.identifier", KEXT_ERROR, "com.other");
	fixture_expect(f, "kmod.version", KEXT_ERROR, "2.0");
	judge(f, old, TIGER, "x86_64");
	fixture_expect(f, "kmod.identifier", KEXT_ERROR, "com.other");
	assert_int_equal(judge(f, old, MODERN, "x86_64"), 0);
	fixture_expect(f, "kmod.identifier", KEXT_WARNING, "com.other");
}

static int authenticate(struct fixture *f, enum kext_era era)
{
	fixture_forget(f);
	kext_context_set_era(f->context, era);
	struct kext_bundle *bundle = fixture_open(f, "A.kext");
	int code = kext_bundle_authenticate(bundle, getuid(), f->diagnostics);
	kext_bundle_unref(bundle);
	return code;
}

/* Tiger examined what it read and the folders above; later eras examine all. */
static void test_authentication(void **state)
{
	struct fixture *f = *state;
	fixture_info(f, "A.kext",
		     PLIST_KEXT("a", "1")
			     EXECUTABLE PLIST_STRING("OSBundleRequired", "Root"));
	fixture_text(f, "A.kext/Contents/MacOS/A", "code");
	fixture_text(f, "A.kext/Contents/Resources/x", "x");
	assert_int_equal(symlink("x", fixture_path(f, "A.kext/Contents/Resources/l")), 0);
	assert_int_equal(chmod(fixture_path(f, "A.kext/Contents/Resources"), 0777), 0);
	assert_int_equal(authenticate(f, TIGER), 0);
	assert_int_equal(kext_diagnostics_length(f->diagnostics), 0);
	assert_int_equal(authenticate(f, SNOW), KEXT_ERR_AUTHENTICATION);
	assert_non_null(fixture_find(f, "auth.symlink"));
	static const char *const examined[] = {
		"A.kext", "A.kext/Contents", "A.kext/Contents/Info.plist",
		"A.kext/Contents/MacOS", "A.kext/Contents/MacOS/A"};
	for (size_t i = 0; i < 5; i++) {
		const char *path = fixture_path(f, examined[i]);
		assert_int_equal(chmod(path, 0777), 0);
		assert_int_equal(authenticate(f, TIGER), KEXT_ERR_AUTHENTICATION);
		assert_int_equal(chmod(path, 0755), 0);
	}
}

/* ---- resolution ---- */

struct run {
	struct kext_repository *repository;
	struct kext_bundle *root;
	struct kext_load_list *list;
	int result;
};

static struct run resolve(struct fixture *f, const char *kext, enum kext_era era,
			  const char *arch, const struct kext_loaded *loaded)
{
	struct run run = {0};
	fixture_forget(f);
	kext_context_set_era(f->context, era);
	assert_int_equal(kext_repository_new(f->context, &run.repository), 0);
	assert_int_equal(kext_repository_add_folder(run.repository, f->folder, NULL), 0);
	run.root = fixture_open(f, kext);
	run.result = kext_resolve(run.repository, run.root, loaded, loaded != NULL,
				  kext_arch_named(arch), f->diagnostics, &run.list);
	return run;
}

static void run_free(struct run *run)
{
	kext_load_list_free(run->list);
	kext_bundle_unref(run->root);
	kext_repository_free(run->repository);
}

static void expect(struct fixture *f, const char *kext, enum kext_era era,
		   const char *arch, int result, const char *slug)
{
	struct run run = resolve(f, kext, era, arch, NULL);
	assert_int_equal(run.result, result);
	if (slug)
		assert_non_null(fixture_find(f, slug));
	else
		assert_int_equal(kext_diagnostics_length(f->diagnostics), 0);
	run_free(&run);
}

#define KERNEL(id)                                                                       \
	PLIST_KEXT(id, "8.0") COMPATIBLE PLIST_TRUE("OSKernelResource") EXECUTABLE
#define NEEDS(entries) PLIST_KEXT("a", "1") EXECUTABLE PLIST_LIBRARIES(entries)
#define RAW	       PLIST_STRING("com.apple.kernel", "8.0")
#define MACH	       PLIST_STRING("com.apple.kernel.mach", "8.0")
#define KPI_MACH       PLIST_STRING("com.apple.kpi.mach", "8.0")
#define KPI_PRIVATE    PLIST_STRING("com.apple.kpi.private", "8.0")

static void test_kernel_libraries(void **state)
{
	struct fixture *f = *state;
	const int bad = KEXT_ERR_DEPENDENCIES;
	static const char *const kernels[] = {
		KERNEL("com.apple.kernel"), KERNEL("com.apple.kernel.mach"),
		KERNEL("com.apple.kpi.mach"), KERNEL("com.apple.kpi.private"),
		KERNEL("com.apple.kernel.6.0")};
	for (size_t i = 0; i < sizeof(kernels) / sizeof(*kernels); i++) {
		char name[16];
		snprintf(name, sizeof(name), "K%zu.kext", i);
		fixture_info(f, name, kernels[i]);
	}
	fixture_info(f, "A.kext", NEEDS(RAW));
	expect(f, "A.kext", TIGER, "ppc", 0, NULL);
	expect(f, "A.kext", SNOW, "ppc", bad, "dependency.raw-kernel");
	fixture_info(f, "A.kext", NEEDS(RAW MACH));
	for (enum kext_era era = TIGER; era <= MODERN; era++)
		expect(f, "A.kext", era, "i386", bad, "dependency.raw-and-component");
	fixture_info(f, "A.kext", NEEDS(MACH));
	expect(f, "A.kext", TIGER, "ppc64", 0, NULL);
	expect(f, "A.kext", SNOW, "x86_64", bad, "dependency.non-kpi");
	fixture_info(f, "A.kext", NEEDS(MACH KPI_MACH));
	expect(f, "A.kext", TIGER, "i386", 0, NULL);
	expect(f, "A.kext", SNOW, "i386", 0, "dependency.both");
	fixture_info(f, "A.kext", NEEDS(KPI_MACH KPI_PRIVATE));
	expect(f, "A.kext", TIGER, "i386", 0, NULL);
	expect(f, "A.kext", SNOW, "i386", bad, "dependency.private");
	fixture_info(f, "A.kext", NEEDS(""));
	expect(f, "A.kext", TIGER, "i386", 0, NULL);
	expect(f, "A.kext", SNOW, "x86_64", 0, "dependency.no-kpi");
}

/* An interface's one dependency, and the sanitizer's library that 10.13 brought. */
static void test_later_rules(void **state)
{
	struct fixture *f = *state;
	fixture_info(f, "K.kext", KERNEL("com.apple.kpi.mach"));
	fixture_info(f, "S.kext", KERNEL("com.apple.kpi.kasan"));
	fixture_info(f, "A.kext",
		     PLIST_KEXT("a", "1") EXECUTABLE PLIST_TRUE("OSBundleIsInterface"));
	expect(f, "A.kext", TIGER, "i386", 0, NULL);
	expect(f, "A.kext", SNOW, "i386", KEXT_ERR_DEPENDENCIES, "dependency.interface");
	fixture_info(f, "A.kext",
		     PLIST_KEXT("a", "1") PLIST_STRING("CFBundleExecutable", "A_kasan")
			     PLIST_LIBRARIES(KPI_MACH));
	struct run run = resolve(f, "A.kext", SNOW, "x86_64", NULL);
	assert_int_equal(kext_load_list_count(run.list), 2);
	run_free(&run);
	run = resolve(f, "A.kext", MODERN, "x86_64", NULL);
	assert_int_equal(kext_load_list_count(run.list), 3);
	run_free(&run);
}

static void test_loaded(void **state)
{
	struct fixture *f = *state;
	struct kext_loaded loaded = {.identifier = "lib"};
	assert_int_equal(kext_version_parse("1", &loaded.version), 0);
	assert_int_equal(kext_version_parse("1", &loaded.compatible_version), 0);
	fixture_info(f, "L.kext", PLIST_KEXT("lib", "2") COMPATIBLE);
	fixture_info(f, "A.kext",
		     PLIST_KEXT("a", "1")
			     COMPATIBLE PLIST_LIBRARIES(PLIST_STRING("lib", "2")));
	struct run run = resolve(f, "A.kext", SNOW, "x86_64", &loaded);
	assert_int_equal(run.result, KEXT_ERR_DEPENDENCIES);
	assert_non_null(fixture_find(f, "dependency.loaded"));
	run_free(&run);
	run = resolve(f, "A.kext", TIGER, "x86_64", &loaded);
	assert_int_equal(run.result, 0);
	assert_string_equal(
		kext_bundle_identifier(kext_load_list_at(run.list, 0)->bundle), "lib");
	run_free(&run);
}

/* 255 deep is fine, 256 is taken for a loop by Tiger. */
static void test_depth(void **state)
{
	struct fixture *f = *state;
	char kext[32], entries[512];
	for (int i = 0; i <= 255; i++) {
		char needs[128] = "";
		if (i)
			snprintf(needs, sizeof(needs), "<key>k%d</key><string>1</string>",
				 i - 1);
		snprintf(kext, sizeof(kext), "K%d.kext", i);
		snprintf(entries, sizeof(entries),
			 "<key>CFBundleIdentifier</key><string>k%d</string>" PLIST_STRING(
				 "CFBundleVersion", "1") COMPATIBLE PLIST_LIBRARIES("%s"),
			 i, needs);
		fixture_info(f, kext, entries);
	}
	expect(f, "K254.kext", TIGER, "i386", 0, NULL);
	expect(f, "K255.kext", TIGER, "i386", KEXT_ERR_DEPENDENCIES, "dependency.loop");
	expect(f, "K255.kext", SNOW, "i386", 0, NULL);
}

/* ---- boot levels, and what else is checked of a load list ---- */

static int check_list(struct fixture *f, struct run *run,
		      const struct kext_load_checks *checks)
{
	fixture_forget(f);
	return kext_load_list_check(run->list, checks, f->diagnostics);
}

#define BOOT(entries)                                                                    \
	PLIST_KEXT("a", "1")                                                             \
	COMPATIBLE PLIST_LIBRARIES(PLIST_STRING("b", "1")) entries

static void test_safe_boot(void **state)
{
	struct fixture *f = *state;
	const struct kext_load_checks checks = {.arch = kext_arch_host(),
						.is_safe_boot = true};
	static const struct {
		const char *a, *b, *slug;
	} cases[] = {
		{"", "Root", "boot.level"},	 {"Never", "Root", "boot.level"},
		{"Root", "", "boot.dependency"}, {"Root", "safe boot", "boot.dependency"},
		{"Safe Boot", "Console", NULL},	 {"Network-Root", "Local-Root", NULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		for (int promotes = 0; promotes < 2; promotes++) {
			const char *key = promotes ? "OSBundleRequiredPromotion"
						   : "OSBundleRequired";
			char a[1024], b[1024];
			snprintf(a, sizeof(a), BOOT("<key>%s</key><string>%s</string>"),
				 key, cases[i].a);
			snprintf(b, sizeof(b),
				 PLIST_KEXT("b", "1") COMPATIBLE
				 "<key>%s</key><string>%s</string>",
				 key, cases[i].b);
			fixture_info(f, "A.kext", a);
			fixture_info(f, "B.kext", b);
			struct run run = resolve(f, "A.kext", MODERN, "x86_64", NULL);
			assert_int_equal(run.result, 0);
			assert_int_equal(check_list(f, &run, &checks),
					 cases[i].slug ? KEXT_ERR_BOOT_LEVEL : 0);
			if (cases[i].slug)
				assert_non_null(fixture_find(f, cases[i].slug));
			run_free(&run);
		}
	}
}

static void test_members_of_a_list(void **state)
{
	struct fixture *f = *state;
	const struct kext_load_checks checks = {
		.arch = kext_arch_host(), .authenticates = true, .owner = getuid()};
	fixture_info(f, "A.kext", BOOT(""));
	fixture_info(f, "B.kext", PLIST_KEXT("b", "1") COMPATIBLE);
	struct run run = resolve(f, "A.kext", MODERN, "x86_64", NULL);
	assert_int_equal(check_list(f, &run, &checks), 0);
	assert_int_equal(chmod(fixture_path(f, "B.kext"), 0777), 0);
	assert_int_equal(check_list(f, &run, &checks), KEXT_ERR_AUTHENTICATION);
	fixture_expect(f, "dependency.inauthentic", KEXT_ERROR, "b");
	assert_non_null(fixture_find(f, "auth.mode"));
	run_free(&run);
	fixture_info(f, "B.kext",
		     PLIST_KEXT("b", "1") COMPATIBLE PLIST_TRUE("OSBundleRequired"));
	run = resolve(f, "A.kext", MODERN, "x86_64", NULL);
	assert_int_equal(check_list(f, &run, &checks), KEXT_ERR_DEPENDENCIES);
	fixture_expect(f, "dependency.invalid", KEXT_ERROR, "b");
	assert_string_equal(fixture_find(f, "dependency.invalid")->value, "b");
	run_free(&run);
}

/* A promoted kext is held to what its libraries are in early boot, as a required one. */
static void test_promotion(void **state)
{
	struct fixture *f = *state;
	fixture_info(f, "A.kext",
		     BOOT(PLIST_STRING("OSBundleRequiredPromotion", "Root")));
	fixture_info(f, "B.kext", PLIST_KEXT("b", "1") COMPATIBLE);
	expect(f, "A.kext", MODERN, "x86_64", 0, "dependency.required");
	expect(f, "A.kext", TIGER, "x86_64", 0, NULL);
	fixture_info(f, "B.kext",
		     PLIST_KEXT("b", "1")
			     COMPATIBLE PLIST_STRING("OSBundleRequired", "Safe Boot"));
	expect(f, "A.kext", MODERN, "x86_64", 0, "dependency.required");
	fixture_info(f, "B.kext",
		     PLIST_KEXT("b", "1")
			     COMPATIBLE PLIST_STRING("OSBundleRequired", "Console"));
	expect(f, "A.kext", MODERN, "x86_64", 0, NULL);
}

/* ---- what a repository knows of personalities ---- */

static void test_personalities_of_others(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *identifier, *slug;
	} cases[] = {
		{"a", NULL},
		{"nobody", "personality.unknown"},
		{"codeless", "personality.codeless"},
		{"broken", "personality.nonloadable"},
		{"com.apple.kpi.mach", NULL},
	};
	fixture_info(f, "C.kext", PLIST_KEXT("codeless", "1"));
	fixture_info(f, "B.kext", PLIST_KEXT("broken", "1") EXECUTABLE);
	fixture_info(f, "K.kext",
		     PLIST_KEXT("com.apple.kpi.mach", "8.0")
			     PLIST_TRUE("OSKernelResource"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char entries[1024];
		snprintf(entries, sizeof(entries),
			 PERSONALITY(CLASSES "<key>CFBundleIdentifier</key><string>%s"
					     "</string>"),
			 cases[i].identifier);
		fixture_info(f, "A.kext", entries);
		struct run run = resolve(f, "A.kext", MODERN, "x86_64", NULL);
		fixture_forget(f);
		assert_int_equal(kext_repository_check(run.repository, run.root,
						       kext_arch_host(), f->diagnostics),
				 0);
		assert_int_equal(kext_diagnostics_length(f->diagnostics),
				 cases[i].slug != NULL);
		if (cases[i].slug)
			fixture_expect(f, cases[i].slug, KEXT_WARNING,
				       cases[i].identifier);
		run_free(&run);
	}
}

static void test_shared_executables(void **state)
{
	struct fixture *f = *state;
	static const char shares[] = PLIST_KEXT("a", "1")
		PLIST_STRING("OSBundleSharedExecutableIdentifier", "owner")
			PLIST_LIBRARIES(KPI_MACH);
	fixture_info(f, "K.kext", KERNEL("com.apple.kpi.mach"));
	assert_int_equal(judge(f, shares, MODERN, "x86_64"), 0);
	for (int is_there = 0; is_there < 2; is_there++) {
		struct run run = resolve(f, "A.kext", MODERN, "x86_64", NULL);
		assert_int_equal(run.result, 0);
		fixture_forget(f);
		assert_int_equal(kext_repository_check(run.repository, run.root,
						       kext_arch_host(), f->diagnostics),
				 is_there ? 0 : KEXT_ERR_VALIDATION);
		if (!is_there)
			fixture_expect(f, "executable.shared-missing", KEXT_ERROR,
				       "owner");
		run_free(&run);
		fixture_info(f, "O.kext", PLIST_KEXT("owner", "1"));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_properties),
		TEST(test_libraries_of_interfaces),
		TEST(test_executables),
		TEST(test_authentication),
		TEST(test_kernel_libraries),
		TEST(test_later_rules),
		TEST(test_loaded),
		TEST(test_depth),
		TEST(test_safe_boot),
		TEST(test_members_of_a_list),
		TEST(test_promotion),
		TEST(test_personalities_of_others),
		TEST(test_shared_executables),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
