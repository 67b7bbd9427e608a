/*
 * The load list of a resolved graph. For linking, a library without executable stands for
 * its own dependencies, and everything behind the direct dependencies is indirect; only
 * 32-bit kexts without KPIs see the indirect ones as if they were direct, as they did
 * before KPIs.
 */
#include <errno.h>
#include <string.h>
#include "base/memory.h"
#include "resolve/graph.h"

struct positions {
	size_t *items;
	size_t count, capacity;
};

struct kext_load_list {
	struct kext_load_item *items;
	size_t count;
};

struct builder {
	const struct graph *graph;
	struct kext_load_list *list;
	size_t *seen; /* per position: 1 + the last item it was put into */
};

struct kext_load_list *kext_load_list_free(struct kext_load_list *list)
{
	if (!list)
		return NULL;
	for (size_t i = 0; i < list->count; i++) {
		free((void *)list->items[i].direct);
		free((void *)list->items[i].indirect);
	}
	free(list->items);
	free(list);
	return NULL;
}

size_t kext_load_list_count(const struct kext_load_list *list)
{
	return list->count;
}

const struct kext_load_item *kext_load_list_at(const struct kext_load_list *list,
					       size_t index)
{
	return index < list->count ? &list->items[index] : NULL;
}

/* Adds a position unless the item at `owner` has it already. */
static int put(struct builder *builder, size_t owner, struct positions *to,
	       size_t position)
{
	if (builder->seen[position] == owner + 1)
		return 0;
	size_t *place = array_push(to);
	if (!place)
		return -ENOMEM;
	builder->seen[position] = owner + 1;
	*place = position;
	return 0;
}

static int put_all(struct builder *builder, size_t owner, struct positions *to,
		   const size_t *positions, size_t count)
{
	int error = 0;
	for (size_t i = 0; error == 0 && i < count; i++)
		error = put(builder, owner, to, positions[i]);
	return error;
}

/* Items before this one are finished, so a codeless library's own list is at hand. */
static int find_direct(struct builder *builder, size_t owner, const struct node *node,
		       struct positions *direct)
{
	int error = 0;
	array_for_each (number, &node->dependencies) {
		const struct node *dependency = &builder->graph->nodes.items[*number];
		const struct kext_load_item *item =
			&builder->list->items[dependency->position];
		if (error < 0)
			break;
		if (dependency->has_code)
			error = put(builder, owner, direct, dependency->position);
		else
			error = put_all(builder, owner, direct, item->direct,
					item->direct_count);
	}
	return error;
}

static int find_indirect(struct builder *builder, size_t owner,
			 const struct positions *direct, struct positions *indirect)
{
	int error = 0;
	for (size_t i = 0; error == 0 && i < direct->count; i++) {
		const struct kext_load_item *item =
			&builder->list->items[direct->items[i]];
		error = put_all(builder, owner, indirect, item->direct,
				item->direct_count);
		if (error == 0)
			error = put_all(builder, owner, indirect, item->indirect,
					item->indirect_count);
	}
	return error;
}

static int find_dependencies(struct builder *builder, size_t owner,
			     const struct node *node, struct positions *direct,
			     struct positions *indirect)
{
	int error = find_direct(builder, owner, node, direct);
	bool bleeds = !graph_is_64(builder->graph) && !node->declares_kpi &&
		      node->is.bundle && !node->is_kernel_component;
	if (error < 0)
		return error;
	error = find_indirect(builder, owner, direct, indirect);
	for (size_t i = 0; bleeds && error == 0 && i < indirect->count; i++) {
		size_t *place = array_push(direct);
		if (place)
			*place = indirect->items[i];
		else
			error = -ENOMEM;
	}
	if (bleeds)
		indirect->count = 0;
	return error;
}

static int build_item(struct builder *builder, size_t position, const struct node *node)
{
	struct positions direct = {0}, indirect = {0};
	int error = find_dependencies(builder, position, node, &direct, &indirect);
	if (error < 0) {
		free(direct.items);
		free(indirect.items);
		return error;
	}
	builder->list->items[position] = (struct kext_load_item){
		.bundle = node->is.bundle,
		.loaded = node->is.loaded,
		.is_kernel_component = node->is_kernel_component,
		.direct = direct.items,
		.direct_count = direct.count,
		.indirect = indirect.items,
		.indirect_count = indirect.count,
	};
	builder->list->count = position + 1;
	return 0;
}

int load_list_new(const struct graph *graph, struct kext_load_list **ret_list)
{
	size_t count = graph->order.count;
	struct builder builder = {graph, mem_zero(1, sizeof(*builder.list)),
				  mem_zero(count, sizeof(size_t))};
	int error = builder.list && builder.seen ? 0 : -ENOMEM;
	if (error == 0) {
		builder.list->items = mem_zero(count, sizeof(*builder.list->items));
		error = builder.list->items ? 0 : -ENOMEM;
	}
	for (size_t i = 0; error == 0 && i < count; i++)
		error = build_item(&builder, i,
				   &graph->nodes.items[graph->order.items[i]]);
	free(builder.seen);
	if (error < 0)
		kext_load_list_free(builder.list);
	else
		*ret_list = builder.list;
	return error;
}
