/* Judging and linking without loading; see offline.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <kext/inspect.h>
#include <kext/linkset.h>
#include "common/findings.h"
#include "common/heap.h"
#include "common/offline.h"
#include "common/print.h"

/* One of the kexts that were named. */
struct candidate {
	const char *name;
	bool is_identifier;
	struct kext_bundle *bundle;
	struct kext_diagnostics *findings; /* with -t and for JSON */
	int error;
};

struct run {
	const struct offline *options;
	const struct kext_arch *arch;
	enum kext_era era;
	struct kext_context *context;
	struct kext_kernel_file *kernel; /* NULL: nothing is linked */
	struct kext_repository *repository;
	struct candidate *candidates;
	size_t candidate_count;
	struct addresses addresses;
	bool asks;	       /* for addresses that it was not given */
	uint64_t next_address; /* of kexts whose address is not known */
};

/* ---- options ---- */

static bool is_writable_folder(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	       access(path, W_OK | X_OK) == 0;
}

static const struct kext_arch *chosen_arch(const struct offline *offline)
{
	return offline->arch_name ? kext_arch_named(offline->arch_name)
				  : kext_arch_host();
}

static unsigned chosen_jobs(const struct offline *offline)
{
	char *end;
	if (!offline->jobs)
		return 0;
	unsigned long jobs = strtoul(offline->jobs, &end, 10);
	if (*end || end == offline->jobs || jobs < 1 || jobs > 256 ||
	    offline->jobs[0] == '-')
		options_fail(offline->command,
			     "-j takes a number from 1 to 256, not '%s'", offline->jobs);
	return (unsigned)jobs;
}

void offline_check(const struct offline *offline)
{
	const struct command *command = offline->command;
	const struct kext_arch *arch = chosen_arch(offline);
	if (!arch)
		options_fail(command, "'%s' is no architecture", offline->arch_name);
	enum kext_era era;
	if (offline->era_name && !kext_era_named(offline->era_name, &era))
		options_fail(command,
			     "--era takes tiger, snowleopard or modern, not '%s'",
			     offline->era_name);
	if (offline->use_loaded && offline->addresses->count)
		options_fail(command, "-a and -A exclude each other");
	if (offline->use_loaded && arch != kext_arch_host())
		options_fail(command,
			     "-A takes the addresses of the running kernel, which is "
			     "%s, not %s",
			     kext_arch_host()->name, arch->name);
	if (offline->no_resolve && offline->symbols)
		options_fail(command, "-Z and -s exclude each other");
	if (offline->symbols && arch != kext_arch_host() && !offline->kernel)
		options_fail(command, "name a kernel for %s with -k", arch->name);
	if (offline->symbols && !is_writable_folder(offline->symbols))
		options_fail(command, "%s is no folder that can be written to",
			     offline->symbols);
	(void)chosen_jobs(offline);
}

/* ---- what there is to work with ---- */

static int list_candidates(struct run *run)
{
	const struct offline *options = run->options;
	size_t count = options->identifiers->count + options->paths->count;
	run->candidates = calloc(count + 1, sizeof(*run->candidates));
	if (!run->candidates)
		return -ENOMEM;
	for (size_t i = 0; i < options->identifiers->count; i++)
		run->candidates[run->candidate_count++] = (struct candidate){
			.name = options->identifiers->items[i], .is_identifier = true};
	for (size_t i = 0; i < options->paths->count; i++)
		run->candidates[run->candidate_count++] =
			(struct candidate){.name = options->paths->items[i]};
	return 0;
}

static int open_kernel(struct run *run, struct kext_diagnostics *diagnostics)
{
	const struct offline *options = run->options;
	bool has_kernel = options->kernel || run->arch == kext_arch_host();
	if ((!options->links && !options->symbols) || options->no_resolve || !has_kernel)
		return 0;
	int error = kext_kernel_file_open(options->kernel, run->arch, diagnostics,
					  &run->kernel);
	if (error == 0)
		run->next_address = kext_kernel_file_address(run->kernel);
	return error;
}

/* A named kext that is none spoils nothing but itself. */
static int add_candidates(struct run *run, struct kext_diagnostics *diagnostics)
{
	for (size_t i = 0; i < run->candidate_count; i++) {
		struct candidate *candidate = &run->candidates[i];
		if (candidate->is_identifier)
			continue;
		candidate->error = kext_bundle_open(run->context, candidate->name,
						    diagnostics, &candidate->bundle);
		int error = candidate->bundle ? kext_repository_add(run->repository,
								    candidate->bundle)
					      : 0;
		if (error < 0)
			return error;
	}
	return 0;
}

static int add_folders(struct run *run)
{
	const struct option_list *folders = run->options->repositories;
	int error = 0;
	for (size_t i = 0; error == 0 && i < folders->count; i++) {
		error = kext_repository_add_folder(run->repository, folders->items[i],
						   NULL);
		if (error < 0)
			print_error("%s: the folder cannot be read: %s",
				    folders->items[i], kext_error_string(error));
	}
	return error;
}

static int add_dependencies(struct run *run, struct kext_diagnostics *diagnostics)
{
	const struct option_list *paths = run->options->dependencies;
	for (size_t i = 0; i < paths->count; i++) {
		struct kext_bundle *bundle = NULL;
		int error = kext_bundle_open(run->context, paths->items[i], diagnostics,
					     &bundle);
		if (error == 0)
			error = kext_repository_add(run->repository, bundle);
		kext_bundle_unref(bundle);
		if (error == -ENOMEM)
			return error;
	}
	return 0;
}

/* Later ones win ties. KPI plug-ins belong to a kernel, so ours serve only our own. */
static int open_repository(struct run *run, struct kext_diagnostics *diagnostics)
{
	bool is_foreign = run->kernel ? !kext_kernel_file_is_own(run->kernel)
				      : run->arch != kext_arch_host();
	int error = kext_repository_new(run->context, &run->repository);
	if (error == 0 && !run->options->no_system)
		error = kext_repository_add_system(run->repository, NULL);
	if (error == 0)
		error = add_candidates(run, diagnostics);
	if (error == 0)
		error = add_folders(run);
	if (error == 0)
		error = add_dependencies(run, diagnostics);
	if (error == 0 && !is_foreign)
		error = kext_repository_add_own(run->repository, diagnostics);
	return error;
}

static int open_world(struct run *run, struct kext_diagnostics *diagnostics)
{
	const struct offline *options = run->options;
	run->arch = chosen_arch(options);
	addresses_parse(&run->addresses, options->command, options->addresses);
	run->asks = options->symbols && !options->addresses->count &&
		    !options->use_loaded && !options->quiet;
	int error = kext_context_new(&run->context);
	if (error < 0)
		return error;
	run->era = KEXT_ERA_MODERN;
	if (options->era_name)
		(void)kext_era_named(options->era_name, &run->era);
	kext_context_set_era(run->context, run->era);
	error = list_candidates(run);
	if (error == 0 && options->use_loaded)
		error = addresses_read_kernel(&run->addresses, options->instance);
	if (error == 0)
		error = open_kernel(run, diagnostics);
	return error < 0 ? error : open_repository(run, diagnostics);
}

/* ---- judging one kext ---- */

static int find_bundle(struct run *run, struct candidate *candidate,
		       struct kext_diagnostics *diagnostics)
{
	if (candidate->bundle || candidate->error < 0)
		return candidate->error;
	struct kext_bundle *found =
		kext_repository_find(run->repository, candidate->name);
	if (found) {
		candidate->bundle = kext_bundle_ref(found);
		return 0;
	}
	kext_diagnose(diagnostics, KEXT_ERROR, "load.unknown", candidate->name, NULL,
		      "no kext of this identifier is in the repositories");
	return KEXT_ERR_NOT_FOUND;
}

/* Ours is the judgement; LIEF's reading is only compared with it. */
static void inspect(struct run *run, struct kext_bundle *bundle,
		    struct kext_diagnostics *diagnostics)
{
	const void *data;
	size_t size;
	if (!run->options->tests || !kext_bundle_has_executable(bundle) ||
	    kext_bundle_executable(bundle, diagnostics, &data, &size) < 0)
		return;
	if (kext_inspect(run->context, data, size, kext_bundle_name(bundle),
			 diagnostics) < 0)
		kext_diagnose(diagnostics, KEXT_NOTE, "inspect.done",
			      kext_bundle_name(bundle), NULL,
			      "LIEF's reading was no confirmation");
}

static bool wants_findings(const struct run *run)
{
	return run->options->tests || run->options->json;
}

/* All findings in one go, whichever test fails; for the lists of -t and for JSON. */
static int collect(struct run *run, struct candidate *candidate, uid_t owner,
		   struct kext_diagnostics *diagnostics)
{
	const struct findings_tests tests = {
		.repository = run->repository,
		.checks = {.arch = run->arch,
			   .authenticates = !run->options->no_authentication,
			   .owner = owner,
			   .is_safe_boot = run->options->safe_boot},
		.resolves = !run->options->no_resolve,
	};
	candidate->findings = kext_diagnostics_new();
	if (!candidate->findings)
		return -ENOMEM;
	int error = findings_collect(&tests, candidate->bundle, candidate->findings);
	/* What can be resolved is resolved again for the link test, which warns then. */
	findings_copy(candidate->findings, error == 0 && tests.resolves, diagnostics);
	return error;
}

static int judge(struct run *run, struct candidate *candidate,
		 struct kext_diagnostics *diagnostics)
{
	uid_t owner = run->options->instance == KEXT_INSTANCE_SYSTEM ? 0 : geteuid();
	bool is_thorough = wants_findings(run);
	int error = find_bundle(run, candidate, diagnostics);
	if (error == 0 && is_thorough)
		error = collect(run, candidate, owner, diagnostics);
	else if (error == 0)
		error = kext_bundle_validate(candidate->bundle, run->arch, diagnostics);
	if (error == 0 && !is_thorough && !run->options->no_authentication)
		error = kext_bundle_authenticate(candidate->bundle, owner, diagnostics);
	if (error == 0)
		inspect(run, candidate->bundle, diagnostics);
	return error;
}

/* ---- linking ---- */

/* Without an address of its own a kext lies where nothing else was put. */
static int choose_address(void *data, const struct kext_bundle *bundle, uint64_t size,
			  uint64_t *ret_address)
{
	struct run *run = data;
	const char *identifier = kext_bundle_identifier(bundle);
	if (addresses_find(&run->addresses, identifier, ret_address) ||
	    (run->asks && addresses_ask(&run->addresses, identifier, ret_address)))
		return 0;
	*ret_address = run->next_address;
	run->next_address += size;
	return 0;
}

static int link_all(struct run *run, struct kext_diagnostics *diagnostics,
		    struct kext_linkset **ret)
{
	const struct offline *options = run->options;
	size_t count = 0;
	struct kext_bundle **bundles = calloc(run->candidate_count + 1, sizeof(*bundles));
	if (!bundles)
		return -ENOMEM;
	for (size_t i = 0; i < run->candidate_count; i++)
		if (run->candidates[i].error == 0)
			bundles[count++] = run->candidates[i].bundle;
	/* What runs in our kernel says nothing about what another one has loaded. */
	bool is_own = !run->kernel || kext_kernel_file_is_own(run->kernel);
	struct kext_linkset_options set = {
		.repository = run->repository,
		.kernel = run->kernel,
		.arch = run->arch,
		.bundles = bundles,
		.bundle_count = count,
		.loaded = run->addresses.kexts,
		.loaded_count = is_own ? run->addresses.kext_count : 0,
		.address = choose_address,
		.address_data = run,
		.jobs = chosen_jobs(options),
		.allow_missing = options->allow_missing,
		.safe_boot = options->safe_boot,
	};
	heap_expect_large_blocks();
	int error = kext_linkset_new(&set, diagnostics, ret);
	for (size_t i = 0, asked = 0; error == 0 && i < run->candidate_count; i++)
		if (run->candidates[i].error == 0)
			run->candidates[i].error = kext_linkset_status(*ret, asked++);
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
static int report_linked(struct run *run, const struct kext_linked *linked,
			 struct kext_diagnostics *diagnostics)
{
	const char *identifier = kext_bundle_identifier(linked->bundle);
	const char *folder = run->options->symbols;
	char address[32] = "-", *path = NULL;
	uint64_t value;
	bool has_address = addresses_find(&run->addresses, identifier, &value);
	int error = 0;
	if (has_address)
		snprintf(address, sizeof(address), "0x%" PRIx64, value);
	if (has_address && folder)
		error = kext_linked_publish(linked, folder, diagnostics, &path);
	if (error == 0 && !run->options->quiet)
		printf("%-18s %#10zx %s (%s) %s\n", address, linked->size, identifier,
		       kext_bundle_version_text(linked->bundle), path ? path : "-");
	report_missing(linked, diagnostics);
	free(path);
	return error;
}

static void report_codeless(const struct run *run, const struct kext_linked *linked)
{
	if (!run->options->symbols || !linked->is_asked || linked->error < 0)
		return;
	print_error("%s %s; no symbols to generate",
		    kext_bundle_identifier(linked->bundle),
		    linked->is_kernel_component ? "is a kernel component"
						: "has no code of its own");
}

static void report_unused_addresses(const struct run *run, const struct kext_linkset *set)
{
	const char *identifier;
	size_t given = run->options->addresses->count ? run->addresses.count : 0;
	for (size_t i = 0; i < given && run->kernel; i++) {
		bool is_used = false;
		identifier = addresses_named(&run->addresses, i);
		for (size_t j = 0; j < kext_linkset_count(set); j++) {
			const struct kext_linked *linked = kext_linkset_at(set, j);
			is_used |= linked->bundle &&
				   strcmp(kext_bundle_identifier(linked->bundle),
					  identifier) == 0;
		}
		if (!is_used)
			print_error("-a %s: no kext of this identifier is linked",
				    identifier);
	}
}

static int report_set(struct run *run, const struct kext_linkset *set,
		      struct kext_diagnostics *diagnostics)
{
	bool is_shown =
		run->options->symbols || run->options->tests || run->options->verbose;
	int first = 0;
	for (size_t i = 0; i < kext_linkset_count(set); i++) {
		const struct kext_linked *linked = kext_linkset_at(set, i);
		int error = 0;
		if (linked->data && is_shown)
			error = report_linked(run, linked, diagnostics);
		else if (linked->data)
			report_missing(linked, diagnostics);
		else if (linked->bundle)
			report_codeless(run, linked);
		first = first ? first : error;
	}
	report_unused_addresses(run, set);
	return first;
}

static void report_candidate(const struct run *run, const struct candidate *candidate)
{
	if (run->options->tests && !run->options->json)
		findings_print(candidate->name, candidate->findings, run->era);
	if (candidate->error < 0)
		print_error("%s has problems - %s", candidate->name,
			    kext_error_string(candidate->error));
	else if (run->options->announces && !run->options->json)
		print_result("%s appears to be loadable (%sincluding linkage for on-disk "
			     "libraries).",
			     candidate->name, run->kernel ? "" : "not ");
	if (candidate->error == KEXT_ERR_LINK)
		print_error("Check library declarations for your kext with kextlibs(8).");
}

/* The first error of all kexts. */
static int report_all(const struct run *run)
{
	int first = 0;
	size_t failures = 0;
	for (size_t i = 0; i < run->candidate_count; i++) {
		const struct candidate *candidate = &run->candidates[i];
		report_candidate(run, candidate);
		failures += candidate->error < 0;
		first = first ? first : candidate->error;
	}
	if (run->candidate_count > 1 && !run->options->json)
		print_result("%zu kexts: %zu without problems, %zu with",
			     run->candidate_count, run->candidate_count - failures,
			     failures);
	return first;
}

static int report_json(const struct run *run, const struct kext_diagnostics *diagnostics)
{
	struct kext_value *report;
	int error = findings_json(diagnostics, &report);
	for (size_t i = 0; error == 0 && i < run->candidate_count; i++) {
		const struct candidate *candidate = &run->candidates[i];
		error = findings_json_add(report, candidate->name, candidate->bundle,
					  candidate->error, candidate->findings,
					  run->era);
		if (error < 0)
			kext_value_unref(report);
	}
	return error < 0 ? error : findings_json_print(report);
}

/* ---- the whole ---- */

static int run_tests(struct run *run, struct kext_diagnostics *diagnostics)
{
	struct kext_linkset *set = NULL;
	for (size_t i = 0; i < run->candidate_count; i++)
		run->candidates[i].error = judge(run, &run->candidates[i], diagnostics);
	int error = run->options->no_resolve ? 0 : link_all(run, diagnostics, &set);
	int written = set ? report_set(run, set, diagnostics) : 0;
	if (run->options->json && written == 0)
		written = report_json(run, diagnostics);
	print_diagnostics(diagnostics, run->options->tests || run->options->verbose
					       ? KEXT_NOTE
					       : KEXT_WARNING);
	kext_linkset_free(set);
	if (error < 0)
		return error;
	error = report_all(run);
	return error ? error : written;
}

static void free_run(struct run *run)
{
	for (size_t i = 0; i < run->candidate_count; i++) {
		kext_bundle_unref(run->candidates[i].bundle);
		kext_diagnostics_free(run->candidates[i].findings);
	}
	free(run->candidates);
	kext_repository_free(run->repository);
	kext_kernel_file_unref(run->kernel);
	kext_context_unref(run->context);
	addresses_free(&run->addresses);
}

int offline_run(const struct offline *offline)
{
	struct run run = {.options = offline};
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	int error = open_world(&run, diagnostics);
	if (error == 0) {
		error = run_tests(&run, diagnostics);
	} else {
		print_diagnostics(diagnostics, KEXT_ERROR);
		print_error("%s", kext_error_string(error));
	}
	free_run(&run);
	kext_diagnostics_free(diagnostics);
	return error;
}
