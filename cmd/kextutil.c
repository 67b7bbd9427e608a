/* kextutil: tests, links and loads kexts for those who write them. */
#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>
#include "common/interactive.h"
#include "common/load.h"
#include "common/offline.h"
#include "common/options.h"
#include "common/personalities.h"
#include "common/print.h"
#include "common/run.h"

static struct option_list paths, identifiers, dependencies, repositories, addresses;
static struct option_list personalities;
static bool interactive, interactive_all, match_only;
static bool no_system, no_load, tests, no_authentication, no_resolve, allow_missing;
static struct option_list settings;
static bool run_private;
static const char *boot_args;
static bool json, use_loaded, safe_boot, quiet, load_only, no_caches, no_loaded_check;
static unsigned level, timeout_ms;
static const char *kernel, *symbols, *arch_name, *jobs, *instance_text, *era_name;

/* Darwin's kextutil has exit statuses of its own for what kexts suffer from. */
enum {
	EXIT_NOT_FOUND = 1,
	EXIT_ARCH = 2,
	EXIT_ABORTED = 3,
	EXIT_BAD_KEXT = 4,
	EXIT_SAFE_BOOT = 5,
	EXIT_NOT_LOADED = 6,
	EXIT_INTERACTION = 7,
};

static const struct option_row rows[] = {
	{'n', "no-load", OPTION_FLAG, &no_load, NULL, "only test and link", NULL},
	{'t', "print-diagnostics", OPTION_FLAG, &tests, NULL, "all tests, all findings",
	 NULL},
	{0, "era", OPTION_TEXT, &era_name, "ERA",
	 "rules of tiger, snowleopard or modern (with -n)", NULL},
	{0, "json", OPTION_FLAG, &json, NULL,
	 "findings as JSON on stdout (with -n or --run)", NULL},
	{'b', "bundle-id", OPTION_LIST, &identifiers, "IDENTIFIER",
	 "this kext of the repositories", NULL},
	{'d', "dependency", OPTION_LIST, &dependencies, "KEXT",
	 "a kext that may be needed", NULL},
	{'r', "repository", OPTION_LIST, &repositories, "FOLDER",
	 "a folder of kexts that may be needed", NULL},
	{'e', "no-system-extensions", OPTION_FLAG, &no_system, NULL,
	 "leave the system's folders out", NULL},
	{'k', "kernel", OPTION_TEXT, &kernel, "FILE",
	 "link against this kernel (with -n)", NULL},
	{0, "arch", OPTION_TEXT, &arch_name, "ARCH", "architecture to test and link",
	 NULL},
	{'s', "symbols", OPTION_TEXT, &symbols, "FOLDER",
	 "write symbol files, IDENTIFIER.sym", NULL},
	{'a', "address", OPTION_LIST, &addresses, "ID@ADDRESS|@FILE",
	 "load address of a kext, or a file of such (implies -n)", NULL},
	{'A', "use-load-addresses", OPTION_FLAG, &use_loaded, NULL,
	 "load addresses of the running kernel (implies -n)", NULL},
	{0, "allow-missing", OPTION_FLAG, &allow_missing, NULL,
	 "link also what uses functions the kernel lacks", NULL},
	{'j', "jobs", OPTION_TEXT, &jobs, "N", "threads that link (all cores)", NULL},
	{'x', "safe-boot", OPTION_FLAG, &safe_boot, NULL,
	 "refuse what may not be loaded in a safe boot", NULL},
	{'z', "no-authenticate", OPTION_FLAG, &no_authentication, NULL,
	 "skip ownership and modes (with -n)", NULL},
	{0, "no-authentication", OPTION_FLAG, &no_authentication, NULL, NULL, NULL},
	{'Z', "no-resolve-dependencies", OPTION_FLAG, &no_resolve, NULL,
	 "skip dependencies and link (with -n, without -s)", NULL},
	{'i', "interactive", OPTION_FLAG, &interactive, NULL,
	 "ask before a named kext is loaded", NULL},
	{'I', "interactive-all", OPTION_FLAG, &interactive_all, NULL,
	 "ask before any kext is loaded", NULL},
	{'l', "load-only", OPTION_FLAG, &load_only, NULL,
	 "load and start, and leave personalities alone", NULL},
	{'m', "match-only", OPTION_FLAG, &match_only, NULL,
	 "send personalities of loaded kexts, load nothing", NULL},
	{'p', "personality", OPTION_LIST, &personalities, "NAME",
	 "send only these personalities", NULL},
	{0, "timeout", OPTION_SECONDS, &timeout_ms, "SECONDS",
	 "end the kernel when a start routine takes longer", NULL},
	{0, "run", OPTION_FLAG, &run_private, NULL,
	 "load and unload in a kernel of their own, and tell what its checks find", NULL},
	{0, "sysctl", OPTION_LIST, &settings, "NAME=VALUE", "set this (with --run)",
	 NULL},
	{0, "boot-args", OPTION_TEXT, &boot_args, "LINE", "boot arguments (with --run)",
	 NULL},
	OPTION_ROW_INSTANCE(instance_text),
	{'c', "no-caches", OPTION_FLAG, &no_caches, NULL, "ignored: there are none",
	 NULL},
	{'D', "no-loaded-check", OPTION_FLAG, &no_loaded_check, NULL, "ignored", NULL},
	{'q', "quiet", OPTION_FLAG, &quiet, NULL, "print nothing but errors", NULL},
	{'v', "verbose", OPTION_LEVEL, &level, NULL, "print more", NULL},
	OPTION_ROW_HELP,
	OPTION_ROWS_END,
};

static const struct command command = {
	.name = "kextutil",
	.synopsis = "[-n [-tzZ] | -l | -m] [-eihqxI] [-p NAME]... [-v [0-6]] [-arch "
		    "ARCH] [-k KERNEL] [-d KEXT]... "
		    "[-r FOLDER]... [-s FOLDER] [-A | -a ID@ADDRESS | -a @FILE]... "
		    "[-b ID]... [KEXT]...",
	.purpose = "Tests kexts, links them and makes their symbol files, or loads them.",
	.rows = rows,
	.operands = &paths,
};

/* What is done with the kexts: one of these. */
static void check_modes(void)
{
	if (use_loaded || addresses.count)
		no_load = true;
	if (load_only + match_only + no_load > 1)
		options_fail(&command, "only one of -l, -m and -n is allowed%s",
			     use_loaded || addresses.count ? " (-a and -A imply -n)"
							   : "");
	if (run_private && (no_load || tests || safe_boot || symbols || match_only))
		options_fail(&command, "--run does not go with -m, -n, -t, -x or -s");
	if (!run_private && (settings.count || boot_args))
		options_fail(&command, "use --sysctl and --boot-args only with --run");
	if (match_only && symbols)
		options_fail(&command, "-m does not go with -s: it links nothing");
	if (personalities.count && (no_load || load_only || run_private))
		options_fail(&command,
			     "-p does not go with -l, -n or --run, which send no "
			     "personalities");
}

static void check_interaction(void)
{
	interactive |= interactive_all;
	if (interactive && (no_load || run_private))
		options_fail(&command, "-i and -I do not go with -n or --run");
	if (interactive && quiet) {
		print_error("-i and -I ask, which -q forbids");
		exit(EXIT_INTERACTION);
	}
}

/* What only tests and links may be told to do otherwise than a load would. */
static void check_loading(void)
{
	if (no_load)
		return;
	if (kernel)
		options_fail(&command, "use -k only with -n");
	if (no_authentication)
		options_fail(&command, "-z is only allowed with -n");
	if (no_resolve)
		options_fail(&command, "-Z is only allowed with -n");
	if (arch_name && kext_arch_named(arch_name) != kext_arch_host())
		options_fail(&command, "only %s kexts can be loaded; use -n",
			     kext_arch_host()->name);
	if (era_name || (json && !run_private))
		options_fail(&command, "use --era and --json only with -n");
}

static void check_options(void)
{
	if (!paths.count && !identifiers.count)
		options_fail(&command, "no kernel extension specified (name bundles, or "
				       "use -b)");
	check_modes();
	check_interaction();
	check_loading();
	if (no_load && !tests)
		no_authentication = true;
	if (no_caches)
		print_error("-no-caches (-c) is ignored");
	if (no_loaded_check)
		print_error("-no-loaded-check (-D) is ignored");
}

static int exit_status(int error)
{
	switch (error) {
	case 0:
		return EX_OK;
	case INTERACTIVE_ABORTED:
		return EXIT_ABORTED;
	case -ENOENT:
	case KEXT_ERR_NOT_FOUND:
	case KEXT_ERR_NOT_A_KEXT:
		return EXIT_NOT_FOUND;
	case KEXT_ERR_ARCH_NOT_FOUND:
		return EXIT_ARCH;
	case KEXT_ERR_VALIDATION:
	case KEXT_ERR_AUTHENTICATION:
	case KEXT_ERR_DEPENDENCIES:
	case KEXT_ERR_DEPENDENCY_LOAD:
	case KEXT_ERR_LINK:
		return EXIT_BAD_KEXT;
	case KEXT_ERR_BOOT_LEVEL:
		return EXIT_SAFE_BOOT;
	case KEXT_ERR_LOADED_DIFFERS:
	case KEXT_ERR_NOT_LOADABLE:
	case KEXT_ERR_START_STOP:
		return EXIT_NOT_LOADED;
	default:
		return kext_error_exit_status(error);
	}
}

/* Loads, and sends personalities as far as there is who takes them. */
static int load(const struct offline *offline, const struct load_plan *plan)
{
	struct personalities_plan sending = {.names = &personalities};
	int error = interactive ? interactive_run(offline, plan, interactive_all)
				: load_run(plan);
	if (error == 0 && symbols)
		error = offline_run(offline);
	if (error || load_only)
		return error;
	/* That drivers stay unmatched is no failure of a load that did not name them. */
	error = personalities_send(offline, &sending);
	return error == KEXT_ERR_UNSUPPORTED && !personalities.count ? 0 : error;
}

static int match(const struct offline *offline)
{
	struct personalities_plan sending = {.names = &personalities,
					     .must_be_loaded = true};
	return personalities_send(offline, &sending);
}

int main(int argc, char **argv)
{
	print_start(command.name);
	options_parse(&command, argc, argv);
	print_set_quiet(quiet);
	check_options();
	enum kext_instance instance = instance_named(&command, instance_text);
	struct offline offline = {
		.command = &command,
		.identifiers = &identifiers,
		.paths = &paths,
		.dependencies = &dependencies,
		.repositories = &repositories,
		.addresses = &addresses,
		.kernel = kernel,
		.arch_name = arch_name,
		.symbols = symbols,
		.jobs = jobs,
		.era_name = era_name,
		.json = json,
		.instance = instance,
		.no_system = no_system,
		.quiet = quiet,
		.verbose = level > 1,
		.tests = tests,
		.links = true,
		.announces = no_load,
		/* After loading, the addresses are the kernel's. */
		.use_loaded = use_loaded || !no_load,
		.no_authentication = no_authentication,
		.no_resolve = no_resolve,
		.allow_missing = allow_missing,
		.safe_boot = safe_boot,
	};
	struct load_plan plan = {
		.identifiers = &identifiers,
		.paths = &paths,
		.dependencies = &dependencies,
		.repositories = &repositories,
		.instance = instance,
		.no_system = no_system,
		.allow_missing = allow_missing,
		.timeout_ms = timeout_ms,
		.at_least = tests || level ? KEXT_NOTE : KEXT_ERROR,
	};
	struct run_plan private = {
		.load = plan,
		.settings = &settings,
		.boot_args = boot_args,
		.as_json = json,
	};
	if (run_private)
		return print_finish(run_privately(&private));
	offline_check(&offline);
	if (match_only)
		return print_finish(exit_status(match(&offline)));
	if (no_load || safe_boot || tests) {
		int error = offline_run(&offline);
		if (no_load || error < 0)
			return print_finish(exit_status(error));
	}
	return print_finish(exit_status(load(&offline, &plan)));
}
