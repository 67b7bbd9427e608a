/* The growing buffer; see buffer.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/buffer.h"
#include "base/bytes.h"
#include "base/memory.h"

static bool reserve(struct buffer *buffer, size_t extra)
{
	size_t wanted, capacity;
	if (buffer->failed || __builtin_add_overflow(buffer->size, extra, &wanted))
		goto fail;
	if (wanted <= buffer->capacity)
		return true;
	capacity = buffer->capacity < 128 ? 128 : buffer->capacity + buffer->capacity / 2;
	if (capacity < wanted)
		capacity = wanted;
	uint8_t *data = mem_resize(buffer->data, capacity, 1);
	if (!data)
		goto fail;
	buffer->data = data;
	buffer->capacity = capacity;
	return true;
fail:
	buffer->failed = true;
	return false;
}

void *buffer_extend(struct buffer *buffer, size_t size)
{
	if (!reserve(buffer, size))
		return NULL;
	void *place = buffer->data + buffer->size;
	buffer->size += size;
	return place;
}

void buffer_append(struct buffer *buffer, const void *data, size_t size)
{
	void *place = size ? buffer_extend(buffer, size) : NULL;
	if (place)
		memcpy(place, data, size);
}

void buffer_string(struct buffer *buffer, const char *text)
{
	buffer_append(buffer, text, strlen(text));
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0 || !reserve(buffer, (size_t)length + 1)) {
		buffer->failed = true;
		return;
	}
	va_start(arguments, format);
	vsnprintf((char *)buffer->data + buffer->size, (size_t)length + 1, format, arguments);
	va_end(arguments);
	buffer->size += (size_t)length;
}

void buffer_zeros(struct buffer *buffer, size_t count)
{
	void *place = count ? buffer_extend(buffer, count) : NULL;
	if (place)
		memset(place, 0, count);
}

void buffer_align(struct buffer *buffer, size_t alignment)
{
	buffer_zeros(buffer, -buffer->size & (alignment - 1));
}

void buffer_u8(struct buffer *buffer, uint8_t value)
{
	buffer_append(buffer, &value, 1);
}

void buffer_u16(struct buffer *buffer, uint16_t value, bool big)
{
	uint8_t *place = buffer_extend(buffer, 2);
	if (place)
		store16(place, value, big);
}

void buffer_u32(struct buffer *buffer, uint32_t value, bool big)
{
	uint8_t *place = buffer_extend(buffer, 4);
	if (place)
		store32(place, value, big);
}

void buffer_u64(struct buffer *buffer, uint64_t value, bool big)
{
	uint8_t *place = buffer_extend(buffer, 8);
	if (place)
		store64(place, value, big);
}

void buffer_set_u32(struct buffer *buffer, size_t offset, uint32_t value, bool big)
{
	if (!buffer->failed && buffer->size >= 4 && offset <= buffer->size - 4)
		store32(buffer->data + offset, value, big);
	else
		buffer->failed = true;
}

int buffer_error(const struct buffer *buffer)
{
	return buffer->failed ? -ENOMEM : 0;
}

uint8_t *buffer_steal(struct buffer *buffer, size_t *ret_size)
{
	uint8_t *data = buffer->data;
	*ret_size = buffer->size;
	*buffer = (struct buffer){0};
	return data;
}

void buffer_free(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){0};
}
