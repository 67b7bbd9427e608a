/*
 * Writes property values as JSON. Written out here and not through a JSON library,
 * because addresses of the kernel need all 64 bits unsigned, which jansson's integers do
 * not have.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "base/buffer.h"
#include "value/base64.h"
#include "value/utf8.h"
#include "value/value.h"

#define OUTPUT_LIMIT (1u << 30)

/* Quoted text; bytes that are no UTF-8 become the replacement character. */
static void write_string(struct buffer *out, const char *text, size_t size)
{
	buffer_u8(out, '"');
	while (size) {
		size_t length = utf8_length(text, size);
		if (!length)
			buffer_string(out, "\\ufffd");
		else if (*text == '"' || *text == '\\')
			buffer_printf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20 || *text == 0x7f)
			buffer_printf(out, "\\u%04x", *text);
		else
			buffer_append(out, text, length);
		text += length ? length : 1;
		size -= length ? length : 1;
	}
	buffer_u8(out, '"');
}

static void write_data(struct buffer *out, const struct kext_value *value)
{
	size_t size = base64_size(value->size);
	buffer_u8(out, '"');
	char *place = size ? buffer_extend(out, size) : NULL;
	if (place)
		base64_encode(value->bytes, value->size, place);
	buffer_u8(out, '"');
}

static int write_value(struct buffer *out, const struct kext_value *value,
		       unsigned depth);

static int write_members(struct buffer *out, const struct kext_value *value,
			 unsigned depth)
{
	bool is_dictionary = value->kind == KEXT_VALUE_DICTIONARY;
	if (depth == 0)
		return KEXT_ERR_SERIALIZATION;
	buffer_u8(out, is_dictionary ? '{' : '[');
	for (size_t i = 0; i < value->count; i++) {
		if (i)
			buffer_string(out, ", ");
		if (is_dictionary) {
			const struct kext_value *key = value->entries[i].key;
			write_string(out, key->bytes, key->size);
			buffer_string(out, ": ");
		}
		int error = write_value(out, kext_value_at(value, i), depth - 1);
		if (error < 0)
			return error;
	}
	buffer_u8(out, is_dictionary ? '}' : ']');
	return out->size > OUTPUT_LIMIT ? KEXT_ERR_SERIALIZATION : 0;
}

static int write_value(struct buffer *out, const struct kext_value *value, unsigned depth)
{
	switch ((enum kext_value_kind)value->kind) {
	case KEXT_VALUE_BOOLEAN:
		buffer_string(out, value->truth ? "true" : "false");
		return 0;
	case KEXT_VALUE_INTEGER:
		buffer_printf(out, "%" PRIu64, value_extended(value));
		return 0;
	case KEXT_VALUE_STRING:
		write_string(out, value->bytes, value->size);
		return 0;
	case KEXT_VALUE_DATA:
		write_data(out, value);
		return 0;
	default:
		return write_members(out, value, depth);
	}
}

int kext_value_to_json(const struct kext_value *value, char **ret_text)
{
	_cleanup_buffer_ struct buffer out = {0};
	size_t size;
	if (!value)
		return KEXT_ERR_INVALID_ARGUMENT;
	int error = write_value(&out, value, VALUE_MAX_DEPTH);
	buffer_u8(&out, 0);
	if (error == 0)
		error = buffer_error(&out);
	if (error == 0)
		*ret_text = (char *)buffer_steal(&out, &size);
	return error;
}
