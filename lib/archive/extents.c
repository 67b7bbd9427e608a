/* Extents sorted by where they begin; see extents.h. */
#include <errno.h>
#include <stdlib.h>
#include "archive/extents.h"

int extents_add(struct extents *extents, uint64_t from, uint64_t size, const char *what)
{
	if (!size)
		return 0;
	struct extent *extent = array_push(&extents->list);
	if (!extent)
		return -ENOMEM;
	*extent = (struct extent){from, from + size, what};
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

bool extents_overlap(struct extents *extents, struct extent *ret_first,
		     struct extent *ret_second)
{
	size_t count = extents->list.count;
	struct extent *items = extents->list.items;
	if (count < 2)
		return false;
	qsort(items, count, sizeof(*items), compare);
	/* As long as none overlap, the one before is the one that ends last. */
	for (size_t i = 1; i < count; i++)
		if (items[i].from < items[i - 1].to) {
			*ret_first = items[i - 1];
			*ret_second = items[i];
			return true;
		}
	return false;
}

void extents_free(struct extents *extents)
{
	array_free(&extents->list);
}
