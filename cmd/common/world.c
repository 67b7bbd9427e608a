/* Opening what kextutil works with; see world.h. */
#include <errno.h>
#include <stdlib.h>
#include "common/print.h"
#include "common/world.h"

const struct kext_arch *world_arch(const struct offline *options)
{
	return options->arch_name ? kext_arch_named(options->arch_name)
				  : kext_arch_host();
}

static int add_candidate(struct world *world, const char *name, bool is_identifier)
{
	struct candidate *candidate = &world->candidates[world->candidate_count];
	*candidate = (struct candidate){
		.name = name,
		.is_identifier = is_identifier,
		.findings = kext_diagnostics_new(),
	};
	world->candidate_count += candidate->findings != NULL;
	return candidate->findings ? 0 : -ENOMEM;
}

static int list_candidates(struct world *world)
{
	const struct option_list *identifiers = world->options->identifiers;
	const struct option_list *paths = world->options->paths;
	int error = 0;
	world->candidates =
		calloc(identifiers->count + paths->count + 1, sizeof(*world->candidates));
	if (!world->candidates)
		return -ENOMEM;
	for (size_t i = 0; error == 0 && i < identifiers->count; i++)
		error = add_candidate(world, identifiers->items[i], true);
	for (size_t i = 0; error == 0 && i < paths->count; i++)
		error = add_candidate(world, paths->items[i], false);
	return error;
}

static int open_kernel(struct world *world, struct kext_diagnostics *diagnostics)
{
	const struct offline *options = world->options;
	bool has_kernel = options->kernel || world->arch == kext_arch_host();
	if ((!options->links && !options->symbols) || options->no_resolve || !has_kernel)
		return 0;
	int error = kext_kernel_file_open(options->kernel, world->arch, diagnostics,
					  &world->kernel);
	if (error == 0)
		world->next_address = kext_kernel_file_address(world->kernel);
	return error;
}

/* A named kext that is none spoils nothing but itself. */
static int open_candidates(struct world *world)
{
	for (size_t i = 0; i < world->candidate_count; i++) {
		struct candidate *candidate = &world->candidates[i];
		if (candidate->is_identifier)
			continue;
		candidate->error =
			kext_bundle_open(world->context, candidate->name,
					 candidate->findings, &candidate->bundle);
		int error = candidate->bundle ? kext_repository_add(world->repository,
								    candidate->bundle)
					      : 0;
		if (error < 0)
			return error;
	}
	return 0;
}

static int add_folders(struct world *world)
{
	const struct option_list *folders = world->options->repositories;
	int error = 0;
	for (size_t i = 0; error == 0 && i < folders->count; i++) {
		error = kext_repository_add_folder(world->repository, folders->items[i],
						   NULL);
		if (error < 0)
			print_error("%s: the folder cannot be read: %s",
				    folders->items[i], kext_error_string(error));
	}
	return error;
}

static int add_dependencies(struct world *world, struct kext_diagnostics *diagnostics)
{
	const struct option_list *paths = world->options->dependencies;
	for (size_t i = 0; i < paths->count; i++) {
		struct kext_bundle *bundle = NULL;
		int error = kext_bundle_open(world->context, paths->items[i], diagnostics,
					     &bundle);
		if (error == 0)
			error = kext_repository_add(world->repository, bundle);
		kext_bundle_unref(bundle);
		if (error == -ENOMEM)
			return error;
	}
	return 0;
}

/* Later ones win ties. KPI plug-ins belong to a kernel, so ours serve only our own. */
static int open_repository(struct world *world, struct kext_diagnostics *diagnostics)
{
	bool is_foreign = world->kernel ? !kext_kernel_file_is_own(world->kernel)
					: world->arch != kext_arch_host();
	int error = kext_repository_new(world->context, &world->repository);
	if (error == 0 && !world->options->no_system)
		error = kext_repository_add_system(world->repository, NULL);
	if (error == 0)
		error = open_candidates(world);
	if (error == 0)
		error = add_folders(world);
	if (error == 0)
		error = add_dependencies(world, diagnostics);
	if (error == 0 && !is_foreign)
		error = kext_repository_add_own(world->repository, diagnostics);
	return error;
}

int world_open(struct world *world, const struct offline *options,
	       struct kext_diagnostics *diagnostics)
{
	*world = (struct world){.options = options};
	world->arch = world_arch(options);
	addresses_parse(&world->addresses, options->command, options->addresses);
	world->asks = options->symbols && !options->addresses->count &&
		      !options->use_loaded && !options->quiet;
	int error = kext_context_new(&world->context);
	if (error < 0)
		return error;
	world->era = options->era;
	kext_context_set_era(world->context, world->era);
	error = list_candidates(world);
	if (error == 0 && options->use_loaded)
		error = addresses_read_kernel(&world->addresses, options->instance);
	if (error == 0)
		error = open_kernel(world, diagnostics);
	return error < 0 ? error : open_repository(world, diagnostics);
}

int world_find(const struct world *world, struct candidate *candidate)
{
	if (candidate->bundle || candidate->error < 0)
		return candidate->error;
	struct kext_bundle *found =
		kext_repository_find(world->repository, candidate->name);
	if (found) {
		candidate->bundle = kext_bundle_ref(found);
		return 0;
	}
	kext_diagnose(candidate->findings, KEXT_ERROR, "load.unknown", candidate->name,
		      NULL, "no kext of this identifier is in the repositories");
	return KEXT_ERR_NOT_FOUND;
}

void world_close(struct world *world)
{
	for (size_t i = 0; i < world->candidate_count; i++) {
		kext_bundle_unref(world->candidates[i].bundle);
		kext_diagnostics_free(world->candidates[i].findings);
	}
	free(world->candidates);
	kext_repository_free(world->repository);
	kext_kernel_file_unref(world->kernel);
	kext_context_unref(world->context);
	addresses_free(&world->addresses);
}
