/* Judging one kext; see judgement.h. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <kext/inspect.h>
#include "common/findings.h"
#include "common/judgement.h"

/* Ours is the judgement; LIEF's reading is only compared with it. */
static void inspect(struct world *world, struct kext_bundle *bundle,
		    struct kext_diagnostics *diagnostics)
{
	const void *data;
	size_t size;
	if (!world->options->tests || !kext_bundle_has_executable(bundle) ||
	    kext_bundle_executable(bundle, diagnostics, &data, &size) < 0)
		return;
	if (kext_inspect(world->context, data, size, kext_bundle_name(bundle),
			 diagnostics) < 0)
		kext_diagnose(diagnostics, KEXT_NOTE, "inspect.done",
			      kext_bundle_name(bundle), NULL,
			      "LIEF's reading was no confirmation");
}

/*
 * What is linked although it has failed a test, so that -t tells what the link says, too:
 * a kext with everything that linking needs.
 */
static bool is_linkable(const struct candidate *candidate)
{
	const struct kext_diagnostic *item;
	for (size_t i = 0; (item = kext_diagnostics_at(candidate->findings, i)); i++)
		if (item->severity == KEXT_ERROR &&
		    (strncmp(item->slug, "dependency.", 11) == 0 ||
		     strncmp(item->slug, "executable.", 11) == 0))
			return false;
	return true;
}

/* All findings in one go, whichever test fails. */
static int collect(struct world *world, struct candidate *candidate,
		   struct kext_diagnostics *diagnostics)
{
	const struct offline *options = world->options;
	const struct findings_tests tests = {
		.repository = world->repository,
		.checks = {.arch = world->arch,
			   .authenticates = !options->no_authentication,
			   .owner = options->instance == KEXT_INSTANCE_SYSTEM ? 0
									      : geteuid(),
			   .is_safe_boot = options->safe_boot},
		.resolves = !options->no_resolve,
	};
	int error = findings_collect(&tests, candidate->bundle, candidate->findings);
	candidate->links = tests.resolves &&
			   (error == 0 || (options->tests && is_linkable(candidate)));
	/* What is linked is resolved again for that, which warns then. */
	findings_copy(candidate->findings, candidate->links, diagnostics);
	return error;
}

int judge(struct world *world, struct candidate *candidate,
	  struct kext_diagnostics *diagnostics)
{
	int error = world_find(world, candidate);
	if (error < 0) {
		findings_copy(candidate->findings, false, diagnostics);
		return error;
	}
	error = collect(world, candidate, diagnostics);
	if (error == 0 || candidate->links)
		inspect(world, candidate->bundle, diagnostics);
	return error;
}
