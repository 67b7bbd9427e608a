/*
 * A growing byte buffer for writers. A failed allocation latches `failed`; later appends do
 * nothing, so a writer checks once at its end.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
	uint8_t *data;
	size_t size, capacity;
	bool failed;
};

/* Room for `size` more bytes at the end, counted in, content undefined; NULL when failed. */
void *buffer_extend(struct buffer *buffer, size_t size);
void buffer_append(struct buffer *buffer, const void *data, size_t size);
void buffer_string(struct buffer *buffer, const char *text);	/* without the NUL */
void buffer_printf(struct buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void buffer_zeros(struct buffer *buffer, size_t count);
/* Zeros up to a multiple of `alignment` (a power of two). */
void buffer_align(struct buffer *buffer, size_t alignment);
void buffer_u8(struct buffer *buffer, uint8_t value);
void buffer_u16(struct buffer *buffer, uint16_t value, bool big);
void buffer_u32(struct buffer *buffer, uint32_t value, bool big);
void buffer_u64(struct buffer *buffer, uint64_t value, bool big);
/* Overwrites four bytes that were appended before. */
void buffer_set_u32(struct buffer *buffer, size_t offset, uint32_t value, bool big);
/* 0, or -ENOMEM when an append failed. */
int buffer_error(const struct buffer *buffer) __attribute__((warn_unused_result));
/* Hands the bytes to the caller (free with free()); the buffer is empty again. */
uint8_t *buffer_steal(struct buffer *buffer, size_t *ret_size);
void buffer_free(struct buffer *buffer);

#define _cleanup_buffer_ __attribute__((cleanup(buffer_free)))

#endif
