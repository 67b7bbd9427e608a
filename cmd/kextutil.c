/* kextutil: tests, links and loads kexts for those who write them. */
#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>
#include "common/interactive.h"
#include "common/loading.h"
#include "common/print.h"
#include "common/run.h"

/* A developer gets time to look at what nothing uses yet. */
static struct loading asked = {.era = KEXT_ERA_MODERN, .delay_autounload = true};
static struct option_list settings;
static bool run_private;
static const char *boot_args;

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
	LOADING_ROWS(asked, OPTION_TEXT),
	{0, "arch", OPTION_TEXT, &asked.arch_name, "ARCH",
	 "architecture to test and link", NULL},
	{0, "plist", OPTION_FLAG, &asked.plist, NULL,
	 "findings as a property list on stdout (with -n)", NULL},
	{0, "run", OPTION_FLAG, &run_private, NULL,
	 "load and unload in a kernel of their own, and tell what its checks find", NULL},
	{0, "sysctl", OPTION_LIST, &settings, "NAME=VALUE", "set this (with --run)",
	 NULL},
	{0, "boot-args", OPTION_TEXT, &boot_args, "LINE", "boot arguments (with --run)",
	 NULL},
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
	.operands = &asked.paths,
};

static void check_run(void)
{
	bool has_other = asked.no_load || asked.tests || asked.safe_boot ||
			 asked.symbols || asked.match_only || asked.personalities.count ||
			 asked.interactive || asked.interactive_all;
	if (run_private && has_other)
		options_fail(&command,
			     "--run does not go with -i, -m, -n, -p, -t, -x or -s");
	if (!run_private && (settings.count || boot_args))
		options_fail(&command, "use --sysctl and --boot-args only with --run");
}

static void check_options(void)
{
	loading_check(&asked, &command);
	check_run();
	if ((asked.interactive || asked.interactive_all) && asked.quiet)
		exit(EXIT_INTERACTION);
	if (!asked.no_load &&
	    (asked.era != KEXT_ERA_MODERN || asked.plist || (asked.json && !run_private)))
		options_fail(&command, "use --era, --json and --plist only with -n");
	if (asked.json && asked.plist)
		options_fail(&command, "--json and --plist exclude each other");
	if (asked.no_load && !asked.tests)
		asked.no_authentication = true;
	asked.announces = asked.no_load;
	asked.tells_unsent = true;
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

static int run_alone(void)
{
	struct run_plan plan = {
		.load = loading_plan(&asked, &command),
		.settings = &settings,
		.boot_args = boot_args,
		.as_json = asked.json,
	};
	return run_privately(&plan);
}

int main(int argc, char **argv)
{
	print_start(command.name);
	options_parse(&command, argc, argv);
	check_options();
	if (run_private)
		return print_finish(run_alone());
	return print_finish(exit_status(loading_run(&asked, &command)));
}
