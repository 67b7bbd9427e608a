/*
 * Names that network kexts get numbers for: the owners of mbuf tags and the vendors of
 * kernel events. Numbers are never given back.
 */
#include <string.h>
#include "base/memory.h"
#include "kernel/bsd/mbuf.h"

enum { FIRST_ID = 1000, IDS_MAX = 4096 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *names[IDS_MAX];
static _Atomic uint32_t count;

int net_string_id(const char *name, uint32_t *ret_id)
{
	uint32_t i = 0;
	int error = 0;

	if (!name || !ret_id || !*name)
		return XNU_EINVAL;
	pthread_mutex_lock(&lock);
	while (i < count && strcmp(names[i], name) != 0)
		i++;
	if (i == IDS_MAX || (i == count && !(names[i] = mem_string(name))))
		error = XNU_ENOMEM;
	else if (i == count)
		count++;
	pthread_mutex_unlock(&lock);
	if (!error)
		*ret_id = FIRST_ID + i;
	return error;
}

bool net_string_is_known(uint32_t id)
{
	return id >= FIRST_ID && id - FIRST_ID < count;
}
