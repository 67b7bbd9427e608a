/* Dictionaries that are filled key by key and checked once at the end. */
#ifndef DAEMON_ROW_H
#define DAEMON_ROW_H

#include <kext/value.h>

struct row {
	struct kext_value *value;
	int error; /* the first one; nothing is set after it */
};

/* Consumes `value`; NULL is -ENOMEM. */
static inline void put(struct row *row, const char *key, struct kext_value *value)
{
	if (row->error == 0)
		row->error = kext_value_set(row->value, key, value);
	else
		kext_value_unref(value);
}

/* An empty text stays out. */
static inline void put_text(struct row *row, const char *key, const char *text)
{
	if (text[0])
		put(row, key, kext_value_new_string(text));
}

#endif
