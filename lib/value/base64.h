/* Base64 text without line breaks, as property lists and JSON carry bytes. */
#ifndef VALUE_BASE64_H
#define VALUE_BASE64_H

#include <stddef.h>

static inline size_t base64_size(size_t size)
{
	return (size + 2) / 3 * 4;
}

/* Writes base64_size(size) characters, no NUL. */
void base64_encode(const void *data, size_t size, char *text);
/*
 * As the kernel decodes: what is outside the alphabet is skipped, "=" fills a group, and
 * digits that do not fill a group of four are dropped. At most size / 4 * 3 bytes; how
 * many.
 */
size_t base64_decode(const char *text, size_t size, char *bytes);

#endif
