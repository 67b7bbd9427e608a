/* What kextload and kextutil do; see loading.h. */
#include "common/interactive.h"
#include "common/loading.h"
#include "common/personalities.h"
#include "common/print.h"

/* ---- rules ---- */

/* What is done with the kexts: one of these. */
static void check_modes(struct loading *loading, const struct command *command)
{
	bool implied = loading->use_loaded || loading->addresses.count;
	loading->no_load |= implied;
	if (loading->load_only + loading->match_only + loading->no_load > 1)
		options_fail(command, "only one of -l/-m/-n is allowed%s",
			     implied ? " (-a and -A imply -n)" : "");
	if (loading->match_only && loading->symbols)
		options_fail(command, "-m does not go with -s: it links nothing");
	if (loading->personalities.count && (loading->no_load || loading->load_only))
		options_fail(command, "-p does not go with -l or -n, which send no "
				      "personalities");
	if (loading->no_load && (loading->interactive || loading->interactive_all))
		options_fail(command, "-i and -I do not go with -n");
}

/* What only tests and links may be told to do otherwise than a load would. */
static void check_loading(const struct loading *loading, const struct command *command)
{
	const char *arch = loading->arch_name;
	if (loading->no_load)
		return;
	if (loading->kernel)
		options_fail(command, "use -k only with -n");
	if (loading->no_authentication)
		options_fail(command, "-z is only allowed when not loading");
	if (loading->no_resolve)
		options_fail(command, "use -Z only with -nt and not with -s");
	if (arch && kext_arch_named(arch) != kext_arch_host())
		options_fail(command, "only %s kexts can be loaded; use -n",
			     kext_arch_host()->name);
}

void loading_check(struct loading *loading, const struct command *command)
{
	print_set_quiet(loading->quiet ? 2 : 0);
	print_set_level(loading->level);
	if (!loading->paths.count && !loading->identifiers.count)
		options_fail(command, "no kernel extension specified (name kernel "
				      "extension bundles, or use -b)");
	root_apply(&loading->paths);
	root_apply(&loading->dependencies);
	root_apply(&loading->repositories);
	check_modes(loading, command);
	check_loading(loading, command);
	if (loading->no_caches)
		print_error("-no-caches (-c) is ignored");
	if (loading->no_loaded_check)
		print_error("-no-loaded-check (-D) is ignored");
}

/* ---- doing ---- */

static struct offline offline_of(const struct loading *loading,
				 const struct command *command)
{
	return (struct offline){
		.command = command,
		.identifiers = &loading->identifiers,
		.paths = &loading->paths,
		.dependencies = &loading->dependencies,
		.repositories = &loading->repositories,
		.addresses = &loading->addresses,
		.kernel = loading->kernel,
		.arch_name = loading->arch_name,
		.symbols = loading->symbols,
		.jobs = loading->jobs,
		.era = loading->era,
		.json = loading->json,
		.plist = loading->plist,
		.instance = instance_named(command, loading->instance_text),
		.no_system = loading->no_system,
		.quiet = loading->quiet,
		.verbose = print_has_level(4),
		.tests = loading->tests,
		.links = true,
		.announces = loading->announces,
		/* After loading, the addresses are the kernel's. */
		.use_loaded = loading->use_loaded || !loading->no_load,
		.no_authentication = loading->no_authentication,
		.no_resolve = loading->no_resolve,
		.allow_missing = loading->allow_missing,
		.safe_boot = loading->safe_boot,
	};
}

struct load_plan loading_plan(const struct loading *loading,
			      const struct command *command)
{
	return (struct load_plan){
		.identifiers = &loading->identifiers,
		.paths = &loading->paths,
		.dependencies = &loading->dependencies,
		.repositories = &loading->repositories,
		.instance = instance_named(command, loading->instance_text),
		.era = loading->era,
		.no_system = loading->no_system,
		.allow_missing = loading->allow_missing,
		.delay_autounload = loading->delay_autounload,
		.timeout_ms = loading->timeout_ms,
		.at_least = loading->tests || print_has_level(3) ? KEXT_NOTE : KEXT_ERROR,
	};
}

static int send(const struct loading *loading, const struct offline *offline)
{
	struct personalities_plan sending = {.names = &loading->personalities,
					     .must_be_loaded = loading->match_only};
	return personalities_send(offline, &sending);
}

/* Loads, and sends personalities as far as there is who takes them. */
static int load(const struct loading *loading, const struct offline *offline,
		const struct load_plan *plan)
{
	bool asks = loading->interactive || loading->interactive_all;
	int error = asks ? interactive_run(offline, plan, loading->interactive_all)
			 : load_run(plan);
	if (error == 0 && loading->symbols)
		error = offline_run(offline);
	if (error || loading->load_only)
		return error;
	if (loading->personalities.count)
		return send(loading, offline);
	/* That drivers stay unmatched is no failure of a load that did not name them. */
	if (loading->tells_unsent)
		(void)send(loading, offline);
	return 0;
}

int loading_run(const struct loading *loading, const struct command *command)
{
	struct offline offline = offline_of(loading, command);
	struct load_plan plan = loading_plan(loading, command);
	offline_check(&offline);
	if (loading->match_only)
		return send(loading, &offline);
	if (loading->no_load || loading->safe_boot || loading->tests) {
		int error = offline_run(&offline);
		if (loading->no_load || error < 0)
			return error;
	}
	return load(loading, &offline, &plan);
}
