/*
 * Dictionaries: entries in order of insertion, found by a linear look while they are few
 * and through a hash index of positions from nine on.
 */
#include <errno.h>
#include <string.h>
#include "base/memory.h"
#include "value/value.h"

/* Word at a time: keys are short and share prefixes ("CFBundle…", "OSBundle…"). */
uint32_t value_hash(const char *text, size_t length)
{
	uint64_t hash = 0x9e3779b97f4a7c15ull ^ length;
	while (length >= 8) {
		uint64_t word;
		memcpy(&word, text, 8);
		hash = (hash ^ word) * 0xff51afd7ed558ccdull;
		hash ^= hash >> 32;
		text += 8;
		length -= 8;
	}
	uint64_t tail = 0;
	memcpy(&tail, text, length);
	hash = (hash ^ tail) * 0xc4ceb9fe1a85ec53ull;
	return (uint32_t)(hash ^ hash >> 29);
}

static bool is_key(const struct value_entry *entry, const char *text, size_t length)
{
	return entry->key->size == length && memcmp(entry->key->bytes, text, length) == 0;
}

static struct value_entry *find(const struct kext_value *dictionary, uint32_t hash,
				const char *text, size_t length)
{
	struct value_entry *entries = dictionary->entries;
	if (!dictionary->slots) {
		for (size_t i = 0; i < dictionary->count; i++) {
			if (is_key(&entries[i], text, length))
				return &entries[i];
		}
		return NULL;
	}
	size_t mask = dictionary->slot_count - 1;
	for (size_t at = hash & mask; dictionary->slots[at]; at = (at + 1) & mask) {
		struct value_entry *entry = &entries[dictionary->slots[at] - 1];
		if (is_key(entry, text, length))
			return entry;
	}
	return NULL;
}

static void index_entry(struct kext_value *dictionary, size_t position, uint32_t hash)
{
	size_t mask = dictionary->slot_count - 1;
	size_t at = hash & mask;
	while (dictionary->slots[at])
		at = (at + 1) & mask;
	dictionary->slots[at] = (uint32_t)position + 1;
}

/* Fills the index, all slots of which are free, anew. */
static void index_all(struct kext_value *dictionary)
{
	for (size_t i = 0; i < dictionary->count; i++) {
		const struct kext_value *key = dictionary->entries[i].key;
		index_entry(dictionary, i, value_hash(key->bytes, key->size));
	}
}

/* An index with at least twice as many slots as entries. */
static int reserve_slots(struct kext_value *dictionary, size_t entries)
{
	if (entries < VALUE_INDEX_MIN || dictionary->slot_count >= entries * 2)
		return 0;
	if (entries >= UINT32_MAX / 4)
		return -ENOMEM;
	size_t slot_count = 32;
	while (slot_count < entries * 2)
		slot_count *= 2;
	uint32_t *slots = mem_zero(slot_count, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(dictionary->slots);
	dictionary->slots = slots;
	dictionary->slot_count = slot_count;
	index_all(dictionary);
	return 0;
}

static int reserve(struct kext_value *dictionary, size_t wanted, size_t capacity)
{
	if (wanted > dictionary->capacity) {
		struct value_entry *entries =
			mem_resize(dictionary->entries, capacity, sizeof(*entries));
		if (!entries)
			return -ENOMEM;
		dictionary->entries = entries;
		dictionary->capacity = capacity;
	}
	return reserve_slots(dictionary, wanted);
}

int value_reserve_entries(struct kext_value *dictionary, size_t count)
{
	size_t wanted = dictionary->count + count;
	return reserve(dictionary, wanted, wanted);
}

static int add(struct kext_value *dictionary, struct kext_value *key, uint32_t hash,
	       struct kext_value *item)
{
	size_t doubled = dictionary->capacity < 4 ? 4 : dictionary->capacity * 2;
	int error = reserve(dictionary, dictionary->count + 1, doubled);
	if (error < 0)
		return error;
	dictionary->entries[dictionary->count++] = (struct value_entry){key, item};
	if (dictionary->slots)
		index_entry(dictionary, dictionary->count - 1, hash);
	return 0;
}

int value_set_entry(struct kext_value *dictionary, struct kext_value *key, uint32_t hash,
		    struct kext_value *item)
{
	struct value_entry *entry = find(dictionary, hash, key->bytes, key->size);
	if (entry) {
		kext_value_unref(key);
		kext_value_unref(entry->value);
		entry->value = item;
		return 0;
	}
	int error = add(dictionary, key, hash, item);
	if (error < 0) {
		kext_value_unref(key);
		kext_value_unref(item);
	}
	return error;
}

int kext_value_set(struct kext_value *dictionary, const char *key,
		   struct kext_value *item)
{
	if (!item)
		return -ENOMEM;
	int error = KEXT_ERR_INVALID_ARGUMENT;
	if (kext_value_is(dictionary, KEXT_VALUE_DICTIONARY)) {
		size_t length = strlen(key);
		uint32_t hash = value_hash(key, length);
		struct value_entry *entry = find(dictionary, hash, key, length);
		if (entry) {
			kext_value_unref(entry->value);
			entry->value = item;
			return 0;
		}
		struct kext_value *name = kext_value_new_string_n(key, length);
		if (name)
			return value_set_entry(dictionary, name, hash, item);
		error = -ENOMEM;
	}
	kext_value_unref(item);
	return error;
}

struct kext_value *kext_value_get(const struct kext_value *value, const char *key)
{
	if (!kext_value_is(value, KEXT_VALUE_DICTIONARY))
		return NULL;
	size_t length = strlen(key);
	struct value_entry *entry = find(value, value_hash(key, length), key, length);
	return entry ? entry->value : NULL;
}

const char *kext_value_key_at(const struct kext_value *value, size_t index)
{
	if (!kext_value_is(value, KEXT_VALUE_DICTIONARY) || index >= value->count)
		return NULL;
	return value->entries[index].key->bytes;
}

void kext_value_remove(struct kext_value *dictionary, const char *key)
{
	if (!kext_value_is(dictionary, KEXT_VALUE_DICTIONARY))
		return;
	size_t length = strlen(key);
	struct value_entry *entry =
		find(dictionary, value_hash(key, length), key, length);
	if (!entry)
		return;
	struct value_entry gone = *entry;
	size_t after = dictionary->count - (size_t)(entry - dictionary->entries) - 1;
	memmove(entry, entry + 1, after * sizeof(*entry));
	dictionary->count--;
	if (dictionary->slots) {
		memset(dictionary->slots, 0,
		       dictionary->slot_count * sizeof(*dictionary->slots));
		index_all(dictionary);
	}
	kext_value_unref(gone.key);
	kext_value_unref(gone.value);
}
