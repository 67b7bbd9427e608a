/* UTF-8; see utf8.h. */
#include "value/utf8.h"

/* Sequences of length n begin with lead bits `lead` under `mask` and hold at least
 * `least`. */
static const struct {
	uint8_t mask, lead;
	uint32_t least;
} forms[] = {
	{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

size_t utf8_length(const char *text, size_t size)
{
	const uint8_t *bytes = (const uint8_t *)text;
	size_t extra = 0;
	if (!size)
		return 0;
	while (extra < 4 && (bytes[0] & forms[extra].mask) != forms[extra].lead)
		extra++;
	if (extra == 4 || extra >= size)
		return 0;
	uint32_t code = bytes[0] & (uint8_t)~forms[extra].mask;
	for (size_t i = 1; i <= extra; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	bool is_surrogate = code >= 0xd800 && code < 0xe000;
	return code < forms[extra].least || code > 0x10ffff || is_surrogate ? 0
									    : extra + 1;
}

bool utf8_is_valid(const char *text, size_t size)
{
	while (size) {
		size_t length = utf8_length(text, size);
		if (!length)
			return false;
		text += length;
		size -= length;
	}
	return true;
}

size_t utf8_encode(uint32_t code, uint8_t bytes[4])
{
	size_t extra = 0;
	if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	while (extra < 3 && code >= forms[extra + 1].least)
		extra++;
	for (size_t i = extra; i > 0; i--, code >>= 6)
		bytes[i] = (uint8_t)(0x80 | (code & 0x3f));
	bytes[0] = (uint8_t)(forms[extra].lead | code);
	return extra + 1;
}
