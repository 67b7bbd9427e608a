/*
 * Objects out of the kernel's XML: elements without the freedoms of XML proper. Three
 * entities are known; everything behind the one object is left alone.
 */
#include "binary_format.h"
#include "xml_parser.h"

/* ---- text ---- */
static const struct {
	const char *name;
	size_t size;
	char character;
} entities[] = {{"&lt;", 4, '<'}, {"&gt;", 4, '>'}, {"&amp;", 5, '&'}};

bool XMLParser::unescape(const char *end, char *to)
{
	while (at < end) {
		line += *at == '\n';
		if (*at != '&') {
			*to++ = *at++;
			continue;
		}
		unsigned int i = 0;
		while (i < 3 && strncmp(at, entities[i].name, entities[i].size) != 0)
			i++;
		if (i == 3)
			return false;
		*to++ = entities[i].character;
		at += entities[i].size;
	}
	*to = '\0';
	return true;
}

/* The text up to the end tag of that name, which is consumed; to be freed. */
char *XMLParser::parse_text(const char *of_name)
{
	const char *end = at;
	while (*end && *end != '<')
		end++;
	char *text = (char *)kern_os_malloc((size_t)(end - at) + 1);
	if (!text) {
		fail("buildString: no memory");
		return NULL;
	}
	if (!unescape(end, text))
		fail("syntax error");
	else if (parse_end(of_name))
		return text;
	kern_os_free(text);
	return NULL;
}

OSObject *XMLParser::parse_string()
{
	char *text = tag.is_empty ? NULL : parse_text("string");
	if (!text && !tag.is_empty)
		return NULL;
	OSString *string = OSString::withCString(text ? text : "");
	kern_os_free(text);
	return take(string, "buildString");
}

/* ---- numbers ---- */
/* Lower-case digits behind 0x, else decimal; a 0 before the sign is passed over. */
static unsigned long long parse_number(const char **at)
{
	unsigned long long value = 0;
	bool is_negative = false;
	if (**at == '0') {
		++*at;
		if (**at == 'x') {
			for (++*at;; ++*at) {
				if (is_digit(**at))
					value = value * 16 + (unsigned)(**at - '0');
				else if (**at >= 'a' && **at <= 'f')
					value = value * 16 + (unsigned)(**at - 'a' + 10);
				else
					return value;
			}
		}
	}
	if (**at == '-') {
		is_negative = true;
		++*at;
	}
	for (; is_digit(**at); ++*at)
		value = value * 10 + (unsigned)(**at - '0');
	return is_negative ? -value : value;
}

OSObject *XMLParser::parse_integer()
{
	unsigned int size = tag.size;
	unsigned long long value = 0;
	if (!tag.is_empty) {
		value = parse_number(&at);
		if (!parse_end("integer"))
			return NULL;
	}
	return take(OSNumber::withNumber(value, size), "buildNumber");
}

OSObject *XMLParser::parse_boolean()
{
	if (!tag.is_empty)
		return fail("syntax error");
	return take(is_named("true") ? kOSBooleanTrue : kOSBooleanFalse, "buildBoolean");
}

/* ---- data ---- */
static int value_of(char character)
{
	char c = character & 0x7f;
	return c >= 'A' && c <= 'Z'   ? c - 'A'
	       : c >= 'a' && c <= 'z' ? c - 'a' + 26
	       : is_digit(c)	      ? c - '0' + 52
	       : c == '+'	      ? 62
	       : c == '/'	      ? 63
	       : c == '='	      ? 64
				      : -1;
}

/* Foreign characters are passed over; a group of less than four digits is dropped. */
bool XMLParser::parse_digits(OSData *data)
{
	unsigned int group = 0, digits = 0, padding = 0;
	for (; *at && *at != '<'; at++) {
		line += *at == '\n';
		int value = value_of(*at);
		if (value < 0)
			continue;
		padding += value == 64;
		group = group << 6 | ((unsigned)value & 63);
		if (++digits < 4)
			continue;
		const unsigned char bytes[] = {(unsigned char)(group >> 16),
					       (unsigned char)(group >> 8),
					       (unsigned char)group};
		if (!data->appendBytes(bytes, padding < 3 ? 3 - padding : 0))
			return false;
		group = digits = padding = 0;
	}
	return true;
}

static int hex_value(char c)
{
	return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Pairs of digits, blanks before a pair. */
bool XMLParser::parse_hex(OSData *data)
{
	while (*at && *at != '<') {
		for (; *at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'; at++)
			line += *at == '\n';
		int high = hex_value(at[0]), low = high < 0 ? -1 : hex_value(at[1]);
		if (low < 0 || !data->appendByte((unsigned char)(high << 4 | low), 1))
			return false;
		at += 2;
	}
	return true;
}

OSObject *XMLParser::parse_data()
{
	OSData *data = OSData::withCapacity(64);
	if (!data)
		return fail("buildData");
	if (!tag.is_empty && !(tag.is_hex ? parse_hex(data) : parse_digits(data))) {
		data->release();
		return fail(tag.is_hex ? "syntax error" : "buildData");
	}
	if (!tag.is_empty && !parse_end("data")) {
		data->release();
		return NULL;
	}
	return take(data, "buildData");
}

/* ---- collections: after their start tag ---- */
OSObject *XMLParser::parse_array()
{
	OSArray *array = OSArray::withCapacity(16);
	bool is_open = !tag.is_empty;
	while (array && is_open && next_tag()) {
		if (tag.is_end && is_named("array"))
			return take(array, "buildArray");
		OSObject *member = parse_object();
		bool done = member && array->setObject(member);
		OSSafeRelease(member);
		if (!done)
			break;
	}
	if (array && !is_open)
		return take(array, "buildArray");
	OSSafeRelease(array);
	return fail("buildArray");
}

/* A member that is there already is dropped. */
OSObject *XMLParser::parse_set()
{
	OSSet *set = OSSet::withCapacity(16);
	bool is_open = !tag.is_empty;
	while (set && is_open && next_tag()) {
		if (tag.is_end && is_named("set"))
			return take(set, "buildSet");
		OSObject *member = parse_object();
		bool done =
			member && (set->containsObject(member) || set->setObject(member));
		OSSafeRelease(member);
		if (!done)
			break;
	}
	if (set && !is_open)
		return take(set, "buildSet");
	OSSafeRelease(set);
	return fail("buildSet");
}

/* At a key's start tag. */
bool XMLParser::parse_entry(OSDictionary *dictionary)
{
	if (!is_named("key") || tag.is_end || tag.is_empty) {
		fail("syntax error");
		return false;
	}
	char *text = parse_text("key");
	const OSSymbol *key = text ? OSSymbol::withCString(text) : NULL;
	kern_os_free(text);
	OSObject *value = key && next_tag() ? parse_object() : NULL;
	bool done = value && dictionary->setObject(key, value, true);
	if (value && !done)
		fail(dictionary->getObject(key) ? "duplicate dictionary key"
						: "buildDictionary");
	OSSafeRelease(key);
	OSSafeRelease(value);
	return done;
}

OSObject *XMLParser::parse_dictionary()
{
	OSDictionary *dictionary = OSDictionary::withCapacity(16);
	bool is_open = !tag.is_empty;
	while (dictionary && is_open && next_tag()) {
		if (tag.is_end && is_named("dict"))
			return take(dictionary, "buildDictionary");
		if (!parse_entry(dictionary))
			break;
	}
	if (dictionary && !is_open)
		return take(dictionary, "buildDictionary");
	OSSafeRelease(dictionary);
	return fail("buildDictionary");
}

OSObject *XMLParser::parse_collection(OSObject *(XMLParser::*parse)())
{
	OSObject *object = enter() ? (this->*parse)() : NULL;
	leave();
	return object;
}

/* ---- objects: after their start tag ---- */
OSObject *XMLParser::parse_value_object()
{
	if (tag.is_end)
		return fail("syntax error");
	if (tag.is_reference)
		return tag.is_empty ? refer(tag.idref) : fail("syntax error");
	if (is_named("dict"))
		return parse_collection(&XMLParser::parse_dictionary);
	if (is_named("array"))
		return parse_collection(&XMLParser::parse_array);
	if (is_named("set"))
		return parse_collection(&XMLParser::parse_set);
	if (is_named("string"))
		return parse_string();
	if (is_named("integer"))
		return parse_integer();
	if (is_named("data"))
		return parse_data();
	if (is_named("true") || is_named("false"))
		return parse_boolean();
	return fail("syntax error");
}

OSObject *XMLParser::parse_object()
{
	int id = tag.id;
	OSObject *object = parse_value_object();
	if (object && id >= 0 && !known.remember(id, object)) {
		object->release();
		return fail("no memory");
	}
	return object;
}

OSObject *XMLParser::run(OSString **ret_error)
{
	return finish(next_tag() ? parse_object() : NULL, ret_error);
}

OSObject *OSUnserializeXML(const char *text, OSString **ret_error)
{
	if (!text)
		return NULL;
	if (ret_error)
		*ret_error = NULL;
	XMLParser parser(text);
	return parser.run(ret_error);
}

extern OSObject *OSUnserializeBinary(const char *bytes, size_t size,
				     OSString **ret_error);

OSObject *OSUnserializeXML(const char *bytes, size_t size, OSString **ret_error)
{
	if (!bytes || size < sizeof(uint32_t))
		return NULL;
	unsigned char first = (unsigned char)bytes[0];
	if (first == BINARY_INDEXED ||
	    (first == BINARY_SIGNATURE && !bytes[1] && !bytes[2] && !bytes[3]))
		return OSUnserializeBinary(bytes, size, ret_error);
	if (bytes[size - 1] != '\0')
		return NULL;
	return OSUnserializeXML(bytes, ret_error);
}

/* ---- for sources that use smart pointers: a pointer to one is a pointer to a pointer
 * ---- */
class osobject_policy;
namespace os
{
template <typename T, typename Policy> class smart_ptr;
}
typedef os::smart_ptr<OSString, osobject_policy> OSSharedString;

static OSObject *with_shared(OSObject *(*parse)(const char *, OSString **),
			     const char *text, OSSharedString *shared)
{
	OSString *error = NULL;
	OSString **place = reinterpret_cast<OSString **>(shared);
	OSObject *result = parse(text, &error);
	if (place) {
		OSSafeRelease(*place);
		*place = error;
	} else {
		OSSafeRelease(error);
	}
	return result;
}

OSObject *OSUnserializeXML(const char *text, OSSharedString *ret_error);
OSObject *OSUnserializeXML(const char *text, OSSharedString *ret_error)
{
	return with_shared(OSUnserializeXML, text, ret_error);
}

OSObject *OSUnserialize(const char *text, OSSharedString *ret_error);
OSObject *OSUnserialize(const char *text, OSSharedString *ret_error)
{
	return with_shared(OSUnserialize, text, ret_error);
}
