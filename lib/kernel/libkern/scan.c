/*
 * sscanf of the kernel: integers, strings, characters, character sets, pointers and %n;
 * no floating point. A number's text is at most 32 characters.
 */
#include "kernel/libkern/libkern.h"

struct scan {
	const char *text, *start;
	va_list arguments;
	int assigned;
	bool converted; /* a conversion had text to work on */
	bool ended;	/* the text ended where something was wanted */
};

struct field {
	bool is_suppressed;
	int size;     /* bytes of the integer: 1, 2, 4, 8 */
	size_t width; /* 0 = none */
	char letter;
};

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static const char *parse_field(const char *p, struct field *field)
{
	*field = (struct field){.size = 4};
	if (*p == '*') {
		field->is_suppressed = true;
		p++;
	}
	for (; *p >= '0' && *p <= '9'; p++)
		field->width = field->width * 10 + (size_t)(*p - '0');
	if (*p == 'h') {
		field->size = p[1] == 'h' ? 1 : 2;
		p += p[1] == 'h' ? 2 : 1;
	} else if (*p == 'l') {
		field->size = 8;
		p += p[1] == 'l' ? 2 : 1;
	} else if (*p == 'q' || *p == 'z' || *p == 'j' || *p == 't') {
		field->size = 8;
		p++;
	}
	field->letter = *p;
	return *p ? p + 1 : p;
}

static void store(struct scan *scan, const struct field *field, uint64_t value)
{
	void *to = va_arg(scan->arguments, void *);

	switch (field->size) {
	case 1:
		*(uint8_t *)to = (uint8_t)value;
		break;
	case 2:
		*(uint16_t *)to = (uint16_t)value;
		break;
	case 4:
		*(uint32_t *)to = (uint32_t)value;
		break;
	default:
		*(uint64_t *)to = value;
		break;
	}
}

static bool scan_integer(struct scan *scan, struct field *field)
{
	char digits[33], *end;
	size_t n = 0, max = field->width && field->width < 32 ? field->width : 32;
	int base = 10;
	uint64_t value;

	if (field->letter == 'i')
		base = 0;
	else if (field->letter == 'o')
		base = 8;
	else if (field->letter == 'x' || field->letter == 'X' || field->letter == 'p')
		base = 16;
	if (field->letter == 'p')
		field->size = 8;
	while (n < max && scan->text[n]) {
		digits[n] = scan->text[n];
		n++;
	}
	digits[n] = 0;
	value = field->letter == 'd' || field->letter == 'i'
			? (uint64_t)xnu_strtoq(digits, &end, base)
			: xnu_strtouq(digits, &end, base);
	if (end == digits)
		return false;
	scan->text += end - digits;
	if (!field->is_suppressed) {
		store(scan, field, value);
		scan->assigned++;
	}
	return true;
}

/* A set as between the brackets of %[; returns the place behind the closing one. */
static const char *parse_set(const char *p, bool members[256])
{
	bool is_inverted = *p == '^';
	const char *first;

	__builtin_memset(members, is_inverted, 256);
	p += is_inverted;
	for (first = p; *p && (*p != ']' || p == first); p++) {
		unsigned char low = (unsigned char)*p, high = low;

		if (p[1] == '-' && p[2] && p[2] != ']') {
			high = (unsigned char)p[2];
			p += 2;
		}
		for (unsigned c = low; c <= high; c++)
			members[c] = !is_inverted;
	}
	return *p ? p + 1 : p;
}

/* %s and %[: at least one character of the set, and a terminator. */
static bool scan_members(struct scan *scan, const struct field *field,
			 const bool members[256])
{
	char *to = field->is_suppressed ? NULL : va_arg(scan->arguments, char *);
	size_t n = 0;

	while (scan->text[n] && members[(unsigned char)scan->text[n]] &&
	       (!field->width || n < field->width)) {
		if (to)
			to[n] = scan->text[n];
		n++;
	}
	if (!n)
		return false;
	scan->text += n;
	if (to) {
		to[n] = 0;
		scan->assigned++;
	}
	return true;
}

static bool scan_characters(struct scan *scan, const struct field *field)
{
	size_t count = field->width ? field->width : 1;
	char *to = field->is_suppressed ? NULL : va_arg(scan->arguments, char *);

	for (size_t i = 0; i < count; i++) {
		if (!*scan->text)
			return false;
		if (to)
			to[i] = *scan->text;
		scan->text++;
	}
	scan->assigned += to != NULL;
	return true;
}

static bool scan_string(struct scan *scan, const struct field *field)
{
	bool members[256];

	for (int c = 0; c < 256; c++)
		members[c] = !is_space((char)c);
	return scan_members(scan, field, members);
}

/* One conversion, after its letter was read; `*format` moves over a set. */
static bool scan_field(struct scan *scan, struct field *field, const char **format)
{
	bool members[256];

	switch (field->letter) {
	case 'd':
	case 'i':
	case 'o':
	case 'u':
	case 'x':
	case 'X':
	case 'p':
		return scan_integer(scan, field);
	case 's':
		return scan_string(scan, field);
	case 'c':
		return scan_characters(scan, field);
	case '[':
		*format = parse_set(*format, members);
		return scan_members(scan, field, members);
	default:
		return false;
	}
}

static void skip_space(struct scan *scan)
{
	while (is_space(*scan->text))
		scan->text++;
}

/* Handles the directive after a '%'; false ends the scan. */
static bool scan_directive(struct scan *scan, const char **format)
{
	struct field field;

	*format = parse_field(*format, &field);
	if (field.letter == '%') {
		skip_space(scan);
		return *scan->text == '%' && scan->text++;
	}
	if (field.letter == 'n') {
		if (!field.is_suppressed)
			store(scan, &field, (uint64_t)(scan->text - scan->start));
		return true;
	}
	if (field.letter != 'c' && field.letter != '[')
		skip_space(scan);
	if (!*scan->text) {
		scan->ended = true;
		return false;
	}
	scan->converted = true;
	return scan_field(scan, &field, format);
}

int xnu_vsscanf(const char *text, const char *format, va_list arguments)
{
	struct scan scan = {.text = text, .start = text};

	va_copy(scan.arguments, arguments);
	while (*format) {
		char c = *format++;

		if (is_space(c)) {
			skip_space(&scan);
		} else if (c != '%') {
			if (*scan.text != c) {
				scan.ended = !*scan.text;
				break;
			}
			scan.text++;
		} else if (!scan_directive(&scan, &format)) {
			break;
		}
	}
	va_end(scan.arguments);
	return scan.ended && !scan.converted ? -1 : scan.assigned;
}
KPI_XNU(vsscanf);

int xnu_sscanf(const char *text, const char *format, ...)
{
	va_list arguments;
	int count;

	va_start(arguments, format);
	count = xnu_vsscanf(text, format, arguments);
	va_end(arguments);
	return count;
}
KPI_XNU(sscanf);
