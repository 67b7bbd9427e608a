/*
 * The tags of the kernel's XML and what may stand between them. A tag has no blank before
 * its closing bracket; attributes are in double quotes.
 */
#include "xml_parser.h"

/* ---- between tags ---- */
void XMLParser::skip_blanks()
{
	for (; *at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'; at++)
		line += *at == '\n';
}

/* At the text of a comment; `--` may only end it. */
bool XMLParser::skip_comment()
{
	for (; *at; at++) {
		line += *at == '\n';
		if (at[0] != '-' || at[1] != '-')
			continue;
		at += 2;
		return *at++ == '>';
	}
	return false;
}

/* At the character after `<`, which is `?` or `!`. */
bool XMLParser::skip_markup()
{
	if (*at == '?') {
		for (at++; *at; at++) {
			line += *at == '\n';
			if (*at != '?')
				continue;
			if (!*++at)
				return true;
			if (*at == '>') {
				at++;
				return true;
			}
		}
		return false;
	}
	at++;
	if (at[0] == '-' && at[1] == '-') {
		at += 2;
		return skip_comment();
	}
	if (!is_letter(*at))
		return false;
	for (; *at && *at != '>'; at++)
		line += *at == '\n';
	return *at && *at++ == '>';
}

/* ---- tags ---- */
bool XMLParser::parse_word(char *word)
{
	int length = 0;
	for (; is_letter(*at) || is_digit(*at) || *at == '-'; at++) {
		if (length == NAME_MAX)
			return false;
		word[length++] = *at;
	}
	word[length] = '\0';
	return true;
}

bool XMLParser::parse_value(char *value)
{
	int length = 0;
	if (*at++ != '"')
		return false;
	for (; *at && *at != '"'; at++) {
		if (length == NAME_MAX)
			return false;
		line += *at == '\n';
		value[length++] = *at;
	}
	value[length] = '\0';
	return *at && *at++ == '"';
}

/* A negative number is no name for an object. */
static int number_of(const char *value)
{
	long number = strtol(value, NULL, 0);
	return number < 0 || number > 0x7fffffff ? -1 : (int)number;
}

bool XMLParser::parse_attribute()
{
	char word[NAME_MAX + 1], value[NAME_MAX + 1];
	while (*at == ' ' || *at == '\t')
		at++;
	if (!parse_word(word))
		return false;
	while (*at == ' ' || *at == '\t')
		at++;
	if (*at != '=')
		return false;
	for (at++; *at == ' ' || *at == '\t';)
		at++;
	if (!parse_value(value))
		return false;
	if (strcmp(word, "IDREF") == 0) {
		tag.is_reference = true;
		tag.idref = number_of(value);
	} else if (strcmp(word, "ID") == 0) {
		tag.id = number_of(value);
	} else if (strncmp(word, "ID", 2) == 0) {
		return false;
	} else if (strcmp(word, "size") == 0) {
		unsigned long size = strtoul(value, NULL, 0);
		tag.size = size > 0xffff ? 0xffff : (unsigned int)size;
	} else if (strcmp(word, "format") == 0) {
		tag.is_hex = strcmp(value, "hex") == 0;
	}
	return true;
}

/* At the character after `<`. */
bool XMLParser::parse_tag()
{
	int attributes = 0;
	memset(&tag, 0, sizeof(tag));
	tag.id = tag.idref = -1;
	tag.size = 64;
	if (*at == '/') {
		tag.is_end = true;
		at++;
	}
	if (!is_letter(*at) || !parse_word(tag.name))
		return false;
	while (*at == ' ' || *at == '\t') {
		if (attributes++ == ATTRIBUTES_MAX || !parse_attribute())
			return false;
	}
	if (*at == '/') {
		tag.is_empty = true;
		at++;
	}
	return *at == '>' && at++ && !(tag.is_end && tag.is_empty);
}

bool XMLParser::is_named(const char *of_name) const
{
	return strcmp(tag.name, of_name) == 0;
}

/* The next tag of an object or of an object's end; the tags of a plist are passed over.
 */
bool XMLParser::next_tag()
{
	for (;;) {
		skip_blanks();
		if (!*at) {
			fail("unexpected end of buffer");
			return false;
		}
		bool done = *at++ == '<';
		if (done && (*at == '?' || *at == '!')) {
			done = skip_markup();
		} else if (done) {
			done = parse_tag();
			if (done && !is_named("plist"))
				return true;
		}
		if (!done) {
			fail("syntax error");
			return false;
		}
	}
}

bool XMLParser::parse_end(const char *of_name)
{
	const char *reason = *at ? "syntax error" : "unexpected end of buffer";
	if (at[0] == '<' && at[1] == '/') {
		at++;
		if (parse_tag() && is_named(of_name) && tag.id < 0 && !tag.is_reference)
			return true;
	}
	fail(reason);
	return false;
}
