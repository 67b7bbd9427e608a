/* Requests that only look: what is loaded, the log, sysctls, kextd's own state. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "base/memory.h"
#include "daemon/daemon.h"
#include "daemon/row.h"

/*
 * A log position as clients see it: the kernel's position in the low 48 bits, the number
 * of the kernel above, so that a follower goes on with the next kernel's log.
 */
#define POSITION_BITS 48
#define POSITION_MASK ((UINT64_C(1) << POSITION_BITS) - 1)

static int ask(struct request *request, struct kernel *kernel, enum kernel_message type,
	       struct buffer *body, const struct patience *patience, struct frame *ret)
{
	int error = kernel_call(kernel, type, body, -1, patience, ret);
	if (error == KEXT_ERR_PANIC && kernel->report)
		request->report = mem_string(kernel->report);
	return error;
}

/* ---- list ---- */

/* Darwin lists the last dependency first. A kext has no more than fit into its record. */
static struct kext_value *dependencies(struct bytes kext)
{
	struct kext_value *list = kext_value_new_array();
	struct bytes content;
	size_t position = 0, count = 0;
	uint32_t tags[256];
	while (count < 256 && fields_next(kext, FIELD_DEPENDENCY, &position, &content))
		tags[count++] = load32(content.data, false);
	while (list && count > 0) {
		struct kext_value *tag = kext_value_new_integer(tags[--count], 32);
		if (kext_value_append(list, tag) < 0)
			list = kext_value_unref(list);
	}
	return list;
}

static void fill_numbers(struct row *row, struct bytes kext)
{
	put(row, KEY_LOAD_TAG, kext_value_new_integer(fields_u32(kext, FIELD_TAG), 32));
	put(row, "OSBundleRetainCount",
	    kext_value_new_integer(fields_u32(kext, FIELD_REFERENCES), 32));
	put(row, "OSBundleLoadAddress",
	    kext_value_new_integer(fields_u64(kext, FIELD_ADDRESS), 64));
	put(row, "OSBundleLoadSize",
	    kext_value_new_integer(fields_u64(kext, FIELD_SIZE), 64));
	put(row, "OSBundleWiredSize",
	    kext_value_new_integer(fields_u64(kext, FIELD_WIRED), 64));
	put(row, "OSBundleCPUType", kext_value_new_integer(KEXT_CPU_X86_64, 32));
	put(row, "OSBundleCPUSubtype", kext_value_new_integer(3, 32));
	put(row, "Missing Symbol Count",
	    kext_value_new_integer(fields_u32(kext, FIELD_MISSING), 32));
}

static struct kext_value *describe(struct bytes kext)
{
	struct row row = {kext_value_new_dictionary(), 0};
	struct bytes uuid = fields_bytes(kext, FIELD_UUID);
	bool is_kernel = fields_u32(kext, FIELD_KIND) == 1;
	bool is_started =
		is_kernel || fields_u32(kext, FIELD_STATE) == KEXT_STATE_STARTED;
	if (!row.value)
		return NULL;
	put(&row, KEY_IDENTIFIER,
	    kext_value_new_string(fields_text(kext, FIELD_IDENTIFIER)));
	put_text(&row, "CFBundleVersion", fields_text(kext, FIELD_VERSION));
	put_text(&row, "OSBundleCompatibleVersion", fields_text(kext, FIELD_COMPATIBLE));
	put_text(&row, KEY_PATH, fields_text(kext, FIELD_PATH));
	fill_numbers(&row, kext);
	put(&row, "OSKernelResource", kext_value_new_boolean(is_kernel));
	put(&row, "OSBundleStarted", kext_value_new_boolean(is_started));
	put(&row, "OSBundleDependencies", dependencies(kext));
	if (uuid.size)
		put(&row, "OSBundleUUID", kext_value_new_data(uuid.data, uuid.size));
	return row.error < 0 ? kext_value_unref(row.value) : row.value;
}

int query_list(struct request *request)
{
	struct kernel *kernel;
	struct frame reply = {0};
	int error = supervisor_kernel(request->daemon, request->diagnostics, &kernel);
	if (error < 0)
		return error;
	error = ask(request, kernel, KERNEL_LIST, NULL, NULL, &reply);
	kernel_unref(kernel);
	if (error < 0)
		return error;
	struct kext_value *kexts = kext_value_new_dictionary();
	struct bytes body = bytes_of(reply.body, reply.size), kext;
	size_t position = 0;
	error = kexts ? 0 : -ENOMEM;
	while (error == 0 && fields_next(body, FIELD_KEXT, &position, &kext)) {
		const char *identifier = fields_text(kext, FIELD_IDENTIFIER);
		error = kext_value_set(kexts, identifier, describe(kext));
	}
	frame_free(&reply);
	if (error < 0)
		kexts = kext_value_unref(kexts);
	request->answer = kexts;
	return error;
}

/* ---- log ---- */

static int answer_log(struct request *request, struct kernel *kernel, struct bytes body)
{
	struct bytes text = fields_bytes(body, FIELD_DATA);
	uint64_t position = (kernel->generation << POSITION_BITS) |
			    (fields_u64(body, FIELD_POSITION) & POSITION_MASK);
	request->answer = kext_value_new_dictionary();
	if (!request->answer)
		return -ENOMEM;
	int error = kext_value_set(request->answer, KEY_POSITION,
				   kext_value_new_integer(position, 64));
	return error < 0 ? error
			 : kext_value_set(request->answer, KEY_VALUE,
					  kext_value_new_data(text.data, text.size));
}

int query_log(struct request *request)
{
	struct kernel *kernel;
	struct frame reply = {0};
	_cleanup_buffer_ struct buffer body = {0};
	uint64_t position =
		kext_value_integer(kext_value_get(request->arguments, KEY_POSITION));
	bool may_wait = kext_value_boolean(kext_value_get(request->arguments, KEY_WAIT));
	request->log_serial = atomic_load(&request->daemon->log_serial);
	int error = supervisor_kernel(request->daemon, request->diagnostics, &kernel);
	if (error < 0)
		return error;
	bool is_same = position >> POSITION_BITS == kernel->generation;
	fields_put_u64(&body, FIELD_POSITION, is_same ? position & POSITION_MASK : 0);
	error = ask(request, kernel, KERNEL_LOG_READ, &body, NULL, &reply);
	if (error == 0) {
		struct bytes fields = bytes_of(reply.body, reply.size);
		request->is_parked = may_wait && !fields_bytes(fields, FIELD_DATA).size;
		if (!request->is_parked)
			error = answer_log(request, kernel, fields);
	}
	frame_free(&reply);
	kernel_unref(kernel);
	return error;
}

/* ---- sysctl ---- */

/* The kernel speaks Darwin's numbers; those from 35 on differ from ours. */
static int from_darwin_errno(uint32_t number)
{
	switch (number) {
	case 0:
		return 0;
	case 2:
		return KEXT_ERR_NOT_FOUND;
	case 35:
		return -EAGAIN;
	case 45:
		return -ENOTSUP;
	case 63:
		return -ENAMETOOLONG;
	case 78:
		return -ENOSYS;
	default:
		return number < 35 ? -(int)number : -EIO;
	}
}

static int answer_sysctl(struct request *request, struct bytes body)
{
	struct bytes data = fields_bytes(body, FIELD_DATA);
	struct row row = {kext_value_new_dictionary(), 0};
	if (!row.value)
		return -ENOMEM;
	put(&row, KEY_VALUE, kext_value_new_data(data.data, data.size));
	put(&row, KEY_KIND, kext_value_new_integer(fields_u32(body, FIELD_KIND), 32));
	put(&row, KEY_FORMAT, kext_value_new_string(fields_text(body, FIELD_FORMAT)));
	request->answer = row.value;
	return row.error;
}

int query_sysctl(struct request *request)
{
	struct kernel *kernel;
	struct frame reply = {0};
	_cleanup_buffer_ struct buffer body = {0};
	/* A handler is a kext's code and takes its time; only the owner may end it. */
	struct patience patience = {
		.is_cancelled = request->is_owner ? &request->is_cancelled : NULL,
	};
	const char *name =
		kext_value_string(kext_value_get(request->arguments, KEY_NAME));
	size_t size = 0;
	const void *value =
		kext_value_data(kext_value_get(request->arguments, KEY_VALUE), &size);
	if (!name || strlen(name) > 1000)
		return KEXT_ERR_INVALID_ARGUMENT;
	int error = supervisor_kernel(request->daemon, request->diagnostics, &kernel);
	if (error < 0)
		return error;
	fields_put_text(&body, FIELD_NAME, name);
	if (value)
		fields_put_bytes(&body, FIELD_DATA, value, size);
	fields_put_u32(&body, FIELD_UID, request->uid);
	fields_put_u32(&body, FIELD_SUPERUSER, request->is_owner);
	fields_put_u32(&body, FIELD_PID, (uint32_t)request->pid);
	error = ask(request, kernel, KERNEL_SYSCTL, &body, &patience, &reply);
	kernel_unref(kernel);
	if (error == 0)
		error = from_darwin_errno(
			fields_u32(bytes_of(reply.body, reply.size), FIELD_ERROR));
	if (error == 0)
		error = answer_sysctl(request, bytes_of(reply.body, reply.size));
	frame_free(&reply);
	return error;
}

static int answer_names(struct request *request, struct bytes names)
{
	const char *name;
	request->answer = kext_value_new_array();
	int error = request->answer ? 0 : -ENOMEM;
	for (size_t at = 0; error == 0 && (name = bytes_string(names, at));
	     at += strlen(name) + 1)
		error = kext_value_append(request->answer, kext_value_new_string(name));
	return error;
}

int query_sysctl_names(struct request *request)
{
	struct kernel *kernel;
	struct frame reply = {0};
	int error = supervisor_kernel(request->daemon, request->diagnostics, &kernel);
	if (error < 0)
		return error;
	error = ask(request, kernel, KERNEL_SYSCTL_NAMES, NULL, NULL, &reply);
	kernel_unref(kernel);
	if (error == 0)
		error = answer_names(
			request,
			fields_bytes(bytes_of(reply.body, reply.size), FIELD_DATA));
	frame_free(&reply);
	return error;
}

/* ---- status ---- */

static void put_kernel(struct row *row, struct daemon *daemon)
{
	struct kernel *kernel = supervisor_peek(daemon);
	put(row, "Kernel Running", kext_value_new_boolean(kernel != NULL));
	if (kernel) {
		put(row, "Kernel Process",
		    kext_value_new_integer((uint64_t)kernel->pid, 32));
		put(row, "Kernels Booted",
		    kext_value_new_integer(kernel->generation, 64));
		put(row, "Loaded Kexts",
		    kext_value_new_integer(kernel_image_count(kernel), 32));
	}
	kernel_unref(kernel);
}

int query_status(struct request *request)
{
	struct daemon *daemon = request->daemon;
	struct row row = {kext_value_new_dictionary(), 0};
	if (!row.value)
		return -ENOMEM;
	put(&row, "Instance",
	    kext_value_new_string(place_instance_name(daemon->instance)));
	put(&row, "Owner", kext_value_new_integer(daemon->owner, 32));
	put(&row, "Process", kext_value_new_integer((uint64_t)getpid(), 32));
	put(&row, "Uptime",
	    kext_value_new_integer((daemon_now() - daemon->started) / 1000000, 64));
	put(&row, "Run Folder", kext_value_new_string(daemon->run.path));
	put(&row, "State Folder", kext_value_new_string(daemon->state.path));
	_cleanup_free_ char *files = files_root_path(daemon);
	put(&row, "Files Folder", kext_value_new_string(files ? files : ""));
	put(&row, "Boot Arguments", kext_value_new_string(daemon->boot_args));
	put(&row, "Sandbox", kext_value_new_boolean(!daemon->options->no_sandbox));
	put_kernel(&row, daemon);
	_cleanup_free_ char *report = report_newest(daemon);
	if (report)
		put(&row, "Last Panic Report", kext_value_new_string(report));
	request->answer = row.value;
	return row.error;
}
