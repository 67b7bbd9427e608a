/* Open-addressing string map over an insertion-ordered entry array; see map.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/map.h"
#include "base/memory.h"

/* Word-at-a-time multiply-xor; symbol names are long and share prefixes. */
static uint32_t hash_string(const char *key)
{
	size_t length = strlen(key);
	uint64_t h = 0x9e3779b97f4a7c15ull ^ length;
	while (length >= 8) {
		uint64_t word;
		memcpy(&word, key, 8);
		h = (h ^ word) * 0xff51afd7ed558ccdull;
		h ^= h >> 32;
		key += 8;
		length -= 8;
	}
	uint64_t tail = 0;
	memcpy(&tail, key, length);
	h = (h ^ tail) * 0xc4ceb9fe1a85ec53ull;
	return (uint32_t)(h ^ h >> 29);
}

static void index_entry(struct map *map, size_t index)
{
	size_t mask = map->slot_count - 1;
	size_t at = map->entries[index].hash & mask;
	while (map->slots[at])
		at = (at + 1) & mask;
	map->slots[at] = (uint32_t)index + 1;
}

int map_reserve(struct map *map, size_t expected)
{
	if (expected >= UINT32_MAX / 4)
		return -ENOMEM;
	size_t slots = 16;
	while (slots < expected * 2)
		slots *= 2;
	if (slots <= map->slot_count)
		return 0;
	struct map_entry *entries = mem_resize(map->entries, slots / 2, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	map->entries = entries;
	map->capacity = slots / 2;
	uint32_t *table = mem_zero(slots, sizeof(*table));
	if (!table)
		return -ENOMEM;
	free(map->slots);
	map->slots = table;
	map->slot_count = slots;
	for (size_t i = 0; i < map->count; i++)
		index_entry(map, i);
	return 0;
}

static struct map_entry *find(const struct map *map, const char *key, uint32_t hash)
{
	if (!map->slot_count)
		return NULL;
	size_t mask = map->slot_count - 1;
	for (size_t at = hash & mask; map->slots[at]; at = (at + 1) & mask) {
		struct map_entry *entry = &map->entries[map->slots[at] - 1];
		if (entry->hash == hash && strcmp(entry->key, key) == 0)
			return entry;
	}
	return NULL;
}

void **map_slot(struct map *map, const char *key, bool *ret_new)
{
	uint32_t hash = hash_string(key);
	struct map_entry *entry = find(map, key, hash);
	if (ret_new)
		*ret_new = entry == NULL;
	if (entry)
		return &entry->value;
	if (map->count == map->slot_count / 2 && map_reserve(map, map->count * 2 + 8) < 0)
		return NULL;
	entry = &map->entries[map->count];
	*entry = (struct map_entry){key, NULL, hash};
	index_entry(map, map->count++);
	return &entry->value;
}

int map_put(struct map *map, const char *key, void *value)
{
	void **slot = map_slot(map, key, NULL);
	if (!slot)
		return -ENOMEM;
	*slot = value;
	return 0;
}

void *map_get(const struct map *map, const char *key)
{
	struct map_entry *entry = find(map, key, hash_string(key));
	return entry ? entry->value : NULL;
}

bool map_has(const struct map *map, const char *key)
{
	return find(map, key, hash_string(key)) != NULL;
}

void map_free(struct map *map)
{
	free(map->entries);
	free(map->slots);
	*map = (struct map){0};
}
