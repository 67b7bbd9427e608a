/* Loading; see load.h. */
#include <stdlib.h>
#include "common/interrupt.h"
#include "common/load.h"
#include "common/print.h"

static struct kext_client *client;

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

static int load(const struct load_plan *plan, const char *path, const char *identifier)
{
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	struct kext_load_reply reply = {0};
	struct kext_load_options options = {
		.path = path,
		.identifier = identifier,
		.repositories = plan->repositories->items,
		.repository_count = plan->repositories->count,
		.dependencies = plan->dependencies->items,
		.dependency_count = plan->dependencies->count,
		.no_system_extensions = plan->no_system,
		.allow_missing = plan->allow_missing,
		.timeout_ms = plan->timeout_ms,
	};
	int error = kext_client_load(client, &options, diagnostics, &reply);
	print_diagnostics(diagnostics, plan->at_least);
	print_outcome(path ? path : identifier, error, &reply);
	free(reply.report);
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
