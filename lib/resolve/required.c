/*
 * OSBundleRequired along a load list: what is needed in early boot must not depend on
 * what may be missing then. Kernel components are never missing.
 */
#include <string.h>
#include "resolve/graph.h"

static bool is_one_of(const char *text, const char *const *list)
{
	for (; text && *list; list++)
		if (strcmp(text, *list) == 0)
			return true;
	return false;
}

/* The values a member of the load list may have, given the kext's own; NULL: any. */
static const char *const *allowed_for(const char *required)
{
	static const char *const any[] = {"Root", "Local-Root", "Network-Root", "Console",
					  NULL};
	static const char *const local[] = {"Root", "Local-Root", "Console", NULL};
	static const char *const network[] = {"Root", "Network-Root", "Console", NULL};
	if (!required)
		return NULL;
	if (strcmp(required, "Root") == 0 || strcmp(required, "Console") == 0)
		return any;
	if (strcmp(required, "Local-Root") == 0)
		return local;
	return strcmp(required, "Network-Root") == 0 ? network : NULL;
}

void required_check(const struct graph *graph)
{
	const char *required = kext_bundle_required(graph->root, graph->arch);
	const char *const *allowed =
		graph->era == KEXT_ERA_TIGER ? NULL : allowed_for(required);
	for (size_t i = 0; allowed && i < graph->order.count; i++) {
		const struct node *node = &graph->nodes.items[graph->order.items[i]];
		if (!node->is.bundle || node->is_kernel_component ||
		    node->is.bundle == graph->root)
			continue;
		const char *other = kext_bundle_required(node->is.bundle, graph->arch);
		if (!is_one_of(other, allowed))
			kext_diagnose_value(
				graph->diagnostics, KEXT_WARNING, "dependency.required",
				kext_bundle_identifier(graph->root), node->identifier,
				"set OSBundleRequired in both kexts to fit",
				"has OSBundleRequired %s, but needs %s, whose own "
				"%s%s; it "
				"may be missing in early boot",
				required, node->identifier, other ? "is " : "is not set",
				other ? other : "");
	}
}
