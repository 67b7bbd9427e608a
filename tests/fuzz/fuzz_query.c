/*
 * Takes lines as the words of a query, and applies what parses to a few kexts: brackets
 * change nothing, and what a query matches, its negation does not.
 */
#include <stdlib.h>
#include <string.h>
#include <kext/query.h>

#define MAX_WORDS 64
#define KEXTS	  3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct kext_context *context;
static struct kext_repository *repository;

static void add(const char *identifier, const char *version, bool is_library)
{
	struct kext_value *info = kext_value_new_dictionary();
	struct kext_bundle *bundle;
	int failed = kext_value_set(info, "CFBundleIdentifier",
				    kext_value_new_string(identifier));
	failed |= kext_value_set(info, "CFBundleVersion", kext_value_new_string(version));
	failed |= kext_value_set(info, "CFBundlePackageType",
				 kext_value_new_string("KEXT"));
	if (is_library)
		failed |= kext_value_set(info, "OSBundleCompatibleVersion",
					 kext_value_new_string("1.0"));
	failed |= kext_bundle_new_archived(context, identifier, NULL, info, NULL, 0, NULL,
					   &bundle);
	if (failed || kext_repository_add(repository, bundle) < 0)
		abort();
	kext_value_unref(info);
	kext_bundle_unref(bundle);
}

static void set_up(void)
{
	if (repository)
		return;
	if (kext_context_new(&context) < 0 ||
	    kext_repository_new(context, &repository) < 0)
		abort();
	add("a.kext", "1.0", true);
	add("b.kext", "2.0b3", false);
	add("B.KEXT", "1.0", true);
}

static void emit(void *emitted, const char *text, size_t length)
{
	(void)text;
	*(size_t *)emitted += length;
}

static bool run(void *emitted, char *const *words)
{
	(void)emitted;
	return words[0][0] == '/';
}

static size_t apply(struct kext_query *query)
{
	size_t emitted = 0;
	const struct kext_query_options options = {
		.searched = repository,
		.universe = repository,
		.arch = kext_arch_host(),
		.emit = emit,
		.run = run,
		.data = &emitted,
	};
	if (kext_query_run(query, &options) < 0)
		abort();
	return kext_query_matches(query);
}

static bool has_report(char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], "-report") == 0)
			return true;
	return false;
}

/* Matches of the words in brackets, behind those before them. */
static size_t apply_behind(const char *const *before, size_t before_count,
			   char *const *words, size_t count)
{
	const char *all[MAX_WORDS + 3];
	struct kext_query *query;
	memcpy(all, before, before_count * sizeof(*all));
	memcpy(all + before_count, words, count * sizeof(*all));
	all[before_count + count] = ")";
	/* What is a query is one in brackets. */
	if (kext_query_parse(all, before_count + count + 1, NULL, &query) < 0)
		abort();
	size_t matches = apply(query);
	kext_query_free(query);
	return matches;
}

static size_t split(char *text, char **words)
{
	size_t count = 0;
	for (char *word = strtok(text, "\n"); word && count < MAX_WORDS;
	     word = strtok(NULL, "\n"))
		words[count++] = word;
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const plain[] = {"("}, *const negated[] = {"!", "("};
	char *words[MAX_WORDS], *text = malloc(size + 1);
	struct kext_query *query;
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	set_up();
	size_t count = split(text, words);
	if (kext_query_parse((const char *const *)words, count, NULL, &query) == 0) {
		size_t matches = apply(query);
		kext_query_free(query);
		if (count && !has_report(words, count) &&
		    (apply_behind(plain, 1, words, count) != matches ||
		     apply_behind(negated, 2, words, count) != KEXTS - matches))
			abort();
	}
	free(text);
	return 0;
}
