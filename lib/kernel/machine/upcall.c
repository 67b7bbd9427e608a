/*
 * What kexts ask of kextd while they run, also from their start routines: another kext by
 * identifier, the content of a resource file, and to keep a kext loaded. Nothing here
 * waits for kextd.
 */
#include <stdlib.h>
#include "base/memory.h"
#include "kernel/machine/machine.h"
#include "kernel/osfmk/osfmk.h"

typedef void (*resource_callback)(uint32_t tag, OSReturn result, const void *data,
				  uint32_t size, void *context);

/* One unanswered OSKextRequestResource. */
struct request {
	struct request *next;
	uint32_t tag;
	struct kmod *kext; /* whose code the callback is */
	resource_callback callback;
	void *context;
	unsigned scans; /* looks for unused kexts that it has seen */
};

#define INVALID_TAG UINT32_MAX

static struct request *requests; /* guarded by kmod_lock */
static uint32_t next_request;

OSReturn OSKextLoadKextWithIdentifier(const char *identifier);
OSReturn OSKextRequestResource(const char *identifier, const char *name,
			       resource_callback callback, void *context,
			       uint32_t *ret_tag);
OSReturn OSKextCancelRequest(uint32_t tag, void **ret_context);
OSReturn OSKextRetainKextWithLoadTag(uint32_t tag);
OSReturn OSKextReleaseKextWithLoadTag(uint32_t tag);

OSReturn OSKextLoadKextWithIdentifier(const char *identifier)
{
	_cleanup_buffer_ struct buffer body = {0};
	if (!identifier)
		return kOSKextReturnNoMemory;
	if (!*identifier || strnlen(identifier, 64) == 64)
		return kOSKextReturnInvalidArgument;
	pthread_mutex_lock(&kmod_lock);
	const struct kmod *kext = kmod_by_identifier(identifier);
	bool is_started = kext && kext->state == KEXT_STATE_STARTED;
	pthread_mutex_unlock(&kmod_lock);
	if (is_started)
		return kOSReturnSuccess;
	fields_put_text(&body, FIELD_IDENTIFIER, identifier);
	return server_send(KERNEL_REQUEST_LOAD, 0, &body) ? kOSKextReturnDeferred
							  : kOSKextReturnNoResources;
}
KPI(OSKextLoadKextWithIdentifier);

/* With kmod_lock held: records the request, or says why not. */
static OSReturn add_request(resource_callback callback, void *context, uint32_t *ret_tag)
{
	struct kmod *kext = kmod_by_address((uint64_t)callback);
	if (!kext || kext->is_component || kext->state < KEXT_STATE_STARTING)
		return kOSKextReturnInvalidArgument;
	if (kext->state == KEXT_STATE_STOPPING)
		return kOSKextReturnStopping;
	if (next_request == INVALID_TAG)
		return kOSKextReturnNoResources;
	struct request *request = mem_zero(1, sizeof(*request));
	if (!request)
		return kOSKextReturnNoMemory;
	*request = (struct request){requests, next_request++, kext, callback, context, 0};
	requests = request;
	kext->callbacks++;
	*ret_tag = request->tag;
	return kOSReturnSuccess;
}

/* With kmod_lock held: takes the request out of the list; NULL when it is not there. */
static struct request *take_request(uint64_t tag)
{
	struct request **link = &requests;
	while (*link && (*link)->tag != tag)
		link = &(*link)->next;
	struct request *request = *link;
	if (request)
		*link = request->next;
	return request;
}

static void drop_callback(struct kmod *kext)
{
	kext->callbacks--;
	pthread_cond_broadcast(&kmod_changed);
}

OSReturn OSKextRequestResource(const char *identifier, const char *name,
			       resource_callback callback, void *context,
			       uint32_t *ret_tag)
{
	_cleanup_buffer_ struct buffer body = {0};
	uint32_t tag = INVALID_TAG, ignored;
	if (!ret_tag)
		ret_tag = &ignored;
	*ret_tag = INVALID_TAG;
	if (!identifier || !name || !callback || strnlen(identifier, 64) == 64 ||
	    strnlen(name, 1024) == 1024)
		return kOSKextReturnInvalidArgument;
	pthread_mutex_lock(&kmod_lock);
	OSReturn error = add_request(callback, context, &tag);
	if (!error) {
		*ret_tag = tag;
		fields_put_text(&body, FIELD_IDENTIFIER, identifier);
		fields_put_text(&body, FIELD_NAME, name);
		fields_put_u64(&body, FIELD_REQUEST, tag);
	}
	pthread_mutex_unlock(&kmod_lock);
	if (error)
		return error;
	if (server_send(KERNEL_REQUEST_RESOURCE, 0, &body)) {
		autounload_consider(false);
		return kOSReturnSuccess;
	}
	*ret_tag = INVALID_TAG;
	OSKextCancelRequest(tag, NULL);
	return kOSKextReturnNoResources;
}
KPI(OSKextRequestResource);

OSReturn OSKextCancelRequest(uint32_t tag, void **ret_context)
{
	pthread_mutex_lock(&kmod_lock);
	struct request *request = take_request(tag);
	if (request)
		drop_callback(request->kext);
	pthread_mutex_unlock(&kmod_lock);
	if (!request)
		return kOSKextReturnNotFound;
	if (ret_context)
		*ret_context = request->context;
	free(request);
	return kOSReturnSuccess;
}
KPI(OSKextCancelRequest);

/* The count that add_request took keeps the kext in place meanwhile. */
static void deliver(struct request *request, uint32_t result, struct bytes data)
{
	struct lock_balance held = lock_balance_now();
	request->callback(request->tag, result, data.size ? data.data : NULL,
			  (uint32_t)data.size, request->context);
	lock_balance_check(held, request->kext->identifier, "resource callback",
			   (const void *)request->callback);
	pthread_mutex_lock(&kmod_lock);
	drop_callback(request->kext);
	pthread_mutex_unlock(&kmod_lock);
	free(request);
}

void upcall_resource(uint64_t tag, uint32_t result, struct bytes data)
{
	pthread_mutex_lock(&kmod_lock);
	struct request *request = take_request(tag);
	pthread_mutex_unlock(&kmod_lock);
	if (request)
		deliver(request, result, data);
}

/* With kmod_lock held: one that a second scan has seen, out of the list; or NULL. */
static struct request *take_stale(void)
{
	struct request **link = &requests;
	while (*link && (*link)->scans < 2)
		link = &(*link)->next;
	struct request *request = *link;
	if (request)
		*link = request->next;
	return request;
}

bool upcall_expire(void)
{
	struct request *stale;
	pthread_mutex_lock(&kmod_lock);
	for (struct request *request = requests; request; request = request->next)
		request->scans++;
	while ((stale = take_stale())) {
		pthread_mutex_unlock(&kmod_lock);
		deliver(stale, kOSKextReturnTimeout, bytes_of(NULL, 0));
		pthread_mutex_lock(&kmod_lock);
	}
	bool has_others = requests;
	pthread_mutex_unlock(&kmod_lock);
	return has_others;
}

void upcall_forget(struct kmod *kext)
{
	pthread_mutex_lock(&kmod_lock);
	for (struct request **link = &requests; *link;) {
		struct request *request = *link;
		if (request->kext != kext) {
			link = &request->next;
			continue;
		}
		*link = request->next;
		free(request);
		drop_callback(kext);
	}
	pthread_mutex_unlock(&kmod_lock);
}

/* Adds `change` (1 or -1) to what keeps the kext loaded. */
static OSReturn change_retains(uint32_t tag, int change)
{
	if (tag == INVALID_TAG)
		return kOSKextReturnInvalidArgument;
	pthread_mutex_lock(&kmod_lock);
	struct kmod *kext = kmod_by_tag(tag);
	bool is_loaded = kext && kext->state != KEXT_STATE_RESERVED;
	bool is_underflow = is_loaded && change < 0 && kext->retains == 0;
	if (is_loaded && !is_underflow)
		kext->retains += (unsigned)change;
	if (is_loaded && change > 0)
		kext->may_autounload = true;
	pthread_mutex_unlock(&kmod_lock);
	if (is_underflow)
		kernel_log("OSKextReleaseKextWithLoadTag: tag %u was not retained\n",
			   tag);
	else if (!is_loaded)
		kernel_log("no loaded kext has the load tag %u\n", tag);
	return is_loaded ? kOSReturnSuccess : kOSKextReturnNotFound;
}

OSReturn OSKextRetainKextWithLoadTag(uint32_t tag)
{
	return change_retains(tag, 1);
}
KPI(OSKextRetainKextWithLoadTag);

OSReturn OSKextReleaseKextWithLoadTag(uint32_t tag)
{
	OSReturn result = change_retains(tag, -1);
	if (!result)
		autounload_consider(false);
	return result;
}
KPI(OSKextReleaseKextWithLoadTag);
