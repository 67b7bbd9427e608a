/* A userland kernel as its callers see it: calls, their answers, its images, its end. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/memory.h"
#include "daemon/daemon.h"

/* A question that waits for its answer; lives on the asker's stack. */
struct call {
	struct call *next;
	uint64_t id;
	uint16_t type;
	bool is_answered;
	struct frame reply;
};

int kernel_new(struct daemon *daemon, struct kernel **ret_kernel)
{
	struct kernel *kernel = mem_zero(1, sizeof(*kernel));
	if (!kernel)
		return -ENOMEM;
	kernel->references = 1;
	kernel->daemon = daemon;
	kernel->next_id = 1;
	kernel->socket = kernel->report_pipe = kernel->program = -1;
	pthread_mutex_init(&kernel->send_lock, NULL);
	pthread_mutex_init(&kernel->lock, NULL);
	daemon_cond_init(&kernel->changed);
	kernel->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (kernel->wake < 0) {
		int error = -errno;
		kernel_unref(kernel);
		return error;
	}
	*ret_kernel = kernel;
	return 0;
}

struct kernel *kernel_ref(struct kernel *kernel)
{
	atomic_fetch_add(&kernel->references, 1);
	return kernel;
}

struct kernel *kernel_unref(struct kernel *kernel)
{
	if (!kernel || atomic_fetch_sub(&kernel->references, 1) != 1)
		return NULL;
	array_for_each (image, &kernel->images)
		kernel_image_unref(*image);
	array_free(&kernel->images);
	file_close(kernel->socket);
	file_close(kernel->report_pipe);
	file_close(kernel->program);
	file_close(kernel->wake);
	free(kernel->report);
	pthread_cond_destroy(&kernel->changed);
	pthread_mutex_destroy(&kernel->lock);
	pthread_mutex_destroy(&kernel->send_lock);
	free(kernel);
	return NULL;
}

/* ---- images ---- */

struct kernel_image *kernel_image_unref(struct kernel_image *image)
{
	if (!image || atomic_fetch_sub(&image->references, 1) != 1)
		return NULL;
	kext_image_unref(image->image);
	free(image->data);
	free(image->identifier);
	free(image->path);
	free(image);
	return NULL;
}

int kernel_add_image(struct kernel *kernel, struct kernel_image *image)
{
	pthread_mutex_lock(&kernel->lock);
	struct kernel_image **place = array_push(&kernel->images);
	if (place)
		*place = image;
	pthread_mutex_unlock(&kernel->lock);
	return place ? 0 : -ENOMEM;
}

struct kernel_image *kernel_find_image(struct kernel *kernel, uint32_t tag)
{
	struct kernel_image *found = NULL;
	pthread_mutex_lock(&kernel->lock);
	array_for_each (image, &kernel->images) {
		if ((*image)->tag == tag)
			found = *image;
	}
	if (found)
		atomic_fetch_add(&found->references, 1);
	pthread_mutex_unlock(&kernel->lock);
	return found;
}

void kernel_drop_image(struct kernel *kernel, uint32_t tag)
{
	struct kernel_image *found = NULL;
	pthread_mutex_lock(&kernel->lock);
	for (size_t i = 0; i < kernel->images.count && !found; i++) {
		if (kernel->images.items[i]->tag != tag)
			continue;
		found = kernel->images.items[i];
		memmove(&kernel->images.items[i], &kernel->images.items[i + 1],
			(kernel->images.count - i - 1) * sizeof(found));
		kernel->images.count--;
	}
	pthread_mutex_unlock(&kernel->lock);
	kernel_image_unref(found);
}

size_t kernel_image_count(struct kernel *kernel)
{
	pthread_mutex_lock(&kernel->lock);
	size_t count = kernel->images.count;
	pthread_mutex_unlock(&kernel->lock);
	return count;
}

/* ---- sending ---- */

static void wake_supervisor(struct kernel *kernel)
{
	eventfd_write(kernel->wake, 1);
}

/* A kernel that does not read what it is sent is as good as dead. */
static int send_message(struct kernel *kernel, const struct frame *frame)
{
	pthread_mutex_lock(&kernel->send_lock);
	int error =
		frame_send_within(kernel->socket, frame, kernel->daemon->deadlines.frame);
	pthread_mutex_unlock(&kernel->send_lock);
	if (error == -EAGAIN)
		kernel_end(kernel, "it does not read its messages");
	return error;
}

int kernel_answer(struct kernel *kernel, const struct frame *question,
		  struct buffer *body, int fd)
{
	struct frame frame = {.type = question->type,
			      .id = question->id,
			      .fds = {fd},
			      .fd_count = fd >= 0};
	int error = body ? buffer_error(body) : 0;
	if (error == 0 && body)
		frame.body = buffer_steal(body, &frame.size);
	if (error == 0)
		error = send_message(kernel, &frame);
	frame.fd_count = 0; /* the caller's */
	frame_free(&frame);
	return error;
}

int kernel_tell(struct kernel *kernel, enum kernel_message type, struct buffer *body)
{
	return kernel_answer(kernel, &(struct frame){.type = (uint16_t)type}, body, -1);
}

/* True for the one who may tell the kernel so; later causes do not count. */
static bool begin_end(struct kernel *kernel, const char *cause)
{
	pthread_mutex_lock(&kernel->lock);
	bool is_first = !kernel->is_ending && !kernel->dead;
	if (is_first) {
		kernel->is_ending = true;
		kernel->is_replaced = !cause;
		kernel->end_cause = cause;
		kernel->kill_at = daemon_now() + kernel->daemon->deadlines.end;
	}
	pthread_mutex_unlock(&kernel->lock);
	return is_first;
}

void kernel_end(struct kernel *kernel, const char *cause)
{
	_cleanup_buffer_ struct buffer body = {0};
	if (!begin_end(kernel, cause))
		return;
	wake_supervisor(kernel);
	if (cause)
		fields_put_text(&body, FIELD_CAUSE, cause);
	/* One that cannot be told is killed when its time is up. */
	if (kernel_tell(kernel, cause ? KERNEL_CANCEL : KERNEL_SHUTDOWN, &body) < 0)
		daemon_log(kernel->daemon, "kernel %d cannot be told to end",
			   (int)kernel->pid);
}

void kernel_poke(struct kernel *kernel)
{
	pthread_mutex_lock(&kernel->lock);
	pthread_cond_broadcast(&kernel->changed);
	pthread_mutex_unlock(&kernel->lock);
}

/* ---- calls ---- */

static void unlink_call(struct kernel *kernel, struct call *call)
{
	for (struct call **place = &kernel->calls; *place; place = &(*place)->next) {
		if (*place == call) {
			*place = call->next;
			return;
		}
	}
}

/* Why patience ended: 0 when it has not. */
static int impatience(const struct patience *patience)
{
	if (patience->is_cancelled && atomic_load(patience->is_cancelled))
		return KEXT_ERR_CANCELLED;
	if (patience->deadline && daemon_now() >= patience->deadline)
		return KEXT_ERR_TIMEOUT;
	return 0;
}

static const char *impatience_cause(int reason, bool is_own_rule)
{
	if (is_own_rule)
		return "it did not answer in time";
	return reason == KEXT_ERR_CANCELLED ? "cancelled" : "timed out";
}

/* With the lock. Whoever made the kernel end gets his own reason back, others a panic. */
static int wait_for_reply(struct kernel *kernel, struct call *call,
			  const struct patience *patience, bool is_own_rule)
{
	int reason = 0;
	while (!call->is_answered && !kernel->dead) {
		uint64_t deadline = reason ? 0 : patience->deadline;
		if (!reason) {
			reason = impatience(patience);
			deadline = reason ? 0 : deadline;
			if (reason) {
				pthread_mutex_unlock(&kernel->lock);
				kernel_end(kernel, impatience_cause(reason, is_own_rule));
				pthread_mutex_lock(&kernel->lock);
				continue;
			}
		}
		daemon_cond_wait(&kernel->changed, &kernel->lock, deadline);
	}
	if (call->is_answered)
		return 0;
	if (kernel->is_replaced)
		return KEXT_ERR_CANCELLED;
	return reason && !is_own_rule ? reason : KEXT_ERR_PANIC;
}

static int enter_call(struct kernel *kernel, struct call *call)
{
	int error = 0;
	pthread_mutex_lock(&kernel->lock);
	if (kernel->dead) {
		error = kernel->is_replaced ? KEXT_ERR_CANCELLED : KEXT_ERR_PANIC;
	} else {
		call->id = kernel->next_id++;
		call->next = kernel->calls;
		kernel->calls = call;
	}
	pthread_mutex_unlock(&kernel->lock);
	return error;
}

int kernel_call(struct kernel *kernel, enum kernel_message type, struct buffer *body,
		int fd, const struct patience *patience, struct frame *ret)
{
	struct patience own = {.deadline =
				       daemon_now() + kernel->daemon->deadlines.answer};
	struct call call = {.type = (uint16_t)type};
	struct frame frame = {.type = (uint16_t)type, .fds = {fd}, .fd_count = fd >= 0};
	int error = body ? buffer_error(body) : 0;
	if (error == 0)
		error = enter_call(kernel, &call);
	if (error < 0)
		return error;
	frame.id = call.id;
	if (body)
		frame.body = buffer_steal(body, &frame.size);
	/* A send that fails means that the kernel is dying: its end is waited for. */
	if (send_message(kernel, &frame) < 0)
		wake_supervisor(kernel);
	frame.fd_count = 0;
	frame_free(&frame);
	pthread_mutex_lock(&kernel->lock);
	error = wait_for_reply(kernel, &call, patience ? patience : &own, !patience);
	unlink_call(kernel, &call);
	pthread_mutex_unlock(&kernel->lock);
	if (error == 0)
		*ret = call.reply;
	return error;
}

bool kernel_take_reply(struct kernel *kernel, struct frame *frame)
{
	bool is_taken = false;
	pthread_mutex_lock(&kernel->lock);
	for (struct call *call = kernel->calls; call && !is_taken; call = call->next) {
		if (call->id != frame->id || call->type != frame->type ||
		    call->is_answered)
			continue;
		call->reply = *frame;
		*frame = (struct frame){0};
		call->is_answered = is_taken = true;
	}
	pthread_cond_broadcast(&kernel->changed);
	pthread_mutex_unlock(&kernel->lock);
	return is_taken;
}
