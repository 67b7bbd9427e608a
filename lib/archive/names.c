/*
 * Names of the folders that an archive's kexts are unpacked to: the last component of the
 * stored path, else the executable's name, else the end of the identifier; two that
 * differ in case only would be one folder on a Mac, so they count as equal.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include "archive/archive.h"
#include "base/memory.h"

#define NAME_LIMIT (NAME_MAX - 24u) /* room for a number and for a temporary name */

static bool is_plain_name(const char *name, size_t length)
{
	return length > 0 && length <= NAME_MAX && !memchr(name, '/', length) &&
	       !(length == 1 && name[0] == '.') &&
	       !(length == 2 && !memcmp(name, "..", 2));
}

bool archive_is_safe_path(const char *path)
{
	if (strlen(path) >= PATH_MAX)
		return false;
	for (;;) {
		size_t length = strcspn(path, "/");
		if (!is_plain_name(path, length))
			return false;
		if (!path[length])
			return true;
		path += length + 1;
	}
}

/* Whether a component of a path leads upwards. */
static bool leads_upwards(const char *path)
{
	while (*path) {
		size_t length = strcspn(path, "/");
		if (length == 2 && memcmp(path, "..", 2) == 0)
			return true;
		path += length + (path[length] == '/');
	}
	return false;
}

static bool has_suffix(const char *name, size_t length)
{
	return length > 5 && memcmp(name + length - 5, ".kext", 5) == 0;
}

/* `name` without ".kext", if it can name a folder. */
static bool take_base(const char *name, size_t length, struct bytes *ret)
{
	if (has_suffix(name, length))
		length -= 5;
	if (!is_plain_name(name, length) || length > NAME_LIMIT)
		return false;
	*ret = bytes_of(name, length);
	return true;
}

static bool take_base_of_path(const char *path, struct bytes *ret)
{
	size_t length = strlen(path);
	while (length && path[length - 1] == '/')
		length--;
	const char *slash = memrchr(path, '/', length);
	const char *name = slash ? slash + 1 : path;
	return take_base(name, length - (size_t)(name - path), ret);
}

/* The name an entry would like, without ".kext"; NULL without memory. */
static char *wanted_base(struct kext_archive *archive, const struct archive_entry *entry)
{
	const struct kext_value *info = kext_bundle_info(entry->bundle);
	const char *executable =
		kext_value_string(kext_value_get(info, "CFBundleExecutable"));
	const char *identifier = kext_bundle_identifier(entry->bundle);
	const char *dot = strrchr(identifier, '.');
	const char *last = dot ? dot + 1 : identifier;
	struct bytes base;
	if ((!entry->has_unsafe_path &&
	     take_base_of_path(kext_bundle_path(entry->bundle), &base)) ||
	    (executable && take_base(executable, strlen(executable), &base)) ||
	    take_base(last, strlen(last), &base))
		return mem_string_n((const char *)base.data, base.size);
	return mem_format("NameUnknown-%u", ++archive->nameless);
}

static void fold(char *name)
{
	for (; *name; name++)
		*name = (char)tolower((unsigned char)*name);
}

/* Base, Base-1, Base-2, … until nobody has it. */
static int set_name(struct kext_archive *archive, struct archive_entry *entry,
		    const char *base)
{
	for (unsigned number = 0;; number++) {
		char *name = number ? mem_format("%s-%u.kext", base, number)
				    : mem_format("%s.kext", base);
		char *folded = name ? mem_string(name) : NULL;
		if (folded)
			fold(folded);
		if (folded && map_has(&archive->names, folded)) {
			free(name);
			free(folded);
			continue;
		}
		entry->folder_name = name;
		entry->folded_name = folded;
		return folded ? map_put(&archive->names, folded, NULL) : -ENOMEM;
	}
}

int archive_name_entry(struct kext_archive *archive, size_t index)
{
	struct archive_entry *entry = &archive->entries.items[index];
	const char *path = kext_bundle_path(entry->bundle);
	entry->has_unsafe_path = leads_upwards(path) || strlen(path) >= PATH_MAX;
	_cleanup_free_ char *base = wanted_base(archive, entry);
	return base ? set_name(archive, entry, base) : -ENOMEM;
}

/* Length of the part of a plug-in's path that names its parent; 0: it is no plug-in. */
static size_t parent_length(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;
	if (length < 8 || memcmp(path + length - 8, "/PlugIns", 8) != 0)
		return 0;
	length -= 8;
	if (length >= 9 && memcmp(path + length - 9, "/Contents", 9) == 0)
		length -= 9;
	return length;
}

static int find_parent(struct archive_entry *entry, const struct map *paths)
{
	const char *path = kext_bundle_path(entry->bundle);
	size_t length = parent_length(path);
	if (!length || entry->has_unsafe_path)
		return 0;
	_cleanup_free_ char *parent = mem_string_n(path, length);
	if (!parent)
		return -ENOMEM;
	const uintptr_t number = (uintptr_t)map_get(paths, parent);
	if (number)
		entry->parent = number - 1;
	return 0;
}

int archive_find_parents(struct kext_archive *archive)
{
	struct map paths = {0}; /* index + 1 of an entry */
	uintptr_t number = 0;
	int error = map_reserve(&paths, archive->entries.count);
	array_for_each (entry, &archive->entries) {
		number++;
		if (error == 0 && *kext_bundle_path(entry->bundle))
			error = map_put(&paths, kext_bundle_path(entry->bundle),
					(void *)number);
	}
	array_for_each (entry, &archive->entries)
		if (error == 0)
			error = find_parent(entry, &paths);
	map_free(&paths);
	return error;
}
