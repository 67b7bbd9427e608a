/* Base64; see base64.h. */
#include <stdint.h>
#include "value/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			       "0123456789+/";

void base64_encode(const void *data, size_t size, char *text)
{
	const uint8_t *bytes = data;
	for (; size >= 3; bytes += 3, size -= 3, text += 4) {
		uint32_t group = (uint32_t)bytes[0] << 16 | bytes[1] << 8 | bytes[2];
		text[0] = alphabet[group >> 18];
		text[1] = alphabet[group >> 12 & 63];
		text[2] = alphabet[group >> 6 & 63];
		text[3] = alphabet[group & 63];
	}
	if (size) {
		uint32_t group =
			(uint32_t)bytes[0] << 16 | (size > 1 ? bytes[1] << 8 : 0);
		text[0] = alphabet[group >> 18];
		text[1] = alphabet[group >> 12 & 63];
		text[2] = size > 1 ? alphabet[group >> 6 & 63] : '=';
		text[3] = '=';
	}
}

static int digit_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

size_t base64_decode(const char *text, size_t size, char *bytes)
{
	uint32_t group = 0;
	unsigned count = 0, fill = 0;
	size_t used = 0;
	for (size_t i = 0; i < size; i++) {
		int digit = digit_of(text[i]);
		if (text[i] == '=')
			fill++;
		else if (digit < 0)
			continue;
		group = group << 6 | (uint32_t)(digit < 0 ? 0 : digit);
		if (++count < 4)
			continue;
		for (unsigned byte = 0; byte + fill < 3; byte++)
			bytes[used++] = (char)(group >> (16 - 8 * byte));
		count = fill = 0;
	}
	return used;
}
