/* Bundles: layouts, Info.plist, properties, executables and the rules that judge them. */
#include "kext_fixture.h"

#define NEEDS_KPI PLIST_LIBRARIES(PLIST_STRING("com.apple.kpi.libkern", "8.0.0"))
#define DRIVER	  PLIST_KEXT("com.example.driver", "1.0.0d1")
#define X86_64	  0x01000007u
#define DEFINED	  0x0fu /* N_SECT | N_EXT */

static int open_code(struct fixture *f, const char *kext)
{
	struct kext_bundle *bundle = NULL;
	fixture_forget(f);
	int code = kext_bundle_open(f->context, fixture_path(f, kext), f->diagnostics,
				    &bundle);
	if (code != 0)
		assert_null(bundle);
	kext_bundle_unref(bundle);
	return code;
}

static int validate_code(struct fixture *f, const char *kext, const char *arch)
{
	fixture_forget(f);
	struct kext_bundle *bundle = fixture_open(f, kext);
	int code = kext_bundle_validate(bundle, kext_arch_named(arch), f->diagnostics);
	/* The verdict does not depend on whether somebody listens. */
	assert_int_equal(kext_bundle_validate(bundle, kext_arch_named(arch), NULL), code);
	kext_bundle_unref(bundle);
	return code;
}

/* The verdict over a codeless kext whose dictionary holds these entries. */
static int judge(struct fixture *f, const char *entries)
{
	fixture_info(f, "Judged.kext", entries);
	return validate_code(f, "Judged.kext", "x86_64");
}

static void test_layouts(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *kext, *info, *executable;
	} layouts[] = {
		{"Deep.kext", "Deep.kext/Contents/Info.plist", "Contents/MacOS/Code"},
		{"Flat.kext", "Flat.kext/Info.plist", "Code"},
		{"Old.kext", "Old.kext/Support Files/Info.plist",
		 "Support Files/MacOS/Code"},
	};
	for (size_t i = 0; i < 3; i++) {
		char path[256];
		const void *data;
		size_t size;
		fixture_text(f, layouts[i].info,
			     "<dict>" DRIVER PLIST_STRING("CFBundleExecutable",
							  "Code") "</dict>");
		snprintf(path, sizeof(path), "%s/%s", layouts[i].kext,
			 layouts[i].executable);
		fixture_text(f, path, "hello");
		struct kext_bundle *bundle = fixture_open(f, layouts[i].kext);
		assert_string_equal(kext_bundle_executable_path(bundle),
				    layouts[i].executable);
		assert_string_equal(kext_bundle_path(bundle),
				    fixture_path(f, layouts[i].kext));
		assert_int_equal(
			kext_bundle_executable(bundle, f->diagnostics, &data, &size), 0);
		assert_int_equal(size, 5);
		assert_memory_equal(data, "hello", 5);
		kext_bundle_unref(bundle);
	}
}

static void test_getters(void **state)
{
	struct fixture *f = *state;
	fixture_info(f, "A.kext",
		     DRIVER PLIST_STRING("OSBundleCompatibleVersion",
					 "0.9") PLIST_STRING("CFBundleName", "plain")
			     PLIST_STRING("CFBundleName_x86_64", "variant") PLIST_STRING(
				     "OSBundleRequired", "Root")
				     PLIST_STRING("OSBundleRequired_x86_64", "Console"));
	struct kext_bundle *bundle = fixture_open(f, "A.kext");
	assert_string_equal(kext_bundle_identifier(bundle), "com.example.driver");
	assert_string_equal(kext_bundle_version_text(bundle), "1.0.0d1");
	assert_true(kext_bundle_version(bundle) == 1000000001001);
	assert_true(kext_bundle_compatible_version(bundle) == 900009000);
	assert_false(kext_bundle_has_executable(bundle));
	assert_null(kext_bundle_executable_path(bundle));
	assert_false(kext_bundle_is_kernel_component(bundle));
	assert_false(kext_bundle_is_interface(bundle));
	const struct kext_arch *intel = kext_arch_named("x86_64"),
			       *arm = kext_arch_named("arm64");
	assert_string_equal(kext_value_string(kext_bundle_property(
				    bundle, "OSBundleRequired", intel)),
			    "Console");
	assert_string_equal(
		kext_value_string(kext_bundle_property(bundle, "OSBundleRequired", arm)),
		"Root");
	assert_string_equal(
		kext_value_string(kext_bundle_property(bundle, "CFBundleName", intel)),
		"plain");
	assert_null(kext_bundle_property(bundle, "OSNothing", intel));
	kext_bundle_unref(bundle);
	fixture_info(f, "K.kext", DRIVER PLIST_TRUE("OSKernelResource"));
	bundle = fixture_open(f, "K.kext");
	assert_true(kext_bundle_is_kernel_component(bundle));
	assert_true(kext_bundle_is_interface(bundle));
	kext_bundle_unref(bundle);
}

static void test_what_is_no_bundle(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(open_code(f, "None.kext"), -ENOENT);
	fixture_expect(f, "file.not-found", KEXT_ERROR, "No such file");
	fixture_text(f, "File.kext", "x");
	assert_int_equal(open_code(f, "File.kext"), KEXT_ERR_NOT_A_KEXT);
	fixture_expect(f, "bundle.not-a-bundle", KEXT_ERROR, "not a folder");
	fixture_text(f, "Empty.kext/Contents/nothing", "");
	assert_int_equal(open_code(f, "Empty.kext"), KEXT_ERR_NOT_A_KEXT);
	fixture_expect(f, "bundle.not-a-bundle", KEXT_ERROR, "Contents/Info.plist");
	fixture_info(f, "Driver.bundle", DRIVER);
	assert_int_equal(open_code(f, "Driver.bundle"), KEXT_ERR_NOT_A_KEXT);
	fixture_expect(f, "bundle.not-a-bundle", KEXT_ERROR, "does not end in .kext");
	assert_int_equal(mkfifo(fixture_path(f, "Pipe.kext"), 0644), 0);
	assert_int_equal(open_code(f, "Pipe.kext"), KEXT_ERR_NOT_A_KEXT);
}

/* The real name counts, as on Darwin, and trailing slashes do not. */
static void test_names(void **state)
{
	struct fixture *f = *state;
	fixture_info(f, "Real.kext", DRIVER);
	fixture_info(f, "Other", DRIVER);
	assert_int_equal(symlink("Real.kext", fixture_path(f, "link")), 0);
	assert_int_equal(symlink("Other", fixture_path(f, "Link.kext")), 0);
	struct kext_bundle *bundle = fixture_open(f, "link");
	assert_string_equal(kext_bundle_path(bundle), fixture_path(f, "Real.kext"));
	assert_string_equal(kext_bundle_name(bundle), fixture_path(f, "link"));
	kext_bundle_unref(bundle);
	bundle = fixture_open(f, "Real.kext///");
	assert_string_equal(kext_bundle_path(bundle), fixture_path(f, "Real.kext"));
	kext_bundle_unref(bundle);
	assert_int_equal(open_code(f, "Link.kext"), KEXT_ERR_NOT_A_KEXT);
}

static void test_broken_info(void **state)
{
	struct fixture *f = *state;
	char path[] = "A.kext/Contents/Info.plist";
	static const struct {
		const char *text, *slug;
	} cases[] = {
		{"", "plist.syntax"},
		{"<dict><key>x</key>", "plist.syntax"},
		{"\x7f"
		 "ELF",
		 "plist.syntax"},
		{"bplist00garbage", "plist.syntax"},
		{"<array/>", "property.type"},
		{"<string>x</string>", "property.type"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fixture_text(f, path, cases[i].text);
		assert_int_equal(open_code(f, "A.kext"), KEXT_ERR_VALIDATION);
		if (!fixture_find(f, cases[i].slug))
			fail_msg("%s: no %s", cases[i].text, cases[i].slug);
		assert_int_equal(kext_diagnostics_count(f->diagnostics, KEXT_ERROR), 1);
	}
}

/* Forms that other property lists have are named. */
static void test_other_forms_of_info(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *bytes;
		size_t size;
		const char *text;
	} cases[] = {
		{"\xff\xfe<\0p\0", 6, "UTF-16"},
		{"\xfe\xff\0<\0p", 6, "UTF-16"},
		{" \n{ CFBundleIdentifier = a; }", 29, "old style"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fixture_write(f, "A.kext/Contents/Info.plist", cases[i].bytes,
			      cases[i].size);
		assert_int_equal(open_code(f, "A.kext"), KEXT_ERR_VALIDATION);
		fixture_expect(f, "plist.syntax", KEXT_ERROR, cases[i].text);
	}
	/* A mark for UTF-8 is none of them. */
	fixture_text(f, "A.kext/Contents/Info.plist",
		     "\xef\xbb\xbf<dict>" DRIVER "</dict>");
	assert_int_equal(open_code(f, "A.kext"), 0);
}

/* Filed under a name that stands for one, so that all else is judged, too. */
static void test_unusable_identifier(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *text, *slug;
	} cases[] = {
		{"", "property.missing"},
		{"<key>CFBundleIdentifier</key><true/>", "property.type"},
		{"<key>CFBundleIdentifier</key><string></string>", "property.value"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fixture_info(f, "A.kext", cases[i].text);
		fixture_forget(f);
		struct kext_bundle *bundle = fixture_open(f, "A.kext");
		assert_string_equal(kext_bundle_identifier(bundle), "__unknown__");
		assert_int_equal(kext_diagnostics_count(f->diagnostics, KEXT_NOTE), 0);
		assert_int_equal(
			kext_bundle_validate(bundle, kext_arch_host(), f->diagnostics),
			KEXT_ERR_VALIDATION);
		assert_non_null(fixture_find(f, cases[i].slug));
		/* Besides it, CFBundleVersion and CFBundlePackageType are missing. */
		assert_int_equal(kext_diagnostics_count(f->diagnostics, KEXT_ERROR), 3);
		kext_bundle_unref(bundle);
	}
}

static void test_size_of_info(void **state)
{
	struct fixture *f = *state;
	size_t limit = 1 << 20;
	static const char begin[] = "<dict>" DRIVER "</dict>";
	char *text = malloc(limit + 1);
	memset(text, '\n', limit + 1);
	memcpy(text, begin, sizeof(begin) - 1);
	fixture_write(f, "A.kext/Contents/Info.plist", text, limit);
	assert_int_equal(open_code(f, "A.kext"), 0);
	fixture_write(f, "A.kext/Contents/Info.plist", text, limit + 1);
	assert_int_equal(open_code(f, "A.kext"), KEXT_ERR_VALIDATION);
	fixture_expect(f, "file.size", KEXT_ERROR, "1048576");
	free(text);
}

/* Made by python3: plistlib.dumps({"CFBundleIdentifier": "com.b"},
 * fmt=plistlib.FMT_BINARY) */
static const uint8_t binary_info[] = {
	0x62, 0x70, 0x6c, 0x69, 0x73, 0x74, 0x30, 0x30, 0xd1, 0x01, 0x02, 0x5f, 0x10,
	0x12, 0x43, 0x46, 0x42, 0x75, 0x6e, 0x64, 0x6c, 0x65, 0x49, 0x64, 0x65, 0x6e,
	0x74, 0x69, 0x66, 0x69, 0x65, 0x72, 0x55, 0x63, 0x6f, 0x6d, 0x2e, 0x62, 0x08,
	0x0b, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x26,
};

static void test_binary_info(void **state)
{
	struct fixture *f = *state;
	fixture_write(f, "A.kext/Contents/Info.plist", binary_info, sizeof(binary_info));
	struct kext_bundle *bundle = fixture_open(f, "A.kext");
	assert_string_equal(kext_bundle_identifier(bundle), "com.b");
	assert_int_equal(kext_diagnostics_count(f->diagnostics, KEXT_NOTE), 0);
	assert_int_equal(kext_bundle_validate(bundle, kext_arch_host(), f->diagnostics),
			 KEXT_ERR_VALIDATION);
	fixture_expect(f, "plist.binary", KEXT_ERROR, "XML");
	kext_bundle_unref(bundle);
}

/* Nothing inside of a bundle is read through a link, nor from what is no file. */
static void test_links_inside(void **state)
{
	struct fixture *f = *state;
	const void *data;
	size_t size;
	fixture_text(f, "secret", "<dict>" DRIVER "</dict>");
	fixture_text(f, "A.kext/Contents/x", "");
	assert_int_equal(
		symlink("../../secret", fixture_path(f, "A.kext/Contents/Info.plist")),
		0);
	assert_int_equal(open_code(f, "A.kext"), KEXT_ERR_VALIDATION);
	fixture_expect(f, "file.symlink", KEXT_ERROR, "symbolic link");
	fixture_text(f, "B.kext/x", "");
	assert_int_equal(
		symlink("../A.kext/Contents", fixture_path(f, "B.kext/Contents")), 0);
	assert_int_equal(open_code(f, "B.kext"), KEXT_ERR_VALIDATION);
	fixture_expect(f, "file.symlink", KEXT_ERROR, "symbolic link");
	fixture_info(f, "C.kext", DRIVER PLIST_STRING("CFBundleExecutable", "C"));
	fixture_text(f, "C.kext/Contents/MacOS/x", "");
	assert_int_equal(symlink("x", fixture_path(f, "C.kext/Contents/MacOS/C")), 0);
	fixture_forget(f);
	struct kext_bundle *bundle = fixture_open(f, "C.kext");
	assert_int_equal(kext_bundle_executable(bundle, f->diagnostics, &data, &size),
			 KEXT_ERR_VALIDATION);
	fixture_expect(f, "file.symlink", KEXT_ERROR, "symbolic link");
	kext_bundle_unref(bundle);
	fixture_text(f, "D.kext/Contents/x", "");
	assert_int_equal(mkfifo(fixture_path(f, "D.kext/Contents/Info.plist"), 0644), 0);
	assert_int_equal(open_code(f, "D.kext"), KEXT_ERR_VALIDATION);
	fixture_expect(f, "file.kind", KEXT_ERROR, "regular file");
	fixture_text(f, "E.kext/Contents/Info.plist/x", "");
	assert_int_equal(open_code(f, "E.kext"), KEXT_ERR_VALIDATION);
	fixture_expect(f, "file.kind", KEXT_ERROR, "regular file");
}

static void test_executable_names(void **state)
{
	struct fixture *f = *state;
	static const char *const bad[] = {"../../secret", "/etc/passwd", "a/b", ".",
					  ".."};
	const void *data;
	size_t size;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char entries[512];
		snprintf(entries, sizeof(entries),
			 DRIVER NEEDS_KPI
			 "<key>CFBundleExecutable</key><string>%s</string>",
			 bad[i]);
		assert_int_equal(judge(f, entries), KEXT_ERR_VALIDATION);
		fixture_expect(f, "property.value", KEXT_ERROR, "CFBundleExecutable");
		struct kext_bundle *bundle = fixture_open(f, "Judged.kext");
		assert_int_equal(kext_bundle_executable(bundle, NULL, &data, &size),
				 KEXT_ERR_VALIDATION);
		kext_bundle_unref(bundle);
	}
}

/* What is read later must come from the folder that was opened. */
static void test_replaced_folder(void **state)
{
	struct fixture *f = *state;
	const void *data;
	size_t size;
	fixture_info(f, "A.kext", DRIVER PLIST_STRING("CFBundleExecutable", "A"));
	fixture_text(f, "A.kext/Contents/MacOS/A", "one");
	struct kext_bundle *bundle = fixture_open(f, "A.kext");
	assert_int_equal(rename(fixture_path(f, "A.kext"), fixture_path(f, "gone")), 0);
	fixture_text(f, "A.kext/Contents/MacOS/A", "two");
	assert_int_equal(kext_bundle_executable(bundle, f->diagnostics, &data, &size),
			 KEXT_ERR_VALIDATION);
	fixture_expect(f, "bundle.replaced", KEXT_ERROR, "another folder");
	kext_bundle_unref(bundle);
}

static void test_plugins(void **state)
{
	struct fixture *f = *state;
	fixture_info(f, "A.kext", DRIVER);
	fixture_info(f, "A.kext/Contents/PlugIns/Z.kext", DRIVER);
	fixture_info(f, "A.kext/Contents/PlugIns/B.kext", DRIVER);
	fixture_info(f, "A.kext/Contents/PlugIns/B.kext/Contents/PlugIns/Deeper.kext",
		     DRIVER);
	fixture_info(f, "A.kext/Contents/PlugIns/Other.bundle", DRIVER);
	fixture_text(f, "A.kext/Contents/PlugIns/._B.kext", "");
	fixture_text(f, "A.kext/Contents/PlugIns/.DS_Store", "");
	fixture_text(f, "A.kext/Contents/PlugIns/File.kext", "");
	assert_int_equal(
		symlink("B.kext", fixture_path(f, "A.kext/Contents/PlugIns/L.kext")), 0);
	struct kext_bundle *bundle = fixture_open(f, "A.kext");
	assert_int_equal(kext_bundle_plugin_count(bundle), 2);
	assert_string_equal(kext_bundle_plugin_path(bundle, 0),
			    fixture_path(f, "A.kext/Contents/PlugIns/B.kext"));
	assert_string_equal(kext_bundle_plugin_path(bundle, 1),
			    fixture_path(f, "A.kext/Contents/PlugIns/Z.kext"));
	assert_null(kext_bundle_plugin_path(bundle, 2));
	kext_bundle_unref(bundle);
	bundle = fixture_open(f, "A.kext/Contents/PlugIns/B.kext");
	assert_int_equal(kext_bundle_plugin_count(bundle), 0);
	kext_bundle_unref(bundle);
	fixture_text(f, "F.kext/Info.plist", "<dict>" DRIVER "</dict>");
	fixture_text(f, "F.kext/PlugIns/G.kext/Info.plist", "<dict>" DRIVER "</dict>");
	bundle = fixture_open(f, "F.kext");
	assert_int_equal(kext_bundle_plugin_count(bundle), 1);
	assert_string_equal(kext_bundle_plugin_path(bundle, 0),
			    fixture_path(f, "F.kext/PlugIns/G.kext"));
	kext_bundle_unref(bundle);
}

#define REST                                                                             \
	PLIST_STRING("CFBundleVersion", "1") PLIST_STRING("CFBundlePackageType", "KEXT")
#define LONG_63 "a23456789012345678901234567890123456789012345678901234567890123"

/* Each row of the table of properties: what makes a kext invalid, and what only warns. */
static void test_property_rules(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *entries, *slug, *text;
		enum kext_severity severity;
	} cases[] = {
		{PLIST_STRING("CFBundleIdentifier", "a")
			 PLIST_STRING("CFBundleVersion", "1"),
		 "property.missing", "CFBundlePackageType", KEXT_ERROR},
		{PLIST_STRING("CFBundleIdentifier", "a") PLIST_STRING(
			 "CFBundleVersion", "1") PLIST_TRUE("CFBundlePackageType"),
		 "property.type",
		 "CFBundlePackageType must be a string, but is a boolean", KEXT_ERROR},
		{PLIST_STRING("CFBundleIdentifier", "a")
			 PLIST_STRING("CFBundleVersion", "1")
				 PLIST_STRING("CFBundlePackageType", "BNDL"),
		 "property.value", "BNDL", KEXT_WARNING},
		{PLIST_STRING("CFBundleIdentifier", LONG_63 "4") REST,
		 "property.too-long", "64 bytes", KEXT_ERROR},
		{PLIST_STRING("CFBundleIdentifier", "a")
			 PLIST_STRING("CFBundlePackageType", "KEXT"),
		 "property.missing", "CFBundleVersion", KEXT_ERROR},
		{PLIST_KEXT("a", "one"), "property.value", "CFBundleVersion is \"one\"",
		 KEXT_ERROR},
		{PLIST_KEXT("a", "1") PLIST_STRING("OSBundleCompatibleVersion", "x"),
		 "property.value", "OSBundleCompatibleVersion is \"x\"", KEXT_ERROR},
		{PLIST_KEXT("a", "1") PLIST_TRUE("OSBundleCompatibleVersion"),
		 "property.type", "OSBundleCompatibleVersion", KEXT_ERROR},
		{PLIST_KEXT("a", "1.0")
			 PLIST_STRING("OSBundleCompatibleVersion", "1.0.1"),
		 "version.compatible", "1.0.1", KEXT_ERROR},
		{PLIST_KEXT("a", "1") PLIST_TRUE("CFBundleExecutable"), "property.type",
		 "CFBundleExecutable must be a string", KEXT_ERROR},
		{PLIST_KEXT("a", "1") PLIST_STRING("OSKernelResource", "yes"),
		 "property.type", "OSKernelResource must be a boolean", KEXT_ERROR},
		{PLIST_KEXT("a", "1") PLIST_STRING("OSBundleIsInterface", "yes"),
		 "property.type", "OSBundleIsInterface", KEXT_ERROR},
		{PLIST_KEXT("a", "1") PLIST_STRING("OSBundleAllowUserLoad", "yes"),
		 "property.type", "OSBundleAllowUserLoad", KEXT_ERROR},
		{PLIST_KEXT("a", "1") PLIST_STRING("OSBundleEnableKextLogging", "yes"),
		 "property.type", "OSBundleEnableKextLogging", KEXT_ERROR},
		{PLIST_KEXT("a", "1") PLIST_TRUE(
			 "OSKernelResource") "<key>OSBundleIsInterface</key><false/>",
		 "property.overridden", "kernel component", KEXT_WARNING},
		{PLIST_KEXT("a", "1") "<key>OSBundleDebugLevel</key><integer>1</integer>",
		 "property.deprecated", "OSBundleDebugLevel", KEXT_WARNING},
		{PLIST_KEXT("a", "1") PLIST_TRUE("OSBundleRequired"), "property.type",
		 "OSBundleRequired", KEXT_ERROR},
		{PLIST_KEXT("a", "1") PLIST_STRING("OSBundleRequired", "SafeBoot"),
		 "property.value", "SafeBoot", KEXT_WARNING},
		{PLIST_KEXT("a", "1") PLIST_TRUE("OSBundleLibraries"), "property.type",
		 "OSBundleLibraries must be a dictionary", KEXT_ERROR},
		{PLIST_KEXT("a", "1") PLIST_LIBRARIES(PLIST_TRUE("b")), "property.type",
		 "OSBundleLibraries.b must be a string", KEXT_ERROR},
		{PLIST_KEXT("a", "1") PLIST_LIBRARIES(PLIST_STRING("b", "x")),
		 "property.value", "OSBundleLibraries.b is \"x\"", KEXT_ERROR},
		{PLIST_KEXT("a", "1") PLIST_LIBRARIES(PLIST_STRING("", "1")),
		 "property.value", "without a name", KEXT_ERROR},
		{PLIST_KEXT("a", "1") PLIST_TRUE("OSKernelResource") NEEDS_KPI,
		 "property.system", "OSBundleLibraries", KEXT_ERROR},
		{PLIST_KEXT("a", "1") PLIST_STRING("CFBundleExecutable", "x"),
		 "property.missing", "OSBundleLibraries", KEXT_ERROR},
		{PLIST_KEXT("a", "1") NEEDS_KPI, "libraries.codeless", "executable",
		 KEXT_WARNING},
		{PLIST_KEXT("a", "1") PLIST_STRING("CFBundleExecutable", "x")
			 PLIST_STRING("OSBundleSharedExecutableIdentifier", "b"),
		 "executable.shared", "exclude each other", KEXT_ERROR},
		{PLIST_KEXT("a", "1") PLIST_STRING("OSBundleRequired_x86_64", "Never"),
		 "property.value", "OSBundleRequired_x86_64", KEXT_WARNING},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int code = judge(f, cases[i].entries);
		fixture_expect(f, cases[i].slug, cases[i].severity, cases[i].text);
		assert_int_equal(
			code, cases[i].severity == KEXT_ERROR ? KEXT_ERR_VALIDATION : 0);
	}
}

static void test_valid_codeless(void **state)
{
	struct fixture *f = *state;
	static const char *const good[] = {
		DRIVER,
		PLIST_STRING("CFBundleIdentifier", LONG_63) REST,
		DRIVER PLIST_STRING("OSBundleCompatibleVersion", "1.0.0d1") NEEDS_KPI,
		DRIVER PLIST_STRING("OSBundleRequired", "Safe Boot"),
		DRIVER PLIST_STRING("OSBundleRequired", "Local-Root"),
		DRIVER PLIST_TRUE("OSKernelResource"),
	};
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(judge(f, good[i]), 0);
		assert_int_equal(kext_diagnostics_length(f->diagnostics), 0);
	}
}

#define PERSONALITY(entries)                                                             \
	DRIVER "<key>IOKitPersonalities</key><dict><key>P</key><dict>" entries           \
	       "</dict></dict>"
#define CLASSES                                                                          \
	PLIST_STRING("CFBundleIdentifier", "com.example.driver")                         \
	PLIST_STRING("IOClass", "C") PLIST_STRING("IOProviderClass", "IOResources")

static void test_personalities(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *entries, *slug, *text;
		enum kext_severity severity;
	} cases[] = {
		{DRIVER PLIST_TRUE("IOKitPersonalities"), "property.type",
		 "dictionary of", KEXT_ERROR},
		{DRIVER "<key>IOKitPersonalities</key><dict><key>P</key><true/></dict>",
		 "property.type", "IOKitPersonalities.P", KEXT_ERROR},
		{PERSONALITY(PLIST_STRING("IOClass", "C")
				     PLIST_STRING("IOProviderClass", "P")),
		 "personality.no-identifier", "P", KEXT_WARNING},
		{PERSONALITY(PLIST_TRUE("CFBundleIdentifier") PLIST_STRING("IOClass", "C")
				     PLIST_STRING("IOProviderClass", "P")),
		 "property.type", "P.CFBundleIdentifier", KEXT_ERROR},
		{PERSONALITY(PLIST_STRING("CFBundleIdentifier", "com.other") PLIST_STRING(
			 "IOClass", "C") PLIST_STRING("IOProviderClass", "P")),
		 "personality.other-identifier", "com.other", KEXT_WARNING},
		{PERSONALITY(PLIST_STRING("CFBundleIdentifier", "com.example.driver")
				     PLIST_STRING("IOProviderClass", "P")),
		 "property.missing", "P.IOClass", KEXT_ERROR},
		{PERSONALITY(PLIST_STRING("CFBundleIdentifier", "com.example.driver")
				     PLIST_STRING("IOClass", "C")
					     PLIST_TRUE("IOProviderClass")),
		 "property.type", "P.IOProviderClass", KEXT_ERROR},
		{PERSONALITY(CLASSES PLIST_STRING("IOMatchCategory", "Other")),
		 "personality.match-category", "Other", KEXT_WARNING},
		{PERSONALITY(CLASSES PLIST_STRING("IOProbeScore", "high")),
		 "property.type-warning", "IOProbeScore", KEXT_WARNING},
		{PERSONALITY(CLASSES PLIST_STRING("IOKitDebug", "1")), "property.type",
		 "IOKitDebug", KEXT_ERROR},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int code = judge(f, cases[i].entries);
		fixture_expect(f, cases[i].slug, cases[i].severity, cases[i].text);
		assert_int_equal(
			code, cases[i].severity == KEXT_ERROR ? KEXT_ERR_VALIDATION : 0);
	}
	assert_int_equal(judge(f, PERSONALITY(CLASSES)), 0);
	assert_int_equal(
		judge(f, PERSONALITY(CLASSES PLIST_STRING("IOMatchCategory", "C"))), 0);
	assert_int_equal(kext_diagnostics_length(f->diagnostics), 0);
}

static int judge_code(struct fixture *f, const struct fixture_macho *macho, size_t size,
		      const char *more, const char *arch)
{
	uint8_t image[FIXTURE_MACHO_SIZE];
	char entries[1024];
	snprintf(entries, sizeof(entries), "%s%s",
		 DRIVER PLIST_STRING("CFBundleExecutable", "A"), more);
	fixture_macho(macho, image);
	fixture_info(f, "A.kext", entries);
	fixture_write(f, "A.kext/Contents/MacOS/A", image, size);
	return validate_code(f, "A.kext", arch);
}

static void test_executables(void **state)
{
	struct fixture *f = *state;
	const struct fixture_macho good = {
		X86_64, 11, "_kmod_info", "com.example.driver", "1.0.0d1", DEFINED};
	struct fixture_macho m = good;
	assert_int_equal(judge_code(f, &m, FIXTURE_MACHO_SIZE, NEEDS_KPI, "x86_64"), 0);
	assert_int_equal(kext_diagnostics_length(f->diagnostics), 0);
	assert_int_equal(judge_code(f, &m, FIXTURE_MACHO_SIZE, NEEDS_KPI, "arm64"),
			 KEXT_ERR_ARCH_NOT_FOUND);
	fixture_expect(f, "executable.arch", KEXT_ERROR,
		       "no code for arm64 (it has: x86_64)");
	m.symbol = "_kmod_inf";
	assert_int_equal(judge_code(f, &m, FIXTURE_MACHO_SIZE, NEEDS_KPI, "x86_64"),
			 KEXT_ERR_VALIDATION);
	fixture_expect(f, "executable.bad", KEXT_ERROR, "_kmod_info");
	m = good;
	m.symbol_type = 1; /* undefined */
	assert_int_equal(judge_code(f, &m, FIXTURE_MACHO_SIZE, NEEDS_KPI, "x86_64"),
			 KEXT_ERR_VALIDATION);
	fixture_expect(f, "executable.bad", KEXT_ERROR, "_kmod_info");
	m = good;
	m.filetype = 1; /* MH_OBJECT, which 64-bit kexts never are */
	assert_int_equal(judge_code(f, &m, FIXTURE_MACHO_SIZE, NEEDS_KPI, "x86_64"),
			 KEXT_ERR_VALIDATION);
	fixture_expect(f, "executable.bad", KEXT_ERROR, "MH_KEXT_BUNDLE");
	/* An interface has no kmod_info. */
	m = good;
	m.symbol = "_nothing";
	assert_int_equal(judge_code(f, &m, FIXTURE_MACHO_SIZE,
				    PLIST_TRUE("OSBundleIsInterface") NEEDS_KPI,
				    "x86_64"),
			 0);
	/* Truncated anywhere: refused, never read past its end. */
	for (size_t size = 0; size < FIXTURE_MACHO_SIZE; size += 7)
		assert_int_equal(judge_code(f, &good, size, NEEDS_KPI, "x86_64"),
				 KEXT_ERR_VALIDATION);
}

static void test_kmod_info_of_old_kexts(void **state)
{
	struct fixture *f = *state;
	const struct fixture_macho m = {X86_64,	     11,    "_kmod_info",
					"com.other", "2.0", DEFINED};
	static const char old[] =
		PLIST_LIBRARIES(PLIST_STRING("com.apple.kernel.mach", "1.3"));
	assert_int_equal(judge_code(f, &m, FIXTURE_MACHO_SIZE, old, "x86_64"), 0);
	fixture_expect(f, "kmod.identifier", KEXT_WARNING, "com.other");
	fixture_expect(f, "kmod.version", KEXT_WARNING, "2.0");
	assert_int_equal(judge_code(f, &m, FIXTURE_MACHO_SIZE, NEEDS_KPI, "x86_64"), 0);
	assert_null(fixture_find(f, "kmod.identifier"));
}

static void test_bad_executables(void **state)
{
	struct fixture *f = *state;
	fixture_info(f, "A.kext",
		     DRIVER PLIST_STRING("CFBundleExecutable", "A") NEEDS_KPI);
	assert_int_equal(validate_code(f, "A.kext", "x86_64"), KEXT_ERR_VALIDATION);
	fixture_expect(f, "executable.missing", KEXT_ERROR, "Contents/MacOS/A");
	fixture_text(f, "A.kext/Contents/MacOS/A", "#!/bin/sh\n");
	assert_int_equal(validate_code(f, "A.kext", "x86_64"), KEXT_ERR_VALIDATION);
	fixture_expect(f, "executable.bad", KEXT_ERROR, "no Mach-O");
	assert_int_equal(unlink(fixture_path(f, "A.kext/Contents/MacOS/A")), 0);
	fixture_text(f, "A.kext/Contents/MacOS/A/folder", "");
	assert_int_equal(validate_code(f, "A.kext", "x86_64"), KEXT_ERR_VALIDATION);
	fixture_expect(f, "file.kind", KEXT_ERROR, "regular file");
}

static void test_archived(void **state)
{
	struct fixture *f = *state;
	static const char xml[] = "<dict>" DRIVER PLIST_STRING("CFBundleExecutable", "A")
		NEEDS_KPI "</dict>";
	const struct fixture_macho m = {
		X86_64, 11, "_kmod_info", "com.example.driver", "1.0.0d1", DEFINED};
	uint8_t *image = malloc(FIXTURE_MACHO_SIZE);
	struct kext_value *info;
	struct kext_bundle *bundle;
	const void *data;
	size_t size;
	fixture_macho(&m, image);
	assert_int_equal(kext_value_from_xml(xml, sizeof(xml) - 1, "test", NULL, &info),
			 0);
	assert_int_equal(kext_bundle_new_archived(
				 f->context, "/S/A.kext", "Contents/MacOS/A", info, image,
				 FIXTURE_MACHO_SIZE, f->diagnostics, &bundle),
			 0);
	assert_string_equal(kext_bundle_path(bundle), "/S/A.kext");
	assert_string_equal(kext_bundle_executable_path(bundle), "Contents/MacOS/A");
	assert_int_equal(kext_bundle_slice(bundle, kext_arch_host(), NULL, &data, &size),
			 0);
	assert_ptr_equal(data, image);
	assert_int_equal(kext_bundle_validate(bundle, kext_arch_host(), f->diagnostics),
			 0);
	assert_int_equal(kext_bundle_authenticate(bundle, getuid(), f->diagnostics),
			 KEXT_ERR_AUTHENTICATION);
	fixture_expect(f, "auth.no-file", KEXT_ERROR, "archive");
	kext_bundle_unref(bundle);
	/* Without path and executable, though one is declared. */
	assert_int_equal(kext_bundle_new_archived(f->context, NULL, NULL, info, NULL, 0,
						  f->diagnostics, &bundle),
			 0);
	assert_string_equal(kext_bundle_path(bundle), "");
	assert_string_equal(kext_bundle_name(bundle), "com.example.driver");
	assert_int_equal(kext_bundle_validate(bundle, kext_arch_host(), f->diagnostics),
			 KEXT_ERR_VALIDATION);
	kext_bundle_unref(bundle);
	kext_value_unref(info);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_layouts),
		TEST(test_getters),
		TEST(test_what_is_no_bundle),
		TEST(test_names),
		TEST(test_broken_info),
		TEST(test_size_of_info),
		TEST(test_binary_info),
		TEST(test_unusable_identifier),
		TEST(test_other_forms_of_info),
		TEST(test_links_inside),
		TEST(test_executable_names),
		TEST(test_replaced_folder),
		TEST(test_plugins),
		TEST(test_property_rules),
		TEST(test_valid_codeless),
		TEST(test_personalities),
		TEST(test_executables),
		TEST(test_kmod_info_of_old_kexts),
		TEST(test_bad_executables),
		TEST(test_archived),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
