/*
 * Formatting into memory, over the kernel's formatter. Never hides pointers, takes no
 * lock.
 */
#include "kernel/libkern/libkern.h"

struct text {
	char *to;
	size_t size, length;
};

static void text_put(void *context, char c)
{
	struct text *text = context;

	if (text->length + 1 < text->size)
		text->to[text->length] = c;
	text->length++;
}

int xnu_vsnprintf(char *to, size_t size, const char *format, va_list arguments)
{
	struct text text = {to, size, 0};
	int count = kernel_format(text_put, &text, 10, false, format, arguments);

	if (size)
		to[text.length < size ? text.length : size - 1] = 0;
	return count;
}
KPI_XNU(vsnprintf);

int xnu_snprintf(char *to, size_t size, const char *format, ...)
{
	va_list arguments;
	int count;

	va_start(arguments, format);
	count = xnu_vsnprintf(to, size, format, arguments);
	va_end(arguments);
	return count;
}
KPI_XNU(snprintf);

int xnu_vscnprintf(char *to, size_t size, const char *format, va_list arguments)
{
	int count = xnu_vsnprintf(to, size, format, arguments);

	if ((size_t)count >= size)
		return size ? (int)size - 1 : 0;
	return count;
}
KPI_XNU(vscnprintf);

int xnu_scnprintf(char *to, size_t size, const char *format, ...)
{
	va_list arguments;
	int count;

	va_start(arguments, format);
	count = xnu_vscnprintf(to, size, format, arguments);
	va_end(arguments);
	return count;
}
KPI_XNU(scnprintf);

static void unbounded_put(void *context, char c)
{
	char **to = context;

	*(*to)++ = c;
}

/* The two unbounded forms are worth a word in the log the first time. */
static void warn_once(const void *caller, const char *name)
{
	static atomic_flag is_warned = ATOMIC_FLAG_INIT;
	const char *kext;

	if (atomic_flag_test_and_set(&is_warned))
		return;
	kext = kmod_name_at(caller);
	log_format(caller, "%s called by %s: its output has no bound\n", name,
		   kext ? kext : "the kernel");
}

int xnu_vsprintf(char *to, const char *format, va_list arguments)
{
	char *end = to;

	warn_once(__builtin_return_address(0), "vsprintf");
	kernel_format(unbounded_put, &end, 10, false, format, arguments);
	*end = 0;
	return 0;
}
KPI_XNU(vsprintf);

int xnu_sprintf(char *to, const char *format, ...)
{
	char *end = to;
	va_list arguments;
	int count;

	warn_once(__builtin_return_address(0), "sprintf");
	va_start(arguments, format);
	count = kernel_format(unbounded_put, &end, 16, false, format, arguments);
	va_end(arguments);
	*end = 0;
	return count;
}
KPI_XNU(sprintf);
