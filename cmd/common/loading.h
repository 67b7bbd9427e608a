/*
 * What kextload and kextutil share: the options that name kexts and say how they are
 * tested, linked and loaded, the rules between them, and doing it.
 */
#ifndef COMMON_LOADING_H
#define COMMON_LOADING_H

#include "common/load.h"
#include "common/offline.h"
#include "common/root.h"

struct loading {
	struct option_list identifiers, paths, dependencies, repositories;
	struct option_list addresses, personalities;
	const char *kernel, *symbols, *jobs, *instance_text;
	const char *arch_name; /* NULL: the host's */
	unsigned level, timeout_ms, era;
	bool no_load, load_only, match_only; /* one of them at most */
	bool interactive, interactive_all;
	bool no_system, no_authentication, no_resolve, safe_boot, tests;
	bool use_loaded, allow_missing, json, plist, quiet;
	bool no_caches, no_loaded_check;
	bool delay_autounload;
	bool announces;	   /* tells of kexts that appear to be loadable */
	bool tells_unsent; /* after loading, tells of personalities that stay unsent */
};

/*
 * The rows of the option table. `single` is the kind of -k and -s: OPTION_ONCE, or
 * OPTION_TEXT, with which the last one counts.
 */
/* clang-format off */
#define LOADING_ROWS(l, single)								\
	{'b', "bundle-id", OPTION_LIST, &(l).identifiers, "IDENTIFIER",			\
	 "this kext of the repositories", NULL},					\
	{'d', "dependency", OPTION_LIST, &(l).dependencies, "KEXT",			\
	 "a kext that may be needed", NULL},						\
	{'r', "repository", OPTION_LIST, &(l).repositories, "FOLDER",			\
	 "a folder of kexts that may be needed", NULL},					\
	{'e', "no-system-extensions", OPTION_FLAG, &(l).no_system, NULL,		\
	 "leave the system's folders out", NULL},					\
	OPTION_ROW_ROOT,								\
	{'n', "no-load", OPTION_FLAG, &(l).no_load, NULL,				\
	 "only test and link", NULL},							\
	{'t', "print-diagnostics", OPTION_FLAG, &(l).tests, NULL,			\
	 "all tests, all findings", NULL},						\
	OPTION_ROW_ERA((l).era, "whose rules"),						\
	{0, "json", OPTION_FLAG, &(l).json, NULL,					\
	 "findings as JSON on stdout (with -n)", NULL},					\
	{'x', "safe-boot", OPTION_FLAG, &(l).safe_boot, NULL,				\
	 "refuse what may not be loaded in a safe boot", NULL},				\
	{'z', "no-authenticate", OPTION_FLAG, &(l).no_authentication, NULL,		\
	 "skip ownership and modes (with -n)", NULL},					\
	{0, "no-authentication", OPTION_FLAG, &(l).no_authentication, NULL,		\
	 NULL, NULL},									\
	{'Z', "no-resolve-dependencies", OPTION_FLAG, &(l).no_resolve, NULL,		\
	 "skip dependencies and link (with -n, without -s)", NULL},			\
	{'k', "kernel", (single), &(l).kernel, "FILE",					\
	 "link against this kernel (with -n)", NULL},					\
	{'s', "symbols", (single), &(l).symbols, "FOLDER",				\
	 "write symbol files, IDENTIFIER.sym", NULL},					\
	{'a', "address", OPTION_LIST, &(l).addresses, "ID@ADDRESS|@FILE",		\
	 "load address of a kext, or a file of such (implies -n)", NULL},		\
	{'A', "use-load-addresses", OPTION_FLAG, &(l).use_loaded, NULL,			\
	 "load addresses of the running kernel (implies -n)", NULL},			\
	{'j', "jobs", OPTION_TEXT, &(l).jobs, "N",					\
	 "threads that link (all cores)", NULL},					\
	{'i', "interactive", OPTION_FLAG, &(l).interactive, NULL,			\
	 "ask before a named kext is loaded", NULL},					\
	{'I', "interactive-all", OPTION_FLAG, &(l).interactive_all, NULL,		\
	 "ask before any kext is loaded", NULL},					\
	{'l', "load-only", OPTION_FLAG, &(l).load_only, NULL,				\
	 "load and start, and leave personalities alone", NULL},			\
	{'m', "match-only", OPTION_FLAG, &(l).match_only, NULL,				\
	 "send personalities of loaded kexts, load nothing", NULL},			\
	{'p', "personality", OPTION_LIST, &(l).personalities, "NAME",			\
	 "send only these personalities", NULL},					\
	{0, "timeout", OPTION_SECONDS, &(l).timeout_ms, "SECONDS",			\
	 "end the kernel when a start routine takes longer", NULL},			\
	{0, "allow-missing", OPTION_FLAG, &(l).allow_missing, NULL,			\
	 "link also what uses functions the kernel lacks", NULL},			\
	OPTION_ROW_INSTANCE((l).instance_text),						\
	{'c', "no-caches", OPTION_FLAG, &(l).no_caches, NULL,				\
	 "ignored", NULL},								\
	{'D', "no-loaded-check", OPTION_FLAG, &(l).no_loaded_check, NULL,		\
	 "ignored", NULL},								\
	{'q', "quiet", OPTION_FLAG, &(l).quiet, NULL,					\
	 "print nothing", NULL},							\
	{'v', "verbose", OPTION_LEVEL, &(l).level, NULL,				\
	 "print more", NULL}
/* clang-format on */

/*
 * Makes quiet or talkative, applies what options imply, and checks the rules between
 * them: leaves with a usage error.
 */
void loading_check(struct loading *loading, const struct command *command);
/* A plan of what is to be loaded; borrows from `loading`. */
struct load_plan loading_plan(const struct loading *loading,
			      const struct command *command);
/* Tests, loads, or sends personalities. 0, the first error, or INTERACTIVE_ABORTED. */
int loading_run(const struct loading *loading, const struct command *command);

#endif
