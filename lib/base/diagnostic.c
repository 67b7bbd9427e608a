/* The list of findings; see kext/diagnostic.h. */
#include <stdarg.h>
#include <stdio.h>
#include <kext/diagnostic.h>
#include "base/array.h"
#include "base/memory.h"

struct kext_diagnostics {
	ARRAY_OF(struct kext_diagnostic) list;
	size_t counts[KEXT_ERROR + 1];	/* also what was lost for want of memory */
};

struct kext_diagnostics *kext_diagnostics_new(void)
{
	return mem_zero(1, sizeof(struct kext_diagnostics));
}

static void free_texts(struct kext_diagnostic *item)
{
	free(item->subject);
	free(item->message);
	free(item->hint);
	free(item->value);
}

struct kext_diagnostics *kext_diagnostics_free(struct kext_diagnostics *list)
{
	if (!list)
		return NULL;
	array_for_each (item, &list->list)
		free_texts(item);
	array_free(&list->list);
	free(list);
	return NULL;
}

static char *format_message(const char *format, va_list arguments)
{
	char *text = NULL;
	return vasprintf(&text, format, arguments) < 0 ? NULL : text;
}

/* `template` has borrowed texts and no message yet. */
static void add(struct kext_diagnostics *list, const struct kext_diagnostic *template,
		const char *format, va_list arguments)
{
	if (!list)
		return;
	list->counts[template->severity]++;
	struct kext_diagnostic *item = array_push(&list->list);
	if (!item)
		return;
	*item = (struct kext_diagnostic){
		.severity = template->severity,
		.slug = template->slug,
		.subject = mem_string(template->subject ? template->subject : ""),
		.message = format_message(format, arguments),
		.hint = template->hint ? mem_string(template->hint) : NULL,
		.value = template->value ? mem_string(template->value) : NULL,
	};
	if (item->subject && item->message)
		return;
	free_texts(item);
	list->list.count--;
}

void kext_diagnose(struct kext_diagnostics *list, enum kext_severity severity,
		   const char *slug, const char *subject, const char *hint,
		   const char *format, ...)
{
	struct kext_diagnostic template = {
		.severity = severity,
		.slug = slug,
		.subject = (char *)subject,
		.hint = (char *)hint,
	};
	va_list arguments;
	va_start(arguments, format);
	add(list, &template, format, arguments);
	va_end(arguments);
}

void kext_diagnose_value(struct kext_diagnostics *list, enum kext_severity severity,
			 const char *slug, const char *subject, const char *value,
			 const char *hint, const char *format, ...)
{
	struct kext_diagnostic template = {
		.severity = severity,
		.slug = slug,
		.subject = (char *)subject,
		.hint = (char *)hint,
		.value = (char *)value,
	};
	va_list arguments;
	va_start(arguments, format);
	add(list, &template, format, arguments);
	va_end(arguments);
}

size_t kext_diagnostics_count(const struct kext_diagnostics *list,
			      enum kext_severity at_least)
{
	size_t count = 0;
	for (unsigned s = at_least; list && s <= KEXT_ERROR; s++)
		count += list->counts[s];
	return count;
}

size_t kext_diagnostics_length(const struct kext_diagnostics *list)
{
	return list ? list->list.count : 0;
}

const struct kext_diagnostic *kext_diagnostics_at(const struct kext_diagnostics *list,
						  size_t index)
{
	return list && index < list->list.count ? &list->list.items[index] : NULL;
}

void kext_diagnostics_move(struct kext_diagnostics *to, struct kext_diagnostics *from)
{
	if (!to)
		return;
	array_for_each (item, &from->list) {
		struct kext_diagnostic *place = array_push(&to->list);
		if (place) {
			*place = *item;
			continue;
		}
		free_texts(item);
	}
	for (unsigned s = KEXT_NOTE; s <= KEXT_ERROR; s++) {
		to->counts[s] += from->counts[s];
		from->counts[s] = 0;
	}
	array_free(&from->list);
}

const char *kext_severity_name(enum kext_severity severity)
{
	static const char *const names[] = {"note", "warning", "error"};
	return names[severity];
}
