/* UTF-8 as text of property values holds it: shortest forms, no surrogates. */
#ifndef VALUE_UTF8_H
#define VALUE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool utf8_is_valid(const char *text, size_t size);
/* Length of the character at `text`, or 0 when the bytes there are none. */
size_t utf8_length(const char *text, size_t size);
/* Bytes of a character; 0 for a surrogate or a number past the last one. */
size_t utf8_encode(uint32_t code, uint8_t bytes[4]);

#endif
