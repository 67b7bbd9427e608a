/*
 * Objects out of the form with braces that came before XML: { key = value; }, ( members
 * ), [ members of a set ], "text", number:bits, <hex bytes>, .true., and object@n with
 * its references @n.
 */
#include "parse.h"

class BraceParser : Parser
{
	void skip_blanks();
	bool take_character(char wanted);
	char *parse_quoted(char quote);
	char *parse_word();
	char *parse_text();
	OSObject *parse_object();
	OSObject *parse_value();
	OSObject *parse_number();
	OSObject *parse_data();
	OSObject *parse_boolean();
	OSObject *parse_dictionary();
	bool parse_entry(OSDictionary *dictionary);
	OSObject *parse_members(char end);
	int parse_identity();

public:
	BraceParser(const char *text) : Parser("OSUnserialize", text)
	{
	}
	OSObject *run(OSString **ret_error);
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Also what stands behind `#` to the end of the line. */
void BraceParser::skip_blanks()
{
	for (;; at++) {
		if (*at == '#') {
			while (*at && *at != '\n')
				at++;
		}
		if (*at != ' ' && *at != '\t' && *at != '\n' && *at != '\r')
			return;
		line += *at == '\n';
	}
}

bool BraceParser::take_character(char wanted)
{
	skip_blanks();
	if (*at != wanted)
		return false;
	at++;
	return true;
}

/* ---- text ---- */
/* A backslash is dropped; what follows it stands for itself. */
char *BraceParser::parse_quoted(char quote)
{
	const char *end = at;
	while (*end && *end != quote)
		end += end[0] == '\\' && end[1] ? 2 : 1;
	char *text = *end ? (char *)kern_os_malloc((size_t)(end - at) + 1) : NULL;
	char *to = text;
	for (; text && at < end; at++) {
		if (*at == '\\')
			at++;
		line += *at == '\n';
		*to++ = *at;
	}
	at = *end ? end + 1 : end;
	return text;
}

char *BraceParser::parse_word()
{
	const char *end = at;
	while (is_letter(*end) || is_digit(*end) || *end == '-')
		end++;
	char *text = (char *)kern_os_malloc((size_t)(end - at) + 1);
	if (text)
		memcpy(text, at, (size_t)(end - at));
	at = end;
	return text;
}

char *BraceParser::parse_text()
{
	skip_blanks();
	if (*at == '"' || *at == '\'')
		return parse_quoted(*at++);
	return is_letter(*at) ? parse_word() : NULL;
}

/* ---- leaves ---- */
OSObject *BraceParser::parse_number()
{
	char *end;
	unsigned long value = strtoul(at, &end, 0), bits = 64;
	at = end;
	if (*at == ':') {
		bits = strtoul(at + 1, &end, 0);
		at = end;
	}
	return take(OSNumber::withNumber(value, bits > 64 ? 65 : (unsigned int)bits),
		    "buildNumber");
}

static int hex_value(char c)
{
	return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

OSObject *BraceParser::parse_data()
{
	OSData *data = OSData::withCapacity(64);
	bool done = data != NULL;
	while (done && !take_character('>')) {
		int high = hex_value(at[0]), low = high < 0 ? -1 : hex_value(at[1]);
		done = low >= 0 && data->appendByte((unsigned char)(high << 4 | low), 1);
		at += done ? 2 : 0;
	}
	if (!done)
		OSSafeReleaseNULL(data);
	return take(data, "buildData");
}

OSObject *BraceParser::parse_boolean()
{
	bool is_true = strncmp(at, ".true.", 6) == 0;
	if (!is_true && strncmp(at, ".false.", 7) != 0)
		return fail("syntax error");
	at += is_true ? 6 : 7;
	return take(OSBoolean::withBoolean(is_true), "buildBoolean");
}

/* ---- collections: after their opening bracket ---- */
bool BraceParser::parse_entry(OSDictionary *dictionary)
{
	char *text = parse_text();
	const OSSymbol *key = text ? OSSymbol::withCString(text) : NULL;
	kern_os_free(text);
	OSObject *value = key && take_character('=') ? parse_object() : NULL;
	bool done = value && take_character(';');
	if (!done)
		fail("syntax error");
	else if (dictionary->getObject(key))
		done = fail("duplicate dictionary key") != NULL;
	else
		done = dictionary->setObject(key, value);
	OSSafeRelease(key);
	OSSafeRelease(value);
	return done;
}

OSObject *BraceParser::parse_dictionary()
{
	OSDictionary *dictionary = OSDictionary::withCapacity(16);
	while (dictionary && !take_character('}')) {
		if (!parse_entry(dictionary))
			OSSafeReleaseNULL(dictionary);
	}
	return take(dictionary, "buildDictionary");
}

OSObject *BraceParser::parse_members(char end)
{
	OSArray *members = OSArray::withCapacity(16);
	bool is_first = true;
	while (members && !take_character(end)) {
		bool has_comma = is_first || take_character(',');
		OSObject *member = has_comma ? parse_object() : fail("syntax error");
		if (!member || !members->setObject(member))
			OSSafeReleaseNULL(members);
		OSSafeRelease(member);
		is_first = false;
	}
	if (!members || end == ')')
		return take(members, "buildArray");
	OSSet *set = OSSet::withCapacity(members->getCount());
	if (set && !set->merge(members))
		OSSafeReleaseNULL(set);
	members->release();
	return take(set, "buildSet");
}

/* ---- objects ---- */
OSObject *BraceParser::parse_value()
{
	char *text;
	skip_blanks();
	switch (*at) {
	case '\0':
		return fail("unexpected end of buffer");
	case '{':
		at++;
		return parse_dictionary();
	case '(':
		at++;
		return parse_members(')');
	case '[':
		at++;
		return parse_members(']');
	case '<':
		at++;
		return parse_data();
	case '.':
		return parse_boolean();
	case '@':
		at++;
		return refer(parse_identity());
	}
	if (is_digit(*at) || (*at == '-' && is_digit(at[1])))
		return parse_number();
	text = parse_text();
	OSString *string = text ? OSString::withCString(text) : NULL;
	kern_os_free(text);
	return text ? take(string, "buildString") : fail("syntax error");
}

int BraceParser::parse_identity()
{
	char *end;
	unsigned long number = strtoul(at, &end, 10);
	bool is_number = is_digit(*at) && number <= 0x7fffffff;
	at = end;
	return is_number ? (int)number : -1;
}

OSObject *BraceParser::parse_object()
{
	OSObject *object = enter() ? parse_value() : NULL;
	leave();
	if (!object || !take_character('@'))
		return object;
	int number = parse_identity();
	if (number >= 0 && known.remember(number, object))
		return object;
	object->release();
	return fail("syntax error");
}

/* Nothing gives nothing, and no error. */
OSObject *BraceParser::run(OSString **ret_error)
{
	skip_blanks();
	return *at ? finish(parse_object(), ret_error) : NULL;
}

OSObject *OSUnserialize(const char *text, OSString **ret_error)
{
	if (!text)
		return NULL;
	if (ret_error)
		*ret_error = NULL;
	BraceParser parser(text);
	return parser.run(ret_error);
}
