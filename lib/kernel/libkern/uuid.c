/*
 * UUIDs: 16 bytes in text order. Unparsed ones are in upper case unless asked otherwise.
 */
#include <string.h>
#include <time.h>
#include "kernel/libkern/libkern.h"

void xnu_uuid_clear(uint8_t *uuid)
{
	memset(uuid, 0, 16);
}
KPI_XNU(uuid_clear);

int xnu_uuid_compare(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, 16);
}
KPI_XNU(uuid_compare);

void xnu_uuid_copy(uint8_t *to, const uint8_t *from)
{
	memmove(to, from, 16);
}
KPI_XNU(uuid_copy);

int xnu_uuid_is_null(const uint8_t *uuid)
{
	static const uint8_t zero[16];

	return !memcmp(uuid, zero, 16);
}
KPI_XNU(uuid_is_null);

static void set_version(uint8_t *uuid, uint8_t number)
{
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | number << 4);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}

void xnu_uuid_generate(uint8_t *uuid)
{
	random_buf(uuid, 16);
	set_version(uuid, 4);
}
KPI_XNU(uuid_generate);
KPI_AS("_uuid_generate_random", xnu_uuid_generate);

/* Version 1: 100 ns since 1582-10-15, low part first, and a random node. */
void xnu_uuid_generate_time(uint8_t *uuid)
{
	struct timespec now;
	uint64_t ticks;

	clock_gettime(CLOCK_REALTIME, &now);
	ticks = 0x01b21dd213814000ull + (uint64_t)now.tv_sec * 10000000u +
		(uint64_t)now.tv_nsec / 100;
	random_buf(uuid + 8, 8);
	uuid[10] |= 1; /* no hardware address */
	for (int i = 0; i < 4; i++)
		uuid[i] = (uint8_t)(ticks >> (24 - 8 * i));
	uuid[4] = (uint8_t)(ticks >> 40);
	uuid[5] = (uint8_t)(ticks >> 32);
	uuid[6] = (uint8_t)(ticks >> 56);
	uuid[7] = (uint8_t)(ticks >> 48);
	set_version(uuid, 1);
}
KPI_XNU(uuid_generate_time);

static bool is_dash_place(int i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

static void unparse(const uint8_t *uuid, char *text, const char *set)
{
	for (int i = 0; i < 36; i++) {
		if (is_dash_place(i)) {
			text[i] = '-';
		} else {
			text[i++] = set[*uuid >> 4];
			text[i] = set[*uuid++ & 15];
		}
	}
	text[36] = 0;
}

void xnu_uuid_unparse(const uint8_t *uuid, char *text)
{
	unparse(uuid, text, "0123456789ABCDEF");
}
KPI_XNU(uuid_unparse);
KPI_AS("_uuid_unparse_upper", xnu_uuid_unparse);

void xnu_uuid_unparse_lower(const uint8_t *uuid, char *text)
{
	unparse(uuid, text, "0123456789abcdef");
}
KPI_XNU(uuid_unparse_lower);

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int xnu_uuid_parse(const char *text, uint8_t *uuid)
{
	if (strnlen(text, 37) != 36)
		return -1;
	for (int i = 0; i < 36; i++) {
		int high, low;

		if (is_dash_place(i)) {
			if (text[i] != '-')
				return -1;
			continue;
		}
		high = hex_value(text[i++]);
		low = hex_value(text[i]);
		if (high < 0 || low < 0)
			return -1;
		*uuid++ = (uint8_t)(high << 4 | low);
	}
	return 0;
}
KPI_XNU(uuid_parse);
