/*
 * Growing arrays of any type:
 *	struct { struct section *items; size_t count, capacity; } sections = {0};
 *	struct section *s = array_push(&sections);	NULL without memory; zeroed
 */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stddef.h>
#include <stdlib.h>

#define ARRAY_OF(type)                                                                 \
	struct {                                                                       \
		type *items;                                                           \
		size_t count, capacity;                                                \
	}

/* A new zeroed item at the end, or NULL without memory. */
#define array_push(array)                                                              \
	((__typeof__((array)->items))array_grow((void **)&(array)->items, &(array)->count, \
						&(array)->capacity,                    \
						sizeof(*(array)->items)))

#define array_free(array)                                                              \
	do {                                                                           \
		free((array)->items);                                                  \
		(array)->items = NULL;                                                 \
		(array)->count = (array)->capacity = 0;                                \
	} while (0)

#define array_for_each(item, array)                                                    \
	for (__typeof__((array)->items + 0) item = (array)->items;                     \
	     (array)->count && item < (array)->items + (array)->count; item++)

void *array_grow(void **items, size_t *count, size_t *capacity, size_t item_size);

#endif
