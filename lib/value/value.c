/*
 * Property values: making, counting references, reading scalars, arrays and sets.
 * Dictionaries are in dictionary.c, comparison and copies in compare.c.
 */
#include <errno.h>
#include <string.h>
#include "base/memory.h"
#include "value/value.h"

/* Booleans are two objects for the whole program, as in the kernel; never counted. */
static struct kext_value false_value = {.kind = KEXT_VALUE_BOOLEAN, .truth = false};
static struct kext_value true_value = {.kind = KEXT_VALUE_BOOLEAN, .truth = true};

struct kext_value *kext_value_new_boolean(bool boolean)
{
	return boolean ? &true_value : &false_value;
}

struct kext_value *kext_value_new_integer(uint64_t integer, unsigned bits)
{
	struct kext_value *value =
		mem_alloc(offsetof(struct kext_value, integer) + sizeof(uint64_t));
	if (!value)
		return NULL;
	atomic_init(&value->references, 1);
	value->kind = KEXT_VALUE_INTEGER;
	value->bits = bits < 64 ? (uint8_t)bits : 64;
	value->truth = false;
	value->is_unsigned = true;
	value->integer = bits < 64 ? integer & ((UINT64_C(1) << bits) - 1) : integer;
	return value;
}

struct kext_value *value_new_bytes(enum kext_value_kind kind, size_t size)
{
	size_t total;
	if (size >= UINT32_MAX ||
	    __builtin_add_overflow(size, offsetof(struct kext_value, bytes) + 1, &total))
		return NULL;
	struct kext_value *value = mem_alloc(total);
	if (!value)
		return NULL;
	atomic_init(&value->references, 1);
	value->kind = (uint8_t)kind;
	value->bits = 0;
	value->truth = value->is_unsigned = false;
	value->size = (uint32_t)size;
	value->bytes[size] = '\0';
	return value;
}

struct kext_value *kext_value_new_string(const char *text)
{
	return kext_value_new_string_n(text, strlen(text));
}

struct kext_value *kext_value_new_string_n(const char *text, size_t length)
{
	/* A string ends at its first NUL for every reader of it: so does this one. */
	length = length ? strnlen(text, length) : 0;
	struct kext_value *value = value_new_bytes(KEXT_VALUE_STRING, length);
	if (value && length)
		memcpy(value->bytes, text, length);
	return value;
}

struct kext_value *kext_value_new_data(const void *data, size_t size)
{
	struct kext_value *value = value_new_bytes(KEXT_VALUE_DATA, size);
	if (value && size)
		memcpy(value->bytes, data, size);
	return value;
}

struct kext_value *value_new_container(enum kext_value_kind kind)
{
	struct kext_value *value = mem_zero(1, sizeof(*value));
	if (!value)
		return NULL;
	atomic_init(&value->references, 1);
	value->kind = (uint8_t)kind;
	return value;
}

struct kext_value *kext_value_new_array(void)
{
	return value_new_container(KEXT_VALUE_ARRAY);
}

struct kext_value *kext_value_new_set(void)
{
	return value_new_container(KEXT_VALUE_SET);
}

struct kext_value *kext_value_new_dictionary(void)
{
	return value_new_container(KEXT_VALUE_DICTIONARY);
}

struct kext_value *kext_value_ref(struct kext_value *value)
{
	if (value && value->kind != KEXT_VALUE_BOOLEAN)
		atomic_fetch_add_explicit(&value->references, 1, memory_order_relaxed);
	return value;
}

/* Drops a reference; true when it was the last. The sole owner needs no locked operation.
 */
static bool drop(struct kext_value *value)
{
	if (!value || value->kind == KEXT_VALUE_BOOLEAN)
		return false;
	if (atomic_load_explicit(&value->references, memory_order_acquire) == 1)
		return true;
	return atomic_fetch_sub_explicit(&value->references, 1, memory_order_acq_rel) ==
	       1;
}

/*
 * Dead containers wait in a list threaded through their own memory, so that freeing needs
 * neither stack nor allocation, however deep the value is.
 */
static void bury(struct kext_value *value, struct kext_value **dead)
{
	if (!drop(value))
		return;
	if (!value_is_container(value)) {
		free(value);
		return;
	}
	value->next_dead = *dead;
	*dead = value;
}

struct kext_value *kext_value_unref(struct kext_value *value)
{
	struct kext_value *dead = NULL;
	bury(value, &dead);
	while (dead) {
		struct kext_value *container = dead;
		dead = container->next_dead;
		bool is_dictionary = container->kind == KEXT_VALUE_DICTIONARY;
		for (size_t i = 0; i < container->count; i++) {
			if (is_dictionary) {
				bury(container->entries[i].key, &dead);
				bury(container->entries[i].value, &dead);
			} else {
				bury(container->items[i], &dead);
			}
		}
		free(container->items);
		free(container->slots);
		free(container);
	}
	return NULL;
}

enum kext_value_kind kext_value_kind(const struct kext_value *value)
{
	return (enum kext_value_kind)value->kind;
}

bool kext_value_is(const struct kext_value *value, enum kext_value_kind kind)
{
	return value && value->kind == kind;
}

bool kext_value_boolean(const struct kext_value *value)
{
	return kext_value_is(value, KEXT_VALUE_BOOLEAN) && value->truth;
}

uint64_t kext_value_integer(const struct kext_value *value)
{
	return kext_value_is(value, KEXT_VALUE_INTEGER) ? value->integer : 0;
}

unsigned kext_value_bits(const struct kext_value *value)
{
	return kext_value_is(value, KEXT_VALUE_INTEGER) ? value->bits : 0;
}

const char *kext_value_string(const struct kext_value *value)
{
	return kext_value_is(value, KEXT_VALUE_STRING) ? value->bytes : NULL;
}

const void *kext_value_data(const struct kext_value *value, size_t *ret_size)
{
	bool is_data = kext_value_is(value, KEXT_VALUE_DATA);
	if (ret_size)
		*ret_size = is_data ? value->size : 0;
	return is_data ? value->bytes : NULL;
}

size_t kext_value_count(const struct kext_value *value)
{
	return value && value_is_container(value) ? value->count : 0;
}

struct kext_value *kext_value_at(const struct kext_value *value, size_t index)
{
	if (index >= kext_value_count(value))
		return NULL;
	return value->kind == KEXT_VALUE_DICTIONARY ? value->entries[index].value
						    : value->items[index];
}

static bool holds(const struct kext_value *set, const struct kext_value *item)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->items[i] == item)
			return true;
	}
	return false;
}

int kext_value_append(struct kext_value *array, struct kext_value *item)
{
	if (!item)
		return -ENOMEM;
	if (!array ||
	    (array->kind != KEXT_VALUE_ARRAY && array->kind != KEXT_VALUE_SET)) {
		kext_value_unref(item);
		return KEXT_ERR_INVALID_ARGUMENT;
	}
	if (array->kind == KEXT_VALUE_SET && holds(array, item)) {
		kext_value_unref(item);
		return 0;
	}
	if (array->count == array->capacity) {
		size_t wanted = array->capacity < 4 ? 4 : array->capacity * 2;
		struct kext_value **items =
			mem_resize(array->items, wanted, sizeof(*items));
		if (!items) {
			kext_value_unref(item);
			return -ENOMEM;
		}
		array->items = items;
		array->capacity = wanted;
	}
	array->items[array->count++] = item;
	return 0;
}

/* Position in a table of `mask` + 1 pointers where `item` is or belongs. */
static size_t find_pointer(const struct kext_value **table, size_t mask,
			   const struct kext_value *item)
{
	size_t at = (size_t)(((uintptr_t)item >> 4) * 0x9e3779b97f4a7c15ull >> 20) & mask;
	while (table[at] && table[at] != item)
		at = (at + 1) & mask;
	return at;
}

/* A set holds an object once, whatever the text says; objects are compared by identity.
 */
static int drop_repeated(struct kext_value *set)
{
	size_t slots = 16, kept = 0;
	while (slots < set->count * 2)
		slots *= 2;
	_cleanup_free_ const struct kext_value **table = mem_zero(slots, sizeof(*table));
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < set->count; i++) {
		struct kext_value *item = set->items[i];
		size_t at = find_pointer(table, slots - 1, item);
		if (table[at]) {
			kext_value_unref(item);
			continue;
		}
		table[at] = item;
		set->items[kept++] = item;
	}
	set->count = kept;
	return 0;
}

int value_adopt(struct kext_value *list, struct kext_value **items, size_t count)
{
	list->items = items;
	list->count = list->capacity = count;
	return list->kind == KEXT_VALUE_SET && count > 1 ? drop_repeated(list) : 0;
}
