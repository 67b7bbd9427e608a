/* Tags of XML property lists, and what is wrong with them; see xml_lexer.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "value/xml_lexer.h"

#define ID_LIMIT 1048576 /* no document may hold more values than that */

static size_t line_of(const struct lexer *lexer, const char *at)
{
	size_t line = 1;
	for (const char *p = lexer->start; (p = memchr(p, '\n', (size_t)(at - p))); p++)
		line++;
	return line;
}

/* What stands at `at`, quoted and short enough for a message. */
static void quote(const struct lexer *lexer, const char *at, char *quoted, size_t size)
{
	if (at >= lexer->end) {
		snprintf(quoted, size, "the end of the text");
		return;
	}
	size_t used = 0;
	quoted[used++] = '"';
	for (const char *p = at; p < lexer->end && used < size - 6 && *p != '\n'; p++) {
		quoted[used++] =
			(unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e ? '?' : *p;
		if (*p == '>')
			break;
	}
	if (used == 1)
		snprintf(quoted, size, "a line's end");
	else
		strcpy(quoted + used, "\"");
}

int lexer_fail(struct lexer *lexer, const char *at, const char *expected)
{
	char found[40];
	quote(lexer, at, found, sizeof(found));
	kext_diagnose(lexer->diagnostics, KEXT_ERROR, "plist.syntax", lexer->subject,
		      NULL, "line %zu: found %s, expected %s", line_of(lexer, at), found,
		      expected);
	return KEXT_ERR_SERIALIZATION;
}

int lexer_fail_type(struct lexer *lexer)
{
	char found[40];
	quote(lexer, lexer->tag, found, sizeof(found));
	kext_diagnose(
		lexer->diagnostics, KEXT_ERROR, "plist.type", lexer->subject,
		"the kernel reads arrays, booleans, data, dictionaries, integers, sets "
		"and strings only",
		"line %zu: %s is of a type that the property list of a kext cannot have",
		line_of(lexer, lexer->tag), found);
	return KEXT_ERR_SERIALIZATION;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static void skip_blanks(struct lexer *lexer)
{
	while (lexer->at < lexer->end && is_blank(*lexer->at))
		lexer->at++;
}

static bool starts_with(const struct lexer *lexer, const char *text)
{
	size_t length = strlen(text);
	return (size_t)(lexer->end - lexer->at) >= length &&
	       memcmp(lexer->at, text, length) == 0;
}

/* Moves behind the next `text`. */
static int skip_past(struct lexer *lexer, const char *text)
{
	size_t rest = (size_t)(lexer->end - lexer->at);
	const char *found = memmem(lexer->at, rest, text, strlen(text));
	if (!found) {
		char expected[32];
		snprintf(expected, sizeof(expected), "\"%s\"", text);
		return lexer_fail(lexer, lexer->end, expected);
	}
	lexer->at = found + strlen(text);
	return 0;
}

/* A doctype may hold quoted text and, between brackets, declarations of its own. */
static int skip_doctype(struct lexer *lexer)
{
	unsigned depth = 0;
	for (; lexer->at < lexer->end; lexer->at++) {
		char c = *lexer->at;
		if (c == '"' || c == '\'') {
			size_t rest = (size_t)(lexer->end - lexer->at) - 1;
			const char *close = memchr(lexer->at + 1, c, rest);
			if (!close)
				break;
			lexer->at = close;
		}
		depth += c == '[';
		depth -= c == ']' && depth;
		if (c == '>' && depth == 0) {
			lexer->at++;
			return 0;
		}
	}
	return lexer_fail(lexer, lexer->end, "the end of <!…>");
}

/* Blanks, comments, processing instructions, doctype. */
static int skip_misc(struct lexer *lexer)
{
	for (;;) {
		int error = 0;
		skip_blanks(lexer);
		if (lexer->end - lexer->at < 2 || lexer->at[0] != '<' ||
		    (lexer->at[1] != '?' && lexer->at[1] != '!'))
			return 0;
		if (lexer->at[1] == '?') {
			error = skip_past(lexer, "?>");
		} else if (starts_with(lexer, "<!--")) {
			lexer->at += 4;
			error = skip_past(lexer, "-->");
		} else if (starts_with(lexer, "<!DOCTYPE")) {
			lexer->at += 2;
			error = skip_doctype(lexer);
		} else {
			return 0;
		}
		if (error < 0)
			return error;
	}
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-';
}

static enum tag_name name_of(const char *name, size_t length)
{
	static const struct {
		char text[12]; /* in place, so that looking behind a shorter name is fine
				*/
		enum tag_name name;
	} names[] = {
		{"key", TAG_KEY},
		{"string", TAG_STRING},
		{"dict", TAG_DICT},
		{"integer", TAG_INTEGER},
		{"true", TAG_TRUE},
		{"false", TAG_FALSE},
		{"array", TAG_ARRAY},
		{"data", TAG_DATA},
		{"plist", TAG_PLIST},
		{"set", TAG_SET},
		{"reference", TAG_REFERENCE},
		{"real", TAG_FOREIGN},
		{"date", TAG_FOREIGN},
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (names[i].text[0] == name[0] && !names[i].text[length] &&
		    memcmp(names[i].text, name, length) == 0)
			return names[i].name;
	}
	return TAG_UNKNOWN;
}

static bool is_word(struct text text, const char *word)
{
	return text.size == strlen(word) && memcmp(text.data, word, text.size) == 0;
}

/* A small decimal number that fills `text` and is below `limit`; else -1. */
static int64_t small_number(struct text text, int64_t limit)
{
	int64_t number = 0;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return -1;
		number = number * 10 + (text.data[i] - '0');
		if (number >= limit)
			return -1;
	}
	return text.size ? number : -1;
}

/* Stores an attribute that means something here; others are skipped, as the kernel does.
 */
static int store_attribute(struct lexer *lexer, struct tag *tag, struct text name,
			   struct text value)
{
	if (is_word(name, "ID") || is_word(name, "IDREF")) {
		int64_t id = small_number(value, ID_LIMIT);
		if (id < 0)
			return lexer_fail(lexer, value.data, "a number below 1048576");
		*(name.size == 2 ? &tag->id : &tag->reference) = id;
	} else if (is_word(name, "size")) {
		int64_t bits = small_number(value, 65);
		if (bits < 1)
			return lexer_fail(lexer, value.data, "a size of 1 to 64 bits");
		tag->bits = (unsigned)bits;
	} else if (is_word(name, "format")) {
		tag->is_hex = is_word(value, "hex");
	}
	return 0;
}

static int read_attribute(struct lexer *lexer, struct tag *tag)
{
	struct text name = {lexer->at, 0}, value;
	while (lexer->at < lexer->end && (is_name(*lexer->at) || *lexer->at == ':'))
		lexer->at++;
	name.size = (size_t)(lexer->at - name.data);
	if (!name.size)
		return lexer_fail(lexer, lexer->at, "an attribute or \">\"");
	skip_blanks(lexer);
	if (lexer->at >= lexer->end || *lexer->at != '=')
		return lexer_fail(lexer, lexer->at, "\"=\"");
	lexer->at++;
	skip_blanks(lexer);
	if (lexer->at >= lexer->end || (*lexer->at != '"' && *lexer->at != '\''))
		return lexer_fail(lexer, lexer->at, "a quoted value");
	char quote_mark = *lexer->at++;
	const char *close =
		memchr(lexer->at, quote_mark, (size_t)(lexer->end - lexer->at));
	if (!close)
		return lexer_fail(lexer, lexer->end, "the end of a quoted value");
	value = (struct text){lexer->at, (size_t)(close - lexer->at)};
	lexer->at = close + 1;
	return store_attribute(lexer, tag, name, value);
}

/* From behind the name to behind ">". */
static int read_attributes(struct lexer *lexer, struct tag *tag)
{
	for (unsigned count = 0;; count++) {
		skip_blanks(lexer);
		if (lexer->at < lexer->end && *lexer->at == '>') {
			lexer->at++;
			return 0;
		}
		if (starts_with(lexer, "/>") && !tag->is_end) {
			lexer->at += 2;
			tag->is_empty = true;
			return 0;
		}
		if (count == 32 || tag->is_end)
			return lexer_fail(lexer, lexer->at, "\">\"");
		int error = read_attribute(lexer, tag);
		if (error < 0)
			return error;
	}
}

int lexer_tag(struct lexer *lexer, struct tag *ret_tag)
{
	struct tag tag = {.name = TAG_NONE, .bits = 64, .id = -1, .reference = -1};
	int error = skip_misc(lexer);
	if (error < 0)
		return error;
	lexer->tag = lexer->at;
	if (lexer->at >= lexer->end) {
		*ret_tag = tag;
		return 0;
	}
	if (*lexer->at != '<')
		return lexer_fail(lexer, lexer->at, "a tag");
	lexer->at++;
	if (lexer->at < lexer->end && *lexer->at == '/') {
		tag.is_end = true;
		lexer->at++;
	}
	const char *name = lexer->at;
	while (lexer->at < lexer->end && is_name(*lexer->at))
		lexer->at++;
	size_t length = (size_t)(lexer->at - name);
	/* The longest known name has nine letters; the kernel refuses those over thirty.
	 */
	tag.name = length && length <= 9 ? name_of(name, length) : TAG_UNKNOWN;
	if (lexer->at < lexer->end && *lexer->at == '>')
		lexer->at++;
	else
		error = read_attributes(lexer, &tag);
	if (error == 0)
		*ret_tag = tag;
	return error;
}
