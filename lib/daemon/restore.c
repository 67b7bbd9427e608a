/*
 * kextd --restore: what was loaded when a kernel panicked is loaded into the next one,
 * save the culprit and all that needs it. Only the supervisor calls these.
 */
#include <errno.h>
#include <string.h>
#include "base/memory.h"
#include "daemon/daemon.h"

#define TOO_SOON 10000000u /* microseconds between two restores without a culprit */

struct candidate {
	char *identifier, *path;
	const struct kext_value *libraries; /* of bundle; NULL: unknown */
	struct kext_bundle *bundle;
	bool is_left_out;
};

struct candidates {
	ARRAY_OF(struct candidate) list;
};

static void free_candidates(struct candidates *candidates)
{
	array_for_each (one, &candidates->list) {
		free(one->identifier);
		free(one->path);
		kext_bundle_unref(one->bundle);
	}
	array_free(&candidates->list);
}

static void collect(struct daemon *daemon, struct kernel *kernel, const char *culprit,
		    struct candidates *ret)
{
	pthread_mutex_lock(&kernel->lock);
	array_for_each (image, &kernel->images) {
		struct candidate *one = array_push(&ret->list);
		if (!one)
			break;
		one->identifier = mem_string((*image)->identifier);
		one->path = mem_string((*image)->path);
		one->is_left_out = !one->identifier || !one->path ||
				   (culprit && strcmp(one->identifier, culprit) == 0);
	}
	pthread_mutex_unlock(&kernel->lock);
	array_for_each (one, &ret->list)
		one->is_left_out =
			one->is_left_out || culprit_is_blamed(daemon, one->identifier);
	array_for_each (one, &ret->list) {
		if (one->path &&
		    kext_bundle_open(daemon->context, one->path, NULL, &one->bundle) == 0)
			one->libraries = kext_bundle_property(
				one->bundle, "OSBundleLibraries", kext_arch_host());
	}
}

static bool needs_one_left_out(const struct candidates *candidates,
			       const struct candidate *one)
{
	array_for_each (other, &candidates->list) {
		if (other->is_left_out && other->identifier &&
		    kext_value_get(one->libraries, other->identifier))
			return true;
	}
	return false;
}

/* Loading what needs the culprit would load the culprit. */
static void leave_out_dependents(struct candidates *candidates)
{
	bool changed = true;
	while (changed) {
		changed = false;
		array_for_each (one, &candidates->list) {
			if (one->is_left_out || !needs_one_left_out(candidates, one))
				continue;
			one->is_left_out = true;
			changed = true;
		}
	}
}

void restore_remember(struct daemon *daemon, struct kernel *kernel, const char *culprit)
{
	struct candidates candidates = {0};
	uint64_t now = daemon_now();
	if (!daemon->options->restore)
		return;
	if (!culprit && daemon->restored_at && now - daemon->restored_at < TOO_SOON) {
		daemon_log(daemon, "the kernel ended right after a restore, and nobody "
				   "knows through whom: nothing is loaded again");
		return;
	}
	collect(daemon, kernel, culprit, &candidates);
	leave_out_dependents(&candidates);
	array_for_each (one, &candidates.list) {
		char **place = one->is_left_out ? NULL : array_push(&daemon->restore);
		if (place) {
			*place = one->path;
			one->path = NULL;
		} else {
			daemon_log(daemon, "%s is not loaded again",
				   one->identifier ? one->identifier : "a kext");
		}
	}
	free_candidates(&candidates);
}

/* All that comes back may serve as a library for the rest. */
static struct kext_value *all_paths(const struct daemon *daemon)
{
	struct kext_value *paths = kext_value_new_array();
	array_for_each (path, &daemon->restore) {
		if (kext_value_append(paths, kext_value_new_string(*path)) < 0)
			return kext_value_unref(paths);
	}
	return paths;
}

void restore_start(struct daemon *daemon)
{
	if (!daemon->restore.count)
		return;
	daemon->restored_at = daemon_now();
	array_for_each (path, &daemon->restore) {
		struct request *request;
		if (request_new_restore(daemon, *path, all_paths(daemon), &request) < 0) {
			daemon_log(daemon, "%s cannot be loaded again", *path);
			continue;
		}
		daemon_log(daemon, "%s is loaded again", *path);
		request_start(request);
	}
	restore_forget(daemon);
}

void restore_forget(struct daemon *daemon)
{
	array_for_each (path, &daemon->restore)
		free(*path);
	array_free(&daemon->restore);
}
