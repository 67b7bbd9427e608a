/*
 * Allocation for the whole library, with a fault that tests can arm: allocation number N
 * fails. Everything is freed with free().
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>
#include <stdlib.h>

/* malloc, zeroed array, resized array, copied string and bytes; NULL without memory. */
void *mem_alloc(size_t size) __attribute__((malloc, warn_unused_result));
void *mem_zero(size_t count, size_t size) __attribute__((malloc, warn_unused_result));
void *mem_resize(void *block, size_t count, size_t size) __attribute__((warn_unused_result));
char *mem_string(const char *text) __attribute__((malloc, warn_unused_result));
char *mem_string_n(const char *text, size_t length) __attribute__((malloc, warn_unused_result));
void *mem_copy(const void *data, size_t size) __attribute__((malloc, warn_unused_result));
/* asprintf that returns the text, or NULL without memory. */
char *mem_format(const char *format, ...)
	__attribute__((format(printf, 1, 2), warn_unused_result));

/* Faults: the n-th allocation (write to a file) from now fails once; 0 disarms. */
void fault_arm_allocation(unsigned n);
void fault_arm_io(unsigned n);
/* True exactly once, at the armed I/O operation. Called by base/file.c before each write. */
int fault_io_hits(void);

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}
#define _cleanup_free_ __attribute__((cleanup(cleanup_free)))

#endif
