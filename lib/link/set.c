/*
 * What a set holds: the load lists of all kexts that were asked for, merged. An
 * identifier is in it once, as in a kernel; a kext whose dependencies need it in another
 * version than one before has failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <kext/version.h>
#include "base/file.h"
#include "base/memory.h"
#include "link/set.h"

static const char *item_identifier(const struct kext_load_item *item)
{
	return item->bundle ? kext_bundle_identifier(item->bundle)
			    : item->loaded->identifier;
}

/* A repository may hold another object for the folder that a kext was named by. */
static bool is_same(const struct kext_bundle *a, const struct kext_bundle *b)
{
	return a == b || (a && b && *kext_bundle_path(a) &&
			  strcmp(kext_bundle_path(a), kext_bundle_path(b)) == 0);
}

/* ---- may all of a list come in? ---- */

static int check_versions(const struct kext_linkset *set, const struct kext_bundle *root,
			  const struct kext_load_list *list,
			  struct kext_diagnostics *diagnostics)
{
	int error = 0;
	for (size_t i = 0; i < kext_load_list_count(list); i++) {
		const struct kext_load_item *item = kext_load_list_at(list, i);
		size_t known =
			(uintptr_t)map_get(&set->by_identifier, item_identifier(item));
		if (!known ||
		    is_same(set->items.items[known - 1].linked.bundle, item->bundle) ||
		    !item->bundle)
			continue;
		const struct kext_bundle *other =
			set->items.items[known - 1].linked.bundle;
		kext_diagnose(
			diagnostics, KEXT_ERROR, "dependency.multiple",
			kext_bundle_identifier(root), "link the two in separate calls",
			"needs %s in version %s of %s, but another kext of this "
			"call needs version %s of %s",
			item_identifier(item), kext_bundle_version_text(item->bundle),
			kext_bundle_name(item->bundle),
			other ? kext_bundle_version_text(other) : "(loaded)",
			other ? kext_bundle_name(other) : "no known place");
		error = KEXT_ERR_DEPENDENCIES;
	}
	return error;
}

/* ---- merging ---- */

/* Positions in a load list as positions in the set. */
static size_t *translate(const size_t *positions, size_t count, const size_t *places)
{
	size_t *copy = mem_alloc((count + 1) * sizeof(*copy));
	for (size_t i = 0; copy && i < count; i++)
		copy[i] = places[positions[i]];
	return copy;
}

/* Lists name no library without code: its own libraries stand in its place. */
static void note_users(struct kext_linkset *set, struct set_item *item,
		       const size_t *positions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct set_item *other = &set->items.items[positions[i]];
		other->has_users = true;
		if (item->level <= other->level)
			item->level = other->level + 1;
	}
}

static int add_item(struct kext_linkset *set, const struct kext_load_item *from,
		    const size_t *places)
{
	struct set_item *item = array_push(&set->items);
	if (!item)
		return -ENOMEM;
	size_t *direct = translate(from->direct, from->direct_count, places);
	item->indirect = translate(from->indirect, from->indirect_count, places);
	item->diagnostics = kext_diagnostics_new();
	item->linked = (struct kext_linked){
		.bundle = from->bundle,
		.is_kernel_component = from->is_kernel_component,
		.direct = direct,
	};
	if (!direct || !item->indirect || !item->diagnostics)
		return -ENOMEM;
	item->linked.direct_count = from->direct_count;
	item->indirect_count = from->indirect_count;
	/* Interfaces are opened at level 0, so whoever uses one is above it. */
	item->level = set_item_is_kext(item);
	note_users(set, item, direct, from->direct_count);
	note_users(set, item, item->indirect, from->indirect_count);
	return map_put(&set->by_identifier, item_identifier(from),
		       (void *)set->items.count);
}

static int merge_list(struct kext_linkset *set, const struct kext_load_list *list,
		      size_t *ret_position)
{
	size_t count = kext_load_list_count(list), position = 0;
	_cleanup_free_ size_t *places = mem_zero(count + 1, sizeof(*places));
	int error = places ? 0 : -ENOMEM;
	for (size_t i = 0; error == 0 && i < count; i++) {
		const struct kext_load_item *item = kext_load_list_at(list, i);
		size_t known =
			(uintptr_t)map_get(&set->by_identifier, item_identifier(item));
		if (!known) {
			error = add_item(set, item, places);
			known = set->items.count;
		}
		position = places[i] = known - 1;
	}
	if (error == 0)
		*ret_position = position;
	return error;
}

static int resolve_one(struct kext_linkset *set, size_t index,
		       struct kext_diagnostics *diagnostics)
{
	struct kext_bundle *bundle = set->options.bundles[index];
	struct kext_load_list *list;
	int error = kext_resolve(set->options.repository, bundle, set->options.loaded,
				 set->options.loaded_count, set->options.arch,
				 diagnostics, &list);
	if (error < 0)
		return error;
	error = check_versions(set, bundle, list, diagnostics);
	if (error == 0)
		error = merge_list(set, list, &set->asked[index].position);
	if (error == 0)
		set->items.items[set->asked[index].position].linked.is_asked = true;
	kext_load_list_free(list);
	return error;
}

/* Kernel and KPI plug-ins carry one version; others were not made for each other. */
static void check_kernel_version(struct kext_linkset *set,
				 struct kext_diagnostics *diagnostics)
{
	int64_t version =
		set->options.kernel ? kext_kernel_file_version(set->options.kernel) : 0;
	char text[KEXT_VERSION_TEXT_MAX];
	array_for_each (item, &set->items) {
		const struct kext_bundle *bundle = item->linked.bundle;
		if (!version || !item->linked.is_kernel_component ||
		    kext_bundle_version(bundle) == version)
			continue;
		kext_diagnose(diagnostics, KEXT_WARNING, "kernel.version",
			      kext_bundle_identifier(bundle),
			      "use the System.kext that came with this kernel",
			      "version %s is not that of the kernel %s, which is %s",
			      kext_bundle_version_text(bundle),
			      kext_kernel_file_path(set->options.kernel),
			      kext_version_format(version, text));
		return;
	}
}

/* ---- the whole ---- */

static int resolve_all(struct kext_linkset *set, struct kext_diagnostics *diagnostics)
{
	for (size_t i = 0; i < set->options.bundle_count; i++) {
		set->asked[i].error = resolve_one(set, i, diagnostics);
		if (set->asked[i].error == -ENOMEM)
			return -ENOMEM;
	}
	check_kernel_version(set, diagnostics);
	return 0;
}

int kext_linkset_new(const struct kext_linkset_options *options,
		     struct kext_diagnostics *diagnostics, struct kext_linkset **ret_set)
{
	struct kext_linkset *set = mem_zero(1, sizeof(*set));
	if (!set)
		return -ENOMEM;
	set->options = *options;
	pthread_mutex_init(&set->advice_lock, NULL);
	set->asked = mem_zero(options->bundle_count + 1, sizeof(*set->asked));
	int error = set->asked ? resolve_all(set, diagnostics) : -ENOMEM;
	if (error == 0 && options->kernel)
		error = set_link(set);
	array_for_each (item, &set->items)
		if (item->diagnostics)
			kext_diagnostics_move(diagnostics, item->diagnostics);
	if (error < 0)
		kext_linkset_free(set);
	else
		*ret_set = set;
	return error;
}

struct kext_linkset *kext_linkset_free(struct kext_linkset *set)
{
	if (!set)
		return NULL;
	array_for_each (item, &set->items) {
		kext_image_unref(item->image);
		kext_diagnostics_free(item->diagnostics);
		free((void *)item->linked.direct);
		free(item->indirect);
		free(item->data);
	}
	array_free(&set->items);
	map_free(&set->by_identifier);
	kext_providers_free(set->providers);
	pthread_mutex_destroy(&set->advice_lock);
	free(set->asked);
	free(set);
	return NULL;
}

size_t kext_linkset_count(const struct kext_linkset *set)
{
	return set->items.count;
}

const struct kext_linked *kext_linkset_at(const struct kext_linkset *set, size_t index)
{
	return index < set->items.count ? &set->items.items[index].linked : NULL;
}

int kext_linkset_status(const struct kext_linkset *set, size_t index)
{
	if (index >= set->options.bundle_count)
		return KEXT_ERR_INVALID_ARGUMENT;
	if (set->asked[index].error < 0)
		return set->asked[index].error;
	return set->items.items[set->asked[index].position].linked.error;
}

/* ---- symbol files ---- */

/* Identifiers come from property lists and may be anything. */
static bool is_file_name(const char *identifier)
{
	return *identifier && *identifier != '.' && !strchr(identifier, '/') &&
	       strlen(identifier) <= 250;
}

int kext_linked_publish(const struct kext_linked *linked, const char *folder,
			struct kext_diagnostics *diagnostics, char **ret_path)
{
	const char *identifier = kext_bundle_identifier(linked->bundle);
	if (!is_file_name(identifier)) {
		kext_diagnose(diagnostics, KEXT_ERROR, "symbols.name", identifier, NULL,
			      "this identifier cannot be the name of a file");
		return KEXT_ERR_INVALID_ARGUMENT;
	}
	_cleanup_free_ char *name = mem_format("%s.sym", identifier);
	_cleanup_free_ char *path = name ? mem_format("%s/%s", folder, name) : NULL;
	_cleanup_fd_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = fd < 0 ? -errno : path ? 0 : -ENOMEM;
	if (error == 0)
		error = file_publish(fd, name, linked->data, linked->size, 0644, false);
	if (error < 0) {
		kext_diagnose(diagnostics, KEXT_ERROR, "symbols.write",
			      path ? path : folder, NULL,
			      "the symbol file cannot be written: %s",
			      kext_error_string(error));
		return error;
	}
	*ret_path = path;
	path = NULL;
	return 0;
}
