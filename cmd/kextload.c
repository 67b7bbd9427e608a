/* kextload: loads kexts into the userland kernel, or with -n only tests them. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>
#include <kext/inspect.h>
#include <kext/resolve.h>
#include "common/instance.h"
#include "common/linktest.h"
#include "common/print.h"

static struct option_list paths, identifiers, dependencies, repositories;
static bool no_system, quiet, no_load, tests, no_authentication, allow_missing;
static bool no_caches, no_loaded_check;
static unsigned level, timeout_ms;
static const char *instance_text;

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
	.synopsis = "[-ehqt] [-v [0-6]] [-n [-z]] [-d KEXT]... [-r FOLDER]... [-b ID]... "
		    "[KEXT]...",
	.purpose = "Loads kexts into the userland kernel of kextd, which is started when "
		   "needed.",
	.rows = rows,
	.operands = &paths,
};

/* ---- loading ---- */

static struct kext_client *client;
static volatile sig_atomic_t is_interrupted;

static void interrupt(int number)
{
	(void)number;
	is_interrupted = 1;
	kext_client_cancel(client);
}

static void catch_interrupts(void)
{
	struct sigaction action = {.sa_handler = interrupt, .sa_flags = SA_RESTART};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static void print_outcome(const char *name, int error,
			  const struct kext_load_reply *reply)
{
	if (error == 0 && reply->was_loaded)
		print_result("%s is already loaded", name);
	else if (error == 0)
		print_result("%s loaded successfully", name);
	else
		print_error(
			"%s failed to load - %s; see above, or test it with kextload -nt",
			name, kext_error_string(error));
	if (reply->report)
		print_error("%s: the panic report is %s", name, reply->report);
}

static int load(const char *path, const char *identifier)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	struct kext_load_reply reply = {0};
	struct kext_load_options options = {
		.path = path,
		.identifier = identifier,
		.repositories = repositories.items,
		.repository_count = repositories.count,
		.dependencies = dependencies.items,
		.dependency_count = dependencies.count,
		.no_system_extensions = no_system,
		.allow_missing = allow_missing,
		.timeout_ms = timeout_ms,
	};
	int error = kext_client_load(client, &options, diagnostics, &reply);
	print_diagnostics(diagnostics, level || tests ? KEXT_NOTE : KEXT_ERROR);
	print_outcome(path ? path : identifier, error, &reply);
	free(reply.report);
	kext_diagnostics_free(diagnostics);
	return kext_error_exit_status(error);
}

/* ---- testing ---- */

static int open_repository(struct kext_context *context,
			   struct kext_diagnostics *diagnostics,
			   struct kext_repository **ret)
{
	int error = kext_repository_new(context, ret);
	if (error == 0)
		error = kext_repository_add_default(*ret, no_system, diagnostics);
	for (size_t i = 0; error == 0 && i < repositories.count; i++)
		error = kext_repository_add_folder(*ret, repositories.items[i],
						   diagnostics);
	for (size_t i = 0; error == 0 && i < dependencies.count; i++) {
		struct kext_bundle *bundle = NULL;
		error = kext_bundle_open(context, dependencies.items[i], diagnostics,
					 &bundle);
		if (error == 0)
			error = kext_repository_add(*ret, bundle);
		kext_bundle_unref(bundle);
	}
	return error;
}

static uid_t files_owner(void)
{
	bool is_system = instance_named(&command, instance_text) == KEXT_INSTANCE_SYSTEM;
	return is_system ? 0 : geteuid();
}

/* Ours is the judgement; LIEF's reading is only compared with it. */
static void inspect(struct kext_context *context, struct kext_bundle *bundle,
		    struct kext_diagnostics *diagnostics)
{
	const void *data;
	size_t size;
	if (!tests || !kext_bundle_has_executable(bundle) ||
	    kext_bundle_executable(bundle, diagnostics, &data, &size) < 0)
		return;
	if (kext_inspect(context, data, size, kext_bundle_name(bundle), diagnostics) < 0)
		kext_diagnose(diagnostics, KEXT_NOTE, "inspect.done",
			      kext_bundle_name(bundle), NULL,
			      "LIEF's reading was no confirmation");
}

static int test_bundle(struct kext_context *context, struct kext_repository *repository,
		       struct kext_bundle *bundle, struct kext_diagnostics *diagnostics)
{
	struct kext_load_list *list;
	int error = kext_bundle_validate(bundle, kext_arch_host(), diagnostics);
	if (error == 0 && !no_authentication)
		error = kext_bundle_authenticate(bundle, files_owner(), diagnostics);
	if (error == 0)
		inspect(context, bundle, diagnostics);
	if (error == 0)
		error = kext_repository_add(repository, bundle);
	if (error == 0)
		error = kext_resolve(repository, bundle, NULL, 0, kext_arch_host(),
				     diagnostics, &list);
	if (error < 0)
		return error;
	error = tests ? link_test(list, allow_missing, diagnostics) : 0;
	kext_load_list_free(list);
	return error;
}

static int find_bundle(struct kext_context *context, struct kext_repository *repository,
		       const char *path, const char *identifier,
		       struct kext_diagnostics *diagnostics, struct kext_bundle **ret)
{
	if (path)
		return kext_bundle_open(context, path, diagnostics, ret);
	struct kext_bundle *found = kext_repository_find(repository, identifier);
	if (found) {
		*ret = kext_bundle_ref(found);
		return 0;
	}
	kext_diagnose(diagnostics, KEXT_ERROR, "load.unknown", identifier, NULL,
		      "no kext of this identifier is in the repositories");
	return KEXT_ERR_NOT_FOUND;
}

static int test(const char *path, const char *identifier)
{
	const char *name = path ? path : identifier;
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	struct kext_diagnostics *neighbours = kext_diagnostics_new();
	struct kext_context *context = NULL;
	struct kext_repository *repository = NULL;
	struct kext_bundle *bundle = NULL;
	int error = kext_context_new(&context);
	if (error == 0)
		error = open_repository(context, neighbours, &repository);
	if (error < 0)
		kext_diagnostics_move(diagnostics, neighbours);
	if (error == 0)
		error = find_bundle(context, repository, path, identifier, diagnostics,
				    &bundle);
	if (error == 0)
		error = test_bundle(context, repository, bundle, diagnostics);
	print_diagnostics(diagnostics, tests || level ? KEXT_NOTE : KEXT_ERROR);
	if (error < 0)
		print_error("%s has problems - %s", name, kext_error_string(error));
	else if (tests)
		print_result("%s appears to be loadable (including linkage for on-disk "
			     "libraries).",
			     name);
	kext_bundle_unref(bundle);
	kext_repository_free(repository);
	kext_context_unref(context);
	kext_diagnostics_free(neighbours);
	kext_diagnostics_free(diagnostics);
	return kext_error_exit_status(error);
}

/* ---- the work ---- */

/* The first failure is the status; the rest are tried all the same. */
static int for_each(int (*work)(const char *path, const char *identifier))
{
	int status = EX_OK;
	for (size_t i = 0; i < identifiers.count && !is_interrupted; i++) {
		int own = work(NULL, identifiers.items[i]);
		status = status ? status : own;
	}
	for (size_t i = 0; i < paths.count && !is_interrupted; i++) {
		int own = work(paths.items[i], NULL);
		status = status ? status : own;
	}
	return status;
}

static void check_options(void)
{
	if (!paths.count && !identifiers.count)
		options_fail(&command,
			     "no kernel extension specified (name bundles, or use -b)");
	if (no_authentication && !no_load)
		options_fail(&command, "-z is only allowed with -n");
	if (no_caches)
		print_error("-no-caches (-c) is ignored");
	if (no_loaded_check)
		print_error("-no-loaded-check (-D) is ignored");
}

int main(int argc, char **argv)
{
	print_set_program(command.name);
	options_parse(&command, argc, argv);
	print_set_quiet(quiet);
	check_options();
	enum kext_instance instance = instance_named(&command, instance_text);
	if (no_load)
		return print_finish(for_each(test));
	int error = instance_connect(instance, KEXT_CLIENT_START, &client);
	if (error < 0)
		return kext_error_exit_status(error);
	catch_interrupts();
	int status = for_each(load);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	kext_client_free(client);
	return print_finish(status);
}
