/* The root of Darwin's places; see root.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include "common/print.h"
#include "common/root.h"

static const char *const places[] = {"/System/Library/Extensions", "/Library/Extensions"};

#define PLACE_COUNT (sizeof(places) / sizeof(*places))

void root_set(const char *folder)
{
	char *path = realpath(folder, NULL);
	char *inside = NULL;
	/* Only a folder has something inside. */
	if (path && asprintf(&inside, "%s/.", path) < 0)
		inside = NULL;
	if (!inside || access(inside, X_OK) < 0 || setenv("KEXT_ROOT", path, 1) < 0) {
		print_error("--root %s: %s", folder, strerror(errno));
		exit(EX_NOINPUT);
	}
	free(inside);
	free(path);
}

/* NULL when / is the root. */
static const char *root(void)
{
	const char *root = getenv("KEXT_ROOT");
	return root && *root && strcmp(root, "/") != 0 ? root : NULL;
}

static char *below(const char *folder, const char *path)
{
	char *text;
	if (asprintf(&text, "%s%s", folder, path) >= 0)
		return text;
	print_error("out of memory");
	exit(EX_OSERR);
}

static bool is_in_a_place(const char *path)
{
	for (size_t i = 0; i < PLACE_COUNT; i++) {
		size_t length = strlen(places[i]);
		if (strncmp(path, places[i], length) == 0 &&
		    (path[length] == '/' || !path[length]))
			return true;
	}
	return false;
}

void root_apply(struct option_list *paths)
{
	const char *folder = root();
	for (size_t i = 0; folder && i < paths->count; i++) {
		if (is_in_a_place(paths->items[i]))
			paths->items[i] = below(folder, paths->items[i]);
	}
}

bool root_folders(struct option_list *folders)
{
	static char *paths[PLACE_COUNT]; /* made once; they live on */
	const char *folder = root();
	for (size_t i = 0; folder && i < PLACE_COUNT; i++) {
		if (!paths[i])
			paths[i] = below(folder, places[i]);
		if (access(paths[i], X_OK) == 0)
			option_list_add(folders, paths[i]);
	}
	return folder != NULL;
}
