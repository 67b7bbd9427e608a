/* Sending personalities; see personalities.h. */
#include <string.h>
#include "common/personalities.h"
#include "common/print.h"
#include "common/world.h"

static const struct kext_value *personalities_of(const struct world *world,
						 const struct candidate *candidate)
{
	return kext_bundle_property(candidate->bundle, "IOKitPersonalities", world->arch);
}

static bool is_loaded(const struct world *world, const char *identifier)
{
	for (size_t i = 0; i < world->addresses.kext_count; i++)
		if (strcmp(world->addresses.kexts[i].identifier, identifier) == 0)
			return true;
	return false;
}

static bool is_known(const struct world *world, const char *name)
{
	for (size_t i = 0; i < world->candidate_count; i++)
		if (world->candidates[i].bundle &&
		    kext_value_get(personalities_of(world, &world->candidates[i]), name))
			return true;
	return false;
}

static int check_names(const struct world *world, const struct option_list *names)
{
	int error = 0;
	for (size_t i = 0; i < names->count; i++) {
		if (is_known(world, names->items[i]))
			continue;
		print_error("-p %s: none of the kexts has a personality of this name",
			    names->items[i]);
		error = KEXT_ERR_INVALID_ARGUMENT;
	}
	return error;
}

static size_t count_chosen(const struct kext_value *personalities,
			   const struct option_list *names)
{
	size_t count = 0;
	for (size_t i = 0; i < names->count; i++)
		count += kext_value_get(personalities, names->items[i]) != NULL;
	return names->count ? count : kext_value_count(personalities);
}

static int send(const struct world *world, struct candidate *candidate,
		const struct personalities_plan *plan)
{
	int error = world_find(world, candidate);
	if (error < 0) {
		print_diagnostics(candidate->findings, KEXT_ERROR);
		return error;
	}
	if (plan->must_be_loaded &&
	    !is_loaded(world, kext_bundle_identifier(candidate->bundle))) {
		print_error("%s is not loaded; load it first", candidate->name);
		return KEXT_ERR_NOT_LOADABLE;
	}
	size_t count = count_chosen(personalities_of(world, candidate), plan->names);
	if (!count)
		return 0;
	print_error(
		"%s: %zu of its personalities cannot be sent: the userland kernel has "
		"no catalogue of drivers",
		candidate->name, count);
	return KEXT_ERR_UNSUPPORTED;
}

static int send_all(struct world *world, const struct personalities_plan *plan)
{
	int first = 0;
	for (size_t i = 0; i < world->candidate_count; i++) {
		int error = send(world, &world->candidates[i], plan);
		first = first ? first : error;
	}
	int unknown = check_names(world, plan->names);
	return unknown ? unknown : first;
}

int personalities_send(const struct offline *options,
		       const struct personalities_plan *plan)
{
	struct world world;
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	int error = world_open(&world, options, diagnostics);
	if (error == 0)
		error = send_all(&world, plan);
	print_diagnostics(diagnostics, KEXT_ERROR);
	world_close(&world);
	kext_diagnostics_free(diagnostics);
	return error;
}
