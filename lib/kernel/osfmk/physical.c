/*
 * The invented physical addresses, kept sorted: first fit from 16 MiB to 4 GiB. Access to
 * a number that nobody was given panics, as Darwin does outside its map of physical
 * memory.
 */
#include <stdlib.h>
#include <string.h>
#include "kernel/osfmk/futex.h"
#include "kernel/osfmk/physical.h"

enum { PAGE = 4096 };
static const uint64_t first_address = 16u << 20, end_address = 4ull << 30;

struct range {
	struct range *next;
	uint64_t start, size;
	char *block;
};

static struct guard guard;
static struct range *ranges;

/* The link before which a range of `size` fits, and where it would start. */
static struct range **find_room(uint64_t size, uint64_t alignment, uint64_t *ret_start)
{
	uint64_t start = (first_address + alignment - 1) & ~(alignment - 1);
	struct range **link = &ranges;

	for (; *link && (*link)->start < start + size; link = &(*link)->next) {
		start = (*link)->start + (*link)->size;
		start = (start + alignment - 1) & ~(alignment - 1);
	}
	*ret_start = start;
	return start + size <= end_address ? link : NULL;
}

uint64_t physical_assign(void *block, size_t size, size_t alignment)
{
	struct range *range = malloc(sizeof(*range)), **link;
	uint64_t start;

	if (alignment < PAGE)
		alignment = PAGE;
	if (!range || size > end_address || alignment > end_address) {
		free(range);
		return 0;
	}
	range->size = (size + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	range->block = block;
	guard_lock(&guard);
	link = find_room(range->size, alignment, &start);
	if (link) {
		range->start = start;
		range->next = *link;
		*link = range;
	}
	guard_unlock(&guard);
	if (!link)
		free(range);
	return link ? start : 0;
}

uint64_t physical_of(const void *block)
{
	uint64_t start = 0;

	guard_lock(&guard);
	for (const struct range *range = ranges; range && !start; range = range->next)
		start = range->block == block ? range->start : 0;
	guard_unlock(&guard);
	return start;
}

void physical_release(const void *block)
{
	struct range **link = &ranges, *range;

	guard_lock(&guard);
	while ((range = *link) && range->block != block)
		link = &range->next;
	if (range)
		*link = range->next;
	guard_unlock(&guard);
	free(range);
}

void *physical_find(uint64_t physical, size_t size)
{
	struct range *range;
	void *found = NULL;

	guard_lock(&guard);
	for (range = ranges; range && !found; range = range->next) {
		if (physical >= range->start && physical - range->start <= range->size &&
		    size <= range->size - (physical - range->start))
			found = range->block + (physical - range->start);
	}
	guard_unlock(&guard);
	return found;
}

static void *find_or_panic(const void *caller, uint64_t physical, size_t size)
{
	void *host = physical_find(physical, size);

	if (!host)
		panic_at(caller, "physical address 0x%llx (%zu bytes) is out of bounds",
			 (unsigned long long)physical, size);
	return host;
}

#define DEFINE_READ(name, type, result)                                                  \
	result name(uint64_t address)                                                    \
	{                                                                                \
		type value;                                                              \
		memcpy(&value,                                                           \
		       find_or_panic(__builtin_return_address(0), address,               \
				     sizeof(value)),                                     \
		       sizeof(value));                                                   \
		return value;                                                            \
	}                                                                                \
	KPI(name)

#define DEFINE_WRITE(name, type, parameter)                                              \
	void name(uint64_t address, parameter value)                                     \
	{                                                                                \
		type narrow = (type)value;                                               \
		memcpy(find_or_panic(__builtin_return_address(0), address,               \
				     sizeof(narrow)),                                    \
		       &narrow, sizeof(narrow));                                         \
	}                                                                                \
	KPI(name)

DEFINE_READ(ml_phys_read, uint32_t, unsigned);
DEFINE_READ(ml_phys_read_byte_64, uint8_t, unsigned);
DEFINE_READ(ml_phys_read_half_64, uint16_t, unsigned);
DEFINE_READ(ml_phys_read_word_64, uint32_t, unsigned);
DEFINE_READ(ml_phys_read_double_64, uint64_t, uint64_t);
DEFINE_WRITE(ml_phys_write, uint32_t, unsigned);
DEFINE_WRITE(ml_phys_write_byte_64, uint8_t, unsigned);
DEFINE_WRITE(ml_phys_write_half_64, uint16_t, unsigned);
DEFINE_WRITE(ml_phys_write_word_64, uint32_t, unsigned);
DEFINE_WRITE(ml_phys_write_double_64, uint64_t, uint64_t);
DEFINE_READ(IOMappedRead8, uint8_t, uint8_t);
DEFINE_READ(IOMappedRead16, uint16_t, uint16_t);
DEFINE_READ(IOMappedRead32, uint32_t, uint32_t);
DEFINE_READ(IOMappedRead64, uint64_t, uint64_t);
DEFINE_WRITE(IOMappedWrite8, uint8_t, uint8_t);
DEFINE_WRITE(IOMappedWrite16, uint16_t, uint16_t);
DEFINE_WRITE(IOMappedWrite32, uint32_t, uint32_t);
DEFINE_WRITE(IOMappedWrite64, uint64_t, uint64_t);

void bzero_phys(uint64_t address, uint32_t size)
{
	memset(find_or_panic(__builtin_return_address(0), address, size), 0, size);
}
KPI(bzero_phys);
