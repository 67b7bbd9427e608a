/* The index of who exports what, and the advice that follows from it. */
#include <kext/providers.h>
#include "sets.h"

static struct kext_providers *index_all(struct sets *s)
{
	struct kext_providers *providers = NULL;
	assert_int_equal(kext_providers_new(s->world.repository, s->arch, &providers), 0);
	return providers;
}

/* "com.a com.b": the providers of a symbol. */
static const char *who(const struct kext_providers *providers, const char *symbol)
{
	static char text[256];
	const struct kext_provider *provider;
	*text = 0;
	for (size_t i = 0; (provider = kext_providers_find(providers, symbol, i)); i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			 i ? " " : "", kext_bundle_identifier(provider->bundle));
	return text;
}

static const struct listed defines_f[] = {{"_f", NULL, N_ABS | N_EXT, 0, 1}};

static void a_library_exports_what_it_defines(void **state)
{
	struct sets *s = *state;
	static const struct listed symbols[] = {
		{"_absolute", NULL, N_ABS | N_EXT, 0, 1},
		{"_local", NULL, N_ABS, 0, 1},
		{"_hidden", NULL, N_ABS | N_EXT | N_PEXT, 0, 1},
		{"_undefined", NULL, N_EXT, 0, 0},
		{"_debug", NULL, 0x20, 0, 1},
		{"", NULL, N_ABS | N_EXT, 0, 1},
		{"_alias", "_absolute", 0, 0, 0},
	};
	uint8_t *data;
	size_t size;
	build_kext(&cpu_x86_64, NULL, 0, "_in_section", &data, &size);
	world_add(&s->world, "org.sections", "", data, size);
	free(data);
	SETS_ADD(s, "org.library", "1.0", "", symbols);
	struct kext_providers *p = index_all(s);
	assert_string_equal(who(p, "_absolute"), "org.library");
	assert_string_equal(who(p, "_in_section"), "org.sections");
	for (size_t i = 1; i < sizeof(symbols) / sizeof(*symbols); i++)
		assert_string_equal(who(p, symbols[i].name), "");
	kext_providers_free(p);
}

static void a_kpi_exports_what_it_lists(void **state)
{
	struct sets *s = *state;
	static const struct listed symbols[] = {
		{"_plain", NULL, N_EXT, 0, 0},
		{"_alias", "_kernel_name", 0, 0, 0},
		{"_old", NULL, N_EXT, N_DESC_DISCARDED, 0},
		{"_own", NULL, N_ABS | N_EXT, 0, 1},
		{"_local", NULL, N_UNDF, 0, 0},
	};
	SETS_ADD(s, "com.apple.kpi.bsd", "1.0", WORLD_COMPONENT, symbols);
	SETS_ADD(s, "org.interface", "1.0", "<key>OSBundleIsInterface</key><true/>",
		 symbols);
	struct kext_providers *p = index_all(s);
	assert_string_equal(who(p, "_plain"), "com.apple.kpi.bsd org.interface");
	assert_string_equal(who(p, "_old"), "com.apple.kpi.bsd org.interface");
	assert_string_equal(who(p, "_own"), "");
	assert_string_equal(who(p, "_local"), "");
	assert_null(kext_providers_find(p, "_plain", 0)->target);
	assert_string_equal(kext_providers_find(p, "_alias", 0)->target, "_kernel_name");
	assert_null(kext_providers_find(p, "_alias", 2));
	kext_providers_free(p);
}

static void the_newest_with_code_for_the_cpu_counts(void **state)
{
	struct sets *s = *state;
	static const struct listed old[] = {{"_old", NULL, N_ABS | N_EXT, 0, 1}};
	static const struct listed new[] = {{"_new", NULL, N_ABS | N_EXT, 0, 1}};
	SETS_ADD(s, "org.a", "1.1", "", old);
	SETS_ADD(s, "org.a", "1.2", "", new);
	/* The newest is for another CPU, the next one has no code. */
	SETS_ADD(s, "org.b", "1.0", "", old);
	world_add_version(&s->world, "org.b", "1.5", "1.0", "", NULL, 0);
	sets_add(s, "org.b", "2.0", "", KEXT_CPU_I386, new, 1);
	struct kext_providers *p = index_all(s);
	assert_string_equal(who(p, "_new"), "org.a");
	assert_string_equal(who(p, "_old"), "org.b");
	kext_providers_free(p);
}

static void what_is_no_library_offers_nothing(void **state)
{
	struct sets *s = *state;
	uint8_t *data;
	size_t size;
	build_kext(&cpu_x86_64, NULL, 0, "_f", &data, &size);
	world_add_version(&s->world, "org.driver", "1.0", NULL, "", data, size);
	world_add(&s->world, "org.damaged", "", data, size / 8);
	free(data);
	struct kext_providers *p = index_all(s);
	assert_string_equal(who(p, "_f"), "");
	kext_providers_free(p);
}

static void providers_come_in_byte_order_once_each(void **state)
{
	struct sets *s = *state;
	static const struct listed twice[] = {{"_f", NULL, N_ABS | N_EXT, 0, 1},
					      {"_g", NULL, N_ABS | N_EXT, 0, 1},
					      {"_f", NULL, N_ABS | N_EXT, 0, 2}};
	SETS_ADD(s, "org.b", "1.0", "", twice);
	SETS_ADD(s, "org.c", "1.0", "", defines_f);
	SETS_ADD(s, "org.B", "1.0", "", defines_f);
	struct kext_providers *p = index_all(s);
	assert_string_equal(who(p, "_f"), "org.B org.b org.c");
	kext_providers_free(p);
}

/* ---- advice ---- */

static void expect_advice(struct sets *s, struct kext_bundle *user, const char *symbol,
			  const char *expected)
{
	struct kext_providers *p = index_all(s);
	char *advice = kext_providers_advise(p, user, s->arch, symbol);
	if (expected)
		assert_string_equal(advice, expected);
	else
		assert_null(advice);
	free(advice);
	kext_providers_free(p);
}

static void advice_names_the_library_to_add(void **state)
{
	struct sets *s = *state;
	static const struct listed lists_f[] = {{"_f", NULL, N_EXT, 0, 0}};
	struct kext_bundle *user = SETS_ADD(s, "org.user", "1.0", "", defines_f);
	/* That it has the name itself is no help, and nobody else has it. */
	expect_advice(s, user, "_f", NULL);
	SETS_ADD(s, "com.apple.kpi.private", "1.0", WORLD_COMPONENT, lists_f);
	expect_advice(s, user, "_f",
		      "Only com.apple.kpi.private exports it, which is reserved to "
		      "com.apple kexts.");
	struct kext_bundle *apple = SETS_ADD(s, "com.apple.user", "1.0", "", defines_f);
	expect_advice(s, apple, "_f",
		      "com.apple.kpi.private 1.0 exports it: add that to "
		      "OSBundleLibraries.");
	/* What anybody may use comes first. */
	SETS_ADD(s, "org.library", "3.2", "", defines_f);
	expect_advice(s, user, "_f",
		      "com.apple.user 1.0 exports it: add that to OSBundleLibraries.");
	expect_advice(s, user, "_nowhere", NULL);
}

static void advice_says_that_the_version_is_too_old(void **state)
{
	struct sets *s = *state;
	uint8_t *data;
	size_t size;
	build_kext(&cpu_x86_64, NULL, 0, "_f", &data, &size);
	world_add_version(&s->world, "org.library", "3.2", "3.0", "", data, size);
	free(data);
	struct kext_bundle *user = SETS_ADD(
		s, "org.user", "1.0",
		WORLD_LIBRARIES("<key>org.library</key><string>2.9</string>"), defines_f);
	expect_advice(
		s, user, "_f",
		"org.library 3.2 exports it, but OSBundleLibraries asks for version "
		"2.9, which is too old for that one (compatible from 3.0 on): ask "
		"for 3.2.");
	user = SETS_ADD(s, "org.other", "1.0",
			WORLD_LIBRARIES("<key>org.library</key><string>3.1</string>"),
			defines_f);
	expect_advice(s, user, "_f",
		      "org.library 3.2 exports it, but that is not the version that was "
		      "linked against: ask for 3.2 in OSBundleLibraries.");
}

static void advice_knows_kpis_of_another_kernel(void **state)
{
	struct sets *s = *state;
	static const struct listed lists_f[] = {{"_f", NULL, N_EXT, 0, 0}};
	SETS_ADD(s, "com.apple.kpi.bsd", "1.0", WORLD_COMPONENT, lists_f);
	struct kext_bundle *user =
		SETS_ADD(s, "org.user", "1.0",
			 WORLD_LIBRARIES(WORLD_NEEDS("com.apple.kpi.bsd")), defines_f);
	expect_advice(s, user, "_f",
		      "com.apple.kpi.bsd 1.0 lists it, but this kernel does not have it: "
		      "kernel and System.kext do not belong together.");
}

static void without_memory_nothing_is_left(void **state)
{
	struct sets *s = *state;
	struct kext_providers *p = NULL;
	int r = -ENOMEM;
	unsigned n = 0;
	SETS_ADD(s, "org.a", "1.0", "", defines_f);
	SETS_ADD(s, "org.b", "1.0", "", defines_f);
	while (r == -ENOMEM && n < 200) {
		fault_arm_allocation(++n);
		r = kext_providers_new(s->world.repository, s->arch, &p);
		fault_arm_allocation(0);
	}
	assert_int_equal(r, 0);
	assert_in_range(n, 5, 199);
	assert_string_equal(who(p, "_f"), "org.a org.b");
	kext_providers_free(p);
	assert_null(kext_providers_free(NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sets_setup, sets_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_library_exports_what_it_defines),
		TEST(a_kpi_exports_what_it_lists),
		TEST(the_newest_with_code_for_the_cpu_counts),
		TEST(what_is_no_library_offers_nothing),
		TEST(providers_come_in_byte_order_once_each),
		TEST(advice_names_the_library_to_add),
		TEST(advice_says_that_the_version_is_too_old),
		TEST(advice_knows_kpis_of_another_kernel),
		TEST(without_memory_nothing_is_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
