/*
 * Queries over kexts, the language of kextfind: predicates joined by operators, commands
 * that print or run something for each match, and reports with a column a predicate.
 */
#ifndef KEXT_QUERY_H
#define KEXT_QUERY_H

#include <stdbool.h>
#include <kext/repository.h>

struct kext_query;

enum kext_query_paths { KEXT_QUERY_ABSOLUTE, KEXT_QUERY_RELATIVE, KEXT_QUERY_NAMES };

struct kext_query_options {
	const struct kext_repository *searched; /* what the query is about */
	const struct kext_repository *universe; /* where dependencies may be */
	const struct kext_arch *arch;
	const struct kext_value *loaded; /* as kext_client_list gives it; NULL: none */
	uid_t owner;			 /* whose files are authentic besides root's */
	enum kext_query_paths paths;
	const char *const *folders; /* searched; RELATIVE leaves them out */
	size_t folder_count;
	bool ignore_case, substring, nul; /* defaults of each predicate */
	/* Takes what commands print. */
	void (*emit)(void *data, const char *text, size_t length);
	/* Runs a program and waits; true when it left with status 0. */
	bool (*run)(void *data, char *const *words);
	void *data;
};

/*
 * Parses the words of a query, `-report` and its columns included; no words match and
 * print every kext. The words must outlive the query. KEXT_ERR_INVALID_ARGUMENT with a
 * diagnostic "query.syntax" that names the word.
 */
KEXT_API KEXT_MUST_CHECK int kext_query_parse(const char *const *words, size_t count,
					      struct kext_diagnostics *diagnostics,
					      struct kext_query **ret_query);
/* Whether it names a predicate or a command, "-loaded", with one dash or two. */
KEXT_API bool kext_query_is_predicate(const char *word);
/* Takes NULL. Returns NULL. */
KEXT_API struct kext_query *kext_query_free(struct kext_query *query);
/* Applies the query to every kext searched, in their order. 0 or -ENOMEM. */
KEXT_API KEXT_MUST_CHECK int kext_query_run(struct kext_query *query,
					    const struct kext_query_options *options);
/* Whether it prints or runs something itself. */
KEXT_API bool kext_query_has_command(const struct kext_query *query);
/*
 * The same as data, for a query without commands: an array with a dictionary for each
 * match, of `path` (in the style asked for), `identifier`, `version` and, with a report,
 * `report`: a key for each column, of a boolean or of the text that the report prints.
 * Nothing is emitted. 0, -ENOMEM, or KEXT_ERR_INVALID_ARGUMENT for one with commands.
 */
KEXT_API KEXT_MUST_CHECK int kext_query_collect(struct kext_query *query,
						const struct kext_query_options *options,
						struct kext_value **ret_matches);
/* Number of kexts for which the last run was true. */
KEXT_API size_t kext_query_matches(const struct kext_query *query);

#endif
