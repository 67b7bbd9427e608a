/* What a cache says, whoever wrote it: see cache.h. Nothing in it is believed yet. */
#include <errno.h>
#include <string.h>
#include "base/memory.h"
#include "repository/cache.h"

#define MAX_LEVELS 4u /* of plug-ins in plug-ins */

static const char *text_of(const struct kext_value *entry, const char *key)
{
	return kext_value_string(kext_value_get(entry, key));
}

/* Below the folder, plain names only. */
static bool is_safe_path(const char *path)
{
	if (!path || !*path || *path == '/' || strlen(path) > 1024)
		return false;
	for (const char *at = path; at; at = strchr(at, '/')) {
		at += *at == '/';
		size_t length = strcspn(at, "/");
		if (length == 0 || (length <= 2 && strspn(at, ".") >= length))
			return false;
	}
	return true;
}

static int push(struct cache_rows *rows, const struct cache_row *row)
{
	if (!is_safe_path(row->path) || !row->identifier || !row->stamp)
		return KEXT_ERR_CACHE;
	struct cache_row *place = array_push(&rows->items);
	if (!place)
		return -ENOMEM;
	*place = *row;
	return 0;
}

/* ---- identifier caches ---- */

static int read_identifiers(const struct kext_value *cache, struct cache_rows *rows)
{
	const struct kext_value *kexts = kext_value_get(cache, CACHE_KEY_INFO);
	int error = kext_value_integer(kext_value_get(cache, CACHE_KEY_VERSION)) ==
					    CACHE_VERSION &&
				    kext_value_is(kexts, KEXT_VALUE_ARRAY)
			    ? 0
			    : KEXT_ERR_CACHE;
	rows->folder = text_of(cache, CACHE_KEY_BASE);
	for (size_t i = 0; error == 0 && i < kext_value_count(kexts); i++) {
		const struct kext_value *entry = kext_value_at(kexts, i);
		struct cache_row row = {
			.path = text_of(entry, CACHE_KEY_PATH),
			.identifier = text_of(entry, "CFBundleIdentifier"),
			.version = text_of(entry, "CFBundleVersion"),
			.stamp = text_of(entry, CACHE_KEY_STAMP),
			.is_kernel_component = kext_value_boolean(
				kext_value_get(entry, CACHE_KEY_RESOURCE)),
		};
		error = push(rows, &row);
	}
	return error;
}

/* ---- repository caches ---- */

static int read_kexts(const struct kext_value *kexts, unsigned level,
		      struct cache_rows *rows)
{
	if (!kext_value_is(kexts, KEXT_VALUE_ARRAY) || level > MAX_LEVELS)
		return KEXT_ERR_CACHE;
	int error = 0;
	for (size_t i = 0; error == 0 && i < kext_value_count(kexts); i++) {
		const struct kext_value *entry = kext_value_at(kexts, i);
		const struct kext_value *info = kext_value_get(entry, CACHE_KEY_PROPERTY);
		const struct kext_value *inner = kext_value_get(entry, CACHE_KEY_PLUGINS);
		struct cache_row row = {
			.path = text_of(entry, CACHE_KEY_BUNDLE),
			.identifier = text_of(info, "CFBundleIdentifier"),
			.version = text_of(info, "CFBundleVersion"),
			.stamp = text_of(entry, CACHE_KEY_STAMP),
			.is_kernel_component = kext_value_boolean(
				kext_value_get(info, CACHE_KEY_RESOURCE)),
		};
		error = push(rows, &row);
		if (error == 0 && inner)
			error = read_kexts(inner, level + 1, rows);
	}
	return error;
}

static int read_repository(const struct kext_value *cache, struct cache_rows *rows)
{
	rows->folder = text_of(cache, CACHE_KEY_FOLDER);
	if (kext_value_integer(kext_value_get(cache, CACHE_KEY_FORMAT)) !=
		    CACHE_VERSION ||
	    !kext_value_boolean(kext_value_get(cache, CACHE_KEY_SCANS)))
		return KEXT_ERR_CACHE;
	return read_kexts(kext_value_get(cache, CACHE_KEY_KEXTS), 0, rows);
}

/* ---- either ---- */

static int read_value(enum cache_kind kind, struct cache_rows *rows)
{
	int error = kind == CACHE_OF_IDENTIFIERS ? read_identifiers(rows->value, rows)
						 : read_repository(rows->value, rows);
	rows->stamp = text_of(rows->value, CACHE_KEY_STAMP);
	return error == 0 && (!rows->folder || !rows->stamp) ? KEXT_ERR_CACHE : error;
}

int cache_rows_parse(enum cache_kind kind, struct bytes stored, struct cache_rows *ret)
{
	struct cache_rows rows = {0};
	size_t size;
	*ret = rows;
	_cleanup_free_ char *text = cache_expand(stored, &size);
	if (!text)
		return KEXT_ERR_CACHE;
	int error = kext_value_from_xml(text, size, "cache", NULL, &rows.value);
	if (error < 0)
		return error == -ENOMEM ? error : KEXT_ERR_CACHE;
	error = read_value(kind, &rows);
	if (error < 0)
		cache_rows_free(&rows);
	*ret = rows;
	return error;
}

void cache_rows_free(struct cache_rows *rows)
{
	kext_value_unref(rows->value);
	array_free(&rows->items);
	*rows = (struct cache_rows){0};
}
