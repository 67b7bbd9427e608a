/*
 * A hash map from strings to pointers. Keys are borrowed: they must outlive the map. Order
 * of iteration is order of insertion, so that what is printed does not depend on hashing.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_entry {
	const char *key;
	void *value;
	uint32_t hash;
};

struct map {
	struct map_entry *entries;	/* in order of insertion; count of them */
	size_t count, capacity;
	uint32_t *slots;		/* index + 1 into entries; 0 = free */
	size_t slot_count;		/* a power of two */
};

/* Room for `expected` entries up front. 0 or -ENOMEM. A zeroed map is valid and empty. */
int map_reserve(struct map *map, size_t expected) __attribute__((warn_unused_result));
/* Inserts or replaces. 0 or -ENOMEM. */
int map_put(struct map *map, const char *key, void *value) __attribute__((warn_unused_result));
/*
 * The value slot of `key`, inserted with NULL when absent (*ret_new tells; may be NULL).
 * NULL without memory. Valid until the next insertion.
 */
void **map_slot(struct map *map, const char *key, bool *ret_new);
/* The value, or NULL when there is none. */
void *map_get(const struct map *map, const char *key);
bool map_has(const struct map *map, const char *key);
void map_free(struct map *map);

#define map_for_each(entry, map)                                                       \
	for (struct map_entry *entry = (map)->entries;                                 \
	     (map)->count && entry < (map)->entries + (map)->count; entry++)

#endif
