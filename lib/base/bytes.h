/*
 * A view of untrusted bytes and the only way to read integers from one: every access is
 * checked against the view, and a failing one tells so instead of reading.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const uint8_t *data;
	size_t size;
};

static inline struct bytes bytes_of(const void *data, size_t size)
{
	return (struct bytes){data, size};
}

/* Whether [offset, offset + size) lies within `bytes`. */
static inline bool bytes_holds(struct bytes bytes, uint64_t offset, uint64_t size)
{
	return offset <= bytes.size && size <= bytes.size - offset;
}

/* The part [offset, offset + size), if it lies within. */
static inline bool bytes_slice(struct bytes bytes, uint64_t offset, uint64_t size,
			       struct bytes *ret)
{
	if (!bytes_holds(bytes, offset, size))
		return false;
	*ret = bytes_of(bytes.data + offset, (size_t)size);
	return true;
}

/* The NUL-terminated string at `offset`, or NULL when it does not end within `bytes`. */
static inline const char *bytes_string(struct bytes bytes, uint64_t offset)
{
	if (offset >= bytes.size || !memchr(bytes.data + offset, 0, bytes.size - offset))
		return NULL;
	return (const char *)bytes.data + offset;
}

static inline uint16_t load16(const uint8_t *p, bool big)
{
	return big ? (uint16_t)(p[0] << 8 | p[1]) : (uint16_t)(p[1] << 8 | p[0]);
}

static inline uint32_t load32(const uint8_t *p, bool big)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return big ? __builtin_bswap32(v) : v;
}

static inline uint64_t load64(const uint8_t *p, bool big)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return big ? __builtin_bswap64(v) : v;
}

static inline void store16(uint8_t *p, uint16_t v, bool big)
{
	v = big ? __builtin_bswap16(v) : v;
	memcpy(p, &v, sizeof(v));
}

static inline void store32(uint8_t *p, uint32_t v, bool big)
{
	v = big ? __builtin_bswap32(v) : v;
	memcpy(p, &v, sizeof(v));
}

static inline void store64(uint8_t *p, uint64_t v, bool big)
{
	v = big ? __builtin_bswap64(v) : v;
	memcpy(p, &v, sizeof(v));
}

/*
 * A cursor reads fields one after the other. The first read past the end latches `failed`
 * and every later read yields 0, so a whole record is read and checked once.
 */
struct cursor {
	struct bytes bytes;
	size_t at;
	bool big;	/* byte order of the integers */
	bool failed;
};

static inline struct cursor cursor_at(struct bytes bytes, uint64_t offset, bool big)
{
	struct cursor c = {bytes, 0, big, offset > bytes.size};
	c.at = c.failed ? bytes.size : (size_t)offset;
	return c;
}

/* The next `size` bytes, or NULL (and failed). */
static inline const uint8_t *cursor_take(struct cursor *c, size_t size)
{
	if (c->failed || size > c->bytes.size - c->at) {
		c->failed = true;
		return NULL;
	}
	const uint8_t *p = c->bytes.data + c->at;
	c->at += size;
	return p;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 1);
	return p ? *p : 0;
}

static inline uint16_t cursor_u16(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 2);
	return p ? load16(p, c->big) : 0;
}

static inline uint32_t cursor_u32(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 4);
	return p ? load32(p, c->big) : 0;
}

static inline uint64_t cursor_u64(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 8);
	return p ? load64(p, c->big) : 0;
}

#endif
