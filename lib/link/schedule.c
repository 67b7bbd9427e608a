/*
 * Who links what, when. Kexts of one level need nothing of each other, so threads take
 * them one by one; a level ends before the next begins. Load addresses are handed out in
 * the order of the level's kexts: whoever is early waits for his turn, which always
 * belongs to a kext that was taken already. So nothing depends on the threads.
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#include "base/memory.h"
#include "link/set.h"

#define JOBS_MAX 256u

/* One level at work. */
struct level {
	struct kext_linkset *set;
	const size_t *positions; /* of its items */
	size_t count;
	atomic_size_t next; /* to be taken */
	pthread_mutex_t lock;
	pthread_cond_t moved;
	size_t turn; /* whose load address is due */
};

struct task {
	struct level *level;
	struct set_item *item;
	size_t number; /* in the level */
	bool had_turn;
};

/* ---- turns ---- */

static void take_turn(struct task *task)
{
	struct level *level = task->level;
	pthread_mutex_lock(&level->lock);
	while (level->turn != task->number)
		pthread_cond_wait(&level->moved, &level->lock);
}

static void end_turn(struct task *task)
{
	struct level *level = task->level;
	task->had_turn = true;
	level->turn++;
	pthread_cond_broadcast(&level->moved);
	pthread_mutex_unlock(&level->lock);
}

static int allocate(void *data, uint64_t size, uint64_t *ret_address)
{
	struct task *task = data;
	const struct kext_linkset_options *options = &task->level->set->options;
	take_turn(task);
	int error = options->address(options->address_data, task->item->linked.bundle,
				     size, ret_address);
	end_turn(task);
	return error;
}

/* ---- one item ---- */

/* Of the whole repository, in the rare case that somebody asks. */
static char *advise(void *data, const char *symbol)
{
	struct task *task = data;
	struct kext_linkset *set = task->level->set;
	char *advice = NULL;
	pthread_mutex_lock(&set->advice_lock);
	if (!set->providers && kext_providers_new(set->options.repository,
						  set->options.arch, &set->providers) < 0)
		set->providers = NULL;
	if (set->providers)
		advice = kext_providers_advise(set->providers, task->item->linked.bundle,
					       set->options.arch, symbol);
	pthread_mutex_unlock(&set->advice_lock);
	return advice;
}

static int slice(struct task *task, const void **ret_data, size_t *ret_size)
{
	return kext_bundle_slice(task->item->linked.bundle,
				 task->level->set->options.arch, task->item->diagnostics,
				 ret_data, ret_size);
}

static int open_image(struct task *task, const void *data, size_t size)
{
	return kext_image_open(data, size,
			       kext_bundle_identifier(task->item->linked.bundle),
			       task->item->diagnostics, &task->item->image);
}

/* A KPI's symbol set. */
static int open_interface(struct task *task)
{
	const void *data;
	size_t size;
	if (!task->item->has_users || !task->item->linked.bundle ||
	    !kext_bundle_has_executable(task->item->linked.bundle))
		return 0;
	int error = slice(task, &data, &size);
	return error < 0 ? error : open_image(task, data, size);
}

static int refuse_dependency(struct task *task, const struct set_item *other)
{
	const struct kext_bundle *bundle = other->linked.bundle;
	kext_diagnose(task->item->diagnostics, KEXT_ERROR, "link.dependency",
		      kext_bundle_identifier(task->item->linked.bundle), NULL,
		      bundle ? "it needs %s, which cannot be linked"
			     : "it needs %s, of which no copy in the version that is "
			       "loaded is at hand",
		      bundle ? kext_bundle_identifier(bundle) : "a loaded kext");
	return KEXT_ERR_DEPENDENCY_LOAD;
}

static int add_dependencies(struct task *task, const size_t *positions, size_t count,
			    bool is_direct, struct kext_link_request *request,
			    struct kext_link_dependency *list)
{
	const struct kext_linkset *set = task->level->set;
	for (size_t i = 0; i < count; i++) {
		const struct set_item *other = &set->items.items[positions[i]];
		struct kext_link_dependency one = {other->image, NULL, is_direct};
		if (other->linked.error < 0 || !other->linked.bundle)
			return refuse_dependency(task, other);
		if (other->linked.is_kernel_component) {
			one.image = kext_kernel_file_image(set->options.kernel);
			one.interface = other->image;
		}
		if (one.image)
			list[request->dependency_count++] = one;
	}
	return 0;
}

static int run_linker(struct task *task, struct kext_link_request *request,
		      struct kext_link_dependency *list)
{
	struct set_item *item = task->item;
	struct kext_link_result result;
	request->dependencies = list;
	int error = add_dependencies(task, item->linked.direct, item->linked.direct_count,
				     true, request, list);
	if (error == 0)
		error = add_dependencies(task, item->indirect, item->indirect_count,
					 false, request, list);
	if (error == 0)
		error = slice(task, &request->data, &request->size);
	if (error == 0)
		error = kext_link(request, item->diagnostics, &result);
	if (error < 0)
		return error;
	item->data = result.data;
	item->linked.data = result.data;
	item->linked.size = result.size;
	item->linked.address = result.address;
	item->linked.kmod_info = result.kmod_info;
	item->linked.missing_direct = result.missing_direct;
	item->linked.missing_slots = result.missing_slots;
	return item->has_users ? open_image(task, result.data, result.size) : 0;
}

static int link_kext(struct task *task)
{
	const struct kext_linkset_options *options = &task->level->set->options;
	size_t count = task->item->linked.direct_count + task->item->indirect_count;
	_cleanup_free_ struct kext_link_dependency *list =
		mem_zero(count + 1, sizeof(*list));
	struct kext_link_request request = {
		.name = kext_bundle_identifier(task->item->linked.bundle),
		.allocate = allocate,
		.allocate_data = task,
		.include_relocations = options->include_relocations,
		.allow_missing = options->allow_missing,
		.advise = advise,
		.advise_data = task,
	};
	return list ? run_linker(task, &request, list) : -ENOMEM;
}

static void run_task(struct task *task)
{
	struct kext_linked *linked = &task->item->linked;
	if (linked->is_kernel_component)
		linked->error = open_interface(task);
	else if (set_item_is_kext(task->item))
		linked->error = link_kext(task);
	if (!task->had_turn) {
		take_turn(task);
		end_turn(task);
	}
}

/* ---- a level ---- */

static void *work(void *data)
{
	struct level *level = data;
	size_t number;
	while ((number = atomic_fetch_add(&level->next, 1)) < level->count) {
		struct task task = {
			.level = level,
			.item = &level->set->items.items[level->positions[number]],
			.number = number,
		};
		run_task(&task);
	}
	return NULL;
}

static unsigned jobs_for(const struct level *level)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned jobs = level->set->options.jobs;
	if (!jobs)
		jobs = cores > 0 ? (unsigned)cores : 1;
	if (jobs > JOBS_MAX)
		jobs = JOBS_MAX;
	return jobs > level->count ? (unsigned)level->count : jobs;
}

/* This thread works, too; without a second one it does all. */
static void run_level(struct level *level)
{
	pthread_t threads[JOBS_MAX];
	unsigned started = 0, jobs = jobs_for(level);
	while (started + 1 < jobs &&
	       pthread_create(&threads[started], NULL, work, level) == 0)
		started++;
	work(level);
	while (started > 0)
		pthread_join(threads[--started], NULL);
}

static size_t collect_level(const struct kext_linkset *set, size_t number,
			    size_t *positions)
{
	size_t count = 0;
	for (size_t i = 0; i < set->items.count; i++)
		if (set->items.items[i].level == number)
			positions[count++] = i;
	return count;
}

static size_t highest_level(const struct kext_linkset *set)
{
	size_t highest = 0;
	array_for_each (item, &set->items)
		if (item->level > highest)
			highest = item->level;
	return highest;
}

int set_link(struct kext_linkset *set)
{
	_cleanup_free_ size_t *positions =
		mem_zero(set->items.count + 1, sizeof(*positions));
	if (!positions)
		return -ENOMEM;
	for (size_t number = 0; number <= highest_level(set); number++) {
		struct level level = {
			.set = set,
			.positions = positions,
			.count = collect_level(set, number, positions),
			.lock = PTHREAD_MUTEX_INITIALIZER,
			.moved = PTHREAD_COND_INITIALIZER,
		};
		run_level(&level);
	}
	array_for_each (item, &set->items)
		if (item->linked.error == -ENOMEM)
			return -ENOMEM;
	return 0;
}
