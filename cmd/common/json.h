/*
 * JSON that commands print on stdout: one object a run, whose first key, "schema", names
 * the form and its version ("kextstat/1"). A version stays while keys are only added.
 */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include <kext/value.h>

/* An object with the key "schema" alone; NULL without memory. */
struct kext_value *json_document(const char *schema);
/*
 * The same with all keys of a dictionary, or with any other value under `key`. Takes the
 * reference of `value`, which may be NULL, and is NULL then or without memory.
 */
struct kext_value *json_document_of(const char *schema, const char *key,
				    struct kext_value *value);
/* Prints and frees it; NULL counts as -ENOMEM. 0, -ENOMEM or KEXT_ERR_SERIALIZATION. */
int json_print(struct kext_value *document);
/* The same as an XML property list. */
int plist_print(struct kext_value *document);

#endif
