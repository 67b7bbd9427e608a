/*
 * How queries print: text through the caller's sink, paths in the style asked for, and
 * property values as one line or as XML.
 */
#include <stdio.h>
#include <string.h>
#include "base/memory.h"
#include "resolve/query.h"

void query_emit(struct query_subject *subject, const char *text)
{
	subject->options->emit(subject->options->data, text, strlen(text));
}

/* The part below the longest searched folder that holds the path. */
static const char *relative_part(const struct kext_query_options *options,
				 const char *path)
{
	size_t longest = 0;
	for (size_t i = 0; i < options->folder_count; i++) {
		size_t length = strlen(options->folders[i]);
		while (length > 1 && options->folders[i][length - 1] == '/')
			length--;
		if (length > longest && strncmp(path, options->folders[i], length) == 0 &&
		    path[length] == '/')
			longest = length;
	}
	return longest ? path + longest + 1 : path;
}

void query_emit_path(struct query_subject *subject, const char *path)
{
	const char *slash = strrchr(path, '/');
	switch (subject->options->paths) {
	case KEXT_QUERY_RELATIVE:
		path = relative_part(subject->options, path);
		break;
	case KEXT_QUERY_NAMES:
		path = slash ? slash + 1 : path;
		break;
	case KEXT_QUERY_ABSOLUTE:
		break;
	}
	query_emit(subject, path);
}

void query_emit_value(struct query_subject *subject, const struct kext_value *value)
{
	char number[32];
	char *xml = NULL;
	size_t size;
	if (!value) {
		query_emit(subject, "<null>");
		return;
	}
	switch (kext_value_kind(value)) {
	case KEXT_VALUE_STRING:
		query_emit(subject, kext_value_string(value));
		break;
	case KEXT_VALUE_BOOLEAN:
		query_emit(subject, kext_value_boolean(value) ? "true" : "false");
		break;
	case KEXT_VALUE_INTEGER:
		snprintf(number, sizeof(number), "%lld",
			 (long long)kext_value_integer(value));
		query_emit(subject, number);
		break;
	default:
		if (kext_value_to_xml(value, 0, &xml, &size) < 0)
			subject->out_of_memory = true;
		else
			query_emit(subject, xml);
		free(xml);
	}
}
