/*
 * The routes from a kext's text to the log: printf, IOLog, kprintf, log, and os_log. Each
 * call's text reaches the message buffer in as few pieces as possible, so that lines of
 * different threads do not mix.
 */
#include <errno.h>
#include <unistd.h>
#include "kernel/libkern/libkern.h"
#include "kernel/osfmk/osfmk.h"

struct line {
	const void *caller;
	size_t length;
	char text[512];
};

static void line_put(void *context, char c)
{
	struct line *line = context;

	if (line->length == sizeof(line->text)) {
		msgbuf_write(line->caller, line->text, line->length);
		line->length = 0;
	}
	line->text[line->length++] = c;
}

static void log_arguments(const void *caller, bool hides, const char *format,
			  va_list arguments)
{
	struct line line;

	if (!format)
		return;
	line.caller = caller;
	line.length = 0;
	kernel_format(line_put, &line, 16, hides, format, arguments);
	if (line.length)
		msgbuf_write(caller, line.text, line.length);
}

/* Formats the caller's own variable arguments for its own return address. */
#define LOG_HERE(hides)                                                                  \
	do {                                                                             \
		va_list arguments;                                                       \
		va_start(arguments, format);                                             \
		log_arguments(__builtin_return_address(0), hides, format, arguments);    \
		va_end(arguments);                                                       \
	} while (0)

void log_format(const void *caller, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_arguments(caller, true, format, arguments);
	va_end(arguments);
}

int xnu_printf(const char *format, ...)
{
	LOG_HERE(true);
	return 0;
}
KPI_XNU(printf);

int xnu_vprintf(const char *format, va_list arguments)
{
	log_arguments(__builtin_return_address(0), true, format, arguments);
	return 0;
}
KPI_XNU(vprintf);

void IOLog(const char *format, ...)
{
	LOG_HERE(true);
}
KPI(IOLog);

void IOLogv(const char *format, va_list arguments)
{
	log_arguments(__builtin_return_address(0), true, format, arguments);
}
KPI(IOLogv);

/* The level routes nothing in Darwin either. */
void xnu_log(int level, const char *format, ...)
{
	(void)level;
	LOG_HERE(true);
}
KPI_XNU(log);

/* There is no serial line here: what remains is the log, and that only with interrupts
 * on. */
void kprintf(const char *format, ...)
{
	if (ml_get_interrupts_enabled())
		LOG_HERE(false);
}
KPI(kprintf);

static void stderr_put(char c)
{
	while (write(STDERR_FILENO, &c, 1) < 0 && errno == EINTR)
		;
}

void (*PE_kputc)(char c) = stderr_put;
KPI(PE_kputc);

/* ---- formatting through a kext's own output function ---- */

static void function_put(void *context, char c)
{
	void (*const *put)(char) = context;

	(*put)(c);
}

int xnu_doprnt(const char *format, va_list *arguments, void (*put)(char), int radix)
{
	return kernel_format(function_put, &put, radix, false, format, *arguments);
}
KPI_AS("__doprnt", xnu_doprnt);

int xnu_doprnt_log(const char *format, va_list *arguments, void (*put)(char), int radix)
{
	return kernel_format(function_put, &put, radix, true, format, *arguments);
}
KPI_AS("__doprnt_log", xnu_doprnt_log);

/* ---- os_log ---- */

/* Kexts use only its address. */
struct os_log_s _os_log_default;
KPI(_os_log_default);

struct os_log_s *os_log_create(const char *subsystem, const char *category)
{
	(void)subsystem;
	(void)category;
	return &_os_log_default;
}
KPI(os_log_create);

bool os_log_info_enabled(struct os_log_s *log)
{
	(void)log;
	return true;
}
KPI(os_log_info_enabled);

bool os_log_debug_enabled(struct os_log_s *log)
{
	(void)log;
	return true;
}
KPI(os_log_debug_enabled);

/*
 * os_log's formats carry annotations such as %{public}s, which the formatter does not
 * know: take them out. A format too long for `plain` is cut.
 */
static void strip_annotations(char *plain, size_t size, const char *format)
{
	size_t n = 0;

	while (*format && n + 1 < size) {
		plain[n++] = *format;
		if (*format++ != '%')
			continue;
		if (*format == '%') {
			if (n + 1 < size)
				plain[n++] = *format;
			format++;
		} else if (*format == '{') {
			const char *end = __builtin_strchr(format, '}');

			format = end ? end + 1 : format;
		}
	}
	plain[n] = 0;
}

void _os_log_internal(void *dso, struct os_log_s *log, uint8_t type, const char *format,
		      ...)
{
	char plain[1024];
	va_list arguments;

	(void)dso;
	(void)log;
	(void)type;
	if (!format || !*format)
		return;
	strip_annotations(plain, sizeof(plain), format);
	va_start(arguments, format);
	log_arguments(__builtin_return_address(0), true, plain, arguments);
	va_end(arguments);
}
KPI(_os_log_internal);
