/*
 * Archives of objects, as llvm-ar and Darwin's ar write them (long names in front of the
 * content, "#1/N") and as GNU ar does (long names in a table, "/N"). Index members are
 * passed over: what a member defines is read from the member itself.
 */
#include <errno.h>
#include "base/memory.h"
#include "ld/linker.h"

#define AR_MAGIC	  "!<arch>\n"
#define AR_MAGIC_SIZE	  8u
#define AR_HEADER_SIZE	  60u
#define AR_NAME_SIZE	  16u
#define AR_SIZE_OFFSET	  48u
#define AR_SIZE_WIDTH	  10u
#define AR_TRAILER_OFFSET 58u

bool ld_ar_is(struct bytes bytes)
{
	return bytes.size >= AR_MAGIC_SIZE &&
	       !memcmp(bytes.data, AR_MAGIC, AR_MAGIC_SIZE);
}

bool ld_ar_begin(struct bytes bytes, struct ld_ar *ret)
{
	if (!ld_ar_is(bytes))
		return false;
	*ret = (struct ld_ar){.bytes = bytes, .position = AR_MAGIC_SIZE};
	return true;
}

/* A decimal number padded with blanks; false for anything else. */
static bool read_decimal(const uint8_t *text, size_t width, uint64_t *ret)
{
	uint64_t value = 0;
	size_t i = 0;
	for (; i < width && text[i] >= '0' && text[i] <= '9'; i++)
		value = value * 10 + (text[i] - '0');
	if (i == 0)
		return false;
	for (; i < width; i++)
		if (text[i] != ' ')
			return false;
	*ret = value;
	return true;
}

/* Takes a Darwin long name from the front of the content. */
static int take_inline_name(const uint8_t *field, struct bytes *content, char **ret)
{
	uint64_t length;
	if (!read_decimal(field + 3, AR_NAME_SIZE - 3, &length) || length > content->size)
		return KEXT_ERR_BAD_DATA;
	const char *text = (const char *)content->data;
	*ret = mem_string_n(text, strnlen(text, (size_t)length));
	*content = bytes_of(content->data + length, content->size - (size_t)length);
	return *ret ? 0 : -ENOMEM;
}

/* Looks a GNU long name up in the table of names, where "/\n" ends each. */
static int find_long_name(const struct ld_ar *ar, const uint8_t *field, char **ret)
{
	uint64_t offset;
	if (!read_decimal(field + 1, AR_NAME_SIZE - 1, &offset) ||
	    offset >= ar->long_names.size)
		return KEXT_ERR_BAD_DATA;
	const char *text = (const char *)ar->long_names.data + offset;
	size_t length = 0, most = ar->long_names.size - (size_t)offset;
	while (length < most && text[length] != '\n' && text[length] != 0)
		length++;
	if (length > 0 && text[length - 1] == '/')
		length--;
	*ret = mem_string_n(text, length);
	return *ret ? 0 : -ENOMEM;
}

static int short_name(const uint8_t *field, char **ret)
{
	size_t length = AR_NAME_SIZE;
	while (length > 0 && field[length - 1] == ' ')
		length--;
	if (length > 1 && field[length - 1] == '/')
		length--;
	*ret = mem_string_n((const char *)field, length);
	return *ret ? 0 : -ENOMEM;
}

static bool is_index(const char *name)
{
	return !strncmp(name, "__.SYMDEF", 9);
}

/* The name of the member, or NULL (and 0) for a member that is an index or the name
 * table. */
static int read_name(struct ld_ar *ar, const uint8_t *field, struct bytes *content,
		     char **ret)
{
	char *name = NULL;
	int error;
	if (!memcmp(field, "// ", 3)) {
		ar->long_names = *content;
		return 0;
	}
	if (!memcmp(field, "/ ", 2) || !memcmp(field, "/SYM64/ ", 8))
		return 0;
	if (!memcmp(field, "#1/", 3))
		error = take_inline_name(field, content, &name);
	else if (field[0] == '/')
		error = find_long_name(ar, field, &name);
	else
		error = short_name(field, &name);
	if (error)
		return error;
	if (is_index(name)) {
		free(name);
		name = NULL;
	}
	*ret = name;
	return 0;
}

int ld_ar_next(struct ld_ar *ar, char **ret_name, struct bytes *ret_content,
	       size_t *ret_offset)
{
	while (ar->position < ar->bytes.size) {
		struct bytes header, content;
		uint64_t size;
		size_t at = ar->position;
		*ret_offset = at;
		if (!bytes_slice(ar->bytes, at, AR_HEADER_SIZE, &header) ||
		    memcmp(header.data + AR_TRAILER_OFFSET, "`\n", 2) ||
		    !read_decimal(header.data + AR_SIZE_OFFSET, AR_SIZE_WIDTH, &size) ||
		    !bytes_slice(ar->bytes, at + AR_HEADER_SIZE, size, &content))
			return KEXT_ERR_BAD_DATA;
		ar->position = at + AR_HEADER_SIZE + (size_t)size + (size & 1);
		char *name = NULL;
		int error = read_name(ar, header.data, &content, &name);
		if (error)
			return error;
		if (name) {
			*ret_name = name;
			*ret_content = content;
			return 1;
		}
	}
	return 0;
}
