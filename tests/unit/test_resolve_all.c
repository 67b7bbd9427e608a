/* Many kexts resolved at once: what is shared, what fails, and what one kernel can hold.
 */
#include "kext_fixture.h"
#include <kext/repository.h>
#include <kext/resolve.h>

#define LIBRARY(id, version, needs)                                                      \
	PLIST_KEXT(id, version)                                                          \
	PLIST_STRING("OSBundleCompatibleVersion", "1")                                   \
	PLIST_STRING("CFBundleExecutable", "X") PLIST_LIBRARIES(needs)
#define NEEDS(id, version) PLIST_STRING(id, version)

struct run {
	struct kext_repository *repository;
	struct kext_bundle *bundles[8];
	int results[8];
	struct kext_load_list *list;
};

/* `kexts` are folder names, separated by spaces. */
static struct run resolve(struct fixture *f, const char *kexts,
			  const struct kext_loaded *loaded)
{
	struct run run = {0};
	char names[256], *at = names, *name;
	size_t count = 0;
	fixture_forget(f);
	assert_int_equal(kext_repository_new(f->context, &run.repository), 0);
	assert_int_equal(kext_repository_add_folder(run.repository, f->folder, NULL), 0);
	snprintf(names, sizeof(names), "%s", kexts);
	while ((name = strsep(&at, " ")))
		run.bundles[count++] = fixture_open(f, name);
	assert_int_equal(kext_resolve_all(run.repository, run.bundles, count, loaded,
					  loaded != NULL, kext_arch_host(),
					  f->diagnostics, run.results, &run.list),
			 0);
	return run;
}

static void run_free(struct run *run)
{
	for (size_t i = 0; i < 8; i++)
		kext_bundle_unref(run->bundles[i]);
	kext_load_list_free(run->list);
	kext_repository_free(run->repository);
}

static const char *order_of(const struct run *run)
{
	static char text[1024];
	text[0] = '\0';
	for (size_t i = 0; i < kext_load_list_count(run->list); i++) {
		const struct kext_load_item *item = kext_load_list_at(run->list, i);
		if (i)
			strcat(text, " ");
		strcat(text, item->bundle ? kext_bundle_identifier(item->bundle)
					  : item->loaded->identifier);
	}
	return text;
}

static void test_shared_libraries(void **state)
{
	struct fixture *f = *state;
	fixture_info(f, "A.kext", LIBRARY("a", "1", NEEDS("l", "1")));
	fixture_info(f, "B.kext", LIBRARY("b", "1", NEEDS("m", "1") NEEDS("a", "1")));
	fixture_info(f, "L.kext", LIBRARY("l", "1", NEEDS("m", "1")));
	fixture_info(f, "M.kext", LIBRARY("m", "1", ""));
	struct run run = resolve(f, "B.kext A.kext M.kext", NULL);
	assert_string_equal(order_of(&run), "m l a b");
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(run.results[i], 0);
	const struct kext_load_item *b = kext_load_list_at(run.list, 3);
	assert_int_equal(b->direct_count, 2);
	assert_int_equal(b->direct[0], 0);
	assert_int_equal(b->direct[1], 2);
	assert_int_equal(b->indirect_count, 1);
	assert_int_equal(b->indirect[0], 1);
	run_free(&run);
	run = resolve(f, "M.kext A.kext B.kext", NULL);
	assert_string_equal(order_of(&run), "m l a b");
	run_free(&run);
}

static void test_failures_are_left_out(void **state)
{
	struct fixture *f = *state;
	fixture_info(f, "A.kext", LIBRARY("a", "1", NEEDS("nobody", "1")));
	fixture_info(f, "B.kext", LIBRARY("b", "1", NEEDS("l", "1")));
	fixture_info(f, "C.kext", LIBRARY("c", "1", NEEDS("l", "1") NEEDS("a", "1")));
	fixture_info(f, "D.kext", LIBRARY("d", "1", NEEDS("e", "1")));
	fixture_info(f, "E.kext", LIBRARY("e", "1", NEEDS("d", "1")));
	fixture_info(f, "L.kext", LIBRARY("l", "1", ""));
	static const int expected[] = {KEXT_ERR_DEPENDENCIES, 0, KEXT_ERR_DEPENDENCIES,
				       KEXT_ERR_DEPENDENCIES, KEXT_ERR_DEPENDENCIES};
	struct run run = resolve(f, "A.kext B.kext C.kext D.kext E.kext", NULL);
	assert_memory_equal(run.results, expected, sizeof(expected));
	assert_string_equal(order_of(&run), "l b");
	fixture_expect(f, "dependency.missing", KEXT_ERROR, "nobody");
	fixture_expect(f, "dependency.indirect", KEXT_ERROR, "needs a");
	fixture_expect(f, "dependency.cycle", KEXT_ERROR, "d -> e -> d");
	run_free(&run);
}

/* One kernel holds one version of an identifier. */
static void test_one_version(void **state)
{
	struct fixture *f = *state;
	fixture_info(f, "Old.kext",
		     PLIST_KEXT("l", "1") PLIST_STRING("OSBundleCompatibleVersion", "1"));
	fixture_info(f, "New.kext",
		     PLIST_KEXT("l", "3") PLIST_STRING("OSBundleCompatibleVersion", "2"));
	fixture_info(f, "A.kext", LIBRARY("a", "1", NEEDS("l", "1")));
	fixture_info(f, "B.kext", LIBRARY("b", "1", NEEDS("l", "2")));
	struct run run = resolve(f, "A.kext B.kext New.kext", NULL);
	assert_int_equal(run.results[0], 0);
	assert_int_equal(run.results[1], KEXT_ERR_DEPENDENCIES);
	assert_int_equal(run.results[2], KEXT_ERR_DEPENDENCIES);
	assert_string_equal(order_of(&run), "l a");
	fixture_expect(f, "dependency.multiple", KEXT_ERROR, "two versions");
	run_free(&run);
	run = resolve(f, "B.kext A.kext", NULL);
	assert_int_equal(run.results[0], 0);
	assert_int_equal(run.results[1], KEXT_ERR_DEPENDENCIES);
	run_free(&run);
}

static void test_loaded(void **state)
{
	struct fixture *f = *state;
	struct kext_loaded loaded = {.identifier = "l"};
	assert_int_equal(kext_version_parse("1", &loaded.version), 0);
	assert_int_equal(kext_version_parse("1", &loaded.compatible_version), 0);
	fixture_info(f, "L.kext", LIBRARY("l", "1", ""));
	fixture_info(f, "A.kext", LIBRARY("a", "1", NEEDS("l", "1")));
	struct run run = resolve(f, "A.kext L.kext", &loaded);
	assert_string_equal(order_of(&run), "l a");
	assert_ptr_equal(kext_load_list_at(run.list, 0)->loaded, &loaded);
	assert_null(kext_load_list_at(run.list, 1)->loaded);
	run_free(&run);
}

static void test_nothing(void **state)
{
	struct fixture *f = *state;
	struct kext_repository *repository;
	struct kext_load_list *list;
	int none;
	assert_int_equal(kext_repository_new(f->context, &repository), 0);
	assert_int_equal(kext_resolve_all(repository, NULL, 0, NULL, 0, kext_arch_host(),
					  NULL, &none, &list),
			 0);
	assert_int_equal(kext_load_list_count(list), 0);
	kext_load_list_free(list);
	kext_repository_free(repository);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_shared_libraries), TEST(test_failures_are_left_out),
		TEST(test_one_version),	     TEST(test_loaded),
		TEST(test_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
