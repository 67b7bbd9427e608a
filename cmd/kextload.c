/* kextload: loads kexts into the userland kernel, or with -n only tests them. */
#include "common/load.h"
#include "common/offline.h"
#include "common/options.h"
#include "common/print.h"

static struct option_list paths, identifiers, dependencies, repositories, addresses;
static bool no_system, quiet, no_load, tests, no_authentication, allow_missing;
static bool no_caches, no_loaded_check, use_loaded;
static unsigned level, timeout_ms;
static const char *instance_text, *kernel, *symbols, *jobs;

static const struct option_row rows[] = {
	{'b', "bundle-id", OPTION_LIST, &identifiers, "IDENTIFIER",
	 "load this kext of the repositories", NULL},
	{'d', "dependency", OPTION_LIST, &dependencies, "KEXT",
	 "a kext that may be needed", NULL},
	{'r', "repository", OPTION_LIST, &repositories, "FOLDER",
	 "a folder of kexts that may be needed", NULL},
	{'e', "no-system-extensions", OPTION_FLAG, &no_system, NULL,
	 "leave the system's folders out", NULL},
	{'n', "no-load", OPTION_FLAG, &no_load, NULL, "do not load (with -t: test)",
	 NULL},
	{'t', "print-diagnostics", OPTION_FLAG, &tests, NULL, "all tests, all findings",
	 NULL},
	{'z', "no-authenticate", OPTION_FLAG, &no_authentication, NULL,
	 "skip ownership and modes (with -n only)", NULL},
	{'k', "kernel", OPTION_TEXT, &kernel, "FILE",
	 "link against this kernel (with -n only)", NULL},
	{'s', "symbols", OPTION_TEXT, &symbols, "FOLDER",
	 "write symbol files, IDENTIFIER.sym", NULL},
	{'a', "address", OPTION_LIST, &addresses, "ID@ADDRESS|@FILE",
	 "load address of a kext, or a file of such (implies -n)", NULL},
	{'A', "use-load-addresses", OPTION_FLAG, &use_loaded, NULL,
	 "load addresses of the running kernel (implies -n)", NULL},
	{'j', "jobs", OPTION_TEXT, &jobs, "N", "threads that link (all cores)", NULL},
	{'q', "quiet", OPTION_FLAG, &quiet, NULL, "print nothing but errors", NULL},
	{'v', "verbose", OPTION_LEVEL, &level, NULL, "print more", NULL},
	{0, "timeout", OPTION_SECONDS, &timeout_ms, "SECONDS",
	 "end the kernel when a start routine takes longer", NULL},
	{0, "allow-missing", OPTION_FLAG, &allow_missing, NULL,
	 "link also what uses functions the kernel lacks", NULL},
	OPTION_ROW_INSTANCE(instance_text),
	{'c', "no-caches", OPTION_FLAG, &no_caches, NULL, "ignored", NULL},
	{'D', "no-loaded-check", OPTION_FLAG, &no_loaded_check, NULL, "ignored", NULL},
	OPTION_ROW_HELP,
	OPTION_ROWS_END,
};

static const struct command command = {
	.name = "kextload",
	.synopsis =
		"[-ehqt] [-v [0-6]] [-n [-z]] [-k KERNEL] [-d KEXT]... [-r FOLDER]... "
		"[-s FOLDER] [-A | -a ID@ADDRESS | -a @FILE]... [-b ID]... "
		"[KEXT]...",
	.purpose = "Loads kexts into the userland kernel of kextd, which is started when "
		   "needed.",
	.rows = rows,
	.operands = &paths,
};

static void check_options(void)
{
	if (use_loaded || addresses.count)
		no_load = true;
	if (!paths.count && !identifiers.count)
		options_fail(&command,
			     "no kernel extension specified (name bundles, or use -b)");
	if (no_authentication && !no_load)
		options_fail(&command, "-z is only allowed with -n");
	if (kernel && !no_load)
		options_fail(&command, "use -k only with -n");
	if (no_caches)
		print_error("-no-caches (-c) is ignored");
	if (no_loaded_check)
		print_error("-no-loaded-check (-D) is ignored");
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
		.symbols = symbols,
		.jobs = jobs,
		.instance = instance,
		.no_system = no_system,
		.quiet = quiet,
		.verbose = level > 0,
		.tests = tests,
		.links = tests,
		.announces = tests,
		/* After loading, the addresses are the kernel's. */
		.use_loaded = use_loaded || !no_load,
		.no_authentication = no_authentication,
		.allow_missing = allow_missing,
	};
	offline_check(&offline);
	if (no_load)
		return print_finish(kext_error_exit_status(offline_run(&offline)));
	struct load_plan plan = {
		.identifiers = &identifiers,
		.paths = &paths,
		.dependencies = &dependencies,
		.repositories = &repositories,
		.instance = instance,
		.no_system = no_system,
		.allow_missing = allow_missing,
		.timeout_ms = timeout_ms,
		.at_least = level || tests ? KEXT_NOTE : KEXT_ERROR,
	};
	int error = load_run(&plan);
	if (symbols && error == 0)
		error = offline_run(&offline);
	return print_finish(kext_error_exit_status(error));
}
