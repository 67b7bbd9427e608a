/*
 * Binary property lists through libplist, behind a look of our own at the object table:
 * libplist writes out every reference and recurses, so a few bytes could cost it minutes
 * or the stack. It sees only what is in bounds, at most 128 deep and 1 M objects when
 * spread out.
 */
#include <errno.h>
#include <string.h>
#include <plist/plist.h>
#include "base/buffer.h"
#include "base/bytes.h"
#include "base/memory.h"
#include "value/utf8.h"
#include "value/value.h"

#define TRAILER_SIZE 32u

struct table {
	struct bytes file;
	struct bytes objects; /* header and objects: all before the offset table */
	unsigned offset_size, reference_size;
	uint64_t count, root, offsets;
	uint64_t expanded, bytes; /* met so far, references followed */
};

static uint64_t load_sized(const uint8_t *at, unsigned size)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < size; i++)
		value = value << 8 | at[i];
	return value;
}

static bool is_power_of_two_up_to_8(unsigned size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

static bool read_trailer(struct bytes file, struct table *ret)
{
	if (file.size < 8 + 1 + TRAILER_SIZE || file.size > VALUE_MAX_TEXT ||
	    memcmp(file.data, "bplist00", 8) != 0)
		return false;
	const uint8_t *trailer = file.data + file.size - TRAILER_SIZE;
	struct table table = {
		.file = file,
		.offset_size = trailer[6],
		.reference_size = trailer[7],
		.count = load64(trailer + 8, true),
		.root = load64(trailer + 16, true),
		.offsets = load64(trailer + 24, true),
	};
	if (!is_power_of_two_up_to_8(table.offset_size) ||
	    !is_power_of_two_up_to_8(table.reference_size))
		return false;
	struct bytes body = {file.data, file.size - TRAILER_SIZE};
	if (table.count == 0 || table.count > VALUE_MAX_NODES ||
	    table.root >= table.count ||
	    !bytes_holds(body, table.offsets, table.count * table.offset_size) ||
	    table.offsets < 9)
		return false;
	table.objects = bytes_of(file.data, (size_t)table.offsets);
	*ret = table;
	return true;
}

/* Count of a string, data or container: in the marker, or in an integer behind it. */
static bool read_count(struct cursor *c, uint8_t marker, uint64_t *ret)
{
	*ret = marker & 15;
	if (*ret != 15)
		return true;
	uint8_t integer = cursor_u8(c);
	unsigned size = 1u << (integer & 15);
	const uint8_t *digits =
		integer >> 4 == 1 && size <= 8 ? cursor_take(c, size) : NULL;
	if (!digits)
		return false;
	*ret = load_sized(digits, size);
	return *ret <= VALUE_MAX_TEXT;
}

static bool check_object(struct table *table, uint64_t index, unsigned depth);

/* A cursor at an object, behind its marker; 0, which is no marker here, when out of
 * bounds. */
static uint8_t open_object(const struct table *table, uint64_t index, struct cursor *ret)
{
	if (index >= table->count)
		return 0;
	uint64_t entry = table->offsets + index * table->offset_size;
	uint64_t offset = load_sized(table->file.data + entry, table->offset_size);
	*ret = cursor_at(table->objects, offset, true);
	uint8_t marker = cursor_u8(ret);
	return ret->failed || offset < 8 ? 0 : marker;
}

/* libplist asserts that keys are strings. */
static bool check_keys(const struct table *table, const uint8_t *references,
		       uint64_t count)
{
	struct cursor c;
	for (uint64_t i = 0; i < count; i++, references += table->reference_size) {
		uint64_t index = load_sized(references, table->reference_size);
		unsigned kind = open_object(table, index, &c) >> 4;
		if (kind != 0x5 && kind != 0x6)
			return false;
	}
	return true;
}

static bool check_members(struct table *table, struct cursor *c, uint64_t references,
			  unsigned depth)
{
	const uint8_t *at = cursor_take(c, (size_t)(references * table->reference_size));
	if (!at || depth == 0)
		return false;
	for (uint64_t i = 0; i < references; i++, at += table->reference_size) {
		if (!check_object(table, load_sized(at, table->reference_size),
				  depth - 1))
			return false;
	}
	return true;
}

static bool check_bytes(struct table *table, struct cursor *c, uint64_t size)
{
	table->bytes += size;
	return table->bytes <= VALUE_MAX_TEXT && cursor_take(c, (size_t)size);
}

/* Text without NUL, which libplist's strings cannot hold (it asserts so for keys). */
static bool check_text(struct table *table, struct cursor *c, uint64_t count,
		       unsigned width)
{
	const uint8_t *at = c->bytes.data + c->at;
	if (!check_bytes(table, c, count * width))
		return false;
	for (uint64_t i = 0; i < count; i++, at += width) {
		if (!at[0] && (width == 1 || !at[1]))
			return false;
	}
	return true;
}

/* Whether an object and all below it are in bounds and of the types a value has. */
static bool check_object(struct table *table, uint64_t index, unsigned depth)
{
	struct cursor c;
	uint64_t count;
	uint8_t marker = open_object(table, index, &c);
	if (++table->expanded > VALUE_MAX_NODES)
		return false;
	switch (marker >> 4) {
	case 0x0:
		return marker == 0x08 || marker == 0x09;
	case 0x1:
		return (marker & 15) <= 4 && check_bytes(table, &c, 1u << (marker & 15));
	case 0x4:
		return read_count(&c, marker, &count) && check_bytes(table, &c, count);
	case 0x5:
	case 0x6:
		return read_count(&c, marker, &count) &&
		       check_text(table, &c, count, (marker >> 4) - 4);
	case 0xa:
	case 0xc:
		return read_count(&c, marker, &count) &&
		       check_members(table, &c, count, depth);
	case 0xd:
		return read_count(&c, marker, &count) &&
		       bytes_holds(table->objects, c.at, count * table->reference_size) &&
		       check_keys(table, table->objects.data + c.at, count) &&
		       check_members(table, &c, count * 2, depth);
	default:
		return false;
	}
}

static struct kext_value *from_node(plist_t node, int *reterr_error);

static struct kext_value *from_array(plist_t node, int *reterr_error)
{
	_cleanup_value_ struct kext_value *array = kext_value_new_array();
	for (uint32_t i = 0; array && i < plist_array_get_size(node); i++) {
		struct kext_value *item =
			from_node(plist_array_get_item(node, i), reterr_error);
		if (!item || kext_value_append(array, item) < 0)
			return NULL;
	}
	return kext_value_ref(array);
}

static struct kext_value *from_dictionary(plist_t node, int *reterr_error)
{
	_cleanup_value_ struct kext_value *dictionary = kext_value_new_dictionary();
	plist_dict_iter iterator = NULL;
	bool failed = !dictionary;
	plist_dict_new_iter(node, &iterator);
	while (!failed) {
		char *key = NULL;
		plist_t item = NULL;
		plist_dict_next_item(node, iterator, &key, &item);
		if (!key || !item) {
			free(key);
			break;
		}
		struct kext_value *value = from_node(item, reterr_error);
		bool is_text = utf8_is_valid(key, strlen(key));
		if (!is_text)
			*reterr_error = KEXT_ERR_SERIALIZATION;
		failed = kext_value_set(dictionary, key, value) < 0 || !is_text;
		free(key);
	}
	free(iterator);
	return failed ? NULL : kext_value_ref(dictionary);
}

/* NULL with *reterr_error (-ENOMEM unless it is a type that a value cannot have). */
static struct kext_value *from_node(plist_t node, int *reterr_error)
{
	uint64_t length = 0;
	uint8_t boolean = 0;
	switch (plist_get_node_type(node)) {
	case PLIST_BOOLEAN:
		plist_get_bool_val(node, &boolean);
		return kext_value_new_boolean(boolean);
	case PLIST_UINT:
		plist_get_uint_val(node, &length);
		return kext_value_new_integer(length, 64);
	case PLIST_STRING: {
		const char *text = plist_get_string_ptr(node, &length);
		size_t size = text ? strnlen(text, (size_t)length) : 0;
		if (utf8_is_valid(text, size))
			return kext_value_new_string_n(text, size);
		*reterr_error = KEXT_ERR_SERIALIZATION;
		return NULL;
	}
	case PLIST_DATA: {
		const char *data = plist_get_data_ptr(node, &length);
		return kext_value_new_data(data, data ? (size_t)length : 0);
	}
	case PLIST_ARRAY:
		return from_array(node, reterr_error);
	case PLIST_DICT:
		return from_dictionary(node, reterr_error);
	default:
		*reterr_error = KEXT_ERR_SERIALIZATION;
		return NULL;
	}
}

int kext_value_from_binary(const void *data, size_t size, struct kext_value **ret_value)
{
	struct table table;
	if (!read_trailer(bytes_of(data, size), &table) ||
	    !check_object(&table, table.root, VALUE_MAX_DEPTH))
		return KEXT_ERR_SERIALIZATION;
	plist_t node = NULL;
	plist_from_bin(data, (uint32_t)size, &node);
	if (!node)
		return KEXT_ERR_SERIALIZATION;
	int error = -ENOMEM;
	struct kext_value *value = from_node(node, &error);
	plist_free(node);
	if (!value)
		return error;
	*ret_value = value;
	return 0;
}

static plist_t to_node(const struct kext_value *value, unsigned depth, uint64_t *nodes);

static plist_t to_container(const struct kext_value *value, unsigned depth,
			    uint64_t *nodes)
{
	bool is_dictionary = value->kind == KEXT_VALUE_DICTIONARY;
	plist_t node = is_dictionary ? plist_new_dict() : plist_new_array();
	for (size_t i = 0; i < value->count; i++) {
		plist_t member =
			depth ? to_node(kext_value_at(value, i), depth - 1, nodes) : NULL;
		if (!member) {
			plist_free(node);
			return NULL;
		}
		if (is_dictionary)
			plist_dict_set_item(node, value->entries[i].key->bytes, member);
		else
			plist_array_append_item(node, member);
	}
	return node;
}

/* libplist would end a text at what is no UTF-8: there the replacement character stands.
 */
static plist_t to_text(const struct kext_value *value)
{
	const char *text = value->bytes;
	if (utf8_is_valid(text, value->size))
		return plist_new_string(text);
	_cleanup_buffer_ struct buffer repaired = {0};
	for (size_t at = 0, length; at < value->size; at += length ? length : 1) {
		length = utf8_length(text + at, value->size - at);
		if (length)
			buffer_append(&repaired, text + at, length);
		else
			buffer_string(&repaired, "\xef\xbf\xbd");
	}
	buffer_append(&repaired, "", 1);
	return buffer_error(&repaired) < 0 ? NULL
					   : plist_new_string((char *)repaired.data);
}

/* NULL when the value is too deep or, written out, too large. */
static plist_t to_node(const struct kext_value *value, unsigned depth, uint64_t *nodes)
{
	if (++*nodes > VALUE_MAX_NODES)
		return NULL;
	switch ((enum kext_value_kind)value->kind) {
	case KEXT_VALUE_BOOLEAN:
		return plist_new_bool(value->truth);
	case KEXT_VALUE_INTEGER:
		return plist_new_uint(value_extended(value));
	case KEXT_VALUE_STRING:
		return to_text(value);
	case KEXT_VALUE_DATA:
		return plist_new_data(value->bytes, value->size);
	default:
		return to_container(value, depth, nodes);
	}
}

int kext_value_to_binary(const struct kext_value *value, void **ret_data,
			 size_t *ret_size)
{
	uint64_t nodes = 0;
	char *text = NULL;
	uint32_t size = 0;
	if (!value)
		return KEXT_ERR_INVALID_ARGUMENT;
	plist_t node = to_node(value, VALUE_MAX_DEPTH, &nodes);
	if (!node)
		return KEXT_ERR_SERIALIZATION;
	plist_to_bin(node, &text, &size);
	plist_free(node);
	if (!text)
		return KEXT_ERR_SERIALIZATION;
	void *data = mem_copy(text, size);
	plist_to_bin_free(text);
	if (!data)
		return -ENOMEM;
	*ret_data = data;
	*ret_size = size;
	return 0;
}
