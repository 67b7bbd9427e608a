/* Growth of typed arrays; see array.h. */
#include <string.h>
#include "base/array.h"
#include "base/memory.h"

void *array_grow(void **items, size_t *count, size_t *capacity, size_t item_size)
{
	if (*count == *capacity) {
		size_t wanted = *capacity < 8 ? 8 : *capacity * 2;
		void *grown = mem_resize(*items, wanted, item_size);
		if (!grown)
			return NULL;
		*items = grown;
		*capacity = wanted;
	}
	void *item = (char *)*items + *count * item_size;
	memset(item, 0, item_size);
	(*count)++;
	return item;
}
