/*
 * Asking kextd to open a file, and waiting for its answer. Any thread may, also one that
 * runs a start routine: kextd's reader serves the question while the start is awaited,
 * and the reader here hands the answer over while the asker sleeps.
 */
#include <errno.h>
#include <time.h>
#include "base/file.h"
#include "base/memory.h"
#include "kernel/bsd/files.h"
#include "kernel/machine/machine.h"

#define PATIENCE 10 /* seconds */

/* A question without its answer; lives on the asker's stack. */
struct question {
	struct question *next;
	uint64_t id;
	bool is_answered;
	int error; /* Linux' */
	struct opened_file file;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t answered;
static struct question *questions; /* guarded by lock, as are all of them */
static uint64_t last_id;

void files_startup(void)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&answered, &attributes);
	pthread_condattr_destroy(&attributes);
}

static void enter(struct question *question)
{
	pthread_mutex_lock(&lock);
	question->id = ++last_id;
	question->next = questions;
	questions = question;
	pthread_mutex_unlock(&lock);
}

/* With the lock. */
static void unlink_question(struct question *question)
{
	struct question **link = &questions;
	while (*link && *link != question)
		link = &(*link)->next;
	if (*link)
		*link = question->next;
}

/* Until it is answered or patience ends; an answer that comes later finds no question. */
static void await(struct question *question)
{
	struct timespec until;
	int error = 0;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PATIENCE;
	pthread_mutex_lock(&lock);
	while (!question->is_answered && error != ETIMEDOUT)
		error = pthread_cond_timedwait(&answered, &lock, &until);
	unlink_question(question);
	pthread_mutex_unlock(&lock);
	if (!question->is_answered)
		question->error = ETIMEDOUT;
}

int file_ask(const char *path, uint32_t flags, uint32_t mode, struct opened_file *ret)
{
	_cleanup_buffer_ struct buffer body = {0};
	struct question question = {.file.fd = -1};
	fields_put_text(&body, FIELD_PATH, path);
	fields_put_u32(&body, FIELD_FLAGS, flags);
	fields_put_u32(&body, FIELD_MODE, mode);
	enter(&question);
	if (server_send(KERNEL_OPEN, question.id, &body)) {
		await(&question);
	} else {
		pthread_mutex_lock(&lock);
		unlink_question(&question);
		pthread_mutex_unlock(&lock);
		question.error = ENOMEM;
	}
	if (question.error)
		return darwin_errno(question.error);
	*ret = question.file;
	return 0;
}

/* With the lock: what the question gets of an answer. */
static void fill(struct question *question, struct frame *frame, struct bytes body)
{
	question->error = (int)fields_u32(body, FIELD_ERROR);
	question->is_answered = true;
	if (question->error)
		return;
	char *path = mem_string(fields_text(body, FIELD_PATH));
	int fd = frame_take_fd(frame, 0);
	if (!path || fd < 0) {
		free(path);
		file_close(fd);
		question->error = path ? EIO : ENOMEM;
		return;
	}
	question->file = (struct opened_file){fd, fields_u32(body, FIELD_FLAGS), path};
}

void file_take_answer(struct frame *frame, struct bytes body)
{
	pthread_mutex_lock(&lock);
	struct question *question = questions;
	while (question && question->id != frame->id)
		question = question->next;
	if (question && !question->is_answered)
		fill(question, frame, body);
	pthread_cond_broadcast(&answered);
	pthread_mutex_unlock(&lock);
}
