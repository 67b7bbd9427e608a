/* The list itself. */
#include <stdlib.h>
#include "kernel/bsd/registry.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct registration *records;

void registry_lock(void)
{
	pthread_mutex_lock(&lock);
}

void registry_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

struct registration *registry_next(const struct registration *after,
				   enum registry_kind kind)
{
	struct registration *record = after ? after->next : records;

	while (record && record->kind != kind)
		record = record->next;
	return record;
}

void registry_insert(struct registration *record)
{
	struct registration **end = &records;

	while (*end)
		end = &(*end)->next;
	record->next = NULL;
	*end = record;
}

bool registry_take(const void *record, enum registry_kind kind)
{
	struct registration **link = &records;

	while (*link && (*link != record || (*link)->kind != kind))
		link = &(*link)->next;
	if (!*link)
		return false;
	*link = (*link)->next;
	return true;
}

/* Takes one whose code is in the range. */
static struct registration *take_inside(const void *start, const void *end)
{
	struct registration *record;

	registry_lock();
	record = records;
	while (record && ((const char *)record->code < (const char *)start ||
			  (const char *)record->code >= (const char *)end))
		record = record->next;
	if (record)
		registry_take(record, record->kind);
	registry_unlock();
	return record;
}

void registry_kmod_unloaded(const char *identifier, const void *start, const void *end)
{
	static const char *const names[] = {
		"kernel control", "socket filter", "IP filter",	  "interface filter",
		"MAC policy",	  "decompressor",  "device node",
	};
	struct registration *record;

	while ((record = take_inside(start, end))) {
		report_left(identifier, "left a %s registered", names[record->kind]);
		free(record);
	}
}
