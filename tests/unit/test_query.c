/*
 * The query language of kextfind: random expressions against an evaluator of our own,
 * what is no query, and the relations of versions.
 */
#include "kext_fixture.h"
#include <kext/query.h>

#define KEXTS 4

struct world {
	struct fixture *f;
	struct kext_repository *repository;
	char output[4096];
	size_t size;
};

static void emit(void *data, const char *text, size_t length)
{
	struct world *world = data;
	assert_true(world->size + length < sizeof(world->output));
	memcpy(world->output + world->size, text, length);
	world->size += length;
	world->output[world->size] = '\0';
}

/* "/bin/yes" succeeds; what was run is printed. */
static bool run(void *data, char *const *words)
{
	for (size_t i = 0; words[i]; i++) {
		emit(data, words[i], strlen(words[i]));
		emit(data, " ", 1);
	}
	return strcmp(words[0], "/bin/yes") == 0;
}

static void setup(struct world *world, struct fixture *f)
{
	static const char versions[][8] = {"1.0", "1.5", "2.0b1", "2.0"};
	*world = (struct world){.f = f};
	assert_int_equal(kext_repository_new(f->context, &world->repository), 0);
	for (size_t i = 0; i < KEXTS; i++) {
		char entries[512], name[16];
		snprintf(name, sizeof(name), "%c.kext", (char)('a' + i));
		snprintf(entries, sizeof(entries),
			 PLIST_STRING("CFBundleIdentifier", "%c")
				 PLIST_STRING("CFBundleVersion", "%s")
					 PLIST_STRING("CFBundlePackageType", "KEXT"),
			 (char)('a' + i), versions[i]);
		fixture_info(f, name, entries);
	}
	assert_int_equal(
		kext_repository_add_folder(world->repository, f->folder, f->diagnostics),
		0);
	assert_int_equal(kext_repository_count(world->repository), KEXTS);
}

/* Which kexts a query prints the name of, as a set of bits; -1: it is no query. */
static int matches(struct world *world, const char *const *words, size_t count)
{
	struct kext_query *query;
	int set = 0;
	if (kext_query_parse(words, count, world->f->diagnostics, &query) < 0)
		return -1;
	const struct kext_query_options options = {
		.searched = world->repository,
		.universe = world->repository,
		.arch = kext_arch_host(),
		.paths = KEXT_QUERY_NAMES,
		.emit = emit,
		.run = run,
		.data = world,
	};
	world->size = 0;
	world->output[0] = '\0';
	assert_int_equal(kext_query_run(query, &options), 0);
	for (size_t i = 0; i < KEXTS; i++) {
		char name[16];
		snprintf(name, sizeof(name), "%c.kext\n", (char)('a' + i));
		set |= strstr(world->output, name) ? 1 << i : 0;
	}
	kext_query_free(query);
	return set;
}

/* The same of words separated by blanks. */
static int matches_text(struct world *world, const char *text)
{
	char copy[512], *words[64], *rest;
	size_t count = 0;
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok_r(copy, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	return matches(world, (const char *const *)words, count);
}

/* ---- random expressions ---- */

struct expression {
	const char *words[4096];
	size_t count;
	unsigned seed;
};

static unsigned draw(struct expression *e, unsigned limit)
{
	e->seed = e->seed * 1103515245u + 12345u;
	return (e->seed >> 16) % limit;
}

static void word(struct expression *e, const char *text)
{
	assert_true(e->count < 4096);
	e->words[e->count++] = text;
}

/* Writes an expression that binds at least as tightly as `level` (0 or, 1 and, 2 not). */
static int build(struct expression *e, unsigned depth, int level)
{
	static const char *const names[] = {"a", "b", "c", "d"};
	unsigned choice = depth ? draw(e, 5) : 0;
	int left, right;
	if (choice == 0) {
		unsigned kext = draw(e, KEXTS);
		word(e, draw(e, 2) ? "-bundle-id" : "-b");
		word(e, names[kext]);
		return 1 << kext;
	}
	if (choice == 1) {
		word(e, draw(e, 2) ? "!" : "-not");
		return ~build(e, depth - 1, 2) & ((1 << KEXTS) - 1);
	}
	int own = choice == 2 ? 0 : choice == 3 ? 1 : -1;
	bool has_brackets = own < level;
	if (has_brackets)
		word(e, "(");
	/* Brackets around brackets may hold anything. */
	left = build(e, depth - 1, own < 0 ? 0 : own);
	if (own >= 0) {
		if (own == 0 || draw(e, 2))
			word(e, own == 0 ? "-or" : "-and");
		right = build(e, depth - 1, own);
		left = own == 0 ? left | right : left & right;
	}
	if (has_brackets)
		word(e, ")");
	return left;
}

static void test_random_expressions(void **state)
{
	struct world world;
	static struct expression e;
	setup(&world, *state);
	for (unsigned seed = 0; seed < 3000; seed++) {
		e = (struct expression){.seed = seed};
		int expected = build(&e, 6, 0);
		if (matches(&world, e.words, e.count) != expected)
			fail_msg("expression %u", seed);
	}
	kext_repository_free(world.repository);
}

/* ---- what is no query ---- */

static void test_no_queries(void **state)
{
	static const char *const texts[] = {
		"(",
		")",
		"( )",
		"( -valid",
		"-valid )",
		"!",
		"-valid -or",
		"-or -valid",
		"-and",
		"-valid -and",
		"-bundle-id",
		"-property a",
		"-version",
		"-exec ;",
		"-exec true",
		"-nonsense",
		"word",
		"-report -nonsense",
		"-valid -report -property",
		"-bundle-id -i",
		"-echo",
	};
	struct world world;
	setup(&world, *state);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		fixture_forget(world.f);
		if (matches_text(&world, texts[i]) != -1)
			fail_msg("\"%s\" is a query", texts[i]);
		assert_non_null(fixture_find(world.f, "query.syntax"));
	}
	/* No words: everything, and printed. */
	assert_int_equal(matches(&world, NULL, 0), 15);
	kext_repository_free(world.repository);
}

static void test_nesting(void **state)
{
	static const char *words[20002];
	struct world world;
	setup(&world, *state);
	for (size_t i = 0; i < 20001; i++)
		words[i] = "(";
	assert_int_equal(matches(&world, words, 20001), -1);
	for (size_t i = 0; i < 20001; i++)
		words[i] = "!";
	assert_int_equal(matches(&world, words, 20001), -1);
	for (size_t i = 0; i < 20001; i++)
		words[i] = "-valid";
	assert_int_equal(matches(&world, words, 20001), -1);
	kext_repository_free(world.repository);
}

/* ---- versions: a 1.0, b 1.5, c 2.0b1, d 2.0 ---- */

static void test_version_relations(void **state)
{
	static const struct {
		const char *text;
		int expected;
	} rows[] = {
		{"-version 1.5", 2},	 {"-version ne1.5", 13},  {"-version gt1.5", 12},
		{"-version ge1.5", 14},	 {"-version lt2.0", 7},	  {"-version le2.0b1", 7},
		{"-V 1.5-2.0", 14},	 {"-V 1.1-1.4", 0},	  {"-V 2.0d1-2.0b9", 4},
		{"-version 1.5.0", 2},	 {"-version 1.", 1},	  {"-version gt", 0},
		{"-version 1.2.3.4", 0}, {"-version 1.0-x", 0},	  {"-version 2.0-1.0", 0},
		{"! -version ne1.5", 2}, {"-version ge99999", 0},
	};
	struct world world;
	setup(&world, *state);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (matches_text(&world, rows[i].text) != rows[i].expected)
			fail_msg("\"%s\"", rows[i].text);
	kext_repository_free(world.repository);
}

/* ---- commands ---- */

/* Short-circuit: what stands behind a false one is not run. */
static void test_commands(void **state)
{
	struct world world;
	setup(&world, *state);
	matches_text(&world, "-b a -and -exec /bin/yes {} x{}x ; -and -echo yes");
	assert_non_null(strstr(world.output, "/bin/yes "));
	assert_non_null(strstr(world.output, "/a.kext x/"));
	assert_non_null(strstr(world.output, "/a.kextx yes\n"));
	assert_null(strstr(world.output, "b.kext"));
	matches_text(&world, "-b b -exec /bin/no ; -echo never");
	assert_string_equal(world.output, "/bin/no ");
	matches_text(&world, "-b b -and -exec /bin/no ; -or -echo -n -0 else");
	assert_string_equal(world.output, "else/bin/no elseelseelse");
	matches_text(&world, "-b c -print0");
	assert_memory_equal(world.output, "c.kext\0", 7);
	matches_text(&world, "-b d -report -bundle-id -version -dup");
	assert_non_null(strstr(world.output, "\nd\t2.0\tno\n"));
	matches_text(&world, "-b d -report -no-header -property Missing");
	assert_string_equal(world.output, "<null>\n");
	kext_repository_free(world.repository);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_random_expressions), TEST(test_no_queries), TEST(test_nesting),
		TEST(test_version_relations),  TEST(test_commands),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
