/*
 * Loading a kext. Each pass looks at the world anew (what is loaded, what is needed),
 * puts the first kext that is missing into the kernel and starts it, until the one asked
 * for runs. Passes are serialized by load_lock, which is not held while a start routine
 * runs: that routine may want other kexts, and other clients go on.
 */
#include <errno.h>
#include <string.h>
#include "base/memory.h"
#include "daemon/load.h"

#define LOOK_AGAIN 500000u /* microseconds between looks while another's routine runs */

void load_changed(struct daemon *daemon)
{
	pthread_mutex_lock(&daemon->load_lock);
	pthread_cond_broadcast(&daemon->load_changed);
	pthread_mutex_unlock(&daemon->load_lock);
}

/* ---- what is loaded ---- */

static int note_loaded(struct load *load, struct bytes kext)
{
	struct kext_loaded *loaded = array_push(&load->loaded);
	const char *compatible = fields_text(kext, FIELD_COMPATIBLE);
	if (!loaded)
		return -ENOMEM;
	loaded->identifier = fields_text(kext, FIELD_IDENTIFIER);
	loaded->tag = fields_u32(kext, FIELD_TAG);
	if (kext_version_parse(fields_text(kext, FIELD_VERSION), &loaded->version) < 0)
		loaded->version = 0;
	if (!compatible[0] ||
	    kext_version_parse(compatible, &loaded->compatible_version) < 0)
		loaded->compatible_version = 0;
	return 0;
}

static int read_loaded(struct load *load)
{
	struct bytes kext;
	size_t position = 0;
	frame_free(&load->list);
	load->loaded.count = 0;
	int error = kernel_call(load->kernel, KERNEL_LIST, NULL, -1, NULL, &load->list);
	struct bytes body = bytes_of(load->list.body, load->list.size);
	while (error == 0 && fields_next(body, FIELD_KEXT, &position, &kext))
		error = note_loaded(load, kext);
	return error;
}

/* Whether a kext's start or stop is under way, of which this load must know the outcome.
 */
static bool is_in_motion(struct load *load, const char *identifier)
{
	struct bytes kext, body = bytes_of(load->list.body, load->list.size);
	size_t position = 0;
	while (fields_next(body, FIELD_KEXT, &position, &kext)) {
		if (strcmp(fields_text(kext, FIELD_IDENTIFIER), identifier) == 0)
			return fields_u32(kext, FIELD_KIND) != 1 &&
			       fields_u32(kext, FIELD_STATE) != KEXT_STATE_STARTED;
	}
	return false;
}

static bool is_list_in_motion(struct load *load, const struct kext_load_list *list)
{
	for (size_t i = 0; i < kext_load_list_count(list); i++) {
		const struct kext_load_item *item = kext_load_list_at(list, i);
		if (item->loaded && !item->is_kernel_component &&
		    is_in_motion(load, item->loaded->identifier))
			return true;
	}
	return false;
}

/* ---- starting ---- */

static int judge_start(struct load *load, struct bytes reply, const char *identifier)
{
	uint32_t code = fields_u32(reply, FIELD_ERROR);
	load->start_result = fields_u32(reply, FIELD_RESULT);
	int error = kext_error_from_osreturn(code);
	if (error == KEXT_ERR_START_STOP)
		kext_diagnose(load->diagnostics, KEXT_ERROR, "load.start", identifier,
			      "kdmesg may show what it said",
			      "its start routine failed and returned 0x%x",
			      load->start_result);
	else if (error < 0)
		kext_diagnose(load->diagnostics, KEXT_ERROR, "load.refused", identifier,
			      NULL, "the kernel refuses to start it: %s (0x%x)",
			      kext_error_string(error), code);
	return error;
}

static int start(struct load *load, uint32_t tag, const char *identifier)
{
	struct frame reply;
	_cleanup_buffer_ struct buffer body = {0};
	fields_put_u32(&body, FIELD_TAG, tag);
	int error = kernel_call(load->kernel, KERNEL_START, &body, -1, &load->patience,
				&reply);
	if (error == 0) {
		error = judge_start(load, bytes_of(reply.body, reply.size), identifier);
		frame_free(&reply);
		if (error < 0)
			kernel_drop_image(load->kernel, tag);
	}
	return error;
}

/* ---- one pass ---- */

/* Results of a pass, besides errors. */
enum { PASS_DONE = 0, PASS_WAIT = 1, PASS_AGAIN = 2, PASS_START = 3 };

struct pass {
	uint32_t tag;
	char *identifier; /* of what is to be started; free() */
	bool is_target;
};

static bool is_missing(const struct kext_load_item *item)
{
	return !item->loaded && !item->is_kernel_component && item->bundle &&
	       kext_bundle_has_executable(item->bundle);
}

/*
 * The catalog's knowledge of a bundle may be older than its files; it is read anew once
 * before that counts as a failure.
 */
static int check_item(struct load *load, struct kext_bundle *bundle)
{
	struct kext_diagnostics *findings = kext_diagnostics_new();
	struct kext_diagnostics *kept = load->diagnostics;
	if (!findings)
		return -ENOMEM;
	load->diagnostics = findings;
	int error = candidate_check(load, bundle);
	load->diagnostics = kept;
	bool may_be_old = bundle != load->bundle || !load->path;
	if (error == KEXT_ERR_AUTHENTICATION && may_be_old && !load->is_retried) {
		load->is_retried = true;
		catalog_forget(load->daemon);
		load->own_repository = kext_repository_free(load->own_repository);
		if (!load->path)
			load->bundle = kext_bundle_unref(load->bundle);
		error = PASS_AGAIN;
	} else {
		kext_diagnostics_move(kept, findings);
	}
	kext_diagnostics_free(findings);
	return error;
}

static int place_missing(struct load *load, const struct kext_load_list *list,
			 struct pass *ret)
{
	size_t count = kext_load_list_count(list), i = 0;
	while (i < count && !is_missing(kext_load_list_at(list, i)))
		i++;
	if (i == count)
		return PASS_DONE;
	struct kext_bundle *bundle = kext_load_list_at(list, i)->bundle;
	bool is_target = i == count - 1;
	int error = is_target ? 0 : check_item(load, bundle);
	if (error)
		return error;
	ret->is_target = is_target;
	ret->identifier = mem_string(kext_bundle_identifier(bundle));
	if (!ret->identifier)
		return -ENOMEM;
	error = place_item(load, list, i, &ret->tag);
	return error < 0 ? error : PASS_START;
}

static int check_boot_level(struct load *load, const struct kext_load_list *list)
{
	const struct kext_load_checks checks = {.arch = kext_arch_host(),
						.is_safe_boot = true};
	if (!load->daemon->options->safe_boot)
		return 0;
	return kext_load_list_check(list, &checks, load->diagnostics);
}

static int resolve_and_place(struct load *load, struct pass *ret)
{
	struct kext_load_list *list;
	int error = kext_resolve(load->repository, load->bundle, load->loaded.items,
				 load->loaded.count, kext_arch_host(), load->diagnostics,
				 &list);
	if (error < 0)
		return error;
	error = candidate_allow(load, list);
	if (error == 0)
		error = check_boot_level(load, list);
	if (error == 0 && is_list_in_motion(load, list))
		error = PASS_WAIT;
	if (error == 0)
		error = place_missing(load, list, ret);
	kext_load_list_free(list);
	return error;
}

/* Under load_lock. */
static int pass(struct load *load, struct pass *ret, bool *ret_was_loaded)
{
	bool is_first = !load->bundle;
	int error = candidate_find(load);
	if (error == 0 && is_first)
		error = check_item(load, load->bundle);
	if (error == 0)
		error = read_loaded(load);
	if (error)
		return error;
	if (is_in_motion(load, kext_bundle_identifier(load->bundle)))
		return PASS_WAIT;
	error = candidate_is_loaded(load, &ret->tag);
	if (error == 1) {
		*ret_was_loaded = true;
		return PASS_DONE;
	}
	return error < 0 ? error : resolve_and_place(load, ret);
}

/* Waits for another's routine to end; the kernel's death and our patience end it, too. */
static int wait_for_others(struct load *load)
{
	uint64_t now = daemon_now();
	if (load->patience.deadline && now >= load->patience.deadline)
		return KEXT_ERR_TIMEOUT;
	if (load->patience.is_cancelled && atomic_load(load->patience.is_cancelled))
		return KEXT_ERR_CANCELLED;
	daemon_cond_wait(&load->daemon->load_changed, &load->daemon->load_lock,
			 now + LOOK_AGAIN);
	return 0;
}

/* A dependency's failure is reported as such, unless it took the kernel with it. */
static int start_placed(struct load *load, const struct pass *placed)
{
	int error = start(load, placed->tag, placed->identifier);
	load_changed(load->daemon);
	if (error == 0 || placed->is_target || error == KEXT_ERR_PANIC ||
	    error == KEXT_ERR_TIMEOUT || error == KEXT_ERR_CANCELLED)
		return error;
	return KEXT_ERR_DEPENDENCY_LOAD;
}

static int run_passes(struct load *load, uint32_t *ret_tag, bool *ret_was_loaded)
{
	bool is_started = false;
	for (;;) {
		struct pass placed = {0};
		pthread_mutex_lock(&load->daemon->load_lock);
		int error = pass(load, &placed, ret_was_loaded);
		if (error == PASS_WAIT && (error = wait_for_others(load)) == 0)
			error = PASS_AGAIN;
		pthread_mutex_unlock(&load->daemon->load_lock);
		if (error == PASS_START) {
			is_started = placed.is_target;
			error = start_placed(load, &placed);
			if (error == 0 && !is_started)
				error = PASS_AGAIN;
		}
		free(placed.identifier);
		if (error == PASS_AGAIN)
			continue;
		*ret_tag = placed.tag;
		return error;
	}
}

/* ---- the request ---- */

static void read_arguments(struct load *load)
{
	const struct kext_value *arguments = load->request->arguments;
	uint64_t timeout = kext_value_integer(kext_value_get(arguments, KEY_TIMEOUT));
	load->path = kext_value_string(kext_value_get(arguments, KEY_PATH));
	load->identifier = kext_value_string(kext_value_get(arguments, KEY_IDENTIFIER));
	load->no_system = kext_value_boolean(kext_value_get(arguments, KEY_NO_SYSTEM));
	load->allow_missing =
		kext_value_boolean(kext_value_get(arguments, KEY_ALLOW_MISSING));
	load->delays_autounload =
		kext_value_boolean(kext_value_get(arguments, KEY_DELAY));
	/* Giving up on a start routine ends the kernel: that is not for others to do. */
	if (!load->request->is_owner)
		return;
	load->patience.is_cancelled = &load->request->is_cancelled;
	if (timeout && timeout < UINT32_MAX)
		load->patience.deadline = daemon_now() + timeout * 1000;
}

static int answer(struct load *load, uint32_t tag, bool was_loaded)
{
	struct kext_value *reply = kext_value_new_dictionary();
	int error = reply ? kext_value_set(reply, KEY_WAS_LOADED,
					   kext_value_new_boolean(was_loaded))
			  : -ENOMEM;
	if (error == 0)
		error = kext_value_set(reply, KEY_LOAD_TAG,
				       kext_value_new_integer(tag, 32));
	if (error == 0)
		error = kext_value_set(reply, KEY_START_RESULT,
				       kext_value_new_integer(load->start_result, 32));
	load->request->answer = reply;
	return error;
}

static void take_report(struct load *load)
{
	pthread_mutex_lock(&load->kernel->lock);
	if (load->kernel->report)
		load->request->report = mem_string(load->kernel->report);
	pthread_mutex_unlock(&load->kernel->lock);
}

static void log_outcome(struct load *load, int error)
{
	const char *what = load->path ? load->path : load->identifier;
	daemon_log(load->daemon, "load %s by uid %u: %s", what,
		   (unsigned)load->request->uid, kext_error_string(error));
}

static void free_load(struct load *load)
{
	pthread_mutex_lock(&load->daemon->load_lock);
	kext_repository_free(load->own_repository);
	kext_bundle_unref(load->bundle);
	pthread_mutex_unlock(&load->daemon->load_lock);
	frame_free(&load->list);
	array_free(&load->loaded);
	kernel_unref(load->kernel);
}

int daemon_load_run(struct request *request)
{
	struct load load = {
		.daemon = request->daemon,
		.request = request,
		.diagnostics = request->diagnostics,
	};
	uint32_t tag = 0;
	bool was_loaded = false;
	read_arguments(&load);
	if (!load.path == !load.identifier)
		return KEXT_ERR_INVALID_ARGUMENT;
	int error =
		supervisor_kernel(request->daemon, request->diagnostics, &load.kernel);
	if (error < 0)
		return error;
	error = run_passes(&load, &tag, &was_loaded);
	if (error == KEXT_ERR_PANIC || error == KEXT_ERR_TIMEOUT ||
	    error == KEXT_ERR_CANCELLED)
		take_report(&load);
	if (error == 0)
		error = answer(&load, tag, was_loaded);
	log_outcome(&load, error);
	free_load(&load);
	return error;
}
