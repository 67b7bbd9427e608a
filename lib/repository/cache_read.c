/*
 * Believing a folder's cache. Its file must be trusted, and the folder and every kext in
 * it must be what they were when it was made. In any doubt the folder is scanned instead.
 */
#include <errno.h>
#include <string.h>
#include <kext/version.h>
#include "base/file.h"
#include "base/memory.h"
#include "repository/cache.h"

#define STORED_LIMIT (UINT64_C(16) << 20)

static bool is_unchanged(const struct cache_subject *subject, const struct cache_row *row)
{
	char stamp[CACHE_STAMP_MAX];
	return cache_stamp(subject->fd, row->path, stamp) &&
	       strcmp(stamp, row->stamp) == 0;
}

static bool is_believable(const struct cache_subject *subject,
			  const struct cache_rows *rows)
{
	char stamp[CACHE_STAMP_MAX];
	if (strcmp(rows->folder, subject->real_path) != 0 ||
	    !cache_folder_stamp(subject->fd, stamp) || strcmp(stamp, rows->stamp) != 0)
		return false;
	array_for_each (row, &rows->items)
		if (!is_unchanged(subject, row))
			return false;
	return true;
}

static struct cached_kext *make_entry(const struct cache_subject *subject,
				      const struct cache_row *row)
{
	struct cached_kext *cached = mem_zero(1, sizeof(*cached));
	if (!cached)
		return NULL;
	cached->path = mem_format("%s/%s", subject->real_path, row->path);
	cached->name = mem_format("%s/%s", subject->name, row->path);
	cached->identifier = mem_string(row->identifier);
	cached->is_kernel_component = row->is_kernel_component;
	if (kext_version_parse(row->version, &cached->version) < 0)
		cached->version = 0;
	if (!cached->path || !cached->name || !cached->identifier)
		return cached_kext_free(cached);
	return cached;
}

static int add_all(struct kext_repository *repository,
		   const struct cache_subject *subject, const struct cache_rows *rows)
{
	size_t count = rows->items.count, made = 0;
	struct cached_kext **list = mem_zero(count + 1, sizeof(*list));
	int error = list ? 0 : -ENOMEM;
	for (; error == 0 && made < count; made++) {
		list[made] = make_entry(subject, &rows->items.items[made]);
		if (!list[made])
			error = -ENOMEM;
	}
	if (error == 0)
		error = repository_add_cached(repository, list, count);
	for (size_t i = 0; error < 0 && list && i < made; i++)
		cached_kext_free(list[i]);
	free(list);
	return error;
}

static int read_kind(struct kext_repository *repository, enum cache_kind kind,
		     const struct cache_subject *subject)
{
	struct cache_rows rows;
	struct file_map map;
	_cleanup_fd_ int fd = cache_open_trusted(repository->context, kind, subject);
	if (fd < 0 || file_map_fd(fd, STORED_LIMIT, &map) < 0)
		return 0;
	int error = cache_rows_parse(kind, map.bytes, &rows), result = 0;
	file_unmap(&map);
	if (error < 0)
		return error == -ENOMEM ? error : 0;
	if (is_believable(subject, &rows)) {
		error = add_all(repository, subject, &rows);
		result = error < 0 ? error : 1;
	}
	cache_rows_free(&rows);
	return result;
}

int cache_read(struct kext_repository *repository, const struct cache_subject *subject)
{
	int result = read_kind(repository, CACHE_OF_IDENTIFIERS, subject);
	return result ? result : read_kind(repository, CACHE_OF_REPOSITORY, subject);
}
