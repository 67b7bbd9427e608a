/* What is in a set of kexts to be linked, and what becomes of each member. */
#include <sys/stat.h>
#include <kext/version.h>
#include "sets.h"

static struct kext_linkset *link_set(struct sets *s,
				     const struct kext_linkset_options *options)
{
	struct kext_linkset *set = NULL;
	assert_int_equal(kext_linkset_new(options, s->diagnostics, &set), 0);
	return set;
}

static const struct kext_linked *member(const struct kext_linkset *set,
					const char *identifier, size_t *ret_position)
{
	const struct kext_linked *linked;
	for (size_t i = 0; (linked = kext_linkset_at(set, i)); i++) {
		if (!linked->bundle ||
		    strcmp(kext_bundle_identifier(linked->bundle), identifier) != 0)
			continue;
		if (ret_position)
			*ret_position = i;
		return linked;
	}
	return NULL;
}

/* A diamond: top needs left and right, which need base. */
static struct kext_bundle *diamond(struct sets *s)
{
	sets_kpi(s);
	sets_kext(s, "org.base", "1.0", KPI, "_printf", "_base");
	sets_kext(s, "org.left", "1.0", KPI WORLD_NEEDS("org.base"), "_base", "_left");
	sets_kext(s, "org.right", "1.0", KPI WORLD_NEEDS("org.base"), "_base", "_right");
	return sets_kext(s, "org.top", "1.0",
			 KPI WORLD_NEEDS("org.left") WORLD_NEEDS("org.right"), "_left",
			 "_top");
}

static void an_identifier_is_in_it_once(void **state)
{
	struct sets *s = *state;
	struct placing placing;
	size_t base, left, right, top;
	struct kext_bundle *bundles[] = {diamond(s), NULL};
	bundles[1] = kext_repository_find(s->world.repository, "org.left");
	struct kext_linkset_options options = sets_options(s, &placing, bundles, 2);
	struct kext_linkset *set = link_set(s, &options);
	assert_int_equal(kext_linkset_count(set), 5);
	assert_non_null(member(set, "org.base", &base));
	assert_true(member(set, "org.left", &left)->is_asked);
	assert_false(member(set, "org.right", &right)->is_asked);
	const struct kext_linked *last = member(set, "org.top", &top);
	assert_true(last->is_asked);
	/* Dependencies come first. */
	assert_true(base < left && base < right && left < top && right < top);
	assert_int_equal(last->direct_count, 3);
	for (size_t i = 0; i < last->direct_count; i++)
		assert_true(last->direct[i] < top && last->direct[i] != base);
	assert_true(member(set, "com.apple.kpi.libkern", NULL)->is_kernel_component);
	assert_null(member(set, "com.apple.kpi.libkern", NULL)->data);
	assert_null(kext_linkset_at(set, 5));
	kext_linkset_free(set);
}

static void members_tell_where_they_went(void **state)
{
	struct sets *s = *state;
	struct placing placing;
	struct kext_bundle *bundle = diamond(s);
	struct kext_linkset_options options = sets_options(s, &placing, &bundle, 1);
	struct kext_linkset *set = link_set(s, &options);
	const struct kext_linked *base = member(set, "org.base", NULL);
	assert_int_equal(kext_linkset_status(set, 0), 0);
	assert_int_equal(kext_linkset_status(set, 1), KEXT_ERR_INVALID_ARGUMENT);
	/* build_kext(): two segments of 0x4000, and a page of symbols. */
	assert_int_equal(base->size, 0x9000);
	assert_int_equal(base->address, BASE + 0x100000);
	assert_int_equal(base->kmod_info, BASE + 0x100000 + 0x4010);
	assert_int_equal(load32(base->data, false), MH_MAGIC_64);
	assert_int_equal(member(set, "org.top", NULL)->address,
			 BASE + 0x100000 + 3 * 0x9000);
	assert_int_equal(kext_diagnostics_length(s->diagnostics), 0);
	kext_linkset_free(set);
}

static void one_that_fails_fails_with_its_users_only(void **state)
{
	struct sets *s = *state;
	struct placing placing;
	sets_kpi(s);
	sets_kext(s, "org.bad", "1.0", KPI, "_nobody_has_it", "_bad");
	struct kext_bundle *bundles[] = {
		sets_kext(s, "org.user", "1.0", KPI WORLD_NEEDS("org.bad"), "_bad", "_u"),
		sets_kext(s, "org.good", "1.0", KPI, "_printf", "_good"),
		sets_kext(s, "org.lost", "1.0", KPI WORLD_NEEDS("org.none"), NULL, "_l"),
	};
	struct kext_linkset_options options = sets_options(s, &placing, bundles, 3);
	struct kext_linkset *set = link_set(s, &options);
	assert_int_equal(kext_linkset_status(set, 0), KEXT_ERR_DEPENDENCY_LOAD);
	assert_int_equal(kext_linkset_status(set, 1), 0);
	assert_int_equal(kext_linkset_status(set, 2), KEXT_ERR_DEPENDENCIES);
	assert_int_equal(member(set, "org.bad", NULL)->error, KEXT_ERR_LINK);
	assert_null(member(set, "org.user", NULL)->data);
	assert_null(member(set, "org.lost", NULL));
	assert_true(sets_said(s, "link.dependency",
			      "it needs org.bad, which cannot be linked"));
	assert_true(sets_said(s, "link.unresolved", "_nobody_has_it"));
	kext_linkset_free(set);
}

static void two_versions_of_one_library_are_refused(void **state)
{
	struct sets *s = *state;
	struct placing placing;
	uint8_t *data;
	size_t size;
	sets_kpi(s);
	build_kext(&cpu_x86_64, NULL, 0, "_l", &data, &size);
	for (unsigned i = 1; i <= 2; i++)
		world_add_version(&s->world, "org.library", i == 1 ? "1.0" : "2.0",
				  i == 1 ? "1.0" : "2.0", WORLD_LIBRARIES(KPI), data,
				  size);
	free(data);
	struct kext_bundle *bundles[] = {
		sets_kext(s, "org.old", "1.0", KPI WORLD_NEEDS("org.library"), "_l",
			  "_o"),
		sets_kext(s, "org.new", "1.0",
			  KPI "<key>org.library</key><string>2.0</string>", "_l", "_n"),
	};
	struct kext_linkset_options options = sets_options(s, &placing, bundles, 2);
	struct kext_linkset *set = link_set(s, &options);
	assert_int_equal(kext_linkset_status(set, 0), 0);
	assert_int_equal(kext_linkset_status(set, 1), KEXT_ERR_DEPENDENCIES);
	assert_true(sets_said(s, "dependency.multiple",
			      "needs org.library in version 2.0 of"));
	kext_linkset_free(set);
}

static void without_a_kernel_it_is_resolved_only(void **state)
{
	struct sets *s = *state;
	struct placing placing;
	struct kext_bundle *bundle = diamond(s);
	struct kext_linkset_options options = sets_options(s, &placing, &bundle, 1);
	options.kernel = NULL;
	struct kext_linkset *set = link_set(s, &options);
	assert_int_equal(kext_linkset_status(set, 0), 0);
	assert_int_equal(kext_linkset_count(set), 5);
	assert_null(member(set, "org.top", NULL)->data);
	assert_int_equal(placing.count, 0);
	kext_linkset_free(set);
}

static void a_loaded_library_without_a_copy_is_named(void **state)
{
	struct sets *s = *state;
	struct placing placing;
	sets_kpi(s);
	struct kext_loaded loaded = {.identifier = "org.loaded"};
	assert_int_equal(kext_version_parse("1.0", &loaded.version), 0);
	loaded.compatible_version = loaded.version;
	struct kext_bundle *bundle = sets_kext(s, "org.user", "1.0",
					       KPI WORLD_NEEDS("org.loaded"), NULL, "_u");
	struct kext_linkset_options options = sets_options(s, &placing, &bundle, 1);
	options.loaded = &loaded;
	options.loaded_count = 1;
	struct kext_linkset *set = link_set(s, &options);
	assert_int_equal(kext_linkset_status(set, 0), KEXT_ERR_DEPENDENCY_LOAD);
	assert_true(sets_said(s, "link.dependency", "no copy in the version that is"));
	kext_linkset_free(set);
}

/* A kernel states its version as text; KPIs of another one are suspect, but no failure.
 */
static void kpis_of_another_kernel_are_a_warning(void **state)
{
	struct sets *s = *state;
	struct placing placing;
	static const char text[] = "Darwin Kernel Version 18.7.0: Tue";
	uint8_t *data;
	size_t size;
	build_kernel(&cpu_x86_64, &data, &size);
	data = realloc(data, size + sizeof(text));
	assert_non_null(data);
	memcpy(data + size, text, sizeof(text));
	s->kernel = open_kernel_file(s->arch, data, size + sizeof(text));
	free(data);
	struct kext_bundle *bundle = diamond(s);
	struct kext_linkset_options options = sets_options(s, &placing, &bundle, 1);
	struct kext_linkset *set = link_set(s, &options);
	assert_int_equal(kext_linkset_status(set, 0), 0);
	assert_int_equal(kext_diagnostics_count(s->diagnostics, KEXT_WARNING), 1);
	assert_true(
		sets_said(s, "kernel.version", "version 1.0 is not that of the kernel"));
	kext_linkset_free(set);
}

static void images_are_published_as_symbol_files(void **state)
{
	struct sets *s = *state;
	struct placing placing;
	char folder[] = "/tmp/kext-set-XXXXXX", *path = NULL;
	struct stat st;
	assert_non_null(mkdtemp(folder));
	sets_kpi(s);
	struct kext_bundle *bundles[] = {
		sets_kext(s, "org.good", "1.0", KPI, "_printf", "_good"),
		sets_kext(s, "../escaped", "1.0", KPI, "_printf", "_bad"),
		sets_kext(s, ".hidden", "1.0", KPI, "_printf", "_bad"),
	};
	struct kext_linkset_options options = sets_options(s, &placing, bundles, 3);
	struct kext_linkset *set = link_set(s, &options);
	const struct kext_linked *good = member(set, "org.good", NULL);
	for (int round = 0; round < 2; round++) { /* the second time one is there */
		assert_int_equal(kext_linked_publish(good, folder, NULL, &path), 0);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_size, good->size);
		assert_string_equal(strrchr(path, '/'), "/org.good.sym");
		if (round == 1)
			assert_int_equal(unlink(path), 0);
		free(path);
	}
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(kext_linked_publish(
					 member(set, i ? ".hidden" : "../escaped", NULL),
					 folder, s->diagnostics, &path),
				 KEXT_ERR_INVALID_ARGUMENT);
	assert_true(sets_said(s, "symbols.name", "cannot be the name of a file"));
	assert_int_equal(rmdir(folder), 0); /* nothing was left in it */
	assert_int_equal(kext_linked_publish(good, folder, s->diagnostics, &path),
			 -ENOENT);
	assert_true(sets_said(s, "symbols.write", "cannot be written"));
	kext_linkset_free(set);
}

static void without_memory_nothing_is_left(void **state)
{
	struct sets *s = *state;
	struct placing placing;
	struct kext_bundle *bundle = diamond(s);
	struct kext_linkset *set = NULL;
	int r = -ENOMEM;
	unsigned n = 0;
	/* Rising in steps: a want of memory at the end of a set is no other than before.
	 */
	while (r == -ENOMEM && n < 4000) {
		struct kext_linkset_options options =
			sets_options(s, &placing, &bundle, 1);
		fault_arm_allocation(n += 1 + n / 16);
		r = kext_linkset_new(&options, NULL, &set);
		fault_arm_allocation(0);
	}
	assert_int_equal(r, 0);
	assert_in_range(n, 50, 3999);
	assert_int_equal(kext_linkset_status(set, 0), 0);
	assert_null(kext_linkset_free(set));
	assert_null(kext_linkset_free(NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sets_setup, sets_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_identifier_is_in_it_once),
		TEST(members_tell_where_they_went),
		TEST(one_that_fails_fails_with_its_users_only),
		TEST(two_versions_of_one_library_are_refused),
		TEST(without_a_kernel_it_is_resolved_only),
		TEST(a_loaded_library_without_a_copy_is_named),
		TEST(kpis_of_another_kernel_are_a_warning),
		TEST(images_are_published_as_symbol_files),
		TEST(without_memory_nothing_is_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
