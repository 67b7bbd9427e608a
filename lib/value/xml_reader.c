/*
 * Reads XML property values: the kernel's dialect (ID and IDREF, size, hexadecimal data,
 * sets, no prolog needed) and the standard form. One pass over the text, no recursion:
 * what is open stands on a stack of frames, what is finished but not yet owned on
 * another.
 *
 * Lenient where that harms nobody and nobody asks for the kernel's own ways: carriage
 * returns and blanks inside tags, numeric and all five named entities, CDATA, a byte order
 * mark. Strict where leniency hides damage: a second root, bytes that are not UTF-8,
 * numbers that do not fit.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/memory.h"
#include "value/xml_lexer.h"

struct frame {
	enum kext_value_kind kind;
	uint32_t nodes, height; /* of what it holds so far */
	int64_t id;		/* of the start tag, or -1 */
	size_t first;		/* position of its first item on the stack of items */
	struct kext_value *key; /* that it will stand under, when in a dictionary */
	uint32_t key_hash;
};

struct item {
	struct kext_value *key; /* in dictionaries */
	struct kext_value *value;
	uint32_t hash;
};

struct known {
	struct kext_value *value; /* NULL: no such ID yet */
	uint32_t nodes, height;
};

#define KEY_CACHE_SIZE 512u

struct reader {
	struct lexer lexer;
	struct frame frames[VALUE_MAX_DEPTH];
	unsigned depth;
	struct item *items;
	size_t item_count, item_capacity;
	struct known *known;
	size_t known_count;
	struct kext_value *key; /* a key that waits for its value */
	uint32_t key_hash;
	/* Dictionaries of one document repeat few keys: equal ones share one string. */
	struct kext_value *key_cache[KEY_CACHE_SIZE];
	struct kext_value *root;
};

static int remember(struct reader *r, int64_t id, struct known what)
{
	if (id < 0)
		return 0;
	if ((size_t)id >= r->known_count) {
		size_t count = r->known_count < 64 ? 64 : r->known_count * 2;
		if (count <= (size_t)id)
			count = (size_t)id + 1;
		struct known *known = mem_resize(r->known, count, sizeof(*known));
		if (!known)
			return -ENOMEM;
		memset(known + r->known_count, 0,
		       (count - r->known_count) * sizeof(*known));
		r->known = known;
		r->known_count = count;
	}
	kext_value_ref(what.value);
	kext_value_unref(r->known[id].value);
	r->known[id] = what;
	return 0;
}

static int push_item(struct reader *r, struct kext_value *value)
{
	if (r->item_count == r->item_capacity) {
		size_t capacity = r->item_capacity ? r->item_capacity * 2 : 256;
		struct item *items = mem_resize(r->items, capacity, sizeof(*items));
		if (!items) {
			kext_value_unref(value);
			return -ENOMEM;
		}
		r->items = items;
		r->item_capacity = capacity;
	}
	r->items[r->item_count++] = (struct item){r->key, value, r->key_hash};
	r->key = NULL;
	return 0;
}

/*
 * Hands a value to the container that is open, or makes it the root. Counts nodes with
 * references followed, since whoever walks the value later will meet each of them.
 */
static int deliver(struct reader *r, struct kext_value *value, uint32_t nodes,
		   uint32_t height)
{
	if (!value)
		return -ENOMEM;
	if (r->depth == 0) {
		r->root = value;
		return 0;
	}
	struct frame *frame = &r->frames[r->depth - 1];
	frame->nodes += nodes;
	if (frame->height < height)
		frame->height = height;
	if (frame->nodes > VALUE_MAX_NODES || r->depth + height > VALUE_MAX_DEPTH) {
		kext_value_unref(value);
		return lexer_fail(&r->lexer, r->lexer.tag,
				  frame->nodes > VALUE_MAX_NODES
					  ? "at most 1048576 values"
					  : "nesting of at most 128 levels");
	}
	return push_item(r, value);
}

/* A leaf's weight grows with its text, so that references cannot multiply megabytes. */
static uint32_t leaf_nodes(const struct kext_value *value)
{
	bool has_bytes = value && (value->kind == KEXT_VALUE_STRING ||
				   value->kind == KEXT_VALUE_DATA);
	return 1 + (has_bytes ? (uint32_t)(value->size / 256) : 0);
}

static int deliver_leaf(struct reader *r, const struct tag *tag, struct kext_value *value)
{
	uint32_t nodes = leaf_nodes(value);
	int error = deliver(r, value, nodes, 0);
	if (error < 0 || tag->id < 0)
		return error;
	return remember(r, tag->id, (struct known){value, nodes, 0});
}

static int deliver_reference(struct reader *r, const struct tag *tag)
{
	if (!tag->is_empty)
		return lexer_fail(&r->lexer, r->lexer.tag, "an empty tag with IDREF");
	if ((size_t)tag->reference >= r->known_count || !r->known[tag->reference].value)
		return lexer_fail(&r->lexer, r->lexer.tag,
				  "an IDREF to an ID that was complete before");
	struct known *known = &r->known[tag->reference];
	return deliver(r, kext_value_ref(known->value), known->nodes, known->height);
}

static int read_key(struct reader *r, const struct tag *tag)
{
	struct text text;
	if (tag->is_empty)
		return lexer_fail(&r->lexer, r->lexer.tag, "text in the key");
	int error = lexer_text(&r->lexer, "key", &text);
	if (error < 0)
		return error;
	uint32_t hash = value_hash(text.data, text.size);
	struct kext_value **cached = &r->key_cache[hash % KEY_CACHE_SIZE];
	if (!*cached || (*cached)->size != text.size ||
	    memcmp((*cached)->bytes, text.data, text.size) != 0) {
		struct kext_value *key = kext_value_new_string_n(text.data, text.size);
		if (!key)
			return -ENOMEM;
		kext_value_unref(*cached);
		*cached = key;
	}
	r->key = kext_value_ref(*cached);
	r->key_hash = hash;
	return 0;
}

static int fill_dictionary(struct reader *r, struct kext_value *dictionary, size_t first)
{
	size_t count = r->item_count - first, used = 0;
	int error = count ? value_reserve_entries(dictionary, count) : 0;
	while (error == 0 && used < count) {
		struct item *item = &r->items[first + used++];
		error = value_set_entry(dictionary, item->key, item->hash, item->value);
	}
	for (; used < count; used++) {
		kext_value_unref(r->items[first + used].key);
		kext_value_unref(r->items[first + used].value);
	}
	r->item_count = first;
	return error;
}

static int fill_list(struct reader *r, struct kext_value *list, size_t first)
{
	size_t count = r->item_count - first;
	struct kext_value **values = mem_alloc(count * sizeof(struct kext_value *));
	for (size_t i = 0; i < count; i++) {
		if (values)
			values[i] = r->items[first + i].value;
		else
			kext_value_unref(r->items[first + i].value);
	}
	r->item_count = first;
	return values ? value_adopt(list, values, count) : -ENOMEM;
}

static int open_container(struct reader *r, const struct tag *tag,
			  enum kext_value_kind kind)
{
	if (r->depth == VALUE_MAX_DEPTH)
		return lexer_fail(&r->lexer, r->lexer.tag,
				  "nesting of at most 128 levels");
	r->frames[r->depth++] = (struct frame){
		.kind = kind,
		.id = tag->id,
		.first = r->item_count,
		.key = r->key,
		.key_hash = r->key_hash,
	};
	r->key = NULL;
	return 0;
}

static int close_container(struct reader *r)
{
	struct frame frame = r->frames[r->depth - 1];
	struct kext_value *value = value_new_container(frame.kind);
	if (!value)
		return -ENOMEM;
	int error = frame.kind == KEXT_VALUE_DICTIONARY
			    ? fill_dictionary(r, value, frame.first)
			    : fill_list(r, value, frame.first);
	if (error < 0) {
		kext_value_unref(value);
		return error;
	}
	r->depth--;
	r->key = frame.key;
	r->key_hash = frame.key_hash;
	error = deliver(r, value, frame.nodes + 1, frame.height + 1);
	if (error < 0 || frame.id < 0)
		return error;
	struct known known = {value, frame.nodes + 1, frame.height + 1};
	return remember(r, frame.id, known);
}

/* Whether a value may stand here; in a dictionary it needs a key before it. */
static int expect_value(struct reader *r)
{
	if (r->root)
		return lexer_fail(&r->lexer, r->lexer.tag,
				  "nothing after the first value");
	if (r->depth && r->frames[r->depth - 1].kind == KEXT_VALUE_DICTIONARY && !r->key)
		return lexer_fail(&r->lexer, r->lexer.tag, "<key> or </dict>");
	return 0;
}

static int read_string(struct reader *r, const struct tag *tag)
{
	struct text text = {"", 0};
	int error = tag->is_empty ? 0 : lexer_text(&r->lexer, "string", &text);
	if (error < 0)
		return error;
	return deliver_leaf(r, tag, kext_value_new_string_n(text.data, text.size));
}

static int read_container(struct reader *r, const struct tag *tag,
			  enum kext_value_kind kind)
{
	int error = open_container(r, tag, kind);
	return error == 0 && tag->is_empty ? close_container(r) : error;
}

static int read_boolean(struct reader *r, const struct tag *tag, bool boolean)
{
	const char *name = boolean ? "true" : "false";
	struct text text = {"", 0};
	int error = tag->is_empty ? 0 : lexer_text(&r->lexer, name, &text);
	if (error < 0)
		return error;
	if (text.size)
		return lexer_fail(&r->lexer, r->lexer.tag, "no text in a boolean");
	return deliver_leaf(r, tag, kext_value_new_boolean(boolean));
}

static int read_value(struct reader *r, const struct tag *tag)
{
	struct kext_value *value = NULL;
	int error = expect_value(r);
	if (error < 0)
		return error;
	if (tag->reference >= 0)
		return deliver_reference(r, tag);
	switch (tag->name) {
	case TAG_DICT:
		return read_container(r, tag, KEXT_VALUE_DICTIONARY);
	case TAG_ARRAY:
		return read_container(r, tag, KEXT_VALUE_ARRAY);
	case TAG_SET:
		return read_container(r, tag, KEXT_VALUE_SET);
	case TAG_STRING:
		return read_string(r, tag);
	case TAG_TRUE:
	case TAG_FALSE:
		return read_boolean(r, tag, tag->name == TAG_TRUE);
	case TAG_INTEGER:
		error = lexer_integer(&r->lexer, tag, &value);
		return error < 0 ? error : deliver_leaf(r, tag, value);
	case TAG_DATA:
		error = lexer_data(&r->lexer, tag, &value);
		return error < 0 ? error : deliver_leaf(r, tag, value);
	case TAG_FOREIGN:
		return lexer_fail_type(&r->lexer);
	case TAG_REFERENCE:
		return lexer_fail(&r->lexer, r->lexer.tag, "IDREF in the reference");
	default:
		return lexer_fail(&r->lexer, r->lexer.tag, "a value");
	}
}

static int read_end(struct reader *r, const struct tag *tag)
{
	static const struct {
		enum tag_name name;
		const char *text;
	} ends[] = {
		[KEXT_VALUE_ARRAY] = {TAG_ARRAY, "</array>"},
		[KEXT_VALUE_SET] = {TAG_SET, "</set>"},
		[KEXT_VALUE_DICTIONARY] = {TAG_DICT, "</dict>"},
	};
	if (!r->depth)
		return lexer_fail(&r->lexer, r->lexer.tag, "a value");
	enum kext_value_kind kind = r->frames[r->depth - 1].kind;
	if (tag->name != ends[kind].name)
		return lexer_fail(&r->lexer, r->lexer.tag, ends[kind].text);
	if (r->key)
		return lexer_fail(&r->lexer, r->lexer.tag, "a value for the key");
	return close_container(r);
}

static int read_tag(struct reader *r, const struct tag *tag)
{
	/* The kernel skips the tags of the standard form wherever they stand. */
	if (tag->name == TAG_PLIST)
		return 0;
	if (tag->is_end)
		return read_end(r, tag);
	if (tag->name != TAG_KEY)
		return read_value(r, tag);
	if (!r->depth || r->frames[r->depth - 1].kind != KEXT_VALUE_DICTIONARY || r->key)
		return lexer_fail(&r->lexer, r->lexer.tag, "a value");
	return read_key(r, tag);
}

static int read_document(struct reader *r)
{
	for (;;) {
		struct tag tag;
		int error = lexer_tag(&r->lexer, &tag);
		if (error < 0)
			return error;
		if (tag.name == TAG_NONE)
			break;
		error = read_tag(r, &tag);
		if (error < 0)
			return error;
	}
	if (r->root)
		return 0;
	return lexer_fail(&r->lexer, r->lexer.end, r->depth ? "an end tag" : "a value");
}

static void free_reader(struct reader *r)
{
	for (size_t i = 0; i < r->item_count; i++) {
		kext_value_unref(r->items[i].key);
		kext_value_unref(r->items[i].value);
	}
	for (unsigned i = 0; i < r->depth; i++)
		kext_value_unref(r->frames[i].key);
	for (size_t i = 0; i < r->known_count; i++)
		kext_value_unref(r->known[i].value);
	for (size_t i = 0; i < KEY_CACHE_SIZE; i++)
		kext_value_unref(r->key_cache[i]);
	kext_value_unref(r->key);
	kext_value_unref(r->root);
	free(r->items);
	free(r->known);
	buffer_free(&r->lexer.scratch);
	free(r);
}

static int read_text(const char *text, size_t size, const char *subject, bool is_strict,
		     struct kext_diagnostics *diagnostics, struct kext_value **ret_value)
{
	if (size > VALUE_MAX_TEXT) {
		kext_diagnose(diagnostics, KEXT_ERROR, "plist.syntax", subject, NULL,
			      "the property list has %zu bytes, more than 64 MiB", size);
		return KEXT_ERR_SERIALIZATION;
	}
	struct reader *r = mem_zero(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	bool has_mark = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
	r->lexer = (struct lexer){
		.start = text,
		.at = text + (has_mark ? 3 : 0),
		/* Darwin's texts end with a NUL that is counted. */
		.end = text + (size ? strnlen(text, size) : 0),
		.subject = subject,
		.diagnostics = diagnostics,
		.is_strict = is_strict,
	};
	int error = read_document(r);
	if (error == 0) {
		*ret_value = r->root;
		r->root = NULL;
	}
	free_reader(r);
	return error;
}

int kext_value_from_xml(const char *text, size_t size, const char *subject,
			struct kext_diagnostics *diagnostics,
			struct kext_value **ret_value)
{
	return read_text(text, size, subject, false, diagnostics, ret_value);
}

int kext_value_from_kernel_xml(const char *text, size_t size, const char *subject,
			       struct kext_diagnostics *diagnostics,
			       struct kext_value **ret_value)
{
	return read_text(text, size, subject, true, diagnostics, ret_value);
}
