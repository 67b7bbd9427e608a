/* kextload: loads kexts into the userland kernel, or with -n only tests them. */
#include <stdlib.h>
#include <sysexits.h>
#include "common/interactive.h"
#include "common/loading.h"
#include "common/print.h"

static struct loading asked = {.era = KEXT_ERA_MODERN};

static const struct option_row rows[] = {
	LOADING_ROWS(asked, OPTION_ONCE),
	OPTION_ROW_HELP,
	OPTION_ROWS_END,
};

static const struct command command = {
	.name = "kextload",
	.synopsis = "[-ehqtx] [-i | -I] [-v [0-6]] [-l | -m | -n [-tzZ]] [-p NAME]... "
		    "[-k KERNEL] [-d KEXT]... [-r FOLDER]... [-s FOLDER] "
		    "[-A | -a ID@ADDRESS | -a @FILE]... [-b ID]... [KEXT]...",
	.purpose = "Loads kexts into the userland kernel of kextd, which is started when "
		   "needed.",
	.rows = rows,
	.operands = &asked.paths,
	.era = &asked.era,
};

/* The rules of Tiger's kextload, whose options these are. */
static void check_tests(void)
{
	if (asked.interactive && asked.interactive_all)
		options_fail(&command, "use only one of -i or -I");
	if (asked.quiet && (asked.interactive || asked.interactive_all))
		exit(1);
	if (asked.no_load && !asked.tests && !asked.symbols)
		options_fail(&command, "no work to do; check your options");
	if (asked.no_resolve && (!asked.no_load || !asked.tests))
		options_fail(&command, "use -Z only with -nt and not with -s");
	if (asked.json && !asked.no_load)
		options_fail(&command, "use --json only with -n");
}

static int exit_status(int error)
{
	/* That the user did not want it is no failure. */
	if (error == INTERACTIVE_ABORTED)
		return EX_OK;
	if (asked.era == KEXT_ERA_TIGER && error)
		return 1;
	return kext_error_exit_status(error);
}

int main(int argc, char **argv)
{
	print_start(command.name);
	options_parse(&command, argc, argv);
	loading_check(&asked, &command);
	check_tests();
	asked.announces = asked.tests;
	return print_finish(exit_status(loading_run(&asked, &command)));
}
