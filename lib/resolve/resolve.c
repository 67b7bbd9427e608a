/*
 * The walk over the dependency graph: depth first and without recursion, so that a chain
 * of any length is no danger. A kext is put into the order when all it needs is there, so
 * the order is the load list. Failures are collected, not stopped at, so that all are
 * reported at once.
 */
#include <errno.h>
#include <string.h>
#include "base/buffer.h"
#include "base/memory.h"
#include "resolve/graph.h"

static void graph_free(struct graph *graph)
{
	array_for_each (node, &graph->nodes) {
		array_free(&node->requests);
		array_free(&node->dependencies);
	}
	array_free(&graph->nodes);
	array_free(&graph->stack);
	array_free(&graph->order);
	map_free(&graph->by_identifier);
	map_free(&graph->loaded_by_identifier);
}

/* Tiger counted how deep it was, and took more than this for a loop. */
#define TIGER_DEPTH 255u

/* The first of an identifier wins, as there can be but one. */
static int graph_init(struct graph *graph)
{
	if (!graph->loaded_count)
		return 0;
	int error = map_reserve(&graph->loaded_by_identifier, graph->loaded_count);
	for (size_t i = 0; error == 0 && i < graph->loaded_count; i++) {
		const struct kext_loaded *loaded = &graph->loaded[i];
		if (!map_has(&graph->loaded_by_identifier, loaded->identifier))
			error = map_put(&graph->loaded_by_identifier, loaded->identifier,
					(void *)loaded);
	}
	return error;
}

static struct node *node_at(struct graph *graph, size_t number)
{
	return &graph->nodes.items[number];
}

static bool has_code(const struct kext_bundle *bundle)
{
	return kext_bundle_has_executable(bundle) ||
	       kext_value_get(kext_bundle_info(bundle),
			      "OSBundleSharedExecutableIdentifier");
}

/* A loaded kext of which no bundle is known has code: codeless ones are never loaded. */
static int add_node(struct graph *graph, const struct candidate *candidate,
		    size_t *ret_number)
{
	struct node *node = array_push(&graph->nodes);
	if (!node)
		return -ENOMEM;
	struct kext_bundle *bundle = candidate->bundle;
	node->is = *candidate;
	node->identifier =
		bundle ? kext_bundle_identifier(bundle) : candidate->loaded->identifier;
	node->is_kernel_component = bundle && kext_bundle_is_kernel_component(bundle);
	node->has_code = !bundle || has_code(bundle);
	*ret_number = graph->nodes.count - 1;
	return map_put(&graph->by_identifier, node->identifier,
		       (void *)(uintptr_t)graph->nodes.count);
}

static int enter(struct graph *graph, size_t number)
{
	size_t *place = array_push(&graph->stack);
	if (!place)
		return -ENOMEM;
	*place = number;
	struct node *node = node_at(graph, number);
	node->state = NODE_VISITING;
	if (graph->era == KEXT_ERA_TIGER && graph->stack.count > TIGER_DEPTH) {
		node->is_failed = true;
		kext_diagnose(graph->diagnostics, KEXT_ERROR, "dependency.loop",
			      node->identifier, NULL,
			      "is reached over more than %u dependencies, which may be a "
			      "loop",
			      TIGER_DEPTH);
		return 0;
	}
	return requests_collect(graph, node);
}

static void diagnose_indirect(struct graph *graph, struct node *node,
			      const struct node *dependency)
{
	node->is_failed = true;
	kext_diagnose_value(graph->diagnostics, KEXT_ERROR, "dependency.indirect",
			    node->identifier, dependency->identifier, NULL,
			    "needs %s, whose own dependencies cannot be resolved",
			    dependency->identifier);
}

/* The path on the stack from `number` on, back to it: "a -> b -> a". */
static void diagnose_cycle(struct graph *graph, size_t number)
{
	_cleanup_buffer_ struct buffer path = {0};
	const char *identifier = node_at(graph, number)->identifier;
	size_t i = graph->stack.count;
	while (i > 0 && graph->stack.items[i - 1] != number)
		i--;
	for (i -= i > 0; i < graph->stack.count; i++)
		buffer_printf(&path, "%s -> ",
			      node_at(graph, graph->stack.items[i])->identifier);
	buffer_string(&path, identifier);
	buffer_u8(&path, 0);
	kext_diagnose_value(
		graph->diagnostics, KEXT_ERROR, "dependency.cycle", identifier,
		identifier, "remove one of these entries from OSBundleLibraries",
		"depends on itself: %s", path.failed ? "…" : (const char *)path.data);
}

static void diagnose_multiple(struct graph *graph, const struct node *asker,
			      const struct candidate *wanted, const struct node *other)
{
	_cleanup_free_ char *here = graph_describe(wanted);
	_cleanup_free_ char *there = graph_describe(&other->is);
	kext_diagnose_value(
		graph->diagnostics, KEXT_ERROR, "dependency.multiple", asker->identifier,
		other->identifier,
		"let all of them ask for versions that one library is compatible with",
		"would use %s in two versions: it needs %s, while another kext of the "
		"load list uses %s",
		other->identifier, here ? here : "one", there ? there : "another");
}

/* Makes `number` a dependency of the node on top of the stack, visiting it if it is new.
 */
static int depend(struct graph *graph, size_t top, size_t number)
{
	struct node *node = node_at(graph, top), *dependency = node_at(graph, number);
	if (dependency->state == NODE_VISITING) {
		node->is_failed = true;
		diagnose_cycle(graph, number);
		return 0;
	}
	size_t *place = array_push(&node->dependencies);
	if (!place)
		return -ENOMEM;
	*place = number;
	if (dependency->state == NODE_NEW)
		return enter(graph, number);
	if (dependency->is_failed)
		diagnose_indirect(graph, node, dependency);
	return 0;
}

static int follow(struct graph *graph, size_t top, struct request request)
{
	struct candidate candidate;
	struct node *node = node_at(graph, top);
	if (!graph_choose(graph, node->identifier, &request, &candidate)) {
		node->is_failed = true;
		return 0;
	}
	size_t number = (uintptr_t)map_get(&graph->by_identifier, request.identifier);
	if (number == 0) {
		int error = add_node(graph, &candidate, &number);
		return error < 0 ? error : depend(graph, top, number);
	}
	const struct node *other = node_at(graph, --number);
	if (graph_same(&other->is, &candidate))
		return depend(graph, top, number);
	node->is_failed = true;
	diagnose_multiple(graph, node, &candidate, other);
	return 0;
}

/* The node on top of the stack is finished. */
static int leave(struct graph *graph)
{
	size_t number = graph->stack.items[--graph->stack.count];
	struct node *node = node_at(graph, number);
	size_t *place = node->is_failed ? NULL : array_push(&graph->order);
	if (!place && !node->is_failed)
		return -ENOMEM;
	node->state = NODE_DONE;
	if (place) {
		*place = number;
		node->position = graph->order.count - 1;
	}
	if (node->is_failed && graph->stack.count)
		diagnose_indirect(
			graph, node_at(graph, graph->stack.items[graph->stack.count - 1]),
			node);
	return 0;
}

static int walk(struct graph *graph)
{
	int error = 0;
	while (error == 0 && graph->stack.count) {
		size_t top = graph->stack.items[graph->stack.count - 1];
		struct node *node = node_at(graph, top);
		if (node->next < node->requests.count)
			error = follow(graph, top, node->requests.items[node->next++]);
		else
			error = leave(graph);
	}
	return error;
}

static int walk_root(struct graph *graph, const struct candidate *root)
{
	size_t number;
	int error = add_node(graph, root, &number);
	if (error == 0)
		error = enter(graph, number);
	return error < 0 ? error : walk(graph);
}

static enum kext_era era_of(struct kext_bundle *const *bundles, size_t count)
{
	return count ? kext_context_era(kext_bundle_context(bundles[0]))
		     : KEXT_ERA_MODERN;
}

int kext_resolve(const struct kext_repository *repository, struct kext_bundle *bundle,
		 const struct kext_loaded *loaded, size_t loaded_count,
		 const struct kext_arch *arch, struct kext_diagnostics *diagnostics,
		 struct kext_load_list **ret_list)
{
	struct graph graph = {
		.repository = repository,
		.root = bundle,
		.loaded = loaded,
		.loaded_count = loaded_count,
		.era = era_of(&bundle, 1),
		.arch = arch,
		.diagnostics = diagnostics,
	};
	int error = graph_init(&graph);
	struct candidate root = {bundle,
				 graph_loaded(&graph, kext_bundle_identifier(bundle))};
	if (error == 0)
		error = walk_root(&graph, &root);
	if (error == 0 && graph.nodes.items[0].is_failed)
		error = KEXT_ERR_DEPENDENCIES;
	if (error == 0)
		required_check(&graph);
	if (error == 0)
		error = load_list_new(&graph, ret_list);
	graph_free(&graph);
	return error;
}

/* The kext may be in the graph already, because another one needs it. */
static int add_root(struct graph *graph, struct kext_bundle *bundle, int *ret_result)
{
	const char *identifier = kext_bundle_identifier(bundle);
	struct candidate root = {bundle, graph_loaded(graph, identifier)};
	size_t number = (uintptr_t)map_get(&graph->by_identifier, identifier);
	int error = 0;
	if (number == 0) {
		number = graph->nodes.count;
		error = walk_root(graph, &root);
	} else if (!graph_same(&node_at(graph, --number)->is, &root)) {
		diagnose_multiple(graph, node_at(graph, number), &root,
				  node_at(graph, number));
		*ret_result = KEXT_ERR_DEPENDENCIES;
		return 0;
	}
	if (error == 0)
		*ret_result =
			node_at(graph, number)->is_failed ? KEXT_ERR_DEPENDENCIES : 0;
	return error;
}

int kext_resolve_all(const struct kext_repository *repository,
		     struct kext_bundle *const *bundles, size_t count,
		     const struct kext_loaded *loaded, size_t loaded_count,
		     const struct kext_arch *arch, struct kext_diagnostics *diagnostics,
		     int *results, struct kext_load_list **ret_list)
{
	struct graph graph = {
		.repository = repository,
		.loaded = loaded,
		.loaded_count = loaded_count,
		.era = era_of(bundles, count),
		.arch = arch,
		.diagnostics = diagnostics,
	};
	int error = graph_init(&graph);
	for (size_t i = 0; error == 0 && i < count; i++)
		error = add_root(&graph, bundles[i], &results[i]);
	if (error == 0)
		error = load_list_new(&graph, ret_list);
	graph_free(&graph);
	return error;
}
