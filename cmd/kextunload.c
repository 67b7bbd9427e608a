/* kextunload: stops and unloads kexts by path or identifier. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <kext/bundle.h>
#include "common/instance.h"
#include "common/interrupt.h"
#include "common/print.h"
#include "common/root.h"

/* Besides sysexits.h, and below it: these are Darwin's own. */
enum { EXIT_NOT_FOUND = 1, EXIT_NOT_PRIVILEGED = 2, EXIT_PARTIAL = 3 };

static struct option_list paths, identifiers, classes;
static bool quiet, all, keeps; /* -p, which says otherwise in each era */
static unsigned level, timeout_ms, era = KEXT_ERA_MODERN;
static const char *instance_text;

static void refuse_r(const char *folder);

static const struct option_row rows[] = {
	{'b', "bundle-id", OPTION_LIST, &identifiers, "IDENTIFIER", "unload this kext",
	 NULL},
	{'m', NULL, OPTION_LIST, &identifiers, "IDENTIFIER", "the same", NULL},
	{'c', "class", OPTION_LIST, &classes, "CLASS",
	 "terminate all instances of an I/O Kit class", NULL},
	{0, "class-name", OPTION_LIST, &classes, "CLASS", NULL, NULL},
	{'p', "personalities-only", OPTION_FLAG, &keeps, NULL,
	 "terminate services, remove personalities, do not unload", NULL},
	{0, "all", OPTION_FLAG, &all, NULL, "unload every kext, the latest first", NULL},
	/* No abbreviation of --root: Darwin's tools never took it. */
	{'r', NULL, OPTION_CALL, NULL, "FOLDER", NULL, refuse_r},
	OPTION_ROW_ROOT,
	OPTION_ROW_ERA(era, "whose messages, statuses, and meaning of -p"),
	{'q', "quiet", OPTION_FLAG, &quiet, NULL, "print nothing", NULL},
	{'v', "verbose", OPTION_LEVEL, &level, NULL, "print more", NULL},
	{0, "timeout", OPTION_SECONDS, &timeout_ms, "SECONDS",
	 "end the kernel when a stop routine takes longer", NULL},
	OPTION_ROW_INSTANCE(instance_text),
	OPTION_ROW_HELP,
	OPTION_ROWS_END,
};

static const struct command command = {
	.name = "kextunload",
	.synopsis = "[-hpq] [-v [0-6]] [--era ERA] {--all | [-c CLASS]... "
		    "[-b ID | -m ID]... [KEXT]...}",
	.purpose = "Stops and unloads kexts of the userland kernel.",
	.rows = rows,
	.operands = &paths,
	.era = &era,
};

static void refuse_r(const char *folder)
{
	options_fail(&command, "-r %s: no folder of kexts is searched for what is loaded",
		     folder);
}

static struct kext_client *client; /* NULL: no kextd runs, so nothing is loaded */
static int status;		   /* what the command ends with, so far */

/* ---- statuses ---- */

static int status_of(int error)
{
	switch (error) {
	case KEXT_ERR_PANIC:
	case KEXT_ERR_TIMEOUT:
	case KEXT_ERR_CANCELLED:
	case KEXT_ERR_NO_SERVER:
		return kext_error_exit_status(error);
	case KEXT_ERR_NOT_PRIVILEGED:
		return EXIT_NOT_PRIVILEGED;
	default:
		return EXIT_PARTIAL;
	}
}

/* After which nothing else can succeed, or which scripts must not miss. */
static bool is_grave(int own)
{
	return own == EXIT_NOT_PRIVILEGED || own > EXIT_PARTIAL;
}

/* The first failure counts, but for a grave one. */
static void note_status(int own)
{
	if (!status || (is_grave(own) && !is_grave(status)))
		status = own;
}

static bool is_over(void)
{
	return interrupt_came() || status == EXIT_NOT_PRIVILEGED;
}

/* ---- one kext ---- */

/* How it was named: "id" or "kext" in the messages of old. */
struct named {
	const char *kind, *name, *identifier;
};

static int absent(const char *identifier, struct kext_diagnostics *diagnostics)
{
	kext_diagnose(diagnostics, KEXT_ERROR, "unload.unknown", identifier, NULL,
		      "no kext of this identifier is loaded%s",
		      client ? "" : " (no kextd is running)");
	return KEXT_ERR_NOT_FOUND;
}

/* This kernel has no I/O Kit: what is loaded has neither services nor personalities. */
static int strip(const char *identifier, struct kext_diagnostics *diagnostics)
{
	struct kext_value *kexts = NULL;
	bool is_loaded = false;
	int error = client ? kext_client_list(client, diagnostics, &kexts) : 0;
	for (size_t i = 0; i < kext_value_count(kexts); i++) {
		const char *known = kext_value_string(
			kext_value_get(kext_value_at(kexts, i), "CFBundleIdentifier"));
		is_loaded |= known && strcmp(known, identifier) == 0;
	}
	kext_value_unref(kexts);
	if (error < 0 || is_loaded)
		return error;
	return absent(identifier, diagnostics);
}

static void tell_success(const struct named *kext)
{
	if (era == KEXT_ERA_TIGER) {
		print_result("unload %s %s succeeded  (any personalities %sunloaded)",
			     kext->kind, kext->name, keeps ? "not " : "also ");
	} else if (keeps) {
		print_message(3,
			      "%s: services terminated and personalities removed "
			      "(kext not unloaded).",
			      kext->name);
	} else {
		print_result("unload %s %s succeeded", kext->kind, kext->name);
		print_message(3, "%s unloaded and personalities removed.", kext->name);
	}
}

static void tell_failure(const struct named *kext, int error,
			 const struct kext_diagnostics *diagnostics)
{
	const char *text = kext_error_string(error);
	if (era == KEXT_ERA_TIGER && error == KEXT_ERR_NOT_PRIVILEGED)
		print_failure(diagnostics,
			      "permission denied; you must be root to unload kexts");
	else if (era == KEXT_ERA_TIGER)
		print_result("unload %s %s failed (result code 0x%x)", kext->kind,
			     kext->name, kext_error_osreturn(error));
	else if (keeps)
		print_failure(diagnostics, "Terminate for %s failed - %s", kext->name,
			      text);
	else
		print_failure(diagnostics, "Failed to unload %s - %s", kext->name, text);
}

static void unload(const struct named *kext)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	struct kext_load_reply reply = {0};
	bool is_stripped = keeps && era != KEXT_ERA_TIGER;
	int error = is_stripped ? strip(kext->identifier, diagnostics)
		    : client	? kext_client_unload(client, kext->identifier, timeout_ms,
						     diagnostics, &reply)
				: absent(kext->identifier, diagnostics);
	if (error == 0) {
		print_diagnostics(diagnostics, level ? KEXT_NOTE : KEXT_ERROR);
		tell_success(kext);
	} else {
		tell_failure(kext, error, diagnostics);
		note_status(status_of(error));
	}
	if (reply.report)
		print_error("%s: the panic report is %s", kext->name, reply.report);
	free(reply.report);
	kext_diagnostics_free(diagnostics);
}

/* ---- all that were named ---- */

static bool came_before(const struct option_list *list, size_t position)
{
	for (size_t i = 0; i < position; i++) {
		if (strcmp(list->items[i], list->items[position]) == 0)
			return true;
	}
	return false;
}

static void unload_path(const char *path)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	struct kext_context *context = NULL;
	struct kext_bundle *bundle = NULL;
	int error = kext_context_new(&context);
	if (error == 0)
		error = kext_bundle_open(context, path, diagnostics, &bundle);
	if (error == 0) {
		unload(&(struct named){"kext", path, kext_bundle_identifier(bundle)});
	} else {
		print_failure(diagnostics, "Can't create %s", path);
		note_status(EXIT_NOT_FOUND);
	}
	kext_bundle_unref(bundle);
	kext_context_unref(context);
	kext_diagnostics_free(diagnostics);
}

/* Classes come with the I/O Kit, which the kernel does not have. */
static void terminate(const char *class)
{
	int error = KEXT_ERR_NOT_FOUND;
	if (era == KEXT_ERA_TIGER)
		print_result("terminate instances for class %s failed (result code 0x%x)",
			     class, kext_error_osreturn(error));
	else
		print_error("Failed to terminate class %s - %s: the running kernel has "
			    "no I/O Kit classes",
			    class, kext_error_string(error));
	note_status(EXIT_PARTIAL);
}

static void unload_named(void)
{
	for (size_t i = 0; i < classes.count; i++)
		terminate(classes.items[i]);
	for (size_t i = 0; i < identifiers.count && !is_over(); i++) {
		const char *identifier = identifiers.items[i];
		if (!came_before(&identifiers, i))
			unload(&(struct named){"id", identifier, identifier});
	}
	for (size_t i = 0; i < paths.count && !is_over(); i++) {
		if (!came_before(&paths, i))
			unload_path(paths.items[i]);
		/* Tiger's tool gave up at once. */
		if (status == EXIT_NOT_FOUND && era == KEXT_ERA_TIGER)
			return;
	}
}

/* The latest first: nothing is in use when its turn comes. */
static void unload_all(void)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	struct kext_value *kexts = NULL;
	int error = client ? kext_client_list(client, diagnostics, &kexts) : 0;
	if (error < 0) {
		print_failure(diagnostics, "cannot list what is loaded - %s",
			      kext_error_string(error));
		note_status(status_of(error));
	}
	for (size_t i = kext_value_count(kexts);
	     i-- > 0 && !is_over() && !is_grave(status);) {
		const struct kext_value *kext = kext_value_at(kexts, i);
		const char *identifier =
			kext_value_string(kext_value_get(kext, "CFBundleIdentifier"));
		if (identifier &&
		    !kext_value_boolean(kext_value_get(kext, "OSKernelResource")) &&
		    kext_value_integer(kext_value_get(kext, "OSBundleLoadTag")))
			unload(&(struct named){"id", identifier, identifier});
	}
	kext_value_unref(kexts);
	kext_diagnostics_free(diagnostics);
}

static void check_options(void)
{
	bool names = paths.count || identifiers.count || classes.count;
	if (all && names)
		options_fail(&command, "--all goes without names");
	if (!all && !names)
		options_fail(&command, "no kernel extension specified");
}

static int final_status(void)
{
	return era == KEXT_ERA_TIGER && status ? 1 : status;
}

int main(int argc, char **argv)
{
	print_start(command.name);
	options_parse(&command, argc, argv);
	print_set_quiet(quiet ? 2 : 0);
	print_set_level(level);
	check_options();
	root_apply(&paths);
	int error = instance_connect(instance_named(&command, instance_text), 0, &client);
	if (error < 0) {
		status = kext_error_exit_status(error);
		return final_status();
	}
	interrupt_cancels(client);
	if (all)
		unload_all();
	else
		unload_named();
	interrupt_cancels(NULL);
	kext_client_free(client);
	return print_finish(final_status());
}
