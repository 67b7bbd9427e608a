/* Documents of commands; see json.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/json.h"

struct kext_value *json_document(const char *schema)
{
	struct kext_value *document = kext_value_new_dictionary();
	if (kext_value_set(document, "schema", kext_value_new_string(schema)) < 0)
		return kext_value_unref(document);
	return document;
}

static int copy_keys(struct kext_value *document, const struct kext_value *from)
{
	int error = 0;
	for (size_t i = 0; error == 0 && i < kext_value_count(from); i++)
		error = kext_value_set(document, kext_value_key_at(from, i),
				       kext_value_ref(kext_value_at(from, i)));
	return error;
}

struct kext_value *json_document_of(const char *schema, const char *key,
				    struct kext_value *value)
{
	struct kext_value *document = json_document(schema);
	int error;
	if (value && kext_value_is(value, KEXT_VALUE_DICTIONARY)) {
		error = copy_keys(document, value);
		kext_value_unref(value);
	} else {
		error = kext_value_set(document, key, value);
	}
	return error < 0 ? kext_value_unref(document) : document;
}

int json_print(struct kext_value *document)
{
	char *text;
	int error = document ? kext_value_to_json(document, &text) : -ENOMEM;
	kext_value_unref(document);
	if (error < 0)
		return error;
	puts(text);
	free(text);
	return 0;
}

int plist_print(struct kext_value *document)
{
	char *text;
	size_t size;
	int error = document ? kext_value_to_xml(document, KEXT_XML_PLIST, &text, &size)
			     : -ENOMEM;
	kext_value_unref(document);
	if (error < 0)
		return error;
	fwrite(text, 1, size, stdout);
	free(text);
	return 0;
}
