/* Repositories: what a scan takes, in which order, and that broken neighbours do no harm.
 */
#include "kext_fixture.h"
#include <kext/repository.h>

static struct kext_repository *new_repository(struct fixture *f)
{
	struct kext_repository *repository;
	assert_int_equal(kext_repository_new(f->context, &repository), 0);
	return repository;
}

static void add_folder(struct fixture *f, struct kext_repository *repository,
		       const char *folder)
{
	assert_int_equal(kext_repository_add_folder(repository, fixture_path(f, folder),
						    f->diagnostics),
			 0);
}

/* "id@version id@version": all of it, by position. */
static const char *text_of(const struct kext_repository *repository)
{
	static char text[4096];
	char *at = text;
	*at = '\0';
	for (size_t i = 0; i < kext_repository_count(repository); i++) {
		const struct kext_bundle *bundle = kext_repository_at(repository, i);
		at += sprintf(at, "%s%s@%s", i ? " " : "", kext_bundle_identifier(bundle),
			      kext_bundle_version_text(bundle));
	}
	assert_null(kext_repository_at(repository, kext_repository_count(repository)));
	return text;
}

static void test_order(void **state)
{
	struct fixture *f = *state;
	fixture_info(f, "e/1.kext", PLIST_KEXT("com.b", "1.0"));
	fixture_info(f, "e/2.kext", PLIST_KEXT("com.b", "1.10"));
	fixture_info(f, "e/3.kext", PLIST_KEXT("com.b", "1.9"));
	fixture_info(f, "e/4.kext", PLIST_KEXT("com.a", "1.0b2"));
	fixture_info(f, "e/5.kext", PLIST_KEXT("com.B", "7"));
	struct kext_repository *r = new_repository(f);
	add_folder(f, r, "e");
	assert_string_equal(text_of(r),
			    "com.B@7 com.a@1.0b2 com.b@1.10 com.b@1.9 com.b@1.0");
	assert_string_equal(kext_bundle_version_text(kext_repository_find(r, "com.b")),
			    "1.10");
	assert_string_equal(
		kext_bundle_version_text(kext_repository_version(r, "com.b", 2)), "1.0");
	assert_null(kext_repository_version(r, "com.b", 3));
	assert_null(kext_repository_version(r, "com.a", 1));
	assert_null(kext_repository_find(r, "com.zzz"));
	assert_null(kext_repository_find(r, "com"));
	kext_repository_free(r);
}

/* Among equals the one added last comes first; within a folder by name. */
static void test_latest_of_equals(void **state)
{
	struct fixture *f = *state;
	fixture_info(f, "a/2.kext", PLIST_KEXT("com.x", "1.0"));
	fixture_info(f, "a/1.kext", PLIST_KEXT("com.x", "1"));
	fixture_info(f, "b/0.kext", PLIST_KEXT("com.x", "1.0.0"));
	struct kext_repository *r = new_repository(f);
	add_folder(f, r, "a");
	assert_string_equal(kext_bundle_path(kext_repository_find(r, "com.x")),
			    fixture_path(f, "a/2.kext"));
	add_folder(f, r, "b");
	assert_string_equal(text_of(r), "com.x@1.0.0 com.x@1.0 com.x@1");
	kext_repository_free(r);
}

static void test_equal_path_replaces(void **state)
{
	struct fixture *f = *state;
	fixture_info(f, "a/1.kext", PLIST_KEXT("com.x", "1.0"));
	fixture_info(f, "a/2.kext", PLIST_KEXT("com.y", "1.0"));
	struct kext_repository *r = new_repository(f);
	add_folder(f, r, "a");
	struct kext_bundle *kept = kext_bundle_ref(kext_repository_find(r, "com.x"));
	fixture_info(f, "a/1.kext", PLIST_KEXT("com.z", "2.0"));
	add_folder(f, r, "a");
	assert_string_equal(text_of(r), "com.y@1.0 com.z@2.0");
	struct kext_bundle *bundle = fixture_open(f, "a/2.kext");
	assert_int_equal(kext_repository_add(r, bundle), 0);
	assert_int_equal(kext_repository_add(r, bundle), 0);
	assert_int_equal(kext_repository_count(r), 2);
	assert_ptr_equal(kext_repository_find(r, "com.y"), bundle);
	kext_bundle_unref(bundle);
	kext_repository_free(r);
	/* Others' references outlive the repository. */
	assert_string_equal(kext_bundle_identifier(kept), "com.x");
	kext_bundle_unref(kept);
}

static void test_broken_neighbours(void **state)
{
	struct fixture *f = *state;
	fixture_info(f, "e/Good.kext", PLIST_KEXT("com.good", "1"));
	fixture_info(f, "e/Not.bundle", PLIST_KEXT("com.bundle", "1"));
	fixture_info(f, "e/._Hidden.kext", PLIST_KEXT("com.hidden", "1"));
	fixture_info(f, "e/__MACOSX/Good.kext", PLIST_KEXT("com.macosx", "1"));
	fixture_info(f, "e/sub/Below.kext", PLIST_KEXT("com.below", "1"));
	fixture_text(f, "e/File.kext", "x");
	fixture_text(f, "e/.DS_Store", "x");
	fixture_text(f, "e/Syntax.kext/Contents/Info.plist", "<dict>");
	fixture_text(f, "e/Nothing.kext/x", "");
	assert_int_equal(symlink("nowhere", fixture_path(f, "e/Dangling.kext")), 0);
	assert_int_equal(symlink("Good.kext", fixture_path(f, "e/Link.kext")), 0);
	assert_int_equal(mkfifo(fixture_path(f, "e/Pipe.kext"), 0644), 0);
	struct kext_repository *r = new_repository(f);
	add_folder(f, r, "e");
	assert_string_equal(text_of(r), "com.good@1");
	assert_int_equal(kext_diagnostics_count(f->diagnostics, KEXT_ERROR), 2);
	assert_non_null(fixture_find(f, "plist.syntax"));
	assert_non_null(fixture_find(f, "bundle.not-a-bundle"));
	assert_non_null(fixture_find(f, "file.not-found"));
	assert_int_equal(fixture_find(f, "file.not-found")->severity, KEXT_NOTE);
	assert_string_equal(fixture_find(f, "file.not-found")->subject,
			    fixture_path(f, "e/Dangling.kext"));
	kext_repository_free(r);
}

static void test_plugins(void **state)
{
	struct fixture *f = *state;
	fixture_info(f, "e/A.kext", PLIST_KEXT("com.a", "1"));
	fixture_info(f, "e/A.kext/Contents/PlugIns/P.kext", PLIST_KEXT("com.a.p", "1"));
	fixture_text(f, "e/A.kext/Contents/PlugIns/Broken.kext/x", "");
	fixture_info(f, "e/A.kext/Contents/PlugIns/P.kext/Contents/PlugIns/Q.kext",
		     PLIST_KEXT("com.a.p.q", "1"));
	struct kext_repository *r = new_repository(f);
	add_folder(f, r, "e");
	assert_string_equal(text_of(r), "com.a@1 com.a.p@1");
	assert_int_equal(kext_diagnostics_count(f->diagnostics, KEXT_ERROR), 1);
	kext_repository_free(r);
	r = new_repository(f);
	struct kext_bundle *bundle = fixture_open(f, "e/A.kext");
	assert_int_equal(kext_repository_add(r, bundle), 0);
	assert_string_equal(text_of(r), "com.a@1 com.a.p@1");
	kext_bundle_unref(bundle);
	kext_repository_free(r);
}

static void test_missing_folder(void **state)
{
	struct fixture *f = *state;
	struct kext_repository *r = new_repository(f);
	assert_int_equal(kext_repository_add_folder(r, fixture_path(f, "none"), NULL),
			 -ENOENT);
	fixture_text(f, "file", "");
	assert_int_equal(kext_repository_add_folder(r, fixture_path(f, "file"), NULL),
			 -ENOTDIR);
	assert_int_equal(kext_repository_count(r), 0);
	kext_repository_free(r);
}

/* kext_data_folder() is settled at its first call: main sets the variable before any. */
static char data_folder[] = "/tmp/kext-test-data-XXXXXX";

static void make_data(struct fixture *f)
{
	char link[PATH_MAX];
	fixture_info(f, "ours/System.kext",
		     PLIST_KEXT("com.apple.kernel", "19.6.0")
			     PLIST_TRUE("OSKernelResource"));
	fixture_info(f, "ours/System.kext/Contents/PlugIns/Libkern.kext",
		     PLIST_KEXT("com.apple.kpi.libkern", "19.6.0")
			     PLIST_TRUE("OSKernelResource"));
	snprintf(link, sizeof(link), "%s/System.kext", data_folder);
	unlink(link);
	assert_int_equal(symlink(fixture_path(f, "ours/System.kext"), link), 0);
	assert_int_equal(kext_context_set_root(f->context, fixture_path(f, "root")), 0);
}

static void test_default_places(void **state)
{
	struct fixture *f = *state;
	make_data(f);
	struct kext_repository *r = new_repository(f);
	/* Folders that are not there are no finding. */
	assert_int_equal(kext_repository_add_default(r, false, f->diagnostics), 0);
	assert_string_equal(text_of(r),
			    "com.apple.kernel@19.6.0 com.apple.kpi.libkern@19.6.0");
	assert_int_equal(kext_diagnostics_length(f->diagnostics), 0);
	kext_repository_free(r);
	fixture_info(f, "root/System/Library/Extensions/S.kext",
		     PLIST_KEXT("com.s", "1"));
	fixture_info(f, "root/Library/Extensions/L.kext", PLIST_KEXT("com.l", "1"));
	r = new_repository(f);
	assert_int_equal(kext_repository_add_default(r, false, f->diagnostics), 0);
	assert_int_equal(kext_repository_count(r), 4);
	kext_repository_free(r);
	r = new_repository(f);
	assert_int_equal(kext_repository_add_default(r, true, f->diagnostics), 0);
	assert_int_equal(kext_repository_count(r), 2);
	kext_repository_free(r);
}

/* Architecture: KPI plug-ins belong to a kernel; where others' are, ours are left out. */
static void test_foreign_kernel(void **state)
{
	struct fixture *f = *state;
	make_data(f);
	fixture_info(f, "root/System/Library/Extensions/System.kext",
		     PLIST_KEXT("com.apple.kernel", "18.7.0")
			     PLIST_TRUE("OSKernelResource"));
	struct kext_repository *r = new_repository(f);
	assert_int_equal(kext_repository_add_default(r, false, f->diagnostics), 0);
	assert_string_equal(text_of(r), "com.apple.kernel@18.7.0");
	kext_repository_free(r);
	/* The same when it lies in a folder that was named before. */
	r = new_repository(f);
	add_folder(f, r, "root/System/Library/Extensions");
	assert_int_equal(kext_repository_add_default(r, true, f->diagnostics), 0);
	assert_string_equal(text_of(r), "com.apple.kernel@18.7.0");
	kext_repository_free(r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order),
		TEST(test_latest_of_equals),
		TEST(test_equal_path_replaces),
		TEST(test_broken_neighbours),
		TEST(test_plugins),
		TEST(test_missing_folder),
		TEST(test_default_places),
		TEST(test_foreign_kernel),
	};
	if (!mkdtemp(data_folder) || setenv("KEXT_DATADIR", data_folder, 1) < 0)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	nftw(data_folder, fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return failed;
}
