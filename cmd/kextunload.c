/* kextunload: stops and unloads kexts by path or identifier. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <kext/bundle.h>
#include "common/instance.h"
#include "common/print.h"

/* Besides sysexits.h: a kext that cannot be opened, one that cannot be unloaded. */
#define EXIT_NOT_OPENED 1
#define EXIT_PARTIAL	3

static struct option_list paths, identifiers, classes;
static bool quiet;
static unsigned level, timeout_ms;
static const char *instance_text;

static const struct option_row rows[] = {
	{'b', "bundle-id", OPTION_LIST, &identifiers, "IDENTIFIER", "unload this kext",
	 NULL},
	{'m', NULL, OPTION_LIST, &identifiers, "IDENTIFIER", "the same", NULL},
	{'c', "class-name", OPTION_LIST, &classes, "CLASS",
	 "terminate all instances of an I/O Kit class", NULL},
	{'q', "quiet", OPTION_FLAG, &quiet, NULL, "print nothing but errors", NULL},
	{'v', "verbose", OPTION_LEVEL, &level, NULL, "print more", NULL},
	{0, "timeout", OPTION_SECONDS, &timeout_ms, "SECONDS",
	 "end the kernel when a stop routine takes longer", NULL},
	OPTION_ROW_INSTANCE(instance_text),
	OPTION_ROW_HELP,
	OPTION_ROWS_END,
};

static const struct command command = {
	.name = "kextunload",
	.synopsis = "[-hq] [-v [0-6]] [-c CLASS]... [-b ID | -m ID]... [KEXT]...",
	.purpose = "Stops and unloads kexts of the userland kernel.",
	.rows = rows,
	.operands = &paths,
};

static struct kext_client *client; /* NULL: no kextd runs, so nothing is loaded */
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
	if (!client)
		return;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* Panic, time-out, interruption and privilege have statuses of their own. */
static int status_of(int error)
{
	switch (error) {
	case 0:
		return EX_OK;
	case KEXT_ERR_PANIC:
	case KEXT_ERR_TIMEOUT:
	case KEXT_ERR_CANCELLED:
	case KEXT_ERR_NOT_PRIVILEGED:
	case KEXT_ERR_NO_SERVER:
		return kext_error_exit_status(error);
	default:
		return EXIT_PARTIAL;
	}
}

static int ask(const char *identifier, struct kext_diagnostics *diagnostics,
	       struct kext_load_reply *ret_reply)
{
	if (client)
		return kext_client_unload(client, identifier, timeout_ms, diagnostics,
					  ret_reply);
	kext_diagnose(diagnostics, KEXT_ERROR, "unload.unknown", identifier, NULL,
		      "no kext of this identifier is loaded (no kextd is running)");
	return KEXT_ERR_NOT_FOUND;
}

static int unload(const char *what, const char *name, const char *identifier)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	struct kext_load_reply reply = {0};
	int error = ask(identifier, diagnostics, &reply);
	print_diagnostics(diagnostics, level ? KEXT_NOTE : KEXT_ERROR);
	if (error == 0)
		print_result("unload %s %s succeeded", what, name);
	else
		print_error("failed to unload %s - %s", name, kext_error_string(error));
	if (reply.report)
		print_error("%s: the panic report is %s", name, reply.report);
	free(reply.report);
	kext_diagnostics_free(diagnostics);
	return status_of(error);
}

static int unload_path(const char *path)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	struct kext_context *context = NULL;
	struct kext_bundle *bundle = NULL;
	int status = EXIT_NOT_OPENED;
	int error = kext_context_new(&context);
	if (error == 0)
		error = kext_bundle_open(context, path, diagnostics, &bundle);
	if (error == 0) {
		status = unload("kext", path, kext_bundle_identifier(bundle));
	} else {
		print_diagnostics(diagnostics, KEXT_ERROR);
		print_error("cannot open %s - %s", path, kext_error_string(error));
	}
	kext_bundle_unref(bundle);
	kext_context_unref(context);
	kext_diagnostics_free(diagnostics);
	return status;
}

/* Classes come with the I/O Kit; until a kernel has one, none can be found. */
static int terminate(const char *class)
{
	print_error(
		"failed to terminate class %s - %s: the running kernel has no I/O Kit "
		"classes",
		class, kext_error_string(KEXT_ERR_NOT_FOUND));
	return EXIT_PARTIAL;
}

static void keep_first(int *status, int own)
{
	*status = *status ? *status : own;
}

static int unload_all(void)
{
	int status = EX_OK;
	for (size_t i = 0; i < classes.count; i++)
		keep_first(&status, terminate(classes.items[i]));
	for (size_t i = 0; i < identifiers.count && !is_interrupted; i++)
		keep_first(&status,
			   unload("id", identifiers.items[i], identifiers.items[i]));
	for (size_t i = 0; i < paths.count && !is_interrupted; i++)
		keep_first(&status, unload_path(paths.items[i]));
	return status;
}

int main(int argc, char **argv)
{
	print_start(command.name);
	options_parse(&command, argc, argv);
	print_set_quiet(quiet);
	if (!paths.count && !identifiers.count && !classes.count)
		options_fail(&command, "no kernel extension specified");
	int error = instance_connect(instance_named(&command, instance_text), 0, &client);
	if (error < 0)
		return kext_error_exit_status(error);
	catch_interrupts();
	int status = unload_all();
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	kext_client_free(client);
	return print_finish(status);
}
