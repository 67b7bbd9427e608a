/*
 * The index: one array in the order in which a dependency is chosen (identifier, version
 * descending, latest added first), so that finding is a binary search.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include "base/memory.h"
#include "bundle/folder.h"
#include "repository/repository.h"

struct cached_kext *cached_kext_free(struct cached_kext *cached)
{
	if (!cached)
		return NULL;
	free(cached->path);
	free(cached->name);
	free(cached->identifier);
	free(cached);
	return NULL;
}

/* ---- entries, read or not ---- */

static const char *entry_identifier(const struct repository_entry *entry)
{
	return entry->bundle ? kext_bundle_identifier(entry->bundle)
			     : entry->cached->identifier;
}

static int64_t entry_version(const struct repository_entry *entry)
{
	return entry->bundle ? kext_bundle_version(entry->bundle)
			     : entry->cached->version;
}

/* Stays valid as long as the entry, read or not. */
static const char *entry_path(const struct repository_entry *entry)
{
	return entry->cached ? entry->cached->path : kext_bundle_path(entry->bundle);
}

int kext_repository_new(struct kext_context *context,
			struct kext_repository **ret_repository)
{
	struct kext_repository *repository = mem_zero(1, sizeof(*repository));
	if (!repository)
		return -ENOMEM;
	repository->context = kext_context_ref(context);
	pthread_mutex_init(&repository->lock, NULL);
	*ret_repository = repository;
	return 0;
}

struct kext_repository *kext_repository_free(struct kext_repository *repository)
{
	if (!repository)
		return NULL;
	array_for_each (entry, &repository->entries) {
		kext_bundle_unref(entry->bundle);
		cached_kext_free(entry->cached);
	}
	array_for_each (cached, &repository->dropped)
		cached_kext_free(*cached);
	array_free(&repository->dropped);
	array_free(&repository->entries);
	map_free(&repository->by_path);
	pthread_mutex_destroy(&repository->lock);
	kext_context_unref(repository->context);
	free(repository);
	return NULL;
}

static int compare_entries(const void *left, const void *right)
{
	const struct repository_entry *a = left, *b = right;
	int order = strcmp(entry_identifier(a), entry_identifier(b));
	int64_t x = entry_version(a), y = entry_version(b);
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
	const char *path = entry_path(entry);
	void **slot = *path ? map_slot(&repository->by_path, path, ret_is_new) : NULL;
	if (slot)
		*slot = (void *)entry->added;
}

/* Appends one; whether it replaces a bundle of the same path. The room is there already.
 */
static bool append(struct kext_repository *repository, struct kext_bundle *bundle,
		   struct cached_kext *cached)
{
	struct repository_entry *entry =
		&repository->entries.items[repository->entries.count++];
	bool is_new = true;
	*entry = (struct repository_entry){.bundle = bundle ? kext_bundle_ref(bundle)
							    : NULL,
					   .cached = cached,
					   .added = ++repository->last_serial};
	note_path(repository, entry, &is_new);
	return !is_new;
}

static bool is_replaced(const struct kext_repository *repository,
			const struct repository_entry *entry)
{
	const char *path = entry_path(entry);
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
		if (entry->is_replaced) {
			kext_bundle_unref(entry->bundle);
			cached_kext_free(entry->cached);
		} else {
			repository->entries.items[kept++] = *entry;
		}
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
		has_replaced |= append(repository, list->items[i], NULL);
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

/* From the last on: the first of equals there is to be the first here. */
int kext_repository_add_all(struct kext_repository *repository,
			    const struct kext_repository *other)
{
	struct bundle_list list = {0};
	int error = 0;
	for (size_t i = kext_repository_count(other); error == 0 && i-- > 0;)
		error = bundle_list_push(&list,
					 kext_bundle_ref(kext_repository_at(other, i)));
	if (error == 0)
		error = repository_add_list(repository, &list);
	bundle_list_free(&list);
	return error;
}

int repository_add_cached(struct kext_repository *repository,
			  struct cached_kext *const *list, size_t count)
{
	bool has_replaced = false;
	if (!count)
		return 0;
	int error = reserve(repository, count);
	/* Room to keep every one that turns out to be another when it is read. */
	if (error == 0) {
		size_t most = repository->entries.count + count;
		void *items = mem_resize(repository->dropped.items, most,
					 sizeof(*repository->dropped.items));
		if (items) {
			repository->dropped.items = items;
			repository->dropped.capacity = most;
		}
		error = items ? 0 : -ENOMEM;
	}
	if (error < 0)
		return error;
	for (size_t i = 0; i < count; i++)
		has_replaced |= append(repository, NULL, list[i]);
	qsort(repository->entries.items, repository->entries.count,
	      sizeof(*repository->entries.items), compare_entries);
	if (has_replaced)
		drop_replaced(repository);
	repository->has_unread = true;
	return 0;
}

/* ---- reading what a cache named ---- */

/* False when what stands there is another kext by now, or none. */
static bool read_entry(struct kext_repository *repository, struct repository_entry *entry)
{
	struct cached_kext *cached = entry->cached;
	struct kext_bundle *bundle;
	if (entry->bundle)
		return true;
	if (bundle_open_at(repository->context, AT_FDCWD, cached->path, cached->name,
			   NULL, NULL, &bundle) < 0)
		return false;
	if (strcmp(kext_bundle_identifier(bundle), cached->identifier) != 0 ||
	    kext_bundle_version(bundle) != cached->version ||
	    strcmp(kext_bundle_path(bundle), cached->path) != 0) {
		kext_bundle_unref(bundle);
		return false;
	}
	entry->bundle = bundle;
	return true;
}

static void read_all(struct kext_repository *repository)
{
	size_t kept = 0;
	if (!repository->has_unread)
		return;
	array_for_each (entry, &repository->entries) {
		if (read_entry(repository, entry))
			repository->entries.items[kept++] = *entry;
		else
			repository->dropped.items[repository->dropped.count++] =
				entry->cached;
	}
	repository->entries.count = kept;
	repository->has_unread = false;
}

/* Getters are const to their callers; what they read is read once. */
static struct kext_repository *lock(const struct kext_repository *repository)
{
	struct kext_repository *open = (struct kext_repository *)repository;
	pthread_mutex_lock(&open->lock);
	return open;
}

size_t kext_repository_count(const struct kext_repository *repository)
{
	struct kext_repository *open = lock(repository);
	read_all(open);
	size_t count = open->entries.count;
	pthread_mutex_unlock(&open->lock);
	return count;
}

struct kext_bundle *kext_repository_at(const struct kext_repository *repository,
				       size_t index)
{
	struct kext_repository *open = lock(repository);
	read_all(open);
	struct kext_bundle *bundle =
		index < open->entries.count ? open->entries.items[index].bundle : NULL;
	pthread_mutex_unlock(&open->lock);
	return bundle;
}

/* Position of the first entry whose identifier is not before this one. */
static size_t lower_bound(const struct kext_repository *repository,
			  const char *identifier)
{
	size_t low = 0, high = repository->entries.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(entry_identifier(&repository->entries.items[middle]),
			   identifier) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct repository_entry *find_entry(struct kext_repository *repository,
					   const char *identifier, size_t index)
{
	size_t first = lower_bound(repository, identifier);
	if (index >= repository->entries.count - first)
		return NULL;
	struct repository_entry *entry = &repository->entries.items[first + index];
	return strcmp(entry_identifier(entry), identifier) == 0 ? entry : NULL;
}

struct kext_bundle *kext_repository_version(const struct kext_repository *repository,
					    const char *identifier, size_t index)
{
	struct kext_repository *open = lock(repository);
	struct repository_entry *entry = find_entry(open, identifier, index);
	if (entry && !read_entry(open, entry)) {
		read_all(open);
		entry = find_entry(open, identifier, index);
	}
	struct kext_bundle *bundle = entry ? entry->bundle : NULL;
	pthread_mutex_unlock(&open->lock);
	return bundle;
}

struct kext_bundle *kext_repository_find(const struct kext_repository *repository,
					 const char *identifier)
{
	return kext_repository_version(repository, identifier, 0);
}
