/*
 * What real and hostile folders hold: each gives one clear finding, and the neighbours
 * are found all the same.
 */
#include "kext_fixture.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <kext/repository.h>

#define GOOD PLIST_KEXT("com.good", "1")

static int open_code(struct fixture *f, const char *kext)
{
	struct kext_bundle *bundle = NULL;
	fixture_forget(f);
	int code = kext_bundle_open(f->context, fixture_path(f, kext), f->diagnostics,
				    &bundle);
	assert_true((code == 0) == (bundle != NULL));
	kext_bundle_unref(bundle);
	return code;
}

/* Opens it and judges it: the first error. */
static int judge(struct fixture *f, const char *entries)
{
	struct kext_bundle *bundle = NULL;
	fixture_forget(f);
	fixture_info(f, "A.kext", entries);
	int code = kext_bundle_open(f->context, fixture_path(f, "A.kext"), f->diagnostics,
				    &bundle);
	if (code == 0)
		code = kext_bundle_validate(bundle, kext_arch_host(), f->diagnostics);
	kext_bundle_unref(bundle);
	return code;
}

/* ---- wrong types ---- */

#define REST                                                                             \
	PLIST_STRING("CFBundleVersion", "1") PLIST_STRING("CFBundlePackageType", "KEXT")

static const struct {
	const char *kind, *text;
} types[] = {
	{"string", "<string>1</string>"},
	{"integer", "<integer>1</integer>"},
	{"boolean", "<true/>"},
	{"data", "<data>AAAA</data>"},
	{"array", "<array/>"},
	{"set", "<set/>"},
	{"dictionary", "<dict></dict>"},
};

/* Keys, the type they want, and what stands around them. */
static const struct {
	const char *key, *kind, *around;
} keys[] = {
	{"CFBundleIdentifier", "string", REST},
	{"CFBundlePackageType", "string",
	 PLIST_STRING("CFBundleIdentifier", "a") PLIST_STRING("CFBundleVersion", "1")},
	{"CFBundleVersion", "string",
	 PLIST_STRING("CFBundleIdentifier", "a")
		 PLIST_STRING("CFBundlePackageType", "KEXT")},
	{"OSBundleCompatibleVersion", "string", GOOD},
	{"OSBundleCompatibleVersion_x86_64", "string", GOOD},
	{"CFBundleExecutable", "string", GOOD},
	{"OSBundleSharedExecutableIdentifier", "string", GOOD},
	{"OSKernelResource", "boolean", GOOD},
	{"OSBundleIsInterface", "boolean", GOOD},
	{"OSBundleAllowUserLoad", "boolean", GOOD},
	{"OSBundleEnableKextLogging", "boolean", GOOD},
	{"OSBundleRequired", "string", GOOD},
	{"OSBundleRequiredPromotion", "string", GOOD},
	{"OSBundleLibraries", "dictionary", GOOD},
	{"OSBundleLibraries_x86_64", "dictionary", GOOD},
	{"IOKitPersonalities", "dictionary", GOOD},
	{"IOKitPersonalities_x86_64", "dictionary", GOOD},
};

static void test_wrong_types(void **state)
{
	struct fixture *f = *state;
	for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
		for (size_t t = 0; t < sizeof(types) / sizeof(*types); t++) {
			char entries[1024];
			if (strcmp(keys[k].kind, types[t].kind) == 0)
				continue;
			snprintf(entries, sizeof(entries), "%s<key>%s</key>%s",
				 keys[k].around, keys[k].key, types[t].text);
			if (judge(f, entries) != KEXT_ERR_VALIDATION)
				fail_msg("%s as %s passed", keys[k].key, types[t].kind);
			fixture_expect(f, "property.type", KEXT_ERROR, keys[k].key);
		}
	}
}

/* The types of what lies in them, and keys of personalities. */
static void test_wrong_types_inside(void **state)
{
	struct fixture *f = *state;
	static const char *const personality_keys[] = {"CFBundleIdentifier", "IOClass",
						       "IOProviderClass", "IOKitDebug"};
	for (size_t t = 1; t < sizeof(types) / sizeof(*types); t++) {
		char entries[1024];
		snprintf(entries, sizeof(entries), GOOD PLIST_LIBRARIES("<key>b</key>%s"),
			 types[t].text);
		assert_int_equal(judge(f, entries), KEXT_ERR_VALIDATION);
		fixture_expect(f, "property.type", KEXT_ERROR, "OSBundleLibraries.b");
	}
	for (size_t k = 0; k < 4; k++) {
		for (size_t t = 2; t < sizeof(types) / sizeof(*types); t++) {
			char entries[1024];
			snprintf(entries, sizeof(entries),
				 GOOD "<key>IOKitPersonalities</key><dict><key>P</key>"
				      "<dict><key>%s</key>%s</dict></dict>",
				 personality_keys[k], types[t].text);
			assert_int_equal(judge(f, entries), KEXT_ERR_VALIDATION);
			fixture_expect(f, "property.type", KEXT_ERROR,
				       personality_keys[k]);
		}
	}
}

/* ---- texts ---- */

static void test_long_identifiers(void **state)
{
	struct fixture *f = *state;
	static const size_t lengths[] = {63, 64, 65, 255, 4096, 100000};
	char *entries = malloc(200000), *identifier = calloc(1, 100001);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		memset(identifier, 'a', lengths[i]);
		sprintf(entries, REST "<key>CFBundleIdentifier</key><string>%s</string>",
			identifier);
		int code = judge(f, entries);
		assert_int_equal(code, lengths[i] < 64 ? 0 : KEXT_ERR_VALIDATION);
		assert_int_equal(kext_diagnostics_length(f->diagnostics),
				 lengths[i] < 64 ? 0 : 1);
		if (code < 0)
			fixture_expect(f, "property.too-long", KEXT_ERROR,
				       "CFBundleIdentifier");
	}
	free(entries);
	free(identifier);
}

static void test_wrong_versions(void **state)
{
	struct fixture *f = *state;
	static const char *const shapes[] = {
		"",	   "one",      "v1.0",	  ".1",	      "1.-1",
		"1.2.3.4", "12345",    "1.0b",	  "1.0fc",    "1.0fc0",
		"1.0d256", "1.0d1000", "1.0B1",	  "1.0x",     "1,0",
		"-1",	   "0x10",     "1.2.33.", "%s%n%s%n", "1.0.0.0.0.0.0.0.0.0.0",
	};
	static const struct {
		const char *key, *entries;
	} places[] = {
		{"CFBundleVersion",
		 PLIST_STRING("CFBundleIdentifier", "a") PLIST_STRING(
			 "CFBundlePackageType",
			 "KEXT") "<key>CFBundleVersion</key><string>%s</string>"},
		{"OSBundleCompatibleVersion",
		 GOOD "<key>OSBundleCompatibleVersion</key><string>%s</string>"},
		{"OSBundleLibraries.b",
		 GOOD PLIST_LIBRARIES("<key>b</key><string>%s</string>")},
	};
	for (size_t s = 0; s < sizeof(shapes) / sizeof(*shapes); s++) {
		for (size_t p = 0; p < 3; p++) {
			char entries[1024], text[256];
			int length = snprintf(entries, sizeof(entries), "%s", "");
			const char *mark = strstr(places[p].entries, "%s");
			length = snprintf(entries, sizeof(entries), "%.*s%s%s",
					  (int)(mark - places[p].entries),
					  places[p].entries, shapes[s], mark + 2);
			assert_true(length < (int)sizeof(entries));
			assert_int_equal(judge(f, entries), KEXT_ERR_VALIDATION);
			snprintf(text, sizeof(text), "%s is \"%s\"", places[p].key,
				 shapes[s]);
			fixture_expect(f, "property.value", KEXT_ERROR, text);
			assert_int_equal(
				kext_diagnostics_count(f->diagnostics, KEXT_ERROR), 1);
		}
	}
}

/* ---- property lists ---- */

static void test_deep_property_list(void **state)
{
	struct fixture *f = *state;
	enum { DEPTH = 100000 };
	static const char *const opening[] = {"<array>", "<dict><key>k</key>", "<set>"};
	static const char *const closing[] = {"</array>", "</dict>", "</set>"};
	for (size_t kind = 0; kind < 3; kind++) {
		size_t size = 0;
		char *text = malloc(DEPTH * 32);
		size += (size_t)sprintf(text, "<dict>" GOOD "<key>X</key>");
		/* At most 1 MiB, so that it is the depth that is refused. */
		size_t depth = kind == 1 ? DEPTH / 3 : DEPTH / 2;
		for (size_t i = 0; i < depth; i++)
			size += (size_t)sprintf(text + size, "%s", opening[kind]);
		for (size_t i = 0; i < depth; i++)
			size += (size_t)sprintf(text + size, "%s", closing[kind]);
		size += (size_t)sprintf(text + size, "</dict>");
		fixture_write(f, "A.kext/Contents/Info.plist", text, size);
		assert_int_equal(open_code(f, "A.kext"), KEXT_ERR_VALIDATION);
		assert_int_equal(kext_diagnostics_length(f->diagnostics), 1);
		assert_non_null(fixture_find(f, "plist.syntax"));
		/* All openings and no end: 100,000 deep. */
		size = 0;
		for (size_t i = 0; kind != 1 && i < DEPTH; i++)
			size += (size_t)sprintf(text + size, "%s", opening[kind]);
		fixture_write(f, "A.kext/Contents/Info.plist", text, size);
		assert_int_equal(open_code(f, "A.kext"), KEXT_ERR_VALIDATION);
		assert_int_equal(kext_diagnostics_length(f->diagnostics), 1);
		free(text);
	}
}

static void test_huge_property_list(void **state)
{
	struct fixture *f = *state;
	fixture_info(f, "A.kext", GOOD);
	const char *path = fixture_path(f, "A.kext/Contents/Info.plist");
	assert_int_equal(truncate(path, 64 << 20), 0);
	assert_int_equal(open_code(f, "A.kext"), KEXT_ERR_VALIDATION);
	fixture_expect(f, "file.size", KEXT_ERROR, "larger than");
	assert_int_equal(kext_diagnostics_length(f->diagnostics), 1);
}

/* Entities are no part of the dialect, so they cannot expand. */
static void test_entities(void **state)
{
	struct fixture *f = *state;
	fixture_text(f, "A.kext/Contents/Info.plist",
		     "<?xml version=\"1.0\"?>\n"
		     "<!DOCTYPE plist [\n"
		     "<!ENTITY a \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\">\n"
		     "<!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">\n"
		     "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">\n"
		     "<!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;\">\n"
		     "<!ENTITY e SYSTEM \"file:///etc/passwd\">\n"
		     "]>\n"
		     "<plist><dict><key>CFBundleIdentifier</key>"
		     "<string>&d;&e;</string></dict></plist>\n");
	assert_int_equal(open_code(f, "A.kext"), KEXT_ERR_VALIDATION);
	assert_int_equal(kext_diagnostics_length(f->diagnostics), 1);
	assert_non_null(fixture_find(f, "plist.syntax"));
}

/* One of two entries counts, always the same one; the other is as if it were not there.
 */
static void test_duplicate_keys(void **state)
{
	struct fixture *f = *state;
	fixture_info(f, "A.kext", GOOD PLIST_STRING("CFBundleIdentifier", "com.again"));
	struct kext_bundle *bundle = fixture_open(f, "A.kext");
	const char *identifier = kext_bundle_identifier(bundle);
	assert_string_equal(identifier,
			    kext_value_string(kext_value_get(kext_bundle_info(bundle),
							     "CFBundleIdentifier")));
	assert_int_equal(kext_value_count(kext_bundle_info(bundle)), 3);
	kext_bundle_unref(bundle);
}

/* ---- things that are no folders and files ---- */

static void make_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_true(fd >= 0 && strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

static void test_special_bundles(void **state)
{
	struct fixture *f = *state;
	static const char *const names[] = {"Pipe.kext", "Device.kext", "Socket.kext"};
	assert_int_equal(mkfifo(fixture_path(f, names[0]), 0644), 0);
	assert_int_equal(symlink("/dev/zero", fixture_path(f, names[1])), 0);
	make_socket(fixture_path(f, names[2]));
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(open_code(f, names[i]), KEXT_ERR_NOT_A_KEXT);
		fixture_expect(f, "bundle.not-a-bundle", KEXT_ERROR, "not a folder");
		assert_int_equal(kext_diagnostics_length(f->diagnostics), 1);
	}
}

static void test_special_property_lists(void **state)
{
	struct fixture *f = *state;
	const char *path = fixture_path(f, "A.kext/Contents/Info.plist");
	fixture_text(f, "A.kext/Contents/x", "");
	for (int kind = 0; kind < 4; kind++) {
		assert_int_equal(kind == 0   ? mkfifo(path, 0644)
				 : kind == 1 ? symlink("/dev/zero", path)
				 : kind == 2 ? mkdir(path, 0755)
					     : (make_socket(path), 0),
				 0);
		assert_int_equal(open_code(f, "A.kext"), KEXT_ERR_VALIDATION);
		assert_int_equal(kext_diagnostics_length(f->diagnostics), 1);
		assert_non_null(
			fixture_find(f, kind == 1 ? "file.symlink" : "file.kind"));
		assert_int_equal(remove(path), 0);
	}
}

static struct kext_repository *scan(struct fixture *f)
{
	struct kext_repository *repository;
	fixture_forget(f);
	assert_int_equal(kext_repository_new(f->context, &repository), 0);
	assert_int_equal(
		kext_repository_add_folder(repository, f->folder, f->diagnostics), 0);
	return repository;
}

static void check_unreadable(struct fixture *f)
{
	struct kext_repository *repository = scan(f);
	assert_int_equal(kext_repository_count(repository), 2);
	assert_non_null(kext_repository_find(repository, "com.good"));
	assert_int_equal(kext_diagnostics_count(f->diagnostics, KEXT_ERROR), 2);
	assert_int_equal(kext_diagnostics_count(f->diagnostics, KEXT_WARNING), 3);
	fixture_expect(f, "file.access", KEXT_ERROR, "Permission denied");
	fixture_expect(f, "file.access", KEXT_WARNING, "plug-ins are left out");
	kext_repository_free(repository);
	assert_int_equal(kext_repository_new(f->context, &repository), 0);
	assert_int_equal(kext_repository_add_folder(repository, fixture_path(f, "A.kext"),
						    f->diagnostics),
			 -EACCES);
	kext_repository_free(repository);
}

/* Permissions mean nothing to root, who becomes somebody else in a child. */
static void test_without_permission(void **state)
{
	struct fixture *f = *state;
	int status;
	fixture_info(f, "A.kext", PLIST_KEXT("a", "1"));
	fixture_info(f, "B.kext", PLIST_KEXT("b", "1"));
	fixture_info(f, "P.kext", PLIST_KEXT("p", "1"));
	fixture_info(f, "P.kext/Contents/PlugIns/Q.kext", PLIST_KEXT("q", "1"));
	fixture_info(f, "Good.kext", GOOD);
	assert_int_equal(chmod(f->folder, 0755), 0);
	const char *closed[] = {fixture_path(f, "A.kext"),
				fixture_path(f, "B.kext/Contents/Info.plist"),
				fixture_path(f, "P.kext/Contents/PlugIns")};
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(chmod(closed[i], 0), 0);
	pid_t child = fork();
	if (child == 0) {
		if (getuid() == 0 && setuid(12345) < 0)
			_exit(9); /* a namespace that knows root alone */
		check_unreadable(f);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(chmod(closed[i], 0755), 0);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 9);
}

/* ---- names ---- */

static void test_names_that_are_no_text(void **state)
{
	struct fixture *f = *state;
	fixture_info(f, "Good.kext", GOOD);
	fixture_info(f, "\xff\xfe\x80.kext", PLIST_KEXT("bytes", "1"));
	fixture_info(f, "new\nline.kext", PLIST_KEXT("line", "1"));
	fixture_info(f, "B.kext/Contents/PlugIns/\xc3\x28.kext", PLIST_KEXT("in", "1"));
	fixture_info(f, "B.kext", PLIST_KEXT("b", "1"));
	struct kext_repository *repository = scan(f);
	assert_int_equal(kext_diagnostics_length(f->diagnostics), 0);
	assert_int_equal(kext_repository_count(repository), 5);
	assert_string_equal(kext_bundle_path(kext_repository_find(repository, "bytes")),
			    fixture_path(f, "\xff\xfe\x80.kext"));
	kext_repository_free(repository);
}

/* Two kexts, and a kext and its executable, that only a case-sensitive system tells
 * apart.
 */
static void test_case(void **state)
{
	struct fixture *f = *state;
	fixture_info(f, "Disk.kext", PLIST_KEXT("com.Disk", "1"));
	fixture_info(f, "disk.kext", PLIST_KEXT("com.disk", "2"));
	fixture_info(f, "Upper.KEXT", PLIST_KEXT("upper", "2"));
	struct kext_repository *repository = scan(f);
	assert_int_equal(kext_repository_count(repository), 2);
	assert_string_equal(
		kext_bundle_version_text(kext_repository_find(repository, "com.Disk")),
		"1");
	assert_string_equal(
		kext_bundle_version_text(kext_repository_find(repository, "com.disk")),
		"2");
	assert_null(kext_repository_find(repository, "COM.DISK"));
	kext_repository_free(repository);
	fixture_text(f, "A.kext/Contents/MacOS/driver", "x");
	assert_int_equal(judge(f, GOOD PLIST_STRING("CFBundleExecutable", "Driver")
					  PLIST_LIBRARIES(PLIST_STRING("b", "1"))),
			 KEXT_ERR_VALIDATION);
	fixture_expect(f, "executable.missing", KEXT_ERROR, "Contents/MacOS/Driver");
}

/* What Finder and archivers leave behind. */
static void test_droppings(void **state)
{
	struct fixture *f = *state;
	fixture_info(f, "Good.kext", GOOD);
	fixture_text(f, "._Good.kext", "\0\5\26\7");
	fixture_text(f, ".DS_Store", "Bud1");
	fixture_text(f, "Good.kext/Contents/._Info.plist", "\0\5\26\7");
	fixture_text(f, "Good.kext/Contents/PlugIns/._P.kext", "\0\5\26\7");
	fixture_text(f, "Good.kext/Contents/PlugIns/.DS_Store", "Bud1");
	fixture_text(f, "__MACOSX/Good.kext/Contents/._Info.plist", "\0\5\26\7");
	assert_int_equal(symlink("nowhere", fixture_path(f, "Gone.kext")), 0);
	assert_int_equal(symlink("Loop.kext", fixture_path(f, "Loop.kext")), 0);
	struct kext_repository *repository = scan(f);
	assert_int_equal(kext_repository_count(repository), 1);
	assert_int_equal(kext_diagnostics_length(f->diagnostics), 2);
	assert_non_null(fixture_find(f, "file.not-found"));
	assert_int_equal(kext_bundle_authenticate(kext_repository_at(repository, 0),
						  getuid(), f->diagnostics),
			 0);
	kext_repository_free(repository);
}

/* ---- a repository that changes while it is scanned ---- */

struct changer {
	struct fixture *fixture;
	atomic_bool ends;
};

static void rename_in(struct fixture *f, const char *from, const char *to)
{
	char a[PATH_MAX], b[PATH_MAX];
	snprintf(a, sizeof(a), "%s/%s", f->folder, from);
	snprintf(b, sizeof(b), "%s/%s", f->folder, to);
	if (rename(a, b) < 0)
		abort();
}

/* Kexts come and go, lose their property list, and get a half-written one. */
static void *change(void *data)
{
	struct changer *changer = data;
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/C.kext/Contents/Info.plist",
		 changer->fixture->folder);
	while (!changer->ends) {
		rename_in(changer->fixture, "B.kext", "B.gone");
		if (truncate(path, 20) < 0)
			abort();
		rename_in(changer->fixture, "B.gone", "B.kext");
		rename_in(changer->fixture, "D.kext/Contents", "D.kext/Away");
		rename_in(changer->fixture, "D.kext/Away", "D.kext/Contents");
	}
	return NULL;
}

static void test_changing_repository(void **state)
{
	struct fixture *f = *state;
	struct changer changer = {.fixture = f};
	pthread_t thread;
	fixture_info(f, "A.kext", PLIST_KEXT("a", "1"));
	fixture_info(f, "B.kext", PLIST_KEXT("b", "1"));
	fixture_info(f, "C.kext", PLIST_KEXT("c", "1"));
	fixture_info(f, "D.kext", PLIST_KEXT("d", "1"));
	fixture_info(f, "Good.kext", GOOD);
	assert_int_equal(pthread_create(&thread, NULL, change, &changer), 0);
	for (int round = 0; round < 300; round++) {
		struct kext_repository *repository = scan(f);
		size_t count = kext_repository_count(repository);
		assert_true(count >= 2 && count <= 5);
		assert_non_null(kext_repository_find(repository, "a"));
		assert_non_null(kext_repository_find(repository, "com.good"));
		/* Whatever is left out in what was seen has its finding. */
		assert_true(kext_diagnostics_length(f->diagnostics) <= 3);
		kext_repository_free(repository);
	}
	changer.ends = true;
	assert_int_equal(pthread_join(thread, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_wrong_types),
		TEST(test_wrong_types_inside),
		TEST(test_long_identifiers),
		TEST(test_wrong_versions),
		TEST(test_deep_property_list),
		TEST(test_huge_property_list),
		TEST(test_entities),
		TEST(test_duplicate_keys),
		TEST(test_special_bundles),
		TEST(test_special_property_lists),
		TEST(test_without_permission),
		TEST(test_names_that_are_no_text),
		TEST(test_case),
		TEST(test_droppings),
		TEST(test_changing_repository),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
