/*
 * Writes property values as XML: the form of I/O Kit's serializer (nothing between the
 * tags, integers in hexadecimal with their size, objects that occur twice written once),
 * or the standard property list, indented by tabs.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/buffer.h"
#include "base/memory.h"
#include "value/base64.h"
#include "value/value.h"

#define OUTPUT_LIMIT (1u << 30) /* references written out in full may multiply */

static const char prolog[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			     "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
			     "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
			     "<plist version=\"1.0\">\n";

struct occurrence {
	const struct kext_value *value;
	bool is_repeated;
	int64_t id; /* -1 until written */
};

struct writer {
	struct buffer out;
	unsigned flags;
	struct occurrence *table; /* by pointer, open addressing; KEXT_XML_SHARE only */
	size_t slot_count, used;
	int64_t next_id;
};

static struct occurrence *slot_of(struct occurrence *table, size_t slot_count,
				  const struct kext_value *value)
{
	size_t at = (size_t)(((uintptr_t)value >> 4) * 0x9e3779b97f4a7c15ull >> 16);
	for (;; at++) {
		struct occurrence *slot = &table[at & (slot_count - 1)];
		if (!slot->value || slot->value == value)
			return slot;
	}
}

static int grow_table(struct writer *w)
{
	size_t slot_count = w->slot_count ? w->slot_count * 2 : 256;
	struct occurrence *table = mem_zero(slot_count, sizeof(*table));
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < w->slot_count; i++) {
		if (w->table[i].value)
			*slot_of(table, slot_count, w->table[i].value) = w->table[i];
	}
	free(w->table);
	w->table = table;
	w->slot_count = slot_count;
	return 0;
}

/* Notes that `value` occurs; *ret_again when it did before. */
static int note(struct writer *w, const struct kext_value *value, bool *ret_again)
{
	if (w->used * 2 >= w->slot_count && grow_table(w) < 0)
		return -ENOMEM;
	struct occurrence *slot = slot_of(w->table, w->slot_count, value);
	*ret_again = slot->is_repeated = slot->value != NULL;
	if (!slot->value) {
		*slot = (struct occurrence){value, false, -1};
		w->used++;
	}
	return 0;
}

/*
 * An object with a single reference cannot occur twice, so only the others are looked up.
 * What is met again is not walked again.
 */
static int scan(struct writer *w, const struct kext_value *value, unsigned depth)
{
	bool is_again = false;
	if (value->kind == KEXT_VALUE_BOOLEAN)
		return 0;
	if (atomic_load_explicit(&value->references, memory_order_relaxed) > 1) {
		int error = note(w, value, &is_again);
		if (error < 0 || is_again)
			return error;
	}
	size_t count = kext_value_count(value);
	if (count && depth == 0)
		return KEXT_ERR_SERIALIZATION;
	for (size_t i = 0; i < count; i++) {
		int error = scan(w, kext_value_at(value, i), depth - 1);
		if (error < 0)
			return error;
	}
	return 0;
}

static struct occurrence *repeated(const struct writer *w, const struct kext_value *value)
{
	if (!w->slot_count || value->kind == KEXT_VALUE_BOOLEAN)
		return NULL;
	struct occurrence *slot = slot_of(w->table, w->slot_count, value);
	return slot->value && slot->is_repeated ? slot : NULL;
}

static void indent(struct writer *w, unsigned level)
{
	for (; w->flags & KEXT_XML_PLIST && level; level--)
		buffer_u8(&w->out, '\t');
}

static void end_line(struct writer *w)
{
	if (w->flags & KEXT_XML_PLIST)
		buffer_u8(&w->out, '\n');
}

/*
 * Only three characters are escaped, as Darwin does. In a standard property list a
 * carriage return is too: other readers would turn it into a line feed.
 */
static void write_text(struct writer *w, const char *text, size_t size)
{
	const char *special = w->flags & KEXT_XML_PLIST ? "<>&\r" : "<>&";
	for (const char *end = text + size; text < end;) {
		size_t run = strcspn(text, special);
		buffer_append(&w->out, text, run);
		text += run;
		if (text >= end)
			break;
		buffer_string(&w->out, *text == '<'   ? "&lt;"
				       : *text == '>' ? "&gt;"
				       : *text == '&' ? "&amp;"
						      : "&#13;");
		text++;
	}
}

/* "<name", with an ID when the object will be referred to. */
static void start_tag(struct writer *w, const char *name, struct occurrence *occurrence)
{
	buffer_u8(&w->out, '<');
	buffer_string(&w->out, name);
	if (occurrence) {
		occurrence->id = w->next_id++;
		buffer_printf(&w->out, " ID=\"%" PRId64 "\"", occurrence->id);
	}
}

static void end_tag(struct writer *w, const char *name)
{
	buffer_append(&w->out, "</", 2);
	buffer_string(&w->out, name);
	buffer_u8(&w->out, '>');
}

static void write_integer(struct writer *w, const struct kext_value *value)
{
	char text[64];
	if (w->flags & KEXT_XML_SHARE)
		snprintf(text, sizeof(text), " size=\"%u\">0x%" PRIx64, value->bits,
			 value_extended(value));
	else if (value_is_negative(value))
		snprintf(text, sizeof(text), ">%" PRId64, (int64_t)value_extended(value));
	else
		snprintf(text, sizeof(text), ">%" PRIu64, value->integer);
	buffer_string(&w->out, text);
}

static void write_data(struct writer *w, const struct kext_value *value)
{
	size_t size = base64_size(value->size);
	char *place = size ? buffer_extend(&w->out, size) : NULL;
	if (place)
		base64_encode(value->bytes, value->size, place);
}

static int write_value(struct writer *w, const struct kext_value *value, unsigned level);

static const char *name_of(const struct kext_value *value)
{
	static const char *const names[] = {
		[KEXT_VALUE_BOOLEAN] = "",	  [KEXT_VALUE_INTEGER] = "integer",
		[KEXT_VALUE_STRING] = "string",	  [KEXT_VALUE_DATA] = "data",
		[KEXT_VALUE_ARRAY] = "array",	  [KEXT_VALUE_SET] = "set",
		[KEXT_VALUE_DICTIONARY] = "dict",
	};
	return value->kind == KEXT_VALUE_BOOLEAN ? value->truth ? "true" : "false"
						 : names[value->kind];
}

static int write_members(struct writer *w, const struct kext_value *value, unsigned level)
{
	if (level > VALUE_MAX_DEPTH)
		return KEXT_ERR_SERIALIZATION;
	buffer_u8(&w->out, '>');
	end_line(w);
	for (size_t i = 0; i < value->count; i++) {
		if (value->kind == KEXT_VALUE_DICTIONARY) {
			const struct kext_value *key = value->entries[i].key;
			indent(w, level);
			buffer_append(&w->out, "<key>", 5);
			write_text(w, key->bytes, key->size);
			buffer_append(&w->out, "</key>", 6);
			end_line(w);
		}
		int error = write_value(w, kext_value_at(value, i), level);
		if (error < 0)
			return error;
	}
	indent(w, level - 1);
	return 0;
}

static int write_content(struct writer *w, const struct kext_value *value, unsigned level)
{
	switch ((enum kext_value_kind)value->kind) {
	case KEXT_VALUE_INTEGER:
		write_integer(w, value);
		return 0;
	case KEXT_VALUE_STRING:
		buffer_u8(&w->out, '>');
		write_text(w, value->bytes, value->size);
		return 0;
	case KEXT_VALUE_DATA:
		buffer_u8(&w->out, '>');
		write_data(w, value);
		return 0;
	default:
		return write_members(w, value, level + 1);
	}
}

static int write_value(struct writer *w, const struct kext_value *value, unsigned level)
{
	const char *name = name_of(value);
	struct occurrence *occurrence = repeated(w, value);
	indent(w, level);
	if (value->kind == KEXT_VALUE_BOOLEAN) {
		buffer_printf(&w->out, "<%s/>", name);
	} else if (occurrence && occurrence->id >= 0) {
		buffer_printf(&w->out, "<%s IDREF=\"%" PRId64 "\"/>", name,
			      occurrence->id);
	} else {
		start_tag(w, name, occurrence);
		int error = write_content(w, value, level);
		if (error < 0)
			return error;
		end_tag(w, name);
	}
	end_line(w);
	return w->out.size > OUTPUT_LIMIT ? KEXT_ERR_SERIALIZATION : 0;
}

static int write_document(struct writer *w, const struct kext_value *value)
{
	int error = w->flags & KEXT_XML_SHARE ? scan(w, value, VALUE_MAX_DEPTH) : 0;
	if (error < 0)
		return error;
	if (w->flags & KEXT_XML_PLIST)
		buffer_string(&w->out, prolog);
	error = write_value(w, value, 0);
	if (error < 0)
		return error;
	if (w->flags & KEXT_XML_PLIST)
		buffer_string(&w->out, "</plist>\n");
	buffer_u8(&w->out, 0);
	return buffer_error(&w->out);
}

int kext_value_to_xml(const struct kext_value *value, unsigned flags, char **ret_text,
		      size_t *ret_size)
{
	struct writer w = {.flags = flags};
	if (!value)
		return KEXT_ERR_INVALID_ARGUMENT;
	int error = write_document(&w, value);
	if (error == 0) {
		size_t size;
		*ret_text = (char *)buffer_steal(&w.out, &size);
		if (ret_size)
			*ret_size = size - 1;
	}
	buffer_free(&w.out);
	free(w.table);
	return error;
}
