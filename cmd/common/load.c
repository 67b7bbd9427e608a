/* Loading; see load.h. */
#include <stdlib.h>
#include "common/interrupt.h"
#include "common/load.h"
#include "common/print.h"
#include "common/root.h"

static struct kext_client *client;

static void tell_success(const struct load_plan *plan, const char *name, bool was_loaded)
{
	if (was_loaded)
		print_result("%s%s is already loaded",
			     plan->era == KEXT_ERA_TIGER ? "extension " : "", name);
	else
		print_result("%s loaded successfully", name);
	if (plan->era != KEXT_ERA_TIGER)
		print_message(3, "%s loaded successfully (or already loaded).", name);
}

static void tell_failure(const struct load_plan *plan, const char *name, int error,
			 const struct kext_diagnostics *diagnostics)
{
	print_diagnostics(diagnostics, plan->at_least);
	if (plan->era == KEXT_ERA_TIGER)
		print_error("load failed for extension %s", name);
	else
		print_error("%s failed to load - %s; see above, or test it with "
			    "kextutil -nt",
			    name, kext_error_string(error));
}

/*
 * With a root, its folders come first among the repositories, in place of those of the
 * kextd that runs, which may have been started with another root.
 */
static bool choose_folders(const struct load_plan *plan, struct option_list *folders)
{
	bool no_system = plan->no_system || root_folders(folders);
	for (size_t i = 0; i < plan->repositories->count; i++)
		option_list_add(folders, plan->repositories->items[i]);
	return no_system;
}

static int load(const struct load_plan *plan, const char *path, const char *identifier)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	struct kext_load_reply reply = {0};
	struct option_list folders = {0};
	bool no_system = choose_folders(plan, &folders);
	struct kext_load_options options = {
		.path = path,
		.identifier = identifier,
		.repositories = folders.items,
		.repository_count = folders.count,
		.dependencies = plan->dependencies->items,
		.dependency_count = plan->dependencies->count,
		.no_system_extensions = no_system,
		.allow_missing = plan->allow_missing,
		.delay_autounload = plan->delay_autounload,
		.timeout_ms = plan->timeout_ms,
	};
	const char *name = path ? path : identifier;
	print_message(3, "Requesting load of %s.", name);
	int error = kext_client_load(client, &options, diagnostics, &reply);
	if (error < 0) {
		tell_failure(plan, name, error, diagnostics);
	} else {
		print_diagnostics(diagnostics, plan->at_least);
		tell_success(plan, name, reply.was_loaded);
	}
	if (reply.report)
		print_error("%s: the panic report is %s", name, reply.report);
	free(reply.report);
	free(folders.items);
	kext_diagnostics_free(diagnostics);
	return error;
}

/* The first failure counts; the rest are tried all the same. */
static int load_all(const struct load_plan *plan)
{
	int first = 0;
	for (size_t i = 0; i < plan->identifiers->count && !interrupt_came(); i++) {
		int error = load(plan, NULL, plan->identifiers->items[i]);
		first = first ? first : error;
	}
	for (size_t i = 0; i < plan->paths->count && !interrupt_came(); i++) {
		int error = load(plan, plan->paths->items[i], NULL);
		first = first ? first : error;
	}
	return first;
}

int load_run(const struct load_plan *plan)
{
	int error = instance_connect(plan->instance, KEXT_CLIENT_START, &client);
	if (error < 0)
		return error;
	interrupt_cancels(client);
	error = load_all(plan);
	interrupt_cancels(NULL);
	client = kext_client_free(client);
	return error;
}
