/* kextutil: tests, links and loads kexts for those who write them. */
#include <sysexits.h>
#include <unistd.h>
#include "common/load.h"
#include "common/offline.h"
#include "common/options.h"
#include "common/print.h"
#include "common/run.h"

static struct option_list paths, identifiers, dependencies, repositories, addresses;
static bool no_system, no_load, tests, no_authentication, no_resolve, allow_missing;
static struct option_list settings;
static bool run_private;
static const char *boot_args;
static bool json, use_loaded, safe_boot, quiet, load_only, no_caches, no_loaded_check;
static unsigned level, timeout_ms;
static const char *kernel, *symbols, *arch_name, *jobs, *instance_text, *era_name;

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
	{'l', "load-only", OPTION_FLAG, &load_only, NULL, "load and start; the default",
	 NULL},
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
	.synopsis =
		"[-n [-tzZ]] [-ehlqx] [-v [0-6]] [-arch ARCH] [-k KERNEL] [-d KEXT]... "
		"[-r FOLDER]... [-s FOLDER] [-A | -a ID@ADDRESS | -a @FILE]... "
		"[-b ID]... [KEXT]...",
	.purpose = "Tests kexts, links them and makes their symbol files, or loads them.",
	.rows = rows,
	.operands = &paths,
};

static void check_options(void)
{
	if (use_loaded || addresses.count)
		no_load = true;
	if (!paths.count && !identifiers.count)
		options_fail(&command, "no kernel extension specified (name bundles, or "
				       "use -b)");
	if (load_only && no_load)
		options_fail(&command, "only one of -l and -n is allowed");
	if (!no_load && kernel)
		options_fail(&command, "use -k only with -n");
	if (!no_load && no_authentication)
		options_fail(&command, "-z is only allowed with -n");
	if (!no_load && no_resolve)
		options_fail(&command, "-Z is only allowed with -n");
	if (!no_load && arch_name && kext_arch_named(arch_name) != kext_arch_host())
		options_fail(&command, "only %s kexts can be loaded; use -n",
			     kext_arch_host()->name);
	if (!no_load && (era_name || (json && !run_private)))
		options_fail(&command, "use --era and --json only with -n");
	if (run_private && (no_load || tests || safe_boot || symbols))
		options_fail(&command, "--run does not go with -n, -t, -x or -s");
	if (!run_private && (settings.count || boot_args))
		options_fail(&command, "use --sysctl and --boot-args only with --run");
	if (no_load && !tests)
		no_authentication = true;
}

/* Darwin's kextutil has exit codes of its own for what kexts suffer from. */
static int exit_status(int error)
{
	switch (error) {
	case 0:
		return EX_OK;
	case -2: /* ENOENT */
	case KEXT_ERR_NOT_FOUND:
	case KEXT_ERR_NOT_A_KEXT:
		return 1;
	case KEXT_ERR_ARCH_NOT_FOUND:
		return 2;
	case KEXT_ERR_VALIDATION:
	case KEXT_ERR_AUTHENTICATION:
	case KEXT_ERR_DEPENDENCIES:
	case KEXT_ERR_DEPENDENCY_LOAD:
	case KEXT_ERR_LINK:
		return 4;
	case KEXT_ERR_BOOT_LEVEL:
		return 5;
	case KEXT_ERR_LOADED_DIFFERS:
	case KEXT_ERR_NOT_LOADABLE:
	case KEXT_ERR_START_STOP:
		return 6;
	default:
		return kext_error_exit_status(error);
	}
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
	if (!run_private)
		offline_check(&offline);
	if (no_load || safe_boot || tests) {
		int error = offline_run(&offline);
		if (no_load || error < 0)
			return print_finish(exit_status(error));
	}
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
	if (run_private) {
		struct run_plan private = {
			.load = plan,
			.settings = &settings,
			.boot_args = boot_args,
			.as_json = json,
		};
		return print_finish(run_privately(&private));
	}
	int error = load_run(&plan);
	if (symbols && error == 0)
		error = offline_run(&offline);
	return print_finish(exit_status(error));
}
