/* Writing, checking and reading typed fields; the table of them. See fields.h. */
#include "base/fields.h"

enum kind { U32 = 1, U64, TEXT, BYTES, NESTED };

#define HEADER 8u

/* The one table: what a field is and how large it may be. */
static const struct {
	enum kind kind;
	size_t max;
} table[FIELD_COUNT] = {
	[FIELD_ERROR] = {U32, 4},
	[FIELD_RESULT] = {U32, 4},
	[FIELD_TAG] = {U32, 4},
	[FIELD_ADDRESS] = {U64, 8},
	[FIELD_SIZE] = {U64, 8},
	[FIELD_WIRED] = {U64, 8},
	[FIELD_KMOD_INFO] = {U64, 8},
	[FIELD_IDENTIFIER] = {TEXT, 64},
	[FIELD_VERSION] = {TEXT, 64},
	[FIELD_COMPATIBLE] = {TEXT, 64},
	[FIELD_PATH] = {TEXT, 4096},
	[FIELD_NAME] = {TEXT, 1024},
	[FIELD_FORMAT] = {TEXT, 64},
	[FIELD_CAUSE] = {TEXT, 256},
	[FIELD_UUID] = {BYTES, 16},
	[FIELD_DEPENDENCY] = {U32, 4},
	[FIELD_SEGMENT] = {NESTED, 256},
	[FIELD_PROTECTION] = {U32, 4},
	[FIELD_KEXT] = {NESTED, 65536},
	[FIELD_STATE] = {U32, 4},
	[FIELD_REFERENCES] = {U32, 4},
	[FIELD_MISSING] = {U32, 4},
	[FIELD_KIND] = {U32, 4},
	[FIELD_UID] = {U32, 4},
	[FIELD_SUPERUSER] = {U32, 4},
	[FIELD_PID] = {U32, 4},
	[FIELD_REQUEST] = {U64, 8},
	[FIELD_POSITION] = {U64, 8},
	[FIELD_DATA] = {BYTES, 16u << 20},
	[FIELD_CONSTRUCTORS] = {NESTED, 64},
	[FIELD_DESTRUCTORS] = {NESTED, 64},
	[FIELD_DEBUG_SYMBOLS] = {BYTES, FIELDS_MAX_DEBUG_SYMBOLS},
	[FIELD_DELAY] = {U32, 4},
	[FIELD_FLAGS] = {U32, 4},
	[FIELD_MODE] = {U32, 4},
	[FIELD_SITE] = {TEXT, 128},
	[FIELD_ORIGIN] = {TEXT, 128},
};

static size_t padding(size_t size)
{
	return -size & 3;
}

void fields_put_bytes(struct buffer *body, enum field field, const void *data, size_t size)
{
	buffer_u16(body, (uint16_t)field, false);
	buffer_u16(body, 0, false);
	buffer_u32(body, (uint32_t)size, false);
	buffer_append(body, data, size);
	buffer_zeros(body, padding(size));
}

void fields_put_u32(struct buffer *body, enum field field, uint32_t value)
{
	uint8_t bytes[4];
	store32(bytes, value, false);
	fields_put_bytes(body, field, bytes, sizeof(bytes));
}

void fields_put_u64(struct buffer *body, enum field field, uint64_t value)
{
	uint8_t bytes[8];
	store64(bytes, value, false);
	fields_put_bytes(body, field, bytes, sizeof(bytes));
}

void fields_put_text(struct buffer *body, enum field field, const char *text)
{
	fields_put_bytes(body, field, text, strlen(text) + 1);
}

size_t fields_begin(struct buffer *body, enum field field)
{
	fields_put_bytes(body, field, NULL, 0);
	return body->size;
}

void fields_end(struct buffer *body, size_t begun)
{
	/* Everything inside is a multiple of 4 long already. */
	if (!body->failed)
		buffer_set_u32(body, begun - 4, (uint32_t)(body->size - begun), false);
}

/* The field at *position and its content; advances. False at the end or on damage. */
static bool next_field(struct bytes body, size_t *position, enum field *ret_field,
		       struct bytes *ret_content)
{
	struct cursor c = cursor_at(body, *position, false);
	uint16_t field = cursor_u16(&c);
	uint16_t reserved = cursor_u16(&c);
	uint32_t size = cursor_u32(&c);
	const uint8_t *data = cursor_take(&c, size);
	cursor_take(&c, padding(size));
	if (c.failed || reserved || field == 0 || field >= FIELD_COUNT)
		return false;
	*position = c.at;
	*ret_field = (enum field)field;
	*ret_content = bytes_of(data, size);
	return true;
}

static bool is_valid(enum field field, struct bytes content, unsigned depth);

static bool are_valid(struct bytes body, unsigned depth)
{
	size_t position = 0;
	while (position < body.size) {
		enum field field;
		struct bytes content;
		if (!next_field(body, &position, &field, &content) ||
		    !is_valid(field, content, depth))
			return false;
	}
	return true;
}

static bool is_valid(enum field field, struct bytes content, unsigned depth)
{
	if (content.size > table[field].max)
		return false;
	switch (table[field].kind) {
	case U32:
		return content.size == 4;
	case U64:
		return content.size == 8;
	case TEXT:
		return content.size && strnlen((const char *)content.data, content.size) ==
					       content.size - 1;
	case NESTED:
		return depth > 0 && are_valid(content, depth - 1);
	case BYTES:
		return field != FIELD_UUID || content.size == 16;
	}
	return false;
}

bool fields_valid(struct bytes body)
{
	return are_valid(body, 2);
}

bool fields_next(struct bytes body, enum field wanted, size_t *position, struct bytes *ret)
{
	enum field field;
	while (*position < body.size && next_field(body, position, &field, ret)) {
		if (field == wanted)
			return true;
	}
	return false;
}

bool fields_has(struct bytes body, enum field field)
{
	struct bytes content;
	size_t position = 0;
	return fields_next(body, field, &position, &content);
}

struct bytes fields_bytes(struct bytes body, enum field field)
{
	struct bytes content;
	size_t position = 0;
	return fields_next(body, field, &position, &content) ? content : bytes_of(NULL, 0);
}

uint32_t fields_u32(struct bytes body, enum field field)
{
	struct bytes content = fields_bytes(body, field);
	return content.size == 4 ? load32(content.data, false) : 0;
}

uint64_t fields_u64(struct bytes body, enum field field)
{
	struct bytes content = fields_bytes(body, field);
	return content.size == 8 ? load64(content.data, false) : 0;
}

const char *fields_text(struct bytes body, enum field field)
{
	struct bytes content = fields_bytes(body, field);
	return content.size ? (const char *)content.data : "";
}
