/* Text of XML property lists: entities, CDATA, numbers and encoded bytes; see
 * xml_lexer.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "value/base64.h"
#include "value/utf8.h"
#include "value/xml_lexer.h"

static size_t rest_of(const struct lexer *lexer)
{
	return (size_t)(lexer->end - lexer->at);
}

static int append_code(struct lexer *lexer, const char *at, unsigned long code)
{
	uint8_t bytes[4];
	size_t size = utf8_encode((uint32_t)code, bytes);
	if (code == 0 || code > 0x10ffff || !size)
		return lexer_fail(lexer, at, "the number of a character");
	buffer_append(&lexer->scratch, bytes, size);
	return 0;
}

/* "&#65;" or "&#x41;"; `at` is behind the "#". */
static int numeric_entity(struct lexer *lexer, const char *entity, const char *semicolon)
{
	const char *at = entity + 2;
	bool is_hex = *at == 'x' || *at == 'X';
	unsigned base = is_hex ? 16 : 10;
	unsigned long code = 0;
	at += is_hex;
	if (at == semicolon)
		return lexer_fail(lexer, entity, "the number of a character");
	for (; at < semicolon; at++) {
		unsigned digit = *at >= '0' && *at <= '9'   ? (unsigned)(*at - '0')
				 : *at >= 'a' && *at <= 'f' ? (unsigned)(*at - 'a') + 10
				 : *at >= 'A' && *at <= 'F' ? (unsigned)(*at - 'A') + 10
							    : 99;
		if (digit >= base || code > 0x10ffff)
			return lexer_fail(lexer, entity, "the number of a character");
		code = code * base + digit;
	}
	return append_code(lexer, entity, code);
}

static int entity(struct lexer *lexer)
{
	static const struct {
		char name[8];
		char character;
	} names[] = {
		{"&lt;", '<'},	 {"&gt;", '>'},	   {"&amp;", '&'},
		{"&quot;", '"'}, {"&apos;", '\''},
	};
	const char *at = lexer->at;
	const char *semicolon =
		memchr(at, ';', rest_of(lexer) < 12 ? rest_of(lexer) : 12);
	if (!semicolon)
		return lexer_fail(lexer, at, "an entity that ends with \";\"");
	lexer->at = semicolon + 1;
	if (!lexer->is_strict && at[1] == '#')
		return numeric_entity(lexer, at, semicolon);
	size_t length = (size_t)(lexer->at - at);
	size_t count = lexer->is_strict ? 3 : sizeof(names) / sizeof(*names);
	for (size_t i = 0; i < count; i++) {
		if (strlen(names[i].name) == length &&
		    !memcmp(names[i].name, at, length)) {
			buffer_u8(&lexer->scratch, (uint8_t)names[i].character);
			return 0;
		}
	}
	return lexer_fail(lexer, at,
			  lexer->is_strict
				  ? "&lt; &gt; or &amp;, all that the kernel knows"
				  : "&lt; &gt; &amp; &quot; &apos; or a numeric "
				    "entity");
}

/* "<!-- … -->" adds nothing, "<![CDATA[ … ]]>" its content. */
static int special(struct lexer *lexer, const char *start, const char *end, bool is_text)
{
	const char *from = lexer->at + strlen(start);
	const char *found = memmem(from, (size_t)(lexer->end - from), end, 3);
	if (!found)
		return lexer_fail(lexer, lexer->end, end);
	if (is_text)
		buffer_append(&lexer->scratch, from, (size_t)(found - from));
	lexer->at = found + 3;
	return 0;
}

static bool at_text(const struct lexer *lexer, const char *text)
{
	return rest_of(lexer) >= strlen(text) && !memcmp(lexer->at, text, strlen(text));
}

/* The text with its entities resolved, in scratch, up to the "<" of a tag. */
static int resolved_text(struct lexer *lexer, struct text *ret)
{
	lexer->scratch.size = 0;
	for (int error = 0;;) {
		const char *run = lexer->at;
		while (lexer->at < lexer->end && *lexer->at != '<' && *lexer->at != '&')
			lexer->at++;
		buffer_append(&lexer->scratch, run, (size_t)(lexer->at - run));
		if (lexer->at < lexer->end && *lexer->at == '&')
			error = entity(lexer);
		else if (at_text(lexer, "<!--"))
			error = special(lexer, "<!--", "-->", false);
		else if (at_text(lexer, "<![CDATA["))
			error = special(lexer, "<![CDATA[", "]]>", true);
		else
			break;
		if (error < 0)
			return error;
	}
	bool is_empty = lexer->scratch.size == 0; /* then it may have no memory yet */
	*ret = (struct text){is_empty ? "" : (char *)lexer->scratch.data,
			     lexer->scratch.size};
	return buffer_error(&lexer->scratch);
}

static int end_tag(struct lexer *lexer, const char *name)
{
	char expected[16];
	size_t length = strlen(name);
	const char *at = lexer->at;
	if (rest_of(lexer) > length + 2 && at[0] == '<' && at[1] == '/' &&
	    memcmp(at + 2, name, length) == 0) {
		for (at += length + 2; at < lexer->end && strchr(" \t\r\n", *at); at++)
			;
		if (at < lexer->end && *at == '>') {
			lexer->at = at + 1;
			return 0;
		}
	}
	snprintf(expected, sizeof(expected), "</%s>", name);
	return lexer_fail(lexer, lexer->at, expected);
}

/* Whether a run of text has an entity, and whether it has bytes beyond ASCII. */
static void look_at(const char *text, size_t size, bool *ret_entity, bool *ret_wide)
{
	const uint64_t ones = 0x0101010101010101ull, tops = ones << 7;
	uint64_t wide = 0, ampersand = 0;
	for (; size >= 8; text += 8, size -= 8) {
		uint64_t word;
		memcpy(&word, text, 8);
		uint64_t match = word ^ ones * '&';
		wide |= word;
		ampersand |= (match - ones) & ~match;
	}
	for (; size; text++, size--) {
		wide |= (unsigned char)*text;
		ampersand |= *text == '&' ? tops : 0;
	}
	*ret_entity = (ampersand & tops) != 0;
	*ret_wide = (wide & tops) != 0;
}

int lexer_text(struct lexer *lexer, const char *name, struct text *ret_text)
{
	const char *start = lexer->at;
	const char *tag = memchr(start, '<', rest_of(lexer));
	struct text text = {start, tag ? (size_t)(tag - start) : 0};
	bool has_entity, is_wide;
	int error;
	if (!tag)
		return lexer_fail(lexer, lexer->end, "an end tag");
	look_at(start, text.size, &has_entity, &is_wide);
	if (has_entity || (tag + 1 < lexer->end && tag[1] == '!')) {
		error = resolved_text(lexer, &text);
		if (error < 0)
			return error;
		is_wide = true;
	} else {
		lexer->at = tag;
	}
	if (is_wide && !utf8_is_valid(text.data, text.size))
		return lexer_fail(lexer, start, "text in UTF-8");
	error = end_tag(lexer, name);
	if (error == 0)
		*ret_text = text;
	return error;
}

/* Digits of a base up to the end of `text`; false when there are others, or too many. */
static bool digits(struct text text, unsigned base, uint64_t *ret)
{
	uint64_t number = 0;
	for (size_t i = 0; i < text.size; i++) {
		char c = text.data[i];
		unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0')
				 : base == 16 && c >= 'a' && c <= 'f'
					 ? (unsigned)(c - 'a') + 10
					 : 99;
		if (digit >= base || __builtin_mul_overflow(number, base, &number) ||
		    __builtin_add_overflow(number, digit, &number))
			return false;
	}
	*ret = number;
	return text.size != 0;
}

int lexer_integer(struct lexer *lexer, const struct tag *tag, struct kext_value **ret)
{
	struct text text = {"0", 1};
	const char *start = lexer->at;
	int error = tag->is_empty ? 0 : lexer_text(lexer, "integer", &text);
	if (error < 0)
		return error;
	bool is_hex = text.size > 2 && text.data[0] == '0' && text.data[1] == 'x';
	bool has_minus = text.size > 1 && text.data[0] == '-';
	size_t skip = is_hex ? 2 : has_minus;
	uint64_t number = 0;
	struct text rest = {text.data + skip, text.size - skip};
	if (text.size && !digits(rest, is_hex ? 16 : 10, &number))
		return lexer_fail(lexer, start,
				  "a decimal number, or 0x and lower-case digits, "
				  "of 64 bits at most");
	if (has_minus && number > UINT64_C(1) << 63)
		return lexer_fail(lexer, start, "a number of 64 bits at most");
	struct kext_value *value =
		kext_value_new_integer(has_minus ? -number : number, tag->bits);
	if (!value)
		return -ENOMEM;
	bool has_sign = is_hex && (tag->bits >= 64 || number >> tag->bits != 0);
	value->is_unsigned = !has_minus && !has_sign;
	*ret = value;
	return 0;
}

/* Pairs of lower-case hexadecimal digits, blanks allowed before each pair. */
static int hex_bytes(struct lexer *lexer, const char *at, struct text text,
		     struct kext_value *data)
{
	const char *p = text.data, *end = text.data + text.size;
	size_t used = 0;
	for (;;) {
		uint64_t byte;
		while (p < end && strchr(" \t\r\n", *p))
			p++;
		if (p == end)
			break;
		if (end - p < 2 || !digits((struct text){p, 2}, 16, &byte))
			return lexer_fail(lexer, at,
					  "pairs of lower-case hexadecimal digits");
		data->bytes[used++] = (char)byte;
		p += 2;
	}
	data->size = used;
	return 0;
}

int lexer_data(struct lexer *lexer, const struct tag *tag, struct kext_value **ret)
{
	struct text text = {"", 0};
	const char *start = lexer->at;
	int error = tag->is_empty ? 0 : lexer_text(lexer, "data", &text);
	if (error < 0)
		return error;
	struct kext_value *data = value_new_bytes(
		KEXT_VALUE_DATA, tag->is_hex ? text.size / 2 : text.size / 4 * 3);
	if (!data)
		return -ENOMEM;
	if (tag->is_hex)
		error = hex_bytes(lexer, start, text, data);
	else
		data->size = base64_decode(text.data, text.size, data->bytes);
	if (error < 0) {
		kext_value_unref(data);
		return error;
	}
	data->bytes[data->size] = '\0';
	*ret = data;
	return 0;
}
