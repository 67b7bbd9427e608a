/*
 * What the kernel says by itself: that a kext asks for another, for a resource of a
 * bundle or for a file; that an unused one has gone; what a check found. Loads go on
 * elsewhere: nothing here waits for the kernel, whose kexts may wait for us.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include "base/memory.h"
#include "daemon/daemon.h"

#define RESOURCE_MAX (15u << 20)
#define UPCALLS_MAX  32u

static bool has_room(struct daemon *daemon)
{
	pthread_mutex_lock(&daemon->done_lock);
	bool has = daemon->running < UPCALLS_MAX;
	pthread_mutex_unlock(&daemon->done_lock);
	return has;
}

static void request_load(struct daemon *daemon, const char *identifier)
{
	struct request *request;
	/* Whose code ended the kernel twice needs a person's wish. */
	if (culprit_is_blamed(daemon, identifier)) {
		daemon_log(daemon,
			   "%s is wanted by a kext but was the cause of two panics: not "
			   "loaded",
			   identifier);
		return;
	}
	if (!has_room(daemon) || request_new_upcall(daemon, identifier, &request) < 0) {
		daemon_log(daemon, "%s is wanted by a kext: too many requests",
			   identifier);
		return;
	}
	daemon_log(daemon, "%s is wanted by a kext", identifier);
	request_start(request);
}

/* ---- resources ---- */

static char *bundle_path(struct kernel *kernel, const char *identifier)
{
	char *path = NULL;
	pthread_mutex_lock(&kernel->lock);
	array_for_each (image, &kernel->images) {
		if (!path && strcmp((*image)->identifier, identifier) == 0)
			path = mem_string((*image)->path);
	}
	pthread_mutex_unlock(&kernel->lock);
	return path;
}

/* Of the bundle's folder of resources, and of nothing beside it. */
static int open_resource(const char *path, const char *name)
{
	static const char *const folders[] = {"Contents/Resources", "Resources"};
	_cleanup_fd_ int bundle = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int error = bundle < 0 ? -errno : -ENOENT;
	for (size_t i = 0; error == -ENOENT && i < 2; i++) {
		_cleanup_fd_ int folder = file_open_beneath(
			bundle, folders[i], O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
		error = folder < 0
				? folder
				: file_open_beneath(folder, name,
						    O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
	}
	return error;
}

/* Resources come under the rule for all of a bundle's files. */
static bool is_trusted(const struct daemon *daemon, const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == daemon->owner) && !(st->st_mode & 022);
}

static int read_resource(struct kernel *kernel, const char *identifier, const char *name,
			 struct file_map *ret)
{
	_cleanup_free_ char *path = bundle_path(kernel, identifier);
	if (!path || !name[0] || strcmp(name, ".DS_Store") == 0)
		return KEXT_ERR_NOT_FOUND;
	_cleanup_fd_ int fd = open_resource(path, name);
	if (fd < 0)
		return KEXT_ERR_NOT_FOUND;
	int error = file_map_fd(fd, RESOURCE_MAX, ret);
	if (error < 0 || is_trusted(kernel->daemon, &ret->stat))
		return error;
	file_unmap(ret);
	return KEXT_ERR_AUTHENTICATION;
}

static void send_resource(struct kernel *kernel, struct bytes message)
{
	struct file_map file = {0};
	_cleanup_buffer_ struct buffer body = {0};
	int error = read_resource(kernel, fields_text(message, FIELD_IDENTIFIER),
				  fields_text(message, FIELD_NAME), &file);
	fields_put_u64(&body, FIELD_REQUEST, fields_u64(message, FIELD_REQUEST));
	fields_put_u32(&body, FIELD_RESULT, kext_error_osreturn(error));
	if (error == 0)
		fields_put_bytes(&body, FIELD_DATA, file.bytes.data, file.bytes.size);
	if (kernel_tell(kernel, KERNEL_RESOURCE, &body) < 0)
		daemon_log(kernel->daemon, "a resource could not be sent to the kernel");
	if (error == 0)
		file_unmap(&file);
}

/* ---- unused kexts ---- */

static void forget(struct kernel *kernel, uint32_t tag)
{
	struct kernel_image *image = kernel_find_image(kernel, tag);
	daemon_log(kernel->daemon, "%s was unused and is unloaded",
		   image ? image->identifier : "a kext");
	kernel_image_unref(image);
	kernel_drop_image(kernel, tag);
}

bool upcall_is(uint16_t type)
{
	return type == KERNEL_LOG || type == KERNEL_REQUEST_LOAD ||
	       type == KERNEL_REQUEST_RESOURCE || type == KERNEL_UNLOADED ||
	       type == KERNEL_OPEN || type == KERNEL_FINDING;
}

bool upcall_take(struct kernel *kernel, struct frame *frame)
{
	struct bytes body = bytes_of(frame->body, frame->size);
	switch (frame->type) {
	case KERNEL_LOG:
		server_log_grew(kernel->daemon);
		return true;
	case KERNEL_REQUEST_LOAD:
		if (!fields_has(body, FIELD_IDENTIFIER))
			return false;
		request_load(kernel->daemon, fields_text(body, FIELD_IDENTIFIER));
		return true;
	case KERNEL_REQUEST_RESOURCE:
		send_resource(kernel, body);
		return true;
	case KERNEL_UNLOADED:
		forget(kernel, fields_u32(body, FIELD_TAG));
		return true;
	case KERNEL_OPEN:
		return files_answer(kernel, frame);
	case KERNEL_FINDING:
		finding_keep(kernel, body);
		return true;
	default:
		return false;
	}
}
