/*
 * Findings grouped as Darwin's tools print them; see kext/report.h. The text is printed
 * from the grouped value, so that both always say the same.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <kext/report.h>
#include "base/buffer.h"
#include "base/memory.h"

#define INDENT	   4u
#define TIGER_LINE 72u

/* ---- the grouped value ---- */

static enum kext_report_class class_of(const struct kext_diagnostic *item,
				       enum kext_era era)
{
	const struct kext_report_row *row = kext_report_row(item->slug);
	if (!row)
		return KEXT_REPORT_OTHER;
	if (era == KEXT_ERA_TIGER && row->class == KEXT_REPORT_WARNINGS &&
	    item->severity == KEXT_ERROR)
		return KEXT_REPORT_VALIDATION;
	return row->class;
}

/* The entry of a dictionary, which `make` makes when there is none; borrowed, or NULL. */
static struct kext_value *entry_of(struct kext_value *dictionary, const char *key,
				   struct kext_value *(*make)(void))
{
	struct kext_value *found = kext_value_get(dictionary, key);
	if (!found && kext_value_set(dictionary, key, make()) == 0)
		found = kext_value_get(dictionary, key);
	return found;
}

static bool holds(const struct kext_value *array, const char *text)
{
	for (size_t i = 0; i < kext_value_count(array); i++)
		if (strcmp(kext_value_string(kext_value_at(array, i)), text) == 0)
			return true;
	return false;
}

static int add_text(struct kext_value *group, const char *heading, const char *text)
{
	struct kext_value *array = entry_of(group, heading, kext_value_new_array);
	if (!array)
		return -ENOMEM;
	if (holds(array, text))
		return 0;
	return kext_value_append(array, kext_value_new_string(text));
}

static int add_item(struct kext_value *group, const struct kext_diagnostic *item)
{
	const struct kext_report_row *row = kext_report_row(item->slug);
	if (row && row->shape == KEXT_REPORT_FLAG)
		return kext_value_set(group, row->heading, kext_value_new_boolean(true));
	if (row && row->shape == KEXT_REPORT_MESSAGES)
		return add_text(group, row->heading, item->message);
	if (row)
		return add_text(group, row->heading,
				item->value ? item->value : item->subject);
	_cleanup_free_ char *text = mem_format("%s: %s", item->subject, item->message);
	return text ? add_text(group, item->slug, text) : -ENOMEM;
}

static int add_class(struct kext_value *report, const struct kext_diagnostics *list,
		     enum kext_report_class class, enum kext_era era)
{
	const struct kext_diagnostic *item;
	const char *name = kext_report_class_name(class, era);
	int error = 0;
	for (size_t i = 0; error == 0 && (item = kext_diagnostics_at(list, i)); i++) {
		if (item->severity == KEXT_NOTE || class_of(item, era) != class)
			continue;
		struct kext_value *group =
			entry_of(report, name, kext_value_new_dictionary);
		error = group ? add_item(group, item) : -ENOMEM;
	}
	return error;
}

int kext_report_value(const struct kext_diagnostics *diagnostics, enum kext_era era,
		      struct kext_value **ret_value)
{
	struct kext_value *report = kext_value_new_dictionary();
	int error = report ? 0 : -ENOMEM;
	for (unsigned class = 0; error == 0 && class <= KEXT_REPORT_OTHER; class ++)
		if (era != KEXT_ERA_TIGER || class != KEXT_REPORT_WARNINGS)
			error = add_class(report, diagnostics,
					  (enum kext_report_class) class, era);
	if (error < 0)
		kext_value_unref(report);
	else
		*ret_value = report;
	return error;
}

/* ---- text ---- */

static void indent(struct buffer *text, unsigned level)
{
	buffer_printf(text, "%*s", (int)(level * INDENT), "");
}

static void print_values(struct buffer *text, const struct kext_value *values)
{
	for (size_t i = 0; i < kext_value_count(values); i++) {
		indent(text, 2);
		buffer_string(text, kext_value_string(kext_value_at(values, i)));
		buffer_u8(text, '\n');
	}
}

static void print_groups(struct buffer *text, const struct kext_value *report)
{
	for (size_t i = 0; i < kext_value_count(report); i++) {
		const struct kext_value *group = kext_value_at(report, i);
		buffer_printf(text, "%s%s: \n", i ? "\n" : "",
			      kext_value_key_at(report, i));
		for (size_t k = 0; k < kext_value_count(group); k++) {
			indent(text, 1);
			buffer_printf(text, "%s: \n", kext_value_key_at(group, k));
			print_values(text, kext_value_at(group, k));
		}
	}
}

static void print_old_style(struct buffer *text, const struct kext_value *value,
			    unsigned level);

static void print_old_pair(struct buffer *text, const char *key,
			   const struct kext_value *value, unsigned level)
{
	bool is_boolean = kext_value_is(value, KEXT_VALUE_BOOLEAN);
	indent(text, level);
	buffer_printf(text, "\"%s\" = ", key);
	if (is_boolean && level * INDENT + INDENT + strlen(key) + 4 > TIGER_LINE) {
		buffer_u8(text, '\n');
		indent(text, level + 1);
	}
	print_old_style(text, value, level);
}

static void print_old_style(struct buffer *text, const struct kext_value *value,
			    unsigned level)
{
	bool is_array = kext_value_is(value, KEXT_VALUE_ARRAY);
	if (kext_value_is(value, KEXT_VALUE_BOOLEAN)) {
		buffer_string(text, kext_value_boolean(value) ? "true\n" : "false\n");
		return;
	}
	if (kext_value_is(value, KEXT_VALUE_STRING)) {
		buffer_printf(text, "\"%s\"\n", kext_value_string(value));
		return;
	}
	buffer_string(text, is_array ? "(\n" : "{\n");
	for (size_t i = 0; i < kext_value_count(value); i++) {
		if (!is_array) {
			print_old_pair(text, kext_value_key_at(value, i),
				       kext_value_at(value, i), level + 1);
			continue;
		}
		indent(text, level + 1);
		print_old_style(text, kext_value_at(value, i), level + 1);
	}
	indent(text, level);
	buffer_string(text, is_array ? ")\n" : "}\n");
}

int kext_report_text(const struct kext_diagnostics *diagnostics, enum kext_era era,
		     char **ret_text)
{
	_cleanup_buffer_ struct buffer text = {0};
	struct kext_value *report;
	size_t size;
	int error = kext_report_value(diagnostics, era, &report);
	if (error < 0)
		return error;
	if (era != KEXT_ERA_TIGER)
		print_groups(&text, report);
	else if (kext_value_count(report))
		print_old_style(&text, report, 0);
	buffer_u8(&text, 0);
	kext_value_unref(report);
	error = buffer_error(&text);
	if (error == 0)
		*ret_text = (char *)buffer_steal(&text, &size);
	return error;
}

/* ---- the plain list ---- */

static const char *class_slug(enum kext_report_class class)
{
	static const char *const names[] = {
		[KEXT_REPORT_VALIDATION] = "validation",
		[KEXT_REPORT_AUTHENTICATION] = "authentication",
		[KEXT_REPORT_DEPENDENCIES] = "dependencies",
		[KEXT_REPORT_WARNINGS] = "warnings",
		[KEXT_REPORT_BOOT_LEVEL] = "boot-level",
		[KEXT_REPORT_OTHER] = "other",
	};
	return names[class];
}

static int set_text(struct kext_value *dictionary, const char *key, const char *text)
{
	return text ? kext_value_set(dictionary, key, kext_value_new_string(text)) : 0;
}

static int describe(const struct kext_diagnostic *item, struct kext_value *to)
{
	const struct kext_report_row *row = kext_report_row(item->slug);
	const char *const entries[][2] = {
		{"severity", kext_severity_name(item->severity)},
		{"slug", item->slug},
		{"class", class_slug(row ? row->class : KEXT_REPORT_OTHER)},
		{"key", row ? row->key : NULL},
		{"subject", item->subject},
		{"value", item->value},
		{"message", item->message},
		{"hint", item->hint},
	};
	int error = 0;
	for (size_t i = 0; error == 0 && i < sizeof(entries) / sizeof(*entries); i++)
		error = set_text(to, entries[i][0], entries[i][1]);
	return error;
}

static int fill(const struct kext_diagnostics *diagnostics, struct kext_value *list)
{
	const struct kext_diagnostic *item;
	int error = 0;
	for (size_t i = 0; error == 0 && (item = kext_diagnostics_at(diagnostics, i));
	     i++) {
		struct kext_value *entry = kext_value_new_dictionary();
		error = kext_value_append(list, entry); /* keeps it alive */
		if (error == 0)
			error = describe(item, entry);
	}
	return error;
}

int kext_report_list(const struct kext_diagnostics *diagnostics,
		     struct kext_value **ret_value)
{
	struct kext_value *report = kext_value_new_dictionary();
	struct kext_value *list = kext_value_new_array();
	int error = list ? fill(diagnostics, list) : -ENOMEM;
	if (error == 0)
		error = report ? kext_value_set(report, "version",
						kext_value_new_integer(1, 32))
			       : -ENOMEM;
	if (error == 0)
		error = kext_value_set(report, "diagnostics", kext_value_ref(list));
	kext_value_unref(list);
	if (error < 0)
		kext_value_unref(report);
	else
		*ret_value = report;
	return error;
}
