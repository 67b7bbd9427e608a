/*
 * Unpacks many entries by several threads: parents before their plug-ins, which go into
 * them, level by level. What is said about entries comes in the order of the entries.
 */
#include <errno.h>
#include <pthread.h>
#include "archive/archive.h"
#include "archive/parallel.h"
#include "base/memory.h"

struct job {
	size_t index;
	unsigned depth; /* plug-in of a plug-in: 2 */
	bool is_nested;
	struct kext_diagnostics *diagnostics;
	int error;
};

struct unpacking_all {
	const struct kext_archive *archive;
	const struct kext_unpack_options *options;
	int dirfd;
	const char *folder;
	struct job *jobs;
	size_t count, done;
	struct job **by_entry; /* NULL: not asked for */
	struct job **level;    /* those of the depth that is worked on */
	pthread_mutex_t lock;  /* for `done` */
};

static void tell_progress(struct unpacking_all *u)
{
	pthread_mutex_lock(&u->lock);
	u->done++;
	if (u->options->progress)
		u->options->progress(u->options->data, u->done, u->count);
	pthread_mutex_unlock(&u->lock);
}

/* What fails is kept with the job, for all others go on. */
static int run_job(void *data, size_t index)
{
	struct unpacking_all *u = data;
	struct job *job = u->level[index];
	size_t parent = u->archive->entries.items[job->index].parent;
	unsigned flags = u->options->flags & ~(unsigned)KEXT_UNPACK_NESTED;
	const char *identifier =
		kext_bundle_identifier(u->archive->entries.items[job->index].bundle);
	if (job->is_nested && u->by_entry[parent]->error < 0) {
		kext_diagnose(
			job->diagnostics, KEXT_ERROR, "archive.parent",
			u->archive->subject, NULL,
			"%s is not unpacked, for the kext it is a plug-in of was not",
			identifier);
		job->error = u->by_entry[parent]->error;
	} else {
		job->error = kext_archive_unpack(
			u->archive, job->index, u->dirfd, u->folder,
			job->is_nested ? flags | KEXT_UNPACK_NESTED : flags,
			job->diagnostics);
	}
	tell_progress(u);
	return 0;
}

/* A plug-in whose parent is not asked for stands by itself. */
static void find_depths(struct unpacking_all *u)
{
	for (size_t i = 0; i < u->count; i++) {
		struct job *job = &u->jobs[i];
		size_t at = job->index;
		for (;;) {
			at = u->archive->entries.items[at].parent;
			if (at == ARCHIVE_NO_PARENT || !u->by_entry[at])
				break;
			job->depth++;
			job->is_nested = true;
		}
	}
}

/* A plug-in's parents must all be there for kext_archive_unpack to find its place. */
static void check_outer_parents(struct unpacking_all *u)
{
	for (size_t i = 0; i < u->count; i++) {
		size_t at = u->jobs[i].index;
		while (at != ARCHIVE_NO_PARENT && u->by_entry[at])
			at = u->archive->entries.items[at].parent;
		if (at != ARCHIVE_NO_PARENT) {
			u->jobs[i].is_nested = false;
			u->jobs[i].depth = 0;
		}
	}
}

static int run_levels(struct unpacking_all *u)
{
	size_t begun = 0;
	for (unsigned depth = 0; begun < u->count; depth++) {
		size_t count = 0;
		for (size_t i = 0; i < u->count; i++)
			if (u->jobs[i].depth == depth)
				u->level[count++] = &u->jobs[i];
		int error = parallel_run(u->options->jobs, count, run_job, u);
		if (error < 0)
			return error;
		begun += count;
	}
	return 0;
}

/* Of a kext that failed not even the folder that it was to go into stays. */
static void clean_up(struct unpacking_all *u)
{
	for (size_t i = 0; i < u->count; i++) {
		struct job *job = &u->jobs[i];
		if (job->is_nested && job->error < 0)
			archive_drop_plugins(u->archive, job->index, u->dirfd);
	}
}

/* Makes clear that the failure of one does not mean that nothing is there. */
static void tell_partial(const struct unpacking_all *u,
			 struct kext_diagnostics *diagnostics)
{
	size_t failed = 0;
	for (size_t i = 0; i < u->count; i++)
		failed += u->jobs[i].error < 0;
	if (failed && failed < u->count)
		kext_diagnose(diagnostics, KEXT_WARNING, "archive.partial", u->folder,
			      NULL,
			      "%zu of %zu kexts are unpacked; of the others nothing is",
			      u->count - failed, u->count);
}

static int make_jobs(struct unpacking_all *u, const size_t *indices)
{
	size_t entries = u->archive->entries.count;
	u->jobs = mem_zero(u->count + 1, sizeof(*u->jobs));
	u->level = mem_zero(u->count + 1, sizeof(*u->level));
	u->by_entry = mem_zero(entries + 1, sizeof(*u->by_entry));
	if (!u->jobs || !u->level || !u->by_entry)
		return -ENOMEM;
	for (size_t i = 0; i < u->count; i++) {
		size_t index = indices ? indices[i] : i;
		if (index >= entries || u->by_entry[index])
			return KEXT_ERR_INVALID_ARGUMENT;
		u->jobs[i].index = index;
		u->jobs[i].diagnostics = kext_diagnostics_new();
		u->by_entry[index] = &u->jobs[i];
		if (!u->jobs[i].diagnostics)
			return -ENOMEM;
	}
	find_depths(u);
	check_outer_parents(u);
	return 0;
}

int kext_archive_unpack_all(const struct kext_archive *archive, const size_t *indices,
			    size_t count, int dirfd, const char *folder,
			    const struct kext_unpack_options *options,
			    struct kext_diagnostics *diagnostics)
{
	struct unpacking_all u = {.archive = archive,
				  .options = options,
				  .dirfd = dirfd,
				  .folder = folder,
				  .count = indices ? count : archive->entries.count,
				  .lock = PTHREAD_MUTEX_INITIALIZER};
	int error = make_jobs(&u, indices);
	if (error == 0)
		error = run_levels(&u);
	bool is_run = error == 0;
	for (size_t i = 0; u.jobs && i < u.count; i++) {
		if (error == 0)
			error = u.jobs[i].error;
		if (u.jobs[i].diagnostics)
			kext_diagnostics_move(diagnostics, u.jobs[i].diagnostics);
		kext_diagnostics_free(u.jobs[i].diagnostics);
	}
	if (is_run) {
		clean_up(&u);
		tell_partial(&u, diagnostics);
	}
	free(u.jobs);
	free(u.level);
	free(u.by_entry);
	return error;
}
