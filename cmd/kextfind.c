/* kextfind: looks for kexts by what is true of them, and prints, runs or reports. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>
#include <kext/client.h>
#include <kext/query.h>
#include "common/json.h"
#include "common/options.h"
#include "common/pick.h"
#include "common/print.h"
#include "common/root.h"

extern char **environ;

static struct {
	const char *arch;
	struct option_list items, folders; /* as named, and as they lie */
	unsigned era;
	bool ignore_case, substring, nul, system, relative, names, json, ignored;
} arguments = {.era = KEXT_ERA_MODERN};

static const struct option_row rows[] = {
	{.name = "set-arch",
	 .kind = OPTION_TEXT,
	 .place = &arguments.arch,
	 .argument = "ARCH",
	 .help = "architecture of properties that depend on it"},
	{.letter = 'i',
	 .name = "case-insensitive",
	 .kind = OPTION_FLAG,
	 .place = &arguments.ignore_case,
	 .help = "compare text without regard to case"},
	{.letter = 's',
	 .name = "substring",
	 .kind = OPTION_FLAG,
	 .place = &arguments.substring,
	 .help = "match parts of text"},
	{.letter = '0',
	 .name = "nul",
	 .kind = OPTION_FLAG,
	 .place = &arguments.nul,
	 .help = "end what is printed with NUL instead of newline"},
	{.letter = 'f',
	 .name = "search-item",
	 .kind = OPTION_LIST,
	 .place = &arguments.items,
	 .argument = "PATH",
	 .help = "kext or folder to search"},
	{.letter = 'e',
	 .name = "system-extensions",
	 .kind = OPTION_FLAG,
	 .place = &arguments.system,
	 .help = "search the system's folders too"},
	OPTION_ROW_ROOT,
	OPTION_ROW_ERA(arguments.era, "whose rules kexts are judged by"),
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .place = &arguments.json,
	 .help = "print what was found, and reports, as JSON"},
	{.name = "relative-paths",
	 .kind = OPTION_FLAG,
	 .place = &arguments.relative,
	 .help = "print paths below the folder searched"},
	{.name = "no-paths",
	 .kind = OPTION_FLAG,
	 .place = &arguments.names,
	 .help = "print names only"},
	{.name = "meek",
	 .kind = OPTION_FLAG,
	 .place = &arguments.ignored,
	 .help = "ignored"},
	{.name = "picky",
	 .kind = OPTION_FLAG,
	 .place = &arguments.ignored,
	 .help = "ignored"},
	OPTION_ROW_HELP,
	OPTION_ROWS_END,
};

static const struct command command = {
	.name = "kextfind",
	.synopsis = "[-eis0] [--json] [--era ERA] [-set-arch ARCH] [-f PATH]... "
		    "[FOLDER|KEXT]... [QUERY] "
		    "[-report [-no-header] COLUMN...]",
	.purpose = "Looks for kexts; see kextfind(8) for the query language.",
	.rows = rows,
};

/* ---- where the options end ---- */

/* A letter, a long name, or the beginning of one long name alone. */
static const struct option_row *row_of(const char *word, size_t length)
{
	const struct option_row *found = NULL;
	for (const struct option_row *row = rows; row->letter || row->name; row++) {
		if (length == 1 && row->letter == word[0])
			return row;
		if (!row->name || strncmp(row->name, word, length) != 0)
			continue;
		if (!row->name[length])
			return row;
		if (found)
			return NULL;
		found = row;
	}
	return found;
}

/* Whether the word is letters of options that take no argument. */
static bool is_cluster(const char *word)
{
	for (; *word; word++) {
		const struct option_row *row = row_of(word, 1);
		if (!row || row->letter != *word || row->argument)
			return false;
	}
	return true;
}

/* How many words the option at the first of them takes; 0: it is none. */
static int option_words(const char *word)
{
	bool is_double = word[0] == '-' && word[1] == '-';
	const char *name = word + (is_double ? 2 : 1);
	size_t length = strcspn(name, "=");
	if (word[0] != '-' || !length || (!is_double && kext_query_is_predicate(word)))
		return 0;
	const struct option_row *row = row_of(name, length);
	if (row)
		return row->argument && !name[length] ? 2 : 1;
	return !is_double && is_cluster(name);
}

/*
 * Options stand before everything else, and a query's words look like options: the first
 * word that is no option of ours begins what follows. With one dash -root and -version
 * are the query's. Returns its position.
 */
static int options_end(int argc, char **argv)
{
	int at = 1, words;
	while (at < argc && (words = option_words(argv[at])))
		at += words;
	return at < argc ? at : argc;
}

/* ---- running queries ---- */

static void emit(void *data, const char *text, size_t length)
{
	fwrite(text, 1, length, data);
}

static bool run(void *data, char *const *words)
{
	pid_t child;
	int status;
	fflush(data);
	int error = posix_spawnp(&child, words[0], NULL, NULL, words, environ);
	if (error) {
		print_error("cannot run %s: %s", words[0], strerror(error));
		return false;
	}
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return false;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

struct search {
	struct kext_context *context;
	struct kext_diagnostics *diagnostics;
	struct kext_repository *searched, *universe;
	struct kext_value *loaded;
	int status;
};

/* A kext or a folder of kexts. */
static int add_item(struct search *search, const char *path)
{
	struct kext_bundle *bundle = NULL;
	if (!pick_is_kext_name(path))
		return kext_repository_add_folder(search->searched, path,
						  search->diagnostics);
	int error = kext_bundle_open(search->context, path, search->diagnostics, &bundle);
	if (error == 0)
		error = kext_repository_add(search->searched, bundle);
	kext_bundle_unref(bundle);
	return error;
}

static void add_items(struct search *search)
{
	int error = 0;
	for (size_t i = 0; i < arguments.items.count; i++) {
		const char *path = arguments.items.items[i];
		error = add_item(search, path);
		if (error == 0)
			continue;
		search->status = EX_OSERR;
		/* What a kext suffers from is a finding. */
		if (!pick_is_kext_name(path))
			print_error("%s: %s", path, kext_error_string(error));
	}
	/* Dependencies may be among what is searched, and in the system's folders. */
	bool has_system = arguments.system || !arguments.items.count;
	error = kext_repository_add_default(
		has_system ? search->searched : search->universe, false,
		has_system ? search->diagnostics : NULL);
	if (error == 0)
		error = kext_repository_add_all(search->universe, search->searched);
	if (error < 0)
		search->status = EX_OSERR;
	/* The rest is searched all the same. */
	print_diagnostics(search->diagnostics, KEXT_ERROR);
	if (kext_diagnostics_count(search->diagnostics, KEXT_ERROR))
		search->status = EX_OSERR;
}

/* What is loaded; nobody serving means that nothing is. */
static void ask_what_is_loaded(struct search *search)
{
	struct kext_client *client = NULL;
	if (kext_client_connect(search->context, KEXT_INSTANCE_DEFAULT, 0, NULL,
				&client) == 0 &&
	    kext_client_list(client, NULL, &search->loaded) < 0)
		print_error("cannot learn what is loaded");
	kext_client_free(client);
}

static int print_json(struct kext_query *query, const struct kext_query_options *options)
{
	struct kext_value *kexts;
	int error = kext_query_collect(query, options, &kexts);
	return error < 0 ? error
			 : json_print(json_document_of("kextfind/1", "kexts", kexts));
}

static void apply(struct search *search, struct kext_query *query)
{
	const struct kext_query_options options = {
		.searched = search->searched,
		.universe = search->universe,
		.arch = arguments.arch ? kext_arch_named(arguments.arch)
				       : kext_arch_host(),
		.loaded = search->loaded,
		.owner = geteuid(),
		.paths = arguments.names      ? KEXT_QUERY_NAMES
			 : arguments.relative ? KEXT_QUERY_RELATIVE
					      : KEXT_QUERY_ABSOLUTE,
		.folders = arguments.folders.items,
		.folder_count = arguments.folders.count,
		.ignore_case = arguments.ignore_case,
		.substring = arguments.substring,
		.nul = arguments.nul,
		.emit = emit,
		.run = run,
		.data = stdout,
	};
	if (!options.arch)
		options_fail(&command, "%s: not an architecture", arguments.arch);
	int error = arguments.json ? print_json(query, &options)
				   : kext_query_run(query, &options);
	if (error < 0)
		search->status = kext_error_exit_status(error);
}

/* Folders and kexts, then the query: its first word begins with a dash, ! or (. */
static int take_items(int argc, char **argv, int at)
{
	if (at < argc && strcmp(argv[at], "--") == 0)
		at++;
	while (at < argc && argv[at][0] != '-' && strcmp(argv[at], "!") != 0 &&
	       strcmp(argv[at], "(") != 0)
		option_list_add(&arguments.items, argv[at++]);
	return at;
}

/* realpath of each searched folder, as bundles' paths begin. */
static void resolve_items(void)
{
	for (size_t i = 0; i < arguments.items.count; i++) {
		char *path = realpath(arguments.items.items[i], NULL);
		option_list_add(&arguments.folders,
				path ? path : arguments.items.items[i]);
	}
}

int main(int argc, char **argv)
{
	struct search search = {.diagnostics = kext_diagnostics_new()};
	struct kext_query *query = NULL;
	print_start(command.name);
	int at = options_end(argc, argv);
	char *saved = at < argc ? argv[at] : NULL;
	if (saved)
		argv[at] = NULL;
	options_parse(&command, at, argv);
	if (saved)
		argv[at] = saved;
	at = take_items(argc, argv, at);
	if (kext_query_parse((const char *const *)argv + at, (size_t)(argc - at),
			     search.diagnostics, &query) < 0) {
		print_diagnostics(search.diagnostics, KEXT_ERROR);
		kext_diagnostics_free(search.diagnostics);
		return EX_USAGE;
	}
	if (arguments.json && kext_query_has_command(query))
		options_fail(&command, "--json does not go with commands, which print "
				       "for themselves");
	if (kext_context_new(&search.context) < 0 ||
	    kext_repository_new(search.context, &search.searched) < 0 ||
	    kext_repository_new(search.context, &search.universe) < 0)
		return EX_OSERR;
	kext_context_set_era(search.context, arguments.era);
	root_apply(&arguments.items);
	resolve_items();
	add_items(&search);
	ask_what_is_loaded(&search);
	apply(&search, query);
	kext_query_free(query);
	kext_value_unref(search.loaded);
	kext_repository_free(search.searched);
	kext_repository_free(search.universe);
	kext_diagnostics_free(search.diagnostics);
	kext_context_unref(search.context);
	return print_finish(search.status);
}
