/*
 * The boot command line and its reader. Words are separated by blanks or tabs; a word
 * that begins with '-' is a flag, others are name=value, where a value that reads whole
 * as a number is stored as one.
 */
#include <string.h>
#include "kernel/libkern/libkern.h"
#include "kernel/pexpert/pexpert.h"

static char command_line[1024];

void bootargs_set(const char *line)
{
	xnu_strlcpy(command_line, line, sizeof(command_line));
}

const char *bootargs_get(void)
{
	return command_line;
}

char *PE_boot_args(void)
{
	return command_line;
}
KPI(PE_boot_args);

struct word {
	const char *text;
	size_t length;
	size_t name_length; /* up to '=', or all */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The word at or after *place; false at the end of the line. */
static bool next_word(const char **place, struct word *word)
{
	const char *p = *place;

	while (is_blank(*p))
		p++;
	word->text = p;
	while (*p && !is_blank(*p))
		p++;
	word->length = (size_t)(p - word->text);
	*place = p;
	if (!word->length)
		return false;
	word->name_length = word->length;
	if (*word->text != '-') {
		const char *equals = memchr(word->text, '=', word->length);

		if (equals)
			word->name_length = (size_t)(equals - word->text);
	}
	return true;
}

static bool is_named(const struct word *word, const char *name)
{
	return strlen(name) == word->name_length &&
	       !memcmp(word->text, name, word->name_length);
}

/* ---- numbers ---- */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Factor of a last letter k, m or g; 0 for another letter. */
static uint64_t suffix_factor(char c)
{
	switch (c) {
	case 'k':
	case 'K':
		return 1ull << 10;
	case 'm':
	case 'M':
		return 1ull << 20;
	case 'g':
	case 'G':
		return 1ull << 30;
	default:
		return 0;
	}
}

/* Reads [-]digits[kmg], with 0x, 0b and 0 as prefixes; false if anything is left over. */
static bool read_number(const char *p, const char *end, uint64_t *ret_number)
{
	bool is_negative = p < end && *p == '-';
	uint64_t number = 0, factor;
	int base = 10;
	const char *first;

	p += is_negative;
	if (end - p > 1 && p[0] == '0') {
		base = p[1] == 'x' ? 16 : p[1] == 'b' ? 2 : 8;
		p += base == 8 ? 0 : 2;
	}
	for (first = p; p < end && digit(*p) < base; p++)
		number = number * (uint64_t)base + (uint64_t)digit(*p);
	if (p == first)
		return false;
	if (end - p == 1 && (factor = suffix_factor(*p))) {
		number *= factor;
		p++;
	}
	if (p != end)
		return false;
	*ret_number = is_negative ? -number : number;
	return true;
}

static void store_number(void *buffer, int size, uint64_t number)
{
	size_t n = size == 1 || size == 2 || size == 3 || size == 8 ? (size_t)size : 4;

	memcpy(buffer, &number, n); /* little-endian */
}

/* ---- values ---- */

static void store_text(const struct word *word, void *buffer, size_t size)
{
	const char *text = word->text + word->name_length + 1;
	size_t length = word->length - word->name_length - 1;

	if (length > size - 1)
		length = size - 1;
	memcpy(buffer, text, length);
	((char *)buffer)[length] = 0;
}

/* The value of a name=value word into the caller's buffer. */
static void store_value(const struct word *word, bool as_text, void *buffer, int size)
{
	const char *text = word->text + word->name_length + 1;
	uint64_t number;

	if (size == 0)
		return;
	if (*word->text == '_' && !as_text)
		store_text(word, buffer,
			   size > 17 || size < 0 ? (size_t)(unsigned)size : 17);
	else if (!as_text && read_number(text, word->text + word->length, &number))
		store_number(buffer, size, number);
	else
		store_text(word, buffer, size < 0 ? sizeof(command_line) : (size_t)size);
}

/* Presence of a flag; the first one ends the search. */
static boolean_t store_flag(bool as_text, void *buffer, int size)
{
	if (as_text || size == -1)
		return XNU_FALSE;
	if (size)
		store_number(buffer, size, 1);
	return XNU_TRUE;
}

static boolean_t parse(const char *name, void *buffer, int size, bool as_text)
{
	const char *place = command_line;
	boolean_t is_found = XNU_FALSE;
	struct word word;

	while (next_word(&place, &word)) {
		if (!is_named(&word, name))
			continue;
		if (*word.text == '-')
			return store_flag(as_text, buffer, size);
		if (word.name_length == word.length)
			continue; /* neither a flag nor a value */
		store_value(&word, as_text, buffer, size);
		is_found = XNU_TRUE;
	}
	return is_found;
}

boolean_t PE_parse_boot_argn(const char *name, void *buffer, int size)
{
	return parse(name, buffer, size, false);
}
KPI(PE_parse_boot_argn);

boolean_t PE_parse_boot_arg_str(const char *name, char *buffer, int size)
{
	return parse(name, buffer, size, true);
}
KPI(PE_parse_boot_arg_str);

/* There is no device tree, hence no /defaults in it. */
boolean_t PE_get_default(const char *name, void *buffer, unsigned size)
{
	(void)name;
	(void)buffer;
	(void)size;
	return XNU_FALSE;
}
KPI(PE_get_default);
