/* The kernel's one formatter, and the routes text takes. */
#include "kpi.h"
#include <os/log.h>
#include <sys/systm.h>

static char text[128];

#define GIVES(wanted, ...)                                                               \
	(snprintf(text, sizeof(text), __VA_ARGS__), !strcmp(text, wanted))

int sprintf(char *to, const char *format, ...);
int vsprintf(char *to, const char *format, va_list arguments);
int vsscanf(const char *from, const char *format, va_list arguments);

int _doprnt(const char *format, va_list *arguments, void (*put)(char), int radix);
int _doprnt_log(const char *format, va_list *arguments, void (*put)(char), int radix);
void log(int level, const char *format, ...);

static char *output;

static void put(char c)
{
	*output++ = c;
}

static int by_function(int is_log, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	memset(text, 0, sizeof(text));
	output = text;
	if (is_log)
		_doprnt_log(format, &arguments, put, 16);
	else
		_doprnt(format, &arguments, put, 16);
	va_end(arguments);
	return output > text;
}

static int by_list(int which, const char *format, ...)
{
	va_list arguments;
	int result;

	va_start(arguments, format);
	switch (which) {
	case 0:
		result = vsnprintf(text, 8, format, arguments);
		break;
	case 1:
		result = vscnprintf(text, 8, format, arguments);
		break;
	case 2:
		result = vsprintf(text, format, arguments);
		break;
	case 3:
		result = vprintf(format, arguments);
		break;
	case 4:
		result = vsscanf("12 x", format, arguments);
		break;
	default:
		IOLogv(format, arguments);
		result = 0;
	}
	va_end(arguments);
	return result;
}

static void check_forms(void)
{
	static const unsigned char address[] = {0, 0x11, 0x22, 0xaa, 0xbb, 0xcc};
	char small[8];

	CHECK("situation-01-snprintf-cuts",
	      snprintf(small, 8, "%s-%d", "abcdef", 42) == 9 &&
		      !strcmp(small, "abcdef-"));
	CHECK("situation-02-snprintf-no-room", snprintf(NULL, 0, "%u", 123u) == 3);
	CHECK("situation-03-bits", GIVES("3<ON,UP>", "%b", 3, "\20\1ON\2UP\3X"));
	CHECK("situation-04-no-bits", GIVES("0", "%b", 0, "\20\1ON\2UP\3X"));
	CHECK("situation-05-address", GIVES("00:11:22:aa:bb:cc", "%6D", address, ":"));
	CHECK("situation-06-null", GIVES("[]0", "[%s]%p", (char *)0, (void *)0));
	CHECK("situation-07-widths",
	      GIVES("abcde/ab   /xy", "%5s/%-5s/%.2s", "abcdefgh", "ab", "xyz"));
	CHECK("situation-08-prefixes",
	      GIVES("0xff 0xFF 010 0000beef 7     /", "%#x %#X %#o %08x %-6d/", 255, 255,
		    8, 0xbeef, 7));
	CHECK("situation-09-lengths",
	      GIVES("-5 123456789a 7 44 +4", "%lld %qx %zu %hhd %+d", -5LL,
		    0x123456789aLL, (size_t)7, 300, 4));
}

static void check_families(void)
{
	char word[4] = "";
	int number = 0;

	CHECK("scnprintf-stored", scnprintf(text, 4, "%s", "abcdef") == 3);
	CHECK("vsnprintf",
	      by_list(0, "%s", "abcdefghij") == 10 && !strcmp(text, "abcdefg"));
	CHECK("vscnprintf", by_list(1, "%s", "abcdefghij") == 7);
	CHECK("vsprintf-returns-nothing",
	      by_list(2, "%d!", 5) == 0 && !strcmp(text, "5!"));
	CHECK("sprintf", sprintf(text, "%x", 255) == 2 && !strcmp(text, "ff"));
	CHECK("sscanf", sscanf("12 abc", "%d %3s", &number, word) == 2 && number == 12 &&
				!strcmp(word, "abc"));
	CHECK("vsscanf", by_list(4, "%d", &number) == 1 && number == 12);
}

static void check_output_functions(void)
{
	CHECK("doprnt", by_function(0, "%s %x", "ab", 255) && !strcmp(text, "ab ff"));
	CHECK("doprnt-log", by_function(1, "%d%c", -7, '!') && !strcmp(text, "-7!"));
}

/* tests/cli/kpi.sh looks at the log for what these left there. */
static void check_routes(void)
{
	CHECK("situation-11-printf-returns-nothing",
	      printf("a line\n") == 0 && by_list(3, "%s\n", "another") == 0);
	IOLog("no newline");
	IOLog("x\n");
	by_list(5, "by %s\n", "IOLogv");
	kprintf("by kprintf\n");
	log(4, "by log %d\n", 4);
	CHECK("os-log-create", os_log_create("a", "b") == OS_LOG_DEFAULT);
	CHECK("os-log-enabled", os_log_info_enabled(OS_LOG_DEFAULT) &&
					os_log_debug_enabled(OS_LOG_DEFAULT));
	/* An opaque record: it can be looked at, and that is all. */
	CHECK("os-log-record", *(volatile char *)OS_LOG_DEFAULT | 1);
	os_log(OS_LOG_DEFAULT, "by os_log %{public}d\n", 7);
}

void check(void)
{
	check_forms();
	check_families();
	check_output_functions();
	check_routes();
}
