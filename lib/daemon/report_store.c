/*
 * The folder of panic reports: a text and a JSON file of one name for each, and of them
 * the newest ten.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/memory.h"
#include "daemon/daemon.h"

#define REPORT_FOLDER "reports"
#define REPORTS_KEPT  10u
#define NAMES_MAX     100u
#define NAME_SIZE     64u
#define TEXT_SUFFIX   ".panic"
#define JSON_SUFFIX   ".json"

static int open_folder(struct daemon *daemon)
{
	if (mkdirat(daemon->state.fd, REPORT_FOLDER, 0755) < 0 && errno != EEXIST)
		return -errno;
	int fd = openat(daemon->state.fd, REPORT_FOLDER,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* ---- what is there ---- */

struct stored {
	char name[NAME_SIZE]; /* without its suffix */
	struct timespec time;
};

struct stored_list {
	ARRAY_OF(struct stored) items;
};

static int newest_first(const void *a, const void *b)
{
	const struct stored *x = a, *y = b;
	if (x->time.tv_sec != y->time.tv_sec)
		return x->time.tv_sec < y->time.tv_sec ? 1 : -1;
	if (x->time.tv_nsec != y->time.tv_nsec)
		return x->time.tv_nsec < y->time.tv_nsec ? 1 : -1;
	return -strcmp(x->name, y->name);
}

/* Whether it is a report's text, by its name; other people's files are left alone. */
static bool is_report(const char *name, size_t *ret_stem)
{
	size_t length = strlen(name), suffix = strlen(TEXT_SUFFIX);
	if (length <= suffix || length - suffix >= NAME_SIZE ||
	    strncmp(name, "kernel-", 7) != 0 ||
	    strcmp(name + length - suffix, TEXT_SUFFIX) != 0)
		return false;
	*ret_stem = length - suffix;
	return true;
}

static int list(int folder, struct stored_list *ret)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	struct stat st;
	size_t stem;
	int error = 0;
	if (!stream) {
		error = -errno;
		file_close(copy);
		return error;
	}
	while (error == 0 && (entry = readdir(stream))) {
		if (!is_report(entry->d_name, &stem) ||
		    fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		struct stored *stored = array_push(&ret->items);
		if (!stored) {
			error = -ENOMEM;
			break;
		}
		*stored = (struct stored){.time = st.st_mtim};
		memcpy(stored->name, entry->d_name, stem);
	}
	closedir(stream);
	if (ret->items.count)
		qsort(ret->items.items, ret->items.count, sizeof(struct stored),
		      newest_first);
	return error;
}

static void drop(int folder, const char *name)
{
	char file[NAME_SIZE + 8];
	snprintf(file, sizeof(file), "%s" TEXT_SUFFIX, name);
	unlinkat(folder, file, 0);
	snprintf(file, sizeof(file), "%s" JSON_SUFFIX, name);
	unlinkat(folder, file, 0);
}

static void drop_old(int folder)
{
	struct stored_list stored = {0};
	if (list(folder, &stored) == 0) {
		for (size_t i = REPORTS_KEPT; i < stored.items.count; i++)
			drop(folder, stored.items.items[i].name);
	}
	array_free(&stored.items);
}

/* ---- adding ---- */

static char *path_of(const struct daemon *daemon, const char *name)
{
	return mem_format("%s/%s/%s" TEXT_SUFFIX, daemon->state.path, REPORT_FOLDER,
			  name);
}

static int publish_json(int folder, const char *name, const struct kext_value *content)
{
	char file[NAME_SIZE + 8];
	char *json;
	int error = kext_value_to_json(content, &json);
	if (error < 0)
		return error;
	snprintf(file, sizeof(file), "%s" JSON_SUFFIX, name);
	error = file_publish(folder, file, json, strlen(json), 0644, false);
	free(json);
	return error;
}

/* Two reports of one second differ by a number: none replaces another. */
static int publish_text(int folder, time_t now, const struct buffer *text,
			char name[NAME_SIZE])
{
	char stamp[32], file[NAME_SIZE + 8];
	struct tm local;
	int error = -EEXIST;
	localtime_r(&now, &local);
	strftime(stamp, sizeof(stamp), "%Y-%m-%d-%H%M%S", &local);
	for (unsigned n = 0; error == -EEXIST && n < NAMES_MAX; n++) {
		snprintf(name, NAME_SIZE, n ? "kernel-%s-%u" : "kernel-%s", stamp, n);
		snprintf(file, sizeof(file), "%s" TEXT_SUFFIX, name);
		error = file_publish(folder, file, text->data, text->size, 0644, true);
	}
	return error;
}

int report_store(struct daemon *daemon, time_t now, const struct buffer *text,
		 const struct kext_value *content, char **ret_path)
{
	char name[NAME_SIZE];
	_cleanup_fd_ int folder = open_folder(daemon);
	int error = folder < 0 ? folder : publish_text(folder, now, text, name);
	if (error == 0)
		error = publish_json(folder, name, content);
	if (error < 0)
		return error;
	drop_old(folder);
	*ret_path = path_of(daemon, name);
	return *ret_path ? 0 : -ENOMEM;
}

char *report_newest(struct daemon *daemon)
{
	struct stored_list stored = {0};
	_cleanup_fd_ int folder = open_folder(daemon);
	char *path = NULL;
	if (folder >= 0 && list(folder, &stored) == 0 && stored.items.count)
		path = path_of(daemon, stored.items.items[0].name);
	array_free(&stored.items);
	return path;
}
