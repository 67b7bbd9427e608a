/*
 * Darwin's string functions as kexts get them: ASCII only, no locale, and in a few places
 * unlike the C library's (strcmp's signed bytes, strchr's NULL).
 */
#include <string.h>
#include "kernel/libkern/libkern.h"

size_t xnu_strlen(const char *text)
{
	return strlen(text);
}
KPI_XNU(strlen);

size_t xnu_strnlen(const char *text, size_t max)
{
	return strnlen(text, max);
}
KPI_XNU(strnlen);

/* Bytes compare as signed characters: those from 0x80 on come before ASCII. */
int xnu_strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (signed char)*a - (signed char)*b;
}
KPI_XNU(strcmp);

int xnu_strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		if (*a != *b)
			return (signed char)*a - (signed char)*b;
		if (!*a)
			break;
	}
	return 0;
}
KPI_XNU(strncmp);

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : (unsigned char)c;
}

int xnu_strncasecmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		int difference = lower(*a) - lower(*b);

		if (difference || !*a)
			return difference;
	}
	return 0;
}
KPI_XNU(strncasecmp);

int xnu_strcasecmp(const char *a, const char *b)
{
	return xnu_strncasecmp(a, b, SIZE_MAX);
}
KPI_XNU(strcasecmp);

char *xnu_strcpy(char *to, const char *from)
{
	return strcpy(to, from);
}
KPI_XNU(strcpy);

char *xnu_strncpy(char *to, const char *from, size_t n)
{
	size_t length = strnlen(from, n);

	memcpy(to, from, length);
	memset(to + length, 0, n - length);
	return to;
}
KPI_XNU(strncpy);

char *xnu_strcat(char *to, const char *from)
{
	return strcat(to, from);
}
KPI_XNU(strcat);

char *xnu_strncat(char *to, const char *from, size_t n)
{
	size_t start = strlen(to), length = strnlen(from, n);

	memcpy(to + start, from, length);
	to[start + length] = 0;
	return to;
}
KPI_XNU(strncat);

size_t xnu_strlcpy(char *to, const char *from, size_t size)
{
	size_t length = strlen(from);

	if (size) {
		size_t n = length < size ? length : size - 1;

		memcpy(to, from, n);
		to[n] = 0;
	}
	return length;
}
KPI_XNU(strlcpy);

size_t xnu_strlcat(char *to, const char *from, size_t size)
{
	size_t start = strnlen(to, size);

	if (start == size)
		return size + strlen(from);
	return start + xnu_strlcpy(to + start, from, size - start);
}
KPI_XNU(strlcat);

char *xnu_strchr(const char *text, int c)
{
	return text ? strchr(text, c) : NULL;
}
KPI_XNU(strchr);

/* First place of `part` within the first n bytes of `text`, or NULL. */
char *xnu_strnstr(const char *text, const char *part, size_t n)
{
	size_t length = strlen(part);

	for (; n >= length; n--, text++) {
		if (!strncmp(text, part, length))
			return (char *)(uintptr_t)text;
		if (!*text)
			break;
	}
	return NULL;
}
KPI_XNU(strnstr);

char *xnu_strsep(char **text, const char *delimiters)
{
	return strsep(text, delimiters);
}
KPI_XNU(strsep);

int strprefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}
KPI(strprefix);

int xnu_ffs(unsigned value)
{
	return value ? __builtin_ctz(value) + 1 : 0;
}
KPI_XNU(ffs);

/* Writes `value` in decimal and returns the place of the terminator. */
char *itoa(int value, char *text)
{
	return text + xnu_snprintf(text, 12, "%d", value);
}
KPI(itoa);
