/* Unloading: the kernel knows whether it may; kextd finds the kext and waits for its
 * stop. */
#include <errno.h>
#include <string.h>
#include "base/memory.h"
#include "daemon/daemon.h"

static int find_tag(struct kernel *kernel, const char *identifier, uint32_t *ret_tag,
		    uint32_t *ret_kind)
{
	struct frame reply;
	struct bytes kext;
	size_t position = 0;
	int error = kernel_call(kernel, KERNEL_LIST, NULL, -1, NULL, &reply);
	if (error < 0)
		return error;
	struct bytes body = bytes_of(reply.body, reply.size);
	error = KEXT_ERR_NOT_FOUND;
	while (error < 0 && fields_next(body, FIELD_KEXT, &position, &kext)) {
		if (strcmp(fields_text(kext, FIELD_IDENTIFIER), identifier) != 0)
			continue;
		*ret_tag = fields_u32(kext, FIELD_TAG);
		*ret_kind = fields_u32(kext, FIELD_KIND);
		error = 0;
	}
	frame_free(&reply);
	return error;
}

static int find(struct request *request, struct kernel *kernel, const char *identifier,
		uint32_t *ret_tag)
{
	uint32_t kind;
	int error = find_tag(kernel, identifier, ret_tag, &kind);
	if (error == KEXT_ERR_NOT_FOUND)
		kext_diagnose(request->diagnostics, KEXT_ERROR, "unload.unknown",
			      identifier, NULL, "no kext of this identifier is loaded");
	if (error < 0 || kind != 1)
		return error;
	kext_diagnose(request->diagnostics, KEXT_ERROR, "unload.kernel", identifier, NULL,
		      "it is part of the kernel and cannot be unloaded");
	return KEXT_ERR_INVALID_ARGUMENT;
}

static int judge_stop(struct request *request, const char *identifier, struct bytes reply)
{
	int error = kext_error_from_osreturn(fields_u32(reply, FIELD_ERROR));
	if (error == KEXT_ERR_IN_USE)
		kext_diagnose(request->diagnostics, KEXT_ERROR, "unload.use", identifier,
			      "unload the kexts that need it first (kextstat shows them)",
			      "other kexts or clients refer to it");
	else if (error == KEXT_ERR_START_STOP)
		kext_diagnose(request->diagnostics, KEXT_ERROR, "unload.stop", identifier,
			      "it stays loaded; kdmesg may show what it said",
			      "its stop routine failed and returned 0x%x",
			      fields_u32(reply, FIELD_RESULT));
	else if (error < 0)
		kext_diagnose(request->diagnostics, KEXT_ERROR, "unload.refused",
			      identifier, NULL, "the kernel refuses to unload it: %s",
			      kext_error_string(error));
	return error;
}

static int stop(struct request *request, struct kernel *kernel, const char *identifier)
{
	struct frame reply;
	_cleanup_buffer_ struct buffer body = {0};
	uint64_t timeout =
		kext_value_integer(kext_value_get(request->arguments, KEY_TIMEOUT));
	struct patience patience = {.is_cancelled = &request->is_cancelled};
	uint32_t tag;
	int error = find(request, kernel, identifier, &tag);
	if (error < 0)
		return error;
	if (timeout && timeout < UINT32_MAX)
		patience.deadline = daemon_now() + timeout * 1000;
	fields_put_u32(&body, FIELD_TAG, tag);
	error = kernel_call(kernel, KERNEL_STOP, &body, -1, &patience, &reply);
	if (error < 0)
		return error;
	error = judge_stop(request, identifier, bytes_of(reply.body, reply.size));
	frame_free(&reply);
	if (error == 0)
		kernel_drop_image(kernel, tag);
	return error;
}

int unload_run(struct request *request)
{
	struct kernel *kernel;
	const char *identifier =
		kext_value_string(kext_value_get(request->arguments, KEY_IDENTIFIER));
	if (!identifier)
		return KEXT_ERR_INVALID_ARGUMENT;
	int error = supervisor_kernel(request->daemon, request->diagnostics, &kernel);
	if (error < 0)
		return error;
	error = stop(request, kernel, identifier);
	load_changed(request->daemon);
	pthread_mutex_lock(&kernel->lock);
	if (kernel->report && error < 0)
		request->report = mem_string(kernel->report);
	pthread_mutex_unlock(&kernel->lock);
	daemon_log(request->daemon, "unload %s by uid %u: %s", identifier,
		   (unsigned)request->uid, kext_error_string(error));
	kernel_unref(kernel);
	return error;
}
