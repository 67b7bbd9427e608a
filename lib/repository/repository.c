/*
 * The index: one array in the order in which a dependency is chosen (identifier, version
 * descending, latest added first), so that finding is a binary search.
 */
#include <errno.h>
#include <string.h>
#include "base/memory.h"
#include "repository/repository.h"

int kext_repository_new(struct kext_context *context,
			struct kext_repository **ret_repository)
{
	struct kext_repository *repository = mem_zero(1, sizeof(*repository));
	if (!repository)
		return -ENOMEM;
	repository->context = kext_context_ref(context);
	*ret_repository = repository;
	return 0;
}

struct kext_repository *kext_repository_free(struct kext_repository *repository)
{
	if (!repository)
		return NULL;
	array_for_each (entry, &repository->entries)
		kext_bundle_unref(entry->bundle);
	array_free(&repository->entries);
	map_free(&repository->by_path);
	kext_context_unref(repository->context);
	free(repository);
	return NULL;
}

static int compare_entries(const void *left, const void *right)
{
	const struct repository_entry *a = left, *b = right;
	int order = strcmp(kext_bundle_identifier(a->bundle),
			   kext_bundle_identifier(b->bundle));
	int64_t x = kext_bundle_version(a->bundle), y = kext_bundle_version(b->bundle);
	if (order)
		return order;
	if (x != y)
		return x > y ? -1 : 1;
	return a->added > b->added ? -1 : a->added < b->added;
}

/* All room is made first, so that a failure leaves the repository as it was. */
static int reserve(struct kext_repository *repository, size_t count)
{
	size_t wanted = repository->entries.count + count;
	if (wanted > repository->entries.capacity) {
		size_t capacity = wanted + wanted / 2;
		void *items = mem_resize(repository->entries.items, capacity,
					 sizeof(*repository->entries.items));
		if (!items)
			return -ENOMEM;
		repository->entries.items = items;
		repository->entries.capacity = capacity;
	}
	/* The map counts replaced paths too. */
	return map_reserve(&repository->by_path, repository->by_path.count + count);
}

static void note_path(struct kext_repository *repository,
		      const struct repository_entry *entry, bool *ret_is_new)
{
	const char *path = kext_bundle_path(entry->bundle);
	void **slot = *path ? map_slot(&repository->by_path, path, ret_is_new) : NULL;
	if (slot)
		*slot = (void *)entry->added;
}

/* Appends one; whether it replaces a bundle of the same path. The room is there already.
 */
static bool append(struct kext_repository *repository, struct kext_bundle *bundle)
{
	struct repository_entry *entry =
		&repository->entries.items[repository->entries.count++];
	bool is_new = true;
	*entry = (struct repository_entry){.bundle = kext_bundle_ref(bundle),
					   .added = ++repository->last_serial};
	note_path(repository, entry, &is_new);
	return !is_new;
}

static bool is_replaced(const struct kext_repository *repository,
			const struct repository_entry *entry)
{
	const char *path = kext_bundle_path(entry->bundle);
	return *path && (uintptr_t)map_get(&repository->by_path, path) != entry->added;
}

/*
 * Drops every bundle that a later one of its path replaces. The map's keys are the paths
 * inside of bundles, so it is filled anew, in the room it has, before they go.
 */
static void drop_replaced(struct kext_repository *repository)
{
	size_t kept = 0;
	struct map *map = &repository->by_path;
	array_for_each (entry, &repository->entries)
		entry->is_replaced = is_replaced(repository, entry);
	map->count = 0;
	memset(map->slots, 0, map->slot_count * sizeof(*map->slots));
	array_for_each (entry, &repository->entries) {
		if (entry->is_replaced)
			continue;
		note_path(repository, entry, NULL);
	}
	array_for_each (entry, &repository->entries) {
		if (entry->is_replaced)
			kext_bundle_unref(entry->bundle);
		else
			repository->entries.items[kept++] = *entry;
	}
	repository->entries.count = kept;
}

/* Moves the last entry to its place; cheaper than a sort when one bundle is added. */
static void insert_last(struct kext_repository *repository)
{
	struct repository_entry *items = repository->entries.items;
	size_t low = 0, last = repository->entries.count - 1, high = last;
	struct repository_entry entry = items[last];
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_entries(&items[middle], &entry) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	memmove(&items[low + 1], &items[low], (last - low) * sizeof(*items));
	items[low] = entry;
}

int repository_add_list(struct kext_repository *repository,
			const struct bundle_list *list)
{
	bool has_replaced = false;
	if (!list->count)
		return 0;
	int error = reserve(repository, list->count);
	if (error < 0)
		return error;
	for (size_t i = 0; i < list->count; i++)
		has_replaced |= append(repository, list->items[i]);
	if (list->count == 1)
		insert_last(repository);
	else
		qsort(repository->entries.items, repository->entries.count,
		      sizeof(*repository->entries.items), compare_entries);
	if (has_replaced)
		drop_replaced(repository);
	return 0;
}

int kext_repository_add(struct kext_repository *repository, struct kext_bundle *bundle)
{
	struct bundle_list list = {0};
	int error = bundle_list_push(&list, kext_bundle_ref(bundle));
	if (error == 0)
		error = repository_open_plugins(repository, bundle, &list, NULL);
	if (error == 0)
		error = repository_add_list(repository, &list);
	bundle_list_free(&list);
	return error;
}

size_t kext_repository_count(const struct kext_repository *repository)
{
	return repository->entries.count;
}

struct kext_bundle *kext_repository_at(const struct kext_repository *repository,
				       size_t index)
{
	return index < repository->entries.count ? repository->entries.items[index].bundle
						 : NULL;
}

/* Position of the first entry whose identifier is not before this one. */
static size_t lower_bound(const struct kext_repository *repository,
			  const char *identifier)
{
	size_t low = 0, high = repository->entries.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct kext_bundle *bundle = repository->entries.items[middle].bundle;
		if (strcmp(kext_bundle_identifier(bundle), identifier) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct kext_bundle *kext_repository_version(const struct kext_repository *repository,
					    const char *identifier, size_t index)
{
	size_t first = lower_bound(repository, identifier);
	if (index >= repository->entries.count - first)
		return NULL;
	struct kext_bundle *bundle = repository->entries.items[first + index].bundle;
	return strcmp(kext_bundle_identifier(bundle), identifier) == 0 ? bundle : NULL;
}

struct kext_bundle *kext_repository_find(const struct kext_repository *repository,
					 const char *identifier)
{
	return kext_repository_version(repository, identifier, 0);
}
