/* How the arrays behind containers grow. */
#ifndef KERNEL_LIBKERN_GROWTH_H
#define KERNEL_LIBKERN_GROWTH_H

#include <libkern/c++/OSLib.h>

/*
 * Grows `*items` of `size` bytes each to hold `wanted`: the next multiple of `increment`.
 * Returns the capacity afterwards, which is the old one without memory. The new room is
 * zero.
 */
template <typename Item>
unsigned int container_grow(Item **items, unsigned int capacity, unsigned int increment,
			    unsigned int wanted)
{
	unsigned int larger, bytes;
	if (wanted <= capacity)
		return capacity;
	unsigned int steps = (wanted - 1) / increment + 1;
	if (__builtin_mul_overflow(steps, increment, &larger) ||
	    __builtin_mul_overflow(larger, (unsigned int)sizeof(Item), &bytes))
		return capacity;
	Item *grown = (Item *)kern_os_malloc(bytes);
	if (!grown)
		return capacity;
	if (capacity)
		memcpy((void *)grown, (const void *)*items, capacity * sizeof(Item));
	kern_os_free(*items);
	*items = grown;
	return larger;
}

/* The first room of a container; `*ret_items` stays NULL for none. */
template <typename Item> bool container_start(Item **ret_items, unsigned int capacity)
{
	unsigned int bytes;
	if (__builtin_mul_overflow(capacity, (unsigned int)sizeof(Item), &bytes))
		return false;
	*ret_items = bytes ? (Item *)kern_os_malloc(bytes) : NULL;
	return *ret_items || !bytes;
}

/* The position of an iterator is the number of the next member. */
template <typename Member>
bool container_next(void *iterator, unsigned int count, Member get, OSObject **ret_object)
{
	unsigned int index = (*(unsigned int *)iterator)++;
	*ret_object = index < count ? get(index) : NULL;
	return *ret_object != NULL;
}

static const unsigned int default_increment = 16;

#endif
