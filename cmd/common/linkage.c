/* Linking without loading; see linkage.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/heap.h"
#include "common/linkage.h"
#include "common/print.h"

unsigned linkage_jobs(const struct offline *options)
{
	char *end;
	if (!options->jobs)
		return 0;
	unsigned long jobs = strtoul(options->jobs, &end, 10);
	if (*end || end == options->jobs || jobs < 1 || jobs > 256 ||
	    options->jobs[0] == '-')
		options_fail(options->command,
			     "-j takes a number from 1 to 256, not '%s'", options->jobs);
	return (unsigned)jobs;
}

/* Without an address of its own a kext lies where nothing else was put. */
static int choose_address(void *data, const struct kext_bundle *bundle, uint64_t size,
			  uint64_t *ret_address)
{
	struct world *world = data;
	const char *identifier = kext_bundle_identifier(bundle);
	if (addresses_find(&world->addresses, identifier, ret_address) ||
	    (world->asks && addresses_ask(&world->addresses, identifier, ret_address)))
		return 0;
	*ret_address = world->next_address;
	world->next_address += size;
	return 0;
}

static bool is_of_round(const struct candidate *candidate, unsigned round)
{
	return candidate->links && candidate->round == round;
}

/* The candidates of a round, as one set. */
static int link_round(struct world *world, unsigned round,
		      struct kext_diagnostics *diagnostics, struct kext_linkset **ret)
{
	const struct offline *options = world->options;
	size_t count = 0;
	struct kext_bundle **bundles =
		calloc(world->candidate_count + 1, sizeof(*bundles));
	if (!bundles)
		return -ENOMEM;
	for (size_t i = 0; i < world->candidate_count; i++)
		if (is_of_round(&world->candidates[i], round))
			bundles[count++] = world->candidates[i].bundle;
	/* What runs in our kernel says nothing about what another one has loaded. */
	bool is_own = !world->kernel || kext_kernel_file_is_own(world->kernel);
	struct kext_linkset_options set = {
		.repository = world->repository,
		.kernel = world->kernel,
		.arch = world->arch,
		.bundles = bundles,
		.bundle_count = count,
		.loaded = world->addresses.kexts,
		.loaded_count = is_own ? world->addresses.kext_count : 0,
		.address = choose_address,
		.address_data = world,
		.jobs = linkage_jobs(options),
		.allow_missing = options->allow_missing,
	};
	heap_expect_large_blocks();
	int error = kext_linkset_new(&set, diagnostics, ret);
	for (size_t i = 0, asked = 0; error == 0 && i < world->candidate_count; i++) {
		struct candidate *candidate = &world->candidates[i];
		int linked = is_of_round(candidate, round)
				     ? kext_linkset_status(*ret, asked++)
				     : 0;
		candidate->error = candidate->error ? candidate->error : linked;
	}
	free(bundles);
	return error;
}

/* ---- telling ---- */

static void report_missing(const struct kext_linked *linked,
			   struct kext_diagnostics *diagnostics)
{
	if (linked->missing_direct || linked->missing_slots)
		kext_diagnose(
			diagnostics, linked->missing_direct ? KEXT_WARNING : KEXT_NOTE,
			"link.missing", kext_bundle_identifier(linked->bundle), NULL,
			"refers in %u places to functions that this kernel does not "
			"implement, and inherits %u; calling one panics",
			linked->missing_direct, linked->missing_slots);
}

/* "ADDRESS SIZE ID (VERSION) FILE"; a kext without an address has "-" for both. */
static int report_linked(struct world *world, const struct kext_linked *linked,
			 struct kext_diagnostics *diagnostics)
{
	const char *identifier = kext_bundle_identifier(linked->bundle);
	const char *folder = world->options->symbols;
	char address[32] = "-", *path = NULL;
	uint64_t value;
	bool has_address = addresses_find(&world->addresses, identifier, &value);
	int error = 0;
	if (has_address)
		snprintf(address, sizeof(address), "0x%" PRIx64, value);
	if (has_address && folder)
		error = kext_linked_publish(linked, folder, diagnostics, &path);
	if (error == 0 && !world->options->quiet && !world->options->json)
		printf("%-18s %#10zx %s (%s) %s\n", address, linked->size, identifier,
		       kext_bundle_version_text(linked->bundle), path ? path : "-");
	report_missing(linked, diagnostics);
	free(path);
	return error;
}

static void report_codeless(const struct world *world, const struct kext_linked *linked)
{
	if (!world->options->symbols || !linked->is_asked || linked->error < 0)
		return;
	print_error("%s %s; no symbols to generate",
		    kext_bundle_identifier(linked->bundle),
		    linked->is_kernel_component ? "is a kernel component"
						: "has no code of its own");
}

static bool is_called(const struct kext_bundle *bundle, const char *identifier)
{
	return bundle && strcmp(kext_bundle_identifier(bundle), identifier) == 0;
}

/* What was asked for and failed has been told of already. */
static bool is_linked_or_asked(const struct world *world, const struct kext_linkset *set,
			       const char *identifier)
{
	for (size_t i = 0; i < kext_linkset_count(set); i++)
		if (is_called(kext_linkset_at(set, i)->bundle, identifier))
			return true;
	for (size_t i = 0; i < world->candidate_count; i++)
		if (is_called(world->candidates[i].bundle, identifier))
			return true;
	return false;
}

static void report_unused_addresses(const struct world *world,
				    const struct kext_linkset *set)
{
	size_t given = world->options->addresses->count ? world->addresses.count : 0;
	for (size_t i = 0; i < given && world->kernel; i++) {
		const char *identifier = addresses_named(&world->addresses, i);
		if (!is_linked_or_asked(world, set, identifier))
			print_error("-a %s: no kext of this identifier is linked",
				    identifier);
	}
}

static int report_set(struct world *world, const struct kext_linkset *set,
		      struct kext_diagnostics *diagnostics)
{
	bool is_shown = world->options->symbols || world->options->tests ||
			world->options->verbose;
	int first = 0;
	for (size_t i = 0; i < kext_linkset_count(set); i++) {
		const struct kext_linked *linked = kext_linkset_at(set, i);
		int error = 0;
		if (linked->data && is_shown)
			error = report_linked(world, linked, diagnostics);
		else if (linked->data)
			report_missing(linked, diagnostics);
		else if (linked->bundle)
			report_codeless(world, linked);
		first = first ? first : error;
	}
	report_unused_addresses(world, set);
	return first;
}

/* ---- the whole ---- */

/*
 * A set holds one kext of an identifier: what was built twice is linked in further
 * rounds, unless addresses and symbol files, which are per identifier, are asked for. The
 * number of rounds.
 */
static unsigned plan_rounds(struct world *world)
{
	bool is_one_set = world->options->symbols || world->options->addresses->count;
	unsigned count = 1;
	for (size_t i = 0; !is_one_set && i < world->candidate_count; i++) {
		struct candidate *candidate = &world->candidates[i];
		for (size_t j = 0; candidate->links && j < i; j++) {
			const struct candidate *earlier = &world->candidates[j];
			candidate->round +=
				earlier->links && earlier->bundle != candidate->bundle &&
				strcmp(kext_bundle_identifier(earlier->bundle),
				       kext_bundle_identifier(candidate->bundle)) == 0;
		}
		count = candidate->round >= count ? candidate->round + 1 : count;
	}
	return count;
}

int linkage_run(struct world *world, struct kext_diagnostics *diagnostics,
		int *ret_written)
{
	unsigned count = plan_rounds(world);
	int error = 0, written = 0;
	for (unsigned round = 0; error == 0 && round < count; round++) {
		struct kext_linkset *set = NULL;
		error = link_round(world, round, diagnostics, &set);
		int own = set ? report_set(world, set, diagnostics) : 0;
		written = written ? written : own;
		kext_linkset_free(set);
	}
	*ret_written = written;
	return error;
}
