/*
 * Equality by content, and copies. Both recurse, so both stop at a nesting that no reader
 * produces.
 */
#include <string.h>
#include "base/memory.h"
#include "value/value.h"

#define COPY_MAX_DEPTH 1024u

static bool equal(const struct kext_value *a, const struct kext_value *b, unsigned depth);

static bool arrays_equal(const struct kext_value *a, const struct kext_value *b,
			 unsigned depth)
{
	for (size_t i = 0; i < a->count; i++) {
		if (!equal(a->items[i], b->items[i], depth))
			return false;
	}
	return true;
}

static size_t occurrences(const struct kext_value *set, const struct kext_value *item,
			  unsigned depth)
{
	size_t count = 0;
	for (size_t i = 0; i < set->count; i++)
		count += equal(set->items[i], item, depth);
	return count;
}

/* Equal items may stand in a set more than once: identity made them different. */
static bool sets_equal(const struct kext_value *a, const struct kext_value *b,
		       unsigned depth)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct kext_value *item = a->items[i];
		if (occurrences(a, item, depth) != occurrences(b, item, depth))
			return false;
	}
	return true;
}

static bool dictionaries_equal(const struct kext_value *a, const struct kext_value *b,
			       unsigned depth)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct kext_value *other =
			kext_value_get(b, a->entries[i].key->bytes);
		if (!other || !equal(a->entries[i].value, other, depth))
			return false;
	}
	return true;
}

static bool equal(const struct kext_value *a, const struct kext_value *b, unsigned depth)
{
	if (a == b)
		return true;
	if (!a || !b || a->kind != b->kind || depth == 0)
		return false;
	switch ((enum kext_value_kind)a->kind) {
	case KEXT_VALUE_BOOLEAN:
		return a->truth == b->truth;
	case KEXT_VALUE_INTEGER:
		return value_extended(a) == value_extended(b);
	case KEXT_VALUE_STRING:
	case KEXT_VALUE_DATA:
		return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
	default:
		break;
	}
	if (a->count != b->count)
		return false;
	if (a->kind == KEXT_VALUE_ARRAY)
		return arrays_equal(a, b, depth - 1);
	if (a->kind == KEXT_VALUE_SET)
		return sets_equal(a, b, depth - 1);
	return dictionaries_equal(a, b, depth - 1);
}

bool kext_value_equal(const struct kext_value *a, const struct kext_value *b)
{
	return equal(a, b, COPY_MAX_DEPTH);
}

static struct kext_value *copy(const struct kext_value *value, unsigned depth);

static int copy_member(struct kext_value *to, const struct kext_value *from, size_t index,
		       unsigned depth)
{
	if (from->kind != KEXT_VALUE_DICTIONARY)
		return kext_value_append(to, copy(from->items[index], depth));
	const struct value_entry *entry = &from->entries[index];
	struct kext_value *member = copy(entry->value, depth);
	if (!member)
		return -1;
	return value_set_entry(to, kext_value_ref(entry->key),
			       value_hash(entry->key->bytes, entry->key->size), member);
}

static struct kext_value *copy(const struct kext_value *value, unsigned depth)
{
	if (!value_is_container(value))
		return kext_value_ref((struct kext_value *)value);
	_cleanup_value_ struct kext_value *twin =
		depth ? value_new_container((enum kext_value_kind)value->kind) : NULL;
	if (!twin)
		return NULL;
	for (size_t i = 0; i < value->count; i++) {
		if (copy_member(twin, value, i, depth - 1) < 0)
			return NULL;
	}
	struct kext_value *result = twin;
	twin = NULL;
	return result;
}

struct kext_value *kext_value_copy(const struct kext_value *value)
{
	return value ? copy(value, COPY_MAX_DEPTH) : NULL;
}
