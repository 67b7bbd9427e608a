/* The parser of the kernel's XML: tags in xml_tags.cpp, objects in OSUnserializeXML.cpp.
 */
#ifndef KERNEL_LIBKERN_XML_PARSER_H
#define KERNEL_LIBKERN_XML_PARSER_H

#include "parse.h"

enum { NAME_MAX = 30, ATTRIBUTES_MAX = 31 };

/* A tag as it stands in the text. */
struct Tag {
	char name[NAME_MAX + 1];
	bool is_end, is_empty, is_reference, is_hex;
	int id, idref;	   /* -1: none */
	unsigned int size; /* of an integer */
};

class XMLParser : Parser
{
	Tag tag;

	void skip_blanks();
	bool skip_markup();
	bool skip_comment();
	bool parse_word(char *word);
	bool parse_value(char *value);
	bool parse_attribute();
	bool parse_tag();
	bool next_tag();
	bool is_named(const char *name) const;
	bool parse_end(const char *name);
	char *parse_text(const char *name);
	bool unescape(const char *end, char *to);

	OSObject *parse_object();
	OSObject *parse_value_object();
	OSObject *parse_dictionary();
	bool parse_entry(OSDictionary *dictionary);
	OSObject *parse_array();
	OSObject *parse_set();
	OSObject *parse_string();
	OSObject *parse_integer();
	OSObject *parse_data();
	OSObject *parse_boolean();
	OSObject *parse_collection(OSObject *(XMLParser::*parse)());
	bool parse_digits(OSData *data);
	bool parse_hex(OSData *data);

public:
	XMLParser(const char *text) : Parser("OSUnserializeXML", text)
	{
	}
	OSObject *run(OSString **ret_error);
};

static inline bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

#endif
