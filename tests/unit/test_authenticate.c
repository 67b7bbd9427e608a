/*
 * Authentication: whose files a kext may consist of, and that what was
 * read is what stands there. Runs as root, as root of a user namespace, and as an
 * ordinary user.
 */
#include "kext_fixture.h"
#include <sys/wait.h>

#define DRIVER                                                                           \
	PLIST_KEXT("com.example.driver", "1.0") PLIST_STRING("CFBundleExecutable", "A")
#define SOMEBODY  12345u
#define OTHER_ONE 23456u

/* A whole kext, in which nothing is wrong for its maker. */
static void make_kext(struct fixture *f)
{
	fixture_info(f, "A.kext", DRIVER);
	fixture_text(f, "A.kext/Contents/MacOS/A", "code");
	fixture_text(f, "A.kext/Contents/Resources/en.lproj/Localizable.strings", "x");
}

static int authenticate_for(struct fixture *f, uid_t owner)
{
	fixture_forget(f);
	struct kext_bundle *bundle = fixture_open(f, "A.kext");
	int code = kext_bundle_authenticate(bundle, owner, f->diagnostics);
	kext_bundle_unref(bundle);
	return code;
}

static int authenticate(struct fixture *f)
{
	return authenticate_for(f, getuid());
}

static void set_mode(struct fixture *f, const char *path, mode_t mode)
{
	assert_int_equal(chmod(fixture_path(f, path), mode), 0);
}

static void test_clean(void **state)
{
	struct fixture *f = *state;
	make_kext(f);
	assert_int_equal(authenticate(f), 0);
	assert_int_equal(kext_diagnostics_length(f->diagnostics), 0);
}

static void test_modes(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *path;
		mode_t good, bad;
	} cases[] = {
		{"A.kext", 0755, 0775},
		{"A.kext/Contents", 0755, 0757},
		{"A.kext/Contents/Info.plist", 0644, 0664},
		{"A.kext/Contents/MacOS/A", 0755, 0775},
		{"A.kext/Contents/Resources", 0755, 0777},
		{"A.kext/Contents/Resources/en.lproj/Localizable.strings", 0644, 0646},
	};
	make_kext(f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char mode[16];
		set_mode(f, cases[i].path, cases[i].bad);
		assert_int_equal(authenticate(f), KEXT_ERR_AUTHENTICATION);
		snprintf(mode, sizeof(mode), "mode %04o", cases[i].bad);
		fixture_expect(f, "auth.mode", KEXT_ERROR, mode);
		assert_string_equal(fixture_find(f, "auth.mode")->subject,
				    fixture_path(f, cases[i].path));
		assert_int_equal(kext_diagnostics_count(f->diagnostics, KEXT_ERROR), 1);
		set_mode(f, cases[i].path, cases[i].good);
	}
	assert_int_equal(authenticate(f), 0);
}

static void test_every_file_is_named(void **state)
{
	struct fixture *f = *state;
	make_kext(f);
	set_mode(f, "A.kext/Contents/Info.plist", 0666);
	set_mode(f, "A.kext/Contents/MacOS/A", 0777);
	assert_int_equal(authenticate(f), KEXT_ERR_AUTHENTICATION);
	assert_int_equal(kext_diagnostics_count(f->diagnostics, KEXT_ERROR), 2);
}

static void test_what_is_not_looked_at(void **state)
{
	struct fixture *f = *state;
	static const char *const ignored[] = {
		"A.kext/Contents/PlugIns/B.kext/x", "A.kext/.DS_Store",
		"A.kext/Contents/Resources/._x", "A.kext/Contents/Resources/__MACOSX/x"};
	make_kext(f);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++) {
		fixture_text(f, ignored[i], "");
		set_mode(f, ignored[i], 0666);
	}
	set_mode(f, "A.kext/Contents/PlugIns", 0777);
	assert_int_equal(authenticate(f), 0);
	/* Only the top PlugIns is left out. */
	fixture_text(f, "A.kext/Contents/Resources/PlugIns/x", "");
	set_mode(f, "A.kext/Contents/Resources/PlugIns/x", 0666);
	assert_int_equal(authenticate(f), KEXT_ERR_AUTHENTICATION);
}

/* A name that is ignored elsewhere is no hiding place for the executable. */
static void test_odd_executable_names(void **state)
{
	struct fixture *f = *state;
	static const char *const names[] = {"._A", ".DS_Store"};
	for (size_t i = 0; i < 2; i++) {
		char text[1024];
		snprintf(text, sizeof(text),
			 PLIST_KEXT(
				 "com.a",
				 "1") "<key>CFBundleExecutable</key><string>%s</string>",
			 names[i]);
		fixture_info(f, "A.kext", text);
		snprintf(text, sizeof(text), "A.kext/Contents/MacOS/%s", names[i]);
		fixture_text(f, text, "code");
		assert_int_equal(authenticate(f), 0);
		set_mode(f, text, 0666);
		assert_int_equal(authenticate(f), KEXT_ERR_AUTHENTICATION);
	}
	fixture_text(f, "A.kext/x", "");
	fixture_text(f, "F.kext/Info.plist",
		     "<dict>" PLIST_KEXT("com.a", "1")
			     PLIST_STRING("CFBundleExecutable", "PlugIns") "</dict>");
	fixture_text(f, "F.kext/PlugIns", "code");
	set_mode(f, "F.kext/PlugIns", 0666);
	fixture_forget(f);
	struct kext_bundle *bundle = fixture_open(f, "F.kext");
	assert_int_equal(kext_bundle_authenticate(bundle, getuid(), f->diagnostics),
			 KEXT_ERR_AUTHENTICATION);
	kext_bundle_unref(bundle);
}

static void test_links(void **state)
{
	struct fixture *f = *state;
	make_kext(f);
	fixture_text(f, "elsewhere/x", "");
	set_mode(f, "elsewhere/x", 0666);
	set_mode(f, "elsewhere", 0777);
	assert_int_equal(symlink("../../../elsewhere",
				 fixture_path(f, "A.kext/Contents/Resources/link")),
			 0);
	assert_int_equal(symlink("nowhere", fixture_path(f, "A.kext/Contents/dangling")),
			 0);
	assert_int_equal(authenticate(f), 0);
	assert_int_equal(kext_diagnostics_length(f->diagnostics), 0);
	fixture_info(f, "A.kext", DRIVER PLIST_STRING("OSBundleRequired", "Root"));
	assert_int_equal(authenticate(f), 0);
	assert_int_equal(kext_diagnostics_count(f->diagnostics, KEXT_WARNING), 2);
	fixture_expect(f, "auth.symlink", KEXT_WARNING, "booter");
}

static void test_changed_info(void **state)
{
	struct fixture *f = *state;
	make_kext(f);
	struct kext_bundle *bundle = fixture_open(f, "A.kext");
	fixture_info(f, "A.kext", DRIVER PLIST_TRUE("OSBundleAllowUserLoad"));
	assert_int_equal(kext_bundle_authenticate(bundle, getuid(), f->diagnostics),
			 KEXT_ERR_AUTHENTICATION);
	fixture_expect(f, "auth.changed", KEXT_ERROR, "replaced or changed");
	fixture_forget(f);
	assert_int_equal(unlink(fixture_path(f, "A.kext/Contents/Info.plist")), 0);
	assert_int_equal(kext_bundle_authenticate(bundle, getuid(), f->diagnostics),
			 KEXT_ERR_AUTHENTICATION);
	fixture_expect(f, "auth.not-found", KEXT_ERROR, "No such file");
	kext_bundle_unref(bundle);
}

/* Another file under the name, even one of the same size. */
static void replace_executable(struct fixture *f, const char *text)
{
	fixture_text(f, "A.kext/new", text);
	assert_int_equal(rename(fixture_path(f, "A.kext/new"),
				fixture_path(f, "A.kext/Contents/MacOS/A")),
			 0);
}

static void test_changed_executable(void **state)
{
	struct fixture *f = *state;
	const void *data;
	size_t size;
	make_kext(f);
	/* Read, replaced, authenticated. */
	struct kext_bundle *bundle = fixture_open(f, "A.kext");
	assert_int_equal(kext_bundle_executable(bundle, NULL, &data, &size), 0);
	replace_executable(f, "evil");
	assert_int_equal(kext_bundle_authenticate(bundle, getuid(), f->diagnostics),
			 KEXT_ERR_AUTHENTICATION);
	fixture_expect(f, "auth.changed", KEXT_ERROR, "replaced or changed");
	kext_bundle_unref(bundle);
	/* Authenticated, replaced, read. */
	bundle = fixture_open(f, "A.kext");
	assert_int_equal(kext_bundle_authenticate(bundle, getuid(), f->diagnostics), 0);
	replace_executable(f, "bad!");
	assert_int_equal(kext_bundle_executable(bundle, f->diagnostics, &data, &size),
			 KEXT_ERR_AUTHENTICATION);
	kext_bundle_unref(bundle);
	/* Authenticated and read. */
	bundle = fixture_open(f, "A.kext");
	assert_int_equal(kext_bundle_authenticate(bundle, getuid(), NULL), 0);
	assert_int_equal(kext_bundle_executable(bundle, NULL, &data, &size), 0);
	assert_memory_equal(data, "bad!", 4);
	kext_bundle_unref(bundle);
}

static void test_replaced_folder(void **state)
{
	struct fixture *f = *state;
	make_kext(f);
	struct kext_bundle *bundle = fixture_open(f, "A.kext");
	assert_int_equal(rename(fixture_path(f, "A.kext"), fixture_path(f, "old")), 0);
	make_kext(f);
	assert_int_equal(kext_bundle_authenticate(bundle, getuid(), f->diagnostics),
			 KEXT_ERR_AUTHENTICATION);
	fixture_expect(f, "bundle.replaced", KEXT_ERROR, "another folder");
	kext_bundle_unref(bundle);
}

static void test_deep_nesting(void **state)
{
	struct fixture *f = *state;
	char path[512] = "A.kext/Contents";
	make_kext(f);
	for (int i = 0; i < 40; i++)
		strcat(path, "/d");
	strcat(path, "/x");
	fixture_text(f, path, "");
	assert_int_equal(authenticate(f), KEXT_ERR_AUTHENTICATION);
	fixture_expect(f, "auth.depth", KEXT_ERROR, "nested");
}

/* In a user namespace root has nobody to give files to. */
static bool can_give_away(struct fixture *f)
{
	fixture_text(f, "probe", "");
	return chown(fixture_path(f, "probe"), SOMEBODY, SOMEBODY) == 0;
}

static void give(struct fixture *f, const char *path, uid_t uid, gid_t gid)
{
	assert_int_equal(lchown(fixture_path(f, path), uid, gid), 0);
}

static void expect_owner(struct fixture *f, const char *path, const char *text)
{
	fixture_expect(f, "auth.owner", KEXT_ERROR, text);
	assert_string_equal(fixture_find(f, "auth.owner")->subject,
			    fixture_path(f, path));
}

static void check_owners_as_root(struct fixture *f)
{
	static const char strings[] =
		"A.kext/Contents/Resources/en.lproj/Localizable.strings";
	assert_int_equal(authenticate_for(f, 0), 0);
	give(f, strings, SOMEBODY, 0);
	assert_int_equal(authenticate_for(f, 0), KEXT_ERR_AUTHENTICATION);
	expect_owner(f, strings, "owned by 12345:0, but must be owned by 0:0");
	give(f, strings, 0, 5);
	assert_int_equal(authenticate_for(f, 0), KEXT_ERR_AUTHENTICATION);
	expect_owner(f, strings, "owned by 0:5");
	/* A user's instance takes root's files and his own, of any group. */
	assert_int_equal(authenticate_for(f, SOMEBODY), 0);
	give(f, strings, SOMEBODY, SOMEBODY);
	assert_int_equal(authenticate_for(f, SOMEBODY), 0);
	give(f, "A.kext/Contents/Info.plist", OTHER_ONE, 0);
	assert_int_equal(authenticate_for(f, SOMEBODY), KEXT_ERR_AUTHENTICATION);
	expect_owner(f, "A.kext/Contents/Info.plist",
		     "owned by user 23456, but must be owned by user 12345 or root");
	give(f, "A.kext/Contents/Info.plist", 0, 0);
	give(f, "A.kext", OTHER_ONE, OTHER_ONE);
	assert_int_equal(authenticate_for(f, 0), KEXT_ERR_AUTHENTICATION);
	expect_owner(f, "A.kext", "23456:23456");
	give(f, "A.kext", 0, 0);
	give(f, strings, 0, 0);
	/* A link is somebody's too. */
	assert_int_equal(symlink("x", fixture_path(f, "A.kext/link")), 0);
	give(f, "A.kext/link", OTHER_ONE, 0);
	assert_int_equal(authenticate_for(f, 0), KEXT_ERR_AUTHENTICATION);
	expect_owner(f, "A.kext/link", "23456:0");
	assert_int_equal(unlink(fixture_path(f, "A.kext/link")), 0);
	assert_int_equal(authenticate_for(f, 0), 0);
}

static void test_owners(void **state)
{
	struct fixture *f = *state;
	make_kext(f);
	if (can_give_away(f)) {
		check_owners_as_root(f);
	} else if (getuid() != 0) {
		/* Our files are foreign to root's instance and to another user's. */
		assert_int_equal(authenticate_for(f, 0), KEXT_ERR_AUTHENTICATION);
		expect_owner(f, "A.kext", "must be owned by 0:0");
		assert_int_equal(authenticate_for(f, getuid() + 1),
				 KEXT_ERR_AUTHENTICATION);
		expect_owner(f, "A.kext", "or root");
	}
	assert_int_equal(authenticate(f), 0);
}

/* What a child finds as an ordinary user; 0 when all is as it should be. */
static int check_as_somebody(struct fixture *f)
{
	if (setgid(SOMEBODY) < 0 || setresuid(SOMEBODY, SOMEBODY, SOMEBODY) < 0)
		return 1;
	if (authenticate_for(f, SOMEBODY) != 0)
		return 2;
	if (authenticate_for(f, 0) != KEXT_ERR_AUTHENTICATION)
		return 3;
	if (chmod(fixture_path(f, "A.kext/Contents/Resources"), 0) < 0)
		return 4;
	/* What cannot be looked into cannot be vouched for. */
	if (authenticate_for(f, SOMEBODY) != KEXT_ERR_AUTHENTICATION ||
	    !fixture_find(f, "auth.access"))
		return 5;
	chmod(fixture_path(f, "A.kext/Contents/Resources"), 0775);
	return authenticate_for(f, SOMEBODY) == KEXT_ERR_AUTHENTICATION ? 0 : 6;
}

static int give_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
	(void)stat, (void)kind, (void)ftw;
	return lchown(path, SOMEBODY, SOMEBODY);
}

static void test_as_ordinary_user(void **state)
{
	struct fixture *f = *state;
	int status;
	make_kext(f);
	if (!can_give_away(f)) {
		assert_int_equal(authenticate(f), 0);
		set_mode(f, "A.kext/Contents/Resources", 0775);
		assert_int_equal(authenticate(f), KEXT_ERR_AUTHENTICATION);
		return;
	}
	assert_int_equal(nftw(f->folder, give_one, 16, FTW_PHYS), 0);
	pid_t child = fork();
	if (child == 0)
		_exit(check_as_somebody(f));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_clean),
		TEST(test_modes),
		TEST(test_every_file_is_named),
		TEST(test_what_is_not_looked_at),
		TEST(test_odd_executable_names),
		TEST(test_links),
		TEST(test_changed_info),
		TEST(test_changed_executable),
		TEST(test_replaced_folder),
		TEST(test_deep_nesting),
		TEST(test_owners),
		TEST(test_as_ordinary_user),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
