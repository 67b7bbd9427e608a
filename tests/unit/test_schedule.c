/*
 * When what is linked: load addresses are asked for by level and then in dependency
 * order, one kext at a time, and nothing depends on the number of threads.
 */
#include <pthread.h>
#include <time.h>
#include "sets.h"

#define WIDTH 12

/*
 * Three levels of WIDTH kexts. Each of the upper ones needs two of the level below; every
 * fifth one does not link, so that what needs it does not either.
 */
static size_t tower(struct sets *s, struct kext_bundle **ret_bundles)
{
	size_t count = 0;
	sets_kpi(s);
	for (int level = 0; level < 3; level++)
		for (int i = 0; i < WIDTH; i++) {
			char identifier[32], export[32], needs[512] = KPI;
			size_t used = strlen(needs);
			snprintf(identifier, sizeof(identifier), "org.l%d.k%02d", level,
				 i);
			snprintf(export, sizeof(export), "_l%d_k%02d", level, i);
			for (int n = 0; level && n < 2; n++)
				used += (size_t)snprintf(
					needs + used, sizeof(needs) - used,
					"<key>org.l%d.k%02d</key><string>1.0</string>",
					level - 1, (i + n * 5) % WIDTH);
			ret_bundles[count++] = sets_kext(
				s, identifier, "1.0", needs,
				i % 5 == 4 ? "_nobody_has_it" : "_printf", export);
		}
	return count;
}

static struct kext_linkset *link_set(const struct kext_linkset_options *options,
				     struct kext_diagnostics *diagnostics)
{
	struct kext_linkset *set = NULL;
	assert_int_equal(kext_linkset_new(options, diagnostics, &set), 0);
	return set;
}

static void same_findings(const struct kext_diagnostics *a,
			  const struct kext_diagnostics *b)
{
	assert_int_equal(kext_diagnostics_length(a), kext_diagnostics_length(b));
	for (size_t i = 0; i < kext_diagnostics_length(a); i++) {
		const struct kext_diagnostic *x = kext_diagnostics_at(a, i);
		const struct kext_diagnostic *y = kext_diagnostics_at(b, i);
		assert_string_equal(x->subject, y->subject);
		assert_string_equal(x->message, y->message);
	}
}

static void same_members(const struct kext_linkset *a, const struct kext_linkset *b)
{
	assert_int_equal(kext_linkset_count(a), kext_linkset_count(b));
	for (size_t i = 0; i < kext_linkset_count(a); i++) {
		const struct kext_linked *x = kext_linkset_at(a, i);
		const struct kext_linked *y = kext_linkset_at(b, i);
		assert_ptr_equal(x->bundle, y->bundle);
		assert_int_equal(x->error, y->error);
		assert_int_equal(x->address, y->address);
		assert_int_equal(x->size, y->size);
		if (x->data)
			assert_memory_equal(x->data, y->data, x->size);
	}
}

static void threads_change_nothing(void **state)
{
	struct sets *s = *state;
	static const unsigned jobs[] = {2, 3, 8, 0, 1000};
	struct kext_bundle *bundles[3 * WIDTH];
	struct placing first, placing;
	size_t count = tower(s, bundles);
	struct kext_linkset_options options = sets_options(s, &first, bundles, count);
	struct kext_linkset *alone = link_set(&options, s->diagnostics);
	assert_true(kext_diagnostics_count(s->diagnostics, KEXT_ERROR) > 0);
	for (size_t i = 0; i < 40; i++) {
		struct kext_diagnostics *list = kext_diagnostics_new();
		options = sets_options(s, &placing, bundles, count);
		options.jobs = jobs[i % (sizeof(jobs) / sizeof(*jobs))];
		struct kext_linkset *set = link_set(&options, list);
		assert_string_equal(placing.asked, first.asked);
		same_members(alone, set);
		same_findings(s->diagnostics, list);
		kext_linkset_free(set);
		kext_diagnostics_free(list);
	}
	kext_linkset_free(alone);
}

static void addresses_are_asked_by_level(void **state)
{
	struct sets *s = *state;
	struct placing placing;
	sets_kpi(s);
	/* Asked for from the top: a, which needs c; c; and b, which needs nothing. */
	struct kext_bundle *bundles[] = {
		sets_kext(s, "org.a", "1.0", KPI WORLD_NEEDS("org.c"), "_c", "_a"),
		sets_kext(s, "org.c", "1.0", KPI, "_printf", "_c"),
		sets_kext(s, "org.b", "1.0", KPI, "_printf", "_b"),
	};
	struct kext_linkset_options options = sets_options(s, &placing, bundles, 3);
	struct kext_linkset *set = link_set(&options, s->diagnostics);
	assert_string_equal(placing.asked, "org.c org.b org.a");
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(kext_linkset_status(set, i), 0);
		assert_int_equal(placing.sizes[i], 0x9000);
	}
	kext_linkset_free(set);
}

/* One that takes long is overtaken, but not where addresses are given out. */
static void a_slow_kext_keeps_its_turn(void **state)
{
	struct sets *s = *state;
	struct placing placing;
	static char names[20000][8];
	static const char *wants[20000];
	uint8_t *data;
	size_t size;
	sets_kpi(s);
	for (int i = 0; i < 20000; i++) {
		snprintf(names[i], sizeof(names[i]), "_%d", i);
		wants[i] = names[i];
	}
	build_kext(&cpu_x86_64, wants, 20000, "_slow", &data, &size);
	struct kext_bundle *bundles[] = {
		world_add(&s->world, "org.slow", WORLD_LIBRARIES(KPI), data, size),
		sets_kext(s, "org.fast", "1.0", KPI, "_printf", "_fast"),
	};
	free(data);
	for (int round = 0; round < 10; round++) {
		struct kext_linkset_options options =
			sets_options(s, &placing, bundles, 2);
		options.jobs = 2;
		struct kext_linkset *set = link_set(&options, NULL);
		assert_string_equal(placing.asked, "org.slow org.fast");
		assert_int_equal(kext_linkset_status(set, 0), KEXT_ERR_LINK);
		assert_int_equal(kext_linkset_status(set, 1), 0);
		kext_linkset_free(set);
	}
}

/* A library without code stands between two levels, but is no level of its own. */
static void the_codeless_are_passed_through(void **state)
{
	struct sets *s = *state;
	struct placing placing;
	sets_kpi(s);
	sets_kext(s, "org.base", "1.0", KPI, "_printf", "_base");
	world_add_version(&s->world, "org.codeless", "1.0", "1.0",
			  WORLD_LIBRARIES(WORLD_NEEDS("org.base")), NULL, 0);
	struct kext_bundle *bundles[] = {
		sets_kext(s, "org.user", "1.0", KPI WORLD_NEEDS("org.codeless"), "_base",
			  "_user"),
		sets_kext(s, "org.z", "1.0", KPI WORLD_NEEDS("org.base"), "_base", "_z"),
	};
	struct kext_linkset_options options = sets_options(s, &placing, bundles, 2);
	struct kext_linkset *set = link_set(&options, s->diagnostics);
	assert_int_equal(kext_linkset_status(set, 0), 0);
	assert_string_equal(placing.asked, "org.base org.user org.z");
	kext_linkset_free(set);
}

/* Whoever fails before its turn, or by it, does not keep the others waiting. */
static void a_refused_address_is_that_kext_s_error(void **state)
{
	struct sets *s = *state;
	struct placing placing;
	uint8_t damaged[64] = {0};
	sets_kpi(s);
	struct kext_bundle *bundles[] = {
		world_add(&s->world, "org.a", WORLD_LIBRARIES(KPI), damaged, 64),
		sets_kext(s, "org.b", "1.0", KPI, "_printf", "_b"),
		sets_kext(s, "org.c", "1.0", KPI, "_printf", "_c"),
	};
	for (unsigned jobs = 1; jobs <= 4; jobs++) {
		struct kext_linkset_options options =
			sets_options(s, &placing, bundles, 3);
		placing.refused = "org.b";
		options.jobs = jobs;
		struct kext_linkset *set = link_set(&options, NULL);
		assert_string_equal(placing.asked, "org.b org.c");
		assert_true(kext_linkset_status(set, 0) < 0);
		assert_int_equal(kext_linkset_status(set, 1), KEXT_ERR_DISABLED);
		assert_int_equal(kext_linkset_status(set, 2), 0);
		kext_linkset_free(set);
	}
}

/* ---- threads at work ---- */

struct meeting {
	struct placing placing;
	pthread_t first;
	size_t count;
	bool had_other;
};

/* Slow enough for the other thread to take the next kext meanwhile. */
static int meet(void *data, const struct kext_bundle *bundle, uint64_t size,
		uint64_t *ret_address)
{
	struct meeting *meeting = data;
	struct timespec pause = {0, 20000000};
	nanosleep(&pause, NULL);
	if (meeting->count++ == 0)
		meeting->first = pthread_self();
	else if (!pthread_equal(meeting->first, pthread_self()))
		meeting->had_other = true;
	return sets_place(&meeting->placing, bundle, size, ret_address);
}

static void one_level_is_shared_out(void **state)
{
	struct sets *s = *state;
	struct placing unused;
	struct kext_bundle *bundles[3 * WIDTH];
	tower(s, bundles);
	for (unsigned jobs = 1; jobs <= 2; jobs++) {
		struct meeting meeting = {.placing.next = BASE + 0x100000};
		struct kext_linkset_options options =
			sets_options(s, &unused, bundles, WIDTH);
		options.address = meet;
		options.address_data = &meeting;
		options.jobs = jobs;
		struct kext_linkset *set = link_set(&options, NULL);
		assert_int_equal(meeting.count, WIDTH);
		assert_int_equal(meeting.had_other, jobs == 2);
		kext_linkset_free(set);
	}
}

/* What nothing exports is looked up by whichever thread meets it, in one index for all.
 */
static void advice_is_given_on_every_thread(void **state)
{
	struct sets *s = *state;
	struct placing placing;
	struct kext_bundle *bundles[3 * WIDTH];
	sets_kext(s, "org.other", "1.0", KPI, "_printf", "_nobody_has_it");
	tower(s, bundles);
	struct kext_linkset_options options = sets_options(s, &placing, bundles, WIDTH);
	options.jobs = 4;
	struct kext_linkset *set = link_set(&options, s->diagnostics);
	size_t advised = 0;
	for (size_t i = 0; i < kext_diagnostics_length(s->diagnostics); i++) {
		const struct kext_diagnostic *d = kext_diagnostics_at(s->diagnostics, i);
		advised += d->hint && strstr(d->hint, "org.other 1.0 exports it");
	}
	assert_int_equal(advised, 2); /* kexts 4 and 9 of the level */
	kext_linkset_free(set);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sets_setup, sets_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(threads_change_nothing),
		TEST(addresses_are_asked_by_level),
		TEST(a_slow_kext_keeps_its_turn),
		TEST(the_codeless_are_passed_through),
		TEST(a_refused_address_is_that_kext_s_error),
		TEST(one_level_is_shared_out),
		TEST(advice_is_given_on_every_thread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
