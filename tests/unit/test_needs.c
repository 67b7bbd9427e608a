/* What a kext leaves undefined, and which libraries may serve. */
#include <kext/needs.h>
#include "sets.h"

struct answer {
	struct kext_providers *providers;
	struct kext_needs *needs;
};

static struct answer ask(struct sets *s, struct kext_bundle *bundle, unsigned flags)
{
	struct answer a = {0};
	assert_int_equal(kext_providers_new(s->world.repository, s->arch, &a.providers),
			 0);
	assert_int_equal(kext_needs_new(bundle, s->arch, a.providers, flags,
					s->diagnostics, &a.needs),
			 0);
	return a;
}

static void forget(struct answer a)
{
	kext_needs_free(a.needs);
	kext_providers_free(a.providers);
}

/* "org.a org.b": all libraries that serve. */
static const char *libraries(const struct kext_needs *needs)
{
	static char text[256];
	struct kext_bundle *library;
	*text = 0;
	for (size_t i = 0; (library = kext_needs_library(needs, i)); i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			 i ? " " : "", kext_bundle_identifier(library));
	return text;
}

static const struct listed wants_f[] = {{"_f", NULL, N_EXT, 0, 0}};
static const struct listed defines_f[] = {{"_f", NULL, N_ABS | N_EXT, 0, 1}};

static void undefined_names_come_in_byte_order_once_each(void **state)
{
	struct sets *s = *state;
	static const struct listed symbols[] = {
		{"_z", NULL, N_EXT, 0, 0},
		{"_a", NULL, N_EXT, 0, 0},
		{"_Z", NULL, N_EXT, 0, 0},
		{"_a", NULL, N_EXT, 0, 0},
		{"_common", NULL, N_EXT, 0, 8},
		{"_defined", NULL, N_ABS | N_EXT, 0, 1},
		{"_debug", NULL, 0x20, 0, 0},
		{"", NULL, N_EXT, 0, 0},
		{"_weak", NULL, N_EXT, N_WEAK_REF, 0},
	};
	struct answer a = ask(s, SETS_ADD(s, "org.user", "1.0", "", symbols), 0);
	assert_int_equal(kext_needs_count(a.needs), 4);
	assert_string_equal(kext_needs_at(a.needs, 0)->symbol, "_Z");
	assert_string_equal(kext_needs_at(a.needs, 1)->symbol, "_a");
	assert_string_equal(kext_needs_at(a.needs, 2)->symbol, "_weak");
	assert_string_equal(kext_needs_at(a.needs, 3)->symbol, "_z");
	assert_null(kext_needs_at(a.needs, 4));
	assert_null(kext_needs_library(a.needs, 0));
	forget(a);
}

static void every_provider_is_listed(void **state)
{
	struct sets *s = *state;
	static const struct listed symbols[] = {{"_f", NULL, N_EXT, 0, 0},
						{"_g", NULL, N_EXT, 0, 0},
						{"_none", NULL, N_EXT, 0, 0}};
	static const struct listed both[] = {{"_f", NULL, N_ABS | N_EXT, 0, 1},
					     {"_g", NULL, N_ABS | N_EXT, 0, 1}};
	struct kext_bundle *user = SETS_ADD(s, "org.user", "1.0", "", symbols);
	SETS_ADD(s, "org.b", "1.0", "", both);
	SETS_ADD(s, "org.a", "1.0", "", defines_f);
	struct answer a = ask(s, user, 0);
	const struct kext_need *f = kext_needs_at(a.needs, 0);
	assert_int_equal(f->provider_count, 2);
	assert_string_equal(kext_bundle_identifier(f->providers[0]->bundle), "org.a");
	assert_string_equal(kext_bundle_identifier(f->providers[1]->bundle), "org.b");
	assert_int_equal(kext_needs_at(a.needs, 1)->provider_count, 1);
	assert_int_equal(kext_needs_at(a.needs, 2)->provider_count, 0);
	assert_string_equal(libraries(a.needs), "org.a org.b");
	forget(a);
}

static void who_may_serve_depends_on_the_flags(void **state)
{
	struct sets *s = *state;
	static const char *const components[] = {
		"com.apple.kernel",	 "com.apple.kernel.bsd",      "com.apple.kpi.bsd",
		"com.apple.kpi.private", "com.apple.kpi.unsupported",
	};
	static const struct {
		unsigned flags;
		const char *expected;
	} rules[] = {
		{0, "com.apple.kpi.bsd org.library"},
		{KEXT_NEEDS_UNSUPPORTED,
		 "com.apple.kpi.bsd com.apple.kpi.unsupported org.library"},
		{KEXT_NEEDS_NON_KPI, "com.apple.kernel.bsd org.library"},
		{KEXT_NEEDS_UNSUPPORTED | KEXT_NEEDS_NON_KPI,
		 "com.apple.kernel.bsd com.apple.kpi.unsupported org.library"},
	};
	for (size_t i = 0; i < sizeof(components) / sizeof(*components); i++)
		SETS_ADD(s, components[i], "1.0", WORLD_COMPONENT, wants_f);
	SETS_ADD(s, "org.library", "1.0", "", defines_f);
	struct kext_bundle *user = SETS_ADD(s, "org.user", "1.0", "", wants_f);
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		struct answer a = ask(s, user, rules[i].flags);
		assert_string_equal(libraries(a.needs), rules[i].expected);
		forget(a);
	}
}

static void no_kext_serves_itself(void **state)
{
	struct sets *s = *state;
	SETS_ADD(s, "org.user", "2.0", "", defines_f);
	struct answer a = ask(s, SETS_ADD(s, "org.user", "1.0", "", wants_f), 0);
	assert_string_equal(libraries(a.needs), "");
	forget(a);
}

static void what_cannot_be_read_says_why(void **state)
{
	struct sets *s = *state;
	struct kext_providers *providers;
	struct kext_needs *needs = (struct kext_needs *)state;
	struct kext_bundle *other =
		sets_add(s, "org.other", "1.0", "", KEXT_CPU_I386, wants_f, 1);
	struct kext_bundle *damaged =
		world_add(&s->world, "org.damaged", "", (const uint8_t *)"no Mach-O", 9);
	assert_int_equal(kext_providers_new(s->world.repository, s->arch, &providers), 0);
	assert_int_equal(
		kext_needs_new(other, s->arch, providers, 0, s->diagnostics, &needs),
		KEXT_ERR_ARCH_NOT_FOUND);
	assert_int_equal(kext_diagnostics_count(s->diagnostics, KEXT_ERROR), 1);
	assert_true(kext_needs_new(damaged, s->arch, providers, 0, s->diagnostics,
				   &needs) < 0);
	assert_int_equal(kext_diagnostics_count(s->diagnostics, KEXT_ERROR), 2);
	assert_ptr_equal(needs, state);
	assert_null(kext_needs_free(NULL));
	kext_providers_free(providers);
}

static void architectures_come_in_the_file_s_order(void **state)
{
	struct sets *s = *state;
	/* A fat header: arm64, a CPU that nobody knows, x86_64; no slice has content. */
	static const uint8_t fat[] = {
		0xca, 0xfe, 0xba, 0xbe, 0, 0,  0, 3, /* */
		1,    0,    0,	  12,	0, 0,  0, 0, 0, 0, 0, 68, 0, 0,	 0, 4,	0, 0,
		0,    2,    0,	  0,	0, 99, 0, 0, 0, 0, 0, 0,  0, 72, 0, 0,	0, 4,
		0,    0,    0,	  2,	1, 0,  0, 7, 0, 0, 0, 3,  0, 0,	 0, 76, 0, 0,
		0,    4,    0,	  0,	0, 2,  1, 2, 3, 4, 1, 2,  3, 4,	 1, 2,	3, 4,
	};
	const struct kext_arch *archs[4];
	struct kext_bundle *bundle =
		world_add(&s->world, "org.fat", "", fat, sizeof(fat));
	assert_int_equal(kext_bundle_architectures(bundle, s->diagnostics, archs, 4), 2);
	assert_string_equal(archs[0]->name, "arm64");
	assert_string_equal(archs[1]->name, "x86_64");
	assert_int_equal(kext_bundle_architectures(bundle, s->diagnostics, archs, 1), 1);
	assert_int_equal(kext_diagnostics_length(s->diagnostics), 0);
	bundle = world_add(&s->world, "org.text", "", (const uint8_t *)"hello", 5);
	assert_int_equal(kext_bundle_architectures(bundle, s->diagnostics, archs, 4),
			 KEXT_ERR_VALIDATION);
	assert_true(sets_said(s, "executable.bad", "no Mach-O file"));
	bundle = world_add(&s->world, "org.codeless", "", NULL, 0);
	assert_int_equal(kext_bundle_architectures(bundle, NULL, archs, 4),
			 KEXT_ERR_NOT_FOUND);
}

static void without_memory_nothing_is_left(void **state)
{
	struct sets *s = *state;
	struct kext_bundle *user = SETS_ADD(s, "org.user", "1.0", "", wants_f);
	SETS_ADD(s, "org.library", "1.0", "", defines_f);
	struct kext_providers *providers;
	struct kext_needs *needs;
	assert_int_equal(kext_providers_new(s->world.repository, s->arch, &providers), 0);
	int r = -ENOMEM;
	unsigned n = 0;
	while (r == -ENOMEM && n < 200) {
		fault_arm_allocation(++n);
		r = kext_needs_new(user, s->arch, providers, 0, NULL, &needs);
		fault_arm_allocation(0);
	}
	assert_int_equal(r, 0);
	assert_in_range(n, 5, 199);
	assert_string_equal(libraries(needs), "org.library");
	kext_needs_free(needs);
	kext_providers_free(providers);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sets_setup, sets_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(undefined_names_come_in_byte_order_once_each),
		TEST(every_provider_is_listed),
		TEST(who_may_serve_depends_on_the_flags),
		TEST(no_kext_serves_itself),
		TEST(what_cannot_be_read_says_why),
		TEST(architectures_come_in_the_file_s_order),
		TEST(without_memory_nothing_is_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
