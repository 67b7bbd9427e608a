/* Judging and linking without loading; see offline.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include "common/findings.h"
#include "common/json.h"
#include "common/judgement.h"
#include "common/linkage.h"
#include "common/offline.h"
#include "common/pick.h"
#include "common/print.h"

/* ---- options ---- */

/* What -d and -r name must be there, and be a folder; what a kext is, its name says. */
static void check_folders(const struct command *command, const struct option_list *paths,
			  bool are_kexts)
{
	struct stat st;
	for (size_t i = 0; i < paths->count; i++) {
		const char *path = paths->items[i];
		if (stat(path, &st) < 0) {
			print_error("%s: %s", path, strerror(errno));
			exit(EX_NOINPUT);
		}
		if (!S_ISDIR(st.st_mode))
			options_fail(command, "%s is not a folder", path);
		if (are_kexts && !pick_is_kext_name(path))
			options_fail(command, "the name of %s does not end in .kext",
				     path);
	}
}

static bool is_writable_folder(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	       access(path, W_OK | X_OK) == 0;
}

void offline_check(const struct offline *offline)
{
	const struct command *command = offline->command;
	const struct kext_arch *arch = world_arch(offline);
	if (!arch)
		options_fail(command, "'%s' is no architecture", offline->arch_name);
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
	(void)linkage_jobs(offline);
	check_folders(command, offline->repositories, false);
	check_folders(command, offline->dependencies, true);
}

/* ---- telling ---- */

/* Then stdout is for what programs read. */
static bool is_data(const struct world *world)
{
	return world->options->json || world->options->plist;
}

static void report_candidate(const struct world *world, const struct candidate *candidate)
{
	bool is_known = candidate->bundle || !candidate->is_identifier;
	bool is_listed = world->options->tests ||
			 (world->options->announces && candidate->error < 0);
	if (is_known && is_listed && !is_data(world) && !world->options->quiet)
		findings_print(candidate->name, candidate->findings, world->era);
	if (candidate->error < 0)
		print_error("%s has problems - %s", candidate->name,
			    kext_error_string(candidate->error));
	else if (world->options->announces && !is_data(world))
		print_result("%s appears to be loadable (%sincluding linkage for on-disk "
			     "libraries).",
			     candidate->name, world->kernel ? "" : "not ");
	if (candidate->error == KEXT_ERR_LINK)
		print_error("Check library declarations for your kext with kextlibs(8).");
}

/* The first error of all kexts. */
static int report_all(const struct world *world)
{
	int first = 0;
	size_t failures = 0;
	for (size_t i = 0; i < world->candidate_count; i++) {
		const struct candidate *candidate = &world->candidates[i];
		report_candidate(world, candidate);
		failures += candidate->error < 0;
		first = first ? first : candidate->error;
	}
	if (world->candidate_count > 1 && !is_data(world))
		print_result("%zu kexts: %zu without problems, %zu with",
			     world->candidate_count, world->candidate_count - failures,
			     failures);
	return first;
}

static int report_data(const struct world *world,
		       const struct kext_diagnostics *diagnostics)
{
	struct kext_value *report;
	int error = findings_json(diagnostics, &report);
	for (size_t i = 0; error == 0 && i < world->candidate_count; i++) {
		const struct candidate *candidate = &world->candidates[i];
		error = findings_json_add(report, candidate->name, candidate->bundle,
					  candidate->error, candidate->findings,
					  world->era);
		if (error < 0)
			kext_value_unref(report);
	}
	if (error < 0)
		return error;
	return world->options->plist ? plist_print(report) : json_print(report);
}

/* ---- the whole ---- */

static int run_tests(struct world *world, struct kext_diagnostics *diagnostics)
{
	int written = 0;
	for (size_t i = 0; i < world->candidate_count; i++)
		world->candidates[i].error =
			judge(world, &world->candidates[i], diagnostics);
	int error = world->options->no_resolve
			    ? 0
			    : linkage_run(world, diagnostics, &written);
	if (is_data(world) && written == 0)
		written = report_data(world, diagnostics);
	print_diagnostics(diagnostics, world->options->tests || world->options->verbose
					       ? KEXT_NOTE
					       : KEXT_WARNING);
	if (error < 0)
		return error;
	error = report_all(world);
	return error ? error : written;
}

int offline_run(const struct offline *offline)
{
	struct world world;
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	int error = world_open(&world, offline, diagnostics);
	if (error == 0) {
		error = run_tests(&world, diagnostics);
	} else {
		print_diagnostics(diagnostics, KEXT_ERROR);
		if (!kext_diagnostics_count(diagnostics, KEXT_ERROR))
			print_error("%s", kext_error_string(error));
	}
	world_close(&world);
	kext_diagnostics_free(diagnostics);
	return error;
}
