/* Loading with questions; see interactive.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/interactive.h"
#include "common/print.h"
#include "common/prompt.h"
#include "common/world.h"

struct interview {
	struct world world;
	const struct load_plan *plan;
	bool asks_all, is_answered; /* by one answer for all that is still to come */
	struct option_list agreed;  /* identifiers: asked about once */
};

static bool is_agreed(const struct interview *interview, const char *identifier)
{
	for (size_t i = 0; i < interview->agreed.count; i++)
		if (strcmp(interview->agreed.items[i], identifier) == 0)
			return true;
	return interview->is_answered;
}

/* 0 when the user agrees, or has agreed before. */
static int ask(struct interview *interview, const struct kext_bundle *bundle)
{
	const char *identifier = kext_bundle_identifier(bundle);
	char question[256];
	if (is_agreed(interview, identifier))
		return 0;
	snprintf(question, sizeof(question), "Load and start %s (%s)", identifier,
		 kext_bundle_version_text(bundle));
	enum prompt_answer answer = prompt(question, PROMPT_YES, interview->asks_all);
	if (answer == PROMPT_FAILED)
		print_error("the input ended before an answer");
	if (answer == PROMPT_FAILED || answer == PROMPT_NO)
		return INTERACTIVE_ABORTED;
	interview->is_answered |= answer == PROMPT_ALL;
	option_list_add(&interview->agreed, identifier);
	return 0;
}

static int ask_list(struct interview *interview, const struct kext_load_list *list)
{
	size_t count = kext_load_list_count(list);
	for (size_t i = interview->asks_all ? 0 : count - 1; i < count; i++) {
		const struct kext_load_item *item = kext_load_list_at(list, i);
		if (item->loaded || item->is_kernel_component || !item->bundle)
			continue;
		int result = ask(interview, item->bundle);
		if (result)
			return result;
	}
	return 0;
}

static int load_one(const struct interview *interview, const struct candidate *candidate)
{
	struct option_list named = {.items = (const char **)&candidate->name, .count = 1};
	struct option_list none = {0};
	struct load_plan plan = *interview->plan;
	plan.identifiers = candidate->is_identifier ? &named : &none;
	plan.paths = candidate->is_identifier ? &none : &named;
	return load_run(&plan);
}

static int handle(struct interview *interview, struct candidate *candidate)
{
	struct world *world = &interview->world;
	struct kext_load_list *list = NULL;
	int error = world_find(world, candidate);
	if (error == 0)
		error = kext_resolve(world->repository, candidate->bundle,
				     world->addresses.kexts, world->addresses.kext_count,
				     world->arch, candidate->findings, &list);
	if (error < 0) {
		print_diagnostics(candidate->findings, interview->plan->at_least);
		print_error("%s is not loaded - %s", candidate->name,
			    kext_error_string(error));
	} else {
		error = ask_list(interview, list);
	}
	if (error == 0)
		error = load_one(interview, candidate);
	kext_load_list_free(list);
	return error;
}

int interactive_run(const struct offline *options, const struct load_plan *plan,
		    bool asks_all)
{
	struct interview interview = {.plan = plan, .asks_all = asks_all};
	struct kext_diagnostics *diagnostics = kext_diagnostics_new();
	int first = world_open(&interview.world, options, diagnostics);
	size_t count = first == 0 ? interview.world.candidate_count : 0;
	print_diagnostics(diagnostics, KEXT_ERROR);
	for (size_t i = 0; i < count; i++) {
		int error = handle(&interview, &interview.world.candidates[i]);
		first = first ? first : error;
		if (error == INTERACTIVE_ABORTED)
			break;
	}
	free(interview.agreed.items);
	world_close(&interview.world);
	kext_diagnostics_free(diagnostics);
	return first;
}
