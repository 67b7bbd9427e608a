/* The kernel's formatter and the routes to the log. */
#include "kernel_stand_ins.h"
#include "kernel/libkern/libkern.h"

static char text[256];

/* Formats and compares text and result with `expected`. */
#define assert_format(expected, ...)                                                     \
	do {                                                                             \
		int n_ = xnu_snprintf(text, sizeof(text), __VA_ARGS__);                  \
		assert_string_equal(text, expected);                                     \
		assert_int_equal(n_, strlen(expected));                                  \
	} while (0)

static void snprintf_returns_full_length(void **state)
{
	char small[8];

	(void)state;
	memset(small, '!', sizeof(small));
	assert_int_equal(xnu_snprintf(small, 8, "%s-%d", "abcdef", 42), 9);
	assert_string_equal(small, "abcdef-");
	assert_int_equal(xnu_snprintf(NULL, 0, "%u", 123u), 3);
	memset(small, '!', sizeof(small));
	assert_int_equal(xnu_snprintf(small, 1, "ab"), 2);
	assert_int_equal(small[0], 0);
	assert_int_equal(small[1], '!');
	assert_int_equal(xnu_scnprintf(small, 4, "abcdef"), 3);
	assert_string_equal(small, "abc");
	assert_int_equal(xnu_scnprintf(small, 8, "ab"), 2);
	assert_int_equal(xnu_scnprintf(small, 0, "ab"), 0);
}

static void bits(void **state)
{
	(void)state;
	assert_format("3<ON,UP>", "%b", 3, "\20\1ON\2UP\3X");
	assert_format("0", "%b", 0, "\20\1ON\2UP\3X");
	assert_format("8", "%b", 8, "\20\1ON\2UP\3X");
	assert_format("10<BIG>", "%b", 8, "\10\4BIG");
	/* bits 8..5 are a field, shown whether set or not */
	assert_format("a1<ON,MODE=a>", "%b", 0xa1, "\20\1ON\10\5MODE=");
	assert_format("1<ON,MODE=0>", "%b", 1, "\20\1ON\10\5MODE=");
	assert_format("180000000<TOP>", "%lb", 0x180000000ul, "\20\40TOP");
	assert_format("80000000<TOP>", "%B", 0x80000000u, "\20\1TOP");
}

static void bytes(void **state)
{
	static const uint8_t mac[] = {0x00, 0x11, 0x22, 0xaa, 0xbb, 0xcc};

	(void)state;
	assert_format("00:11:22:aa:bb:cc", "%6D", mac, ":");
	assert_format("", "%D", mac, ":");
	assert_format("00--11|", "%*D|", 2, mac, "--");
}

static void strings(void **state)
{
	(void)state;
	assert_format("[]", "[%s]", NULL);
	assert_format("abcde/ab   /xy", "%5s/%-5s/%.2s", "abcdefgh", "ab", "xyz");
	assert_format("   ab|", "%5s|", "ab");
	assert_format("   ab|", "%5.2s|", "abcd");
	assert_format("ab   |", "%*s|", -5, "ab");
	assert_format("abc", "%.s", "abc");
	assert_format("a", "%.*s", 1, "abc");
}

static void numbers(void **state)
{
	(void)state;
	assert_format("0xff 0xFF 010 0000beef 7     /", "%#x %#X %#o %08x %-6d/", 255,
		      255, 8, 0xbeef, 7);
	assert_format("-5 123456789a 7 44 +4", "%lld %qx %zu %hhd %+d", -5ll,
		      0x123456789aull, (size_t)7, 300, 4);
	assert_format("0 0", "%p %#x", NULL, 0);
	assert_format("0x2000", "%p", (void *)0x2000);
	assert_format("12", "%.8x", 0x12);
	assert_format("-0005", "%05d", -5);
	assert_format("0x00ff", "%#06x", 0xff);
	assert_format("  0xff", "%#6x", 0xff);
	assert_format(" 7", "% d", 7);
	assert_format("+7", "% +d", 7);
	assert_format("-9223372036854775808", "%ld", INT64_MIN);
	assert_format("4294967295 37777777777", "%u %o", -1, -1);
	assert_format("65535", "%hu", 0x1ffff);
	assert_format("17", "%i", 17);
	assert_format("18446744073709551615", "%llu", UINT64_MAX);
}

static void odd_conversions(void **state)
{
	char nul[8];

	(void)state;
	assert_format("100%", "100%%");
	assert_format("y5", "%y%d", 5);
	assert_format("f5", "%f%d", 5);
	assert_format("-5d", "%0-5d");
	assert_format("end", "end%");
	assert_format("10 12", "%r %n", 10, 12); /* radix 10, and no write */
	assert_int_equal(xnu_snprintf(nul, sizeof(nul), "a%cb", 0), 3);
	assert_memory_equal(nul, "a\0b", 4);
}

static void log_routes(void **state)
{
	uint64_t start = msgbuf_end();

	(void)state;
	IOLog("no newline");
	IOLog("x\n");
	assert_string_equal(log_since(start), "no newlinex\n");
	start = msgbuf_end();
	assert_int_equal(xnu_printf("%d\n", 12345), 0);
	assert_int_equal(xnu_printf(NULL), 0);
	kprintf("k%d\n", 1);
	xnu_log(3, "l\n");
	assert_string_equal(log_since(start), "12345\nk1\nl\n");
	start = msgbuf_end();
	xnu_printf("%r %x\n", 255, 255); /* the log's radix is 16 */
	assert_string_equal(log_since(start), "ff ff\n");
}

static void log_lines_may_be_long(void **state)
{
	char longer[2001];
	uint64_t start = msgbuf_end();

	(void)state;
	memset(longer, 'z', 2000);
	longer[2000] = 0;
	IOLog("%s", longer);
	assert_string_equal(log_since(start), longer);
}

static void pointers_hide_in_the_log(void **state)
{
	uint64_t start = msgbuf_end();

	(void)state;
	hide_kernel_pointers = 1;
	IOLog("%p %llx %p\n", (void *)0x200010000123, 0x200000000000ull, (void *)0x1234);
	assert_string_equal(log_since(start), "<ptr> <ptr> 0x1234\n");
	assert_format("0x200010000123", "%p", (void *)0x200010000123);
	hide_kernel_pointers = 0;
	start = msgbuf_end();
	IOLog("%p\n", (void *)0x200010000123);
	assert_string_equal(log_since(start), "0x200010000123\n");
}

static void os_log_annotations(void **state)
{
	uint64_t start = msgbuf_end();

	(void)state;
	assert_ptr_equal(os_log_create("a", "b"), &_os_log_default);
	assert_true(os_log_info_enabled(NULL) && os_log_debug_enabled(NULL));
	_os_log_internal(NULL, &_os_log_default, 0, "%{public}s %{private}d %%{x}\n", "s",
			 4);
	_os_log_internal(NULL, &_os_log_default, 0, "");
	assert_string_equal(log_since(start), "s 4 %{x}\n");
}

static char sink_text[64];

static void sink(char c)
{
	size_t n = strlen(sink_text);

	sink_text[n] = c;
	sink_text[n + 1] = 0;
}

static int doprnt(const char *format, ...)
{
	va_list arguments;
	int count;

	va_start(arguments, format);
	count = xnu_doprnt(format, &arguments, sink, 8);
	va_end(arguments);
	return count;
}

static void doprnt_uses_the_callers_radix(void **state)
{
	(void)state;
	assert_int_equal(doprnt("%n-%d", 8, 8), 4);
	assert_string_equal(sink_text, "10-8");
}

static void unbounded_forms(void **state)
{
	char to[32];

	(void)state;
	assert_int_equal(xnu_sprintf(to, "%d-%r", 10, 255), 5);
	assert_string_equal(to, "10-ff");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snprintf_returns_full_length),
		cmocka_unit_test(bits),
		cmocka_unit_test(bytes),
		cmocka_unit_test(strings),
		cmocka_unit_test(numbers),
		cmocka_unit_test(odd_conversions),
		cmocka_unit_test(log_routes),
		cmocka_unit_test(log_lines_may_be_long),
		cmocka_unit_test(pointers_hide_in_the_log),
		cmocka_unit_test(os_log_annotations),
		cmocka_unit_test(doprnt_uses_the_callers_radix),
		cmocka_unit_test(unbounded_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
