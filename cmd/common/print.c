/* Messages of commands; see print.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include "common/options.h"
#include "common/print.h"

static const char *program = "kext";
static int quiet;
static unsigned log_level = 2;

/*
 * A descriptor below 3 that came closed would become some file or socket of ours, and
 * what is printed would go there. Read-only: writing still fails, as to a closed one.
 */
static void fill_standard_descriptors(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd < 3);
	if (fd >= 3)
		close(fd);
}

void print_start(const char *name)
{
	program = name;
	fill_standard_descriptors();
}

void print_set_quiet(int level)
{
	quiet = level;
}

/* NO_COLOR: no-color.org. */
static bool is_coloured(void)
{
	const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");
	if (options_color != OPTION_COLOR_AUTO)
		return options_color == OPTION_COLOR_ALWAYS;
	return !(no && *no) && terminal && strcmp(terminal, "dumb") != 0 &&
	       isatty(STDERR_FILENO);
}

/* `PROG: `, red before errors, yellow before warnings. */
static void print_prefix(enum kext_severity severity)
{
	int color = severity == KEXT_ERROR ? 31 : severity == KEXT_WARNING ? 33 : 0;
	if (color && is_coloured())
		fprintf(stderr, "\033[1;%dm%s:\033[0m ", color, program);
	else
		fprintf(stderr, "%s: ", program);
}

static void print_diagnostic(const struct kext_diagnostic *item)
{
	print_prefix(item->severity);
	if (item->subject[0])
		fprintf(stderr, "%s: ", item->subject);
	if (item->severity != KEXT_ERROR)
		fprintf(stderr, "%s: ", kext_severity_name(item->severity));
	fprintf(stderr, "%s\n", item->message);
	if (item->hint)
		fprintf(stderr, "    %s\n", item->hint);
}

/* What several tests in a row fail for is said once. */
static bool is_repeated(const struct kext_diagnostic *item,
			const struct kext_diagnostic *before)
{
	return before && before->severity == item->severity &&
	       strcmp(before->subject, item->subject) == 0 &&
	       strcmp(before->message, item->message) == 0;
}

void print_diagnostics(const struct kext_diagnostics *diagnostics,
		       enum kext_severity at_least)
{
	const struct kext_diagnostic *item, *before = NULL;
	if (quiet && at_least < KEXT_ERROR)
		at_least = KEXT_ERROR;
	for (size_t i = 0; (item = kext_diagnostics_at(diagnostics, i)); i++) {
		if (item->severity >= at_least && quiet < 2 && !is_repeated(item, before))
			print_diagnostic(item);
		before = item;
	}
}

/* -v 1 to 6 are the levels 3 to 7; in 0x... the low three bits are the level. */
void print_set_level(unsigned verbose)
{
	if (verbose > 6)
		log_level = verbose & 7;
	else if (verbose)
		log_level = verbose == 6 ? 7 : verbose + 2;
}

bool print_has_level(unsigned level)
{
	return level <= log_level && !quiet;
}

void print_message(unsigned level, const char *format, ...)
{
	va_list arguments;
	if (!print_has_level(level))
		return;
	va_start(arguments, format);
	print_prefix(KEXT_NOTE);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
}

/* The only error of a list of findings; NULL for none or several. */
static const struct kext_diagnostic *only_error(const struct kext_diagnostics *list)
{
	const struct kext_diagnostic *item, *found = NULL;
	for (size_t i = 0; (item = kext_diagnostics_at(list, i)); i++) {
		if (item->severity == KEXT_ERROR && found)
			return NULL;
		if (item->severity == KEXT_ERROR)
			found = item;
	}
	return found;
}

void print_failure(const struct kext_diagnostics *reasons, const char *format, ...)
{
	const struct kext_diagnostic *item, *reason = only_error(reasons);
	va_list arguments;
	if (quiet >= 2)
		return;
	for (size_t i = 0; (item = kext_diagnostics_at(reasons, i)); i++) {
		if (item != reason &&
		    (item->severity == KEXT_ERROR || print_has_level(3)))
			print_diagnostic(item);
	}
	va_start(arguments, format);
	print_prefix(KEXT_ERROR);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "%s%s\n", reason ? ": " : "", reason ? reason->message : "");
	if (reason && reason->hint)
		fprintf(stderr, "    %s\n", reason->hint);
}

void print_error(const char *format, ...)
{
	va_list arguments;
	if (quiet >= 2)
		return;
	va_start(arguments, format);
	print_prefix(KEXT_ERROR);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
}

void print_result(const char *format, ...)
{
	va_list arguments;
	if (quiet)
		return;
	va_start(arguments, format);
	printf("%s: ", program);
	vprintf(format, arguments);
	putchar('\n');
	va_end(arguments);
}

int print_finish(int status)
{
	/* SIGPIPE ends a command whose reader left; where it is ignored, EPIPE comes. */
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (errno == EPIPE)
		return status;
	fprintf(stderr, "%s: standard output: %s\n", program, strerror(errno));
	return status ? status : EX_IOERR;
}
