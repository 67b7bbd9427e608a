/* Allocation with an armable fault; see memory.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "base/memory.h"

static atomic_uint allocation_fault, io_fault;

static int hits(atomic_uint *countdown)
{
	unsigned n = atomic_load_explicit(countdown, memory_order_relaxed);
	if (n == 0)
		return 0;
	return atomic_fetch_sub(countdown, 1) == 1;
}

void fault_arm_allocation(unsigned n)
{
	atomic_store(&allocation_fault, n);
}

void fault_arm_io(unsigned n)
{
	atomic_store(&io_fault, n);
}

int fault_io_hits(void)
{
	return hits(&io_fault);
}

void *mem_alloc(size_t size)
{
	if (hits(&allocation_fault))
		return NULL;
	return malloc(size ? size : 1);
}

void *mem_zero(size_t count, size_t size)
{
	if (hits(&allocation_fault))
		return NULL;
	return calloc(count ? count : 1, size ? size : 1);
}

void *mem_resize(void *block, size_t count, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(count, size, &total) || hits(&allocation_fault))
		return NULL;
	return realloc(block, total ? total : 1);
}

void *mem_copy(const void *data, size_t size)
{
	void *copy = mem_alloc(size);
	if (copy && size)
		memcpy(copy, data, size);
	return copy;
}

char *mem_string_n(const char *text, size_t length)
{
	if (length == SIZE_MAX)
		return NULL;
	char *copy = mem_alloc(length + 1);
	if (!copy)
		return NULL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *mem_string(const char *text)
{
	return mem_string_n(text, strlen(text));
}

char *mem_format(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	char *text = length < 0 ? NULL : mem_alloc((size_t)length + 1);
	if (!text)
		return NULL;
	va_start(arguments, format);
	vsnprintf(text, (size_t)length + 1, format, arguments);
	va_end(arguments);
	return text;
}
