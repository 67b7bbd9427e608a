/* The text of a panic report as a value: what a kernel in good order writes, and lies. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "daemon/daemon.h"

static struct kext_value *parse(const char *text)
{
	struct kext_value *value = kext_value_new_dictionary();
	assert_non_null(value);
	assert_int_equal(report_parse(text, value), 0);
	return value;
}

/* The value at a path such as "threads/0/name". */
static const struct kext_value *at(const struct kext_value *value, const char *path)
{
	char copy[128], *part, *rest;
	snprintf(copy, sizeof(copy), "%s", path);
	for (part = strtok_r(copy, "/", &rest); part; part = strtok_r(NULL, "/", &rest))
		value = kext_value_is(value, KEXT_VALUE_ARRAY)
				? kext_value_at(value, (size_t)atoi(part))
				: kext_value_get(value, part);
	return value;
}

static void assert_text(const struct kext_value *value, const char *path,
			const char *expected)
{
	const char *text = kext_value_string(at(value, path));
	assert_non_null(text);
	assert_string_equal(text, expected);
}

static void frames(void **state)
{
	struct kext_value *report =
		parse("Backtrace:\n"
		      "0x0000200010000112 : com.a.b + 0x112 (A::f(int (*)(int)) + 0x12)\n"
		      "0x0000200010000112 : com.a.b + 0x112\n"
		      "0x1 : (host) + 0x1 (operator+ + 0xff)\n"
		      "no frame : at + all\n"
		      "0x1 : unfinished +\n");
	(void)state;
	assert_int_equal(kext_value_count(at(report, "backtrace")), 3);
	assert_text(report, "backtrace/0/address", "0x0000200010000112");
	assert_text(report, "backtrace/0/image", "com.a.b");
	assert_text(report, "backtrace/0/offset", "0x112");
	assert_text(report, "backtrace/0/symbol", "A::f(int (*)(int))");
	assert_text(report, "backtrace/0/symbol_offset", "0x12");
	assert_null(at(report, "backtrace/1/symbol"));
	assert_text(report, "backtrace/2/image", "(host)");
	assert_text(report, "backtrace/2/symbol", "operator+");
	kext_value_unref(report);
}

/* Further lines of a cause and of the log are indented, and stay what they are. */
static void kexts_cannot_forge_sections(void **state)
{
	struct kext_value *report = parse("panic(cpu 0 caller 0x1): first\n"
					  "   Caller:\n"
					  "   0x1 : com.innocent + 0x1\n"
					  "Caller:\n"
					  "0x2 : com.guilty + 0x2\n"
					  "Last log lines:\n"
					  "   Caller:\n"
					  "   0x1 : com.innocent + 0x1\n");
	(void)state;
	assert_int_equal(kext_value_count(at(report, "cause")), 3);
	assert_text(report, "cause/0", "first");
	assert_text(report, "cause/1", "Caller:");
	assert_text(report, "caller/image", "com.guilty");
	assert_int_equal(kext_value_count(at(report, "log")), 2);
	kext_value_unref(report);
}

static void kexts_and_threads(void **state)
{
	struct kext_value *report =
		parse("Loaded kexts:\n"
		      "      dependency: of.nobody(1)@0x1\n"
		      "   a.b(1.2)[no UUID]@0x1000->0x1fff size 0x1000 started\n"
		      "      dependency: com.apple.kpi.bsd(19.6.0)@0x0\n"
		      "Threads:\n"
		      "   1 main (host thread 10)\n"
		      "   2 odd (host thread 5) name (host thread 11)\n"
		      "   and 3 more\n"
		      "Backtrace of thread 2 odd (host thread 11):\n"
		      "0x5 : a.b + 0x5\n"
		      "Backtrace of thread 9 unknown (host thread 12):\n"
		      "0x6 : a.b + 0x6\n");
	(void)state;
	assert_int_equal(kext_value_count(at(report, "kexts")), 1);
	assert_text(report, "kexts/0/identifier", "a.b");
	assert_text(report, "kexts/0/version", "1.2");
	assert_text(report, "kexts/0/size", "0x1000");
	assert_text(report, "kexts/0/state", "started");
	assert_text(report, "kexts/0/dependencies/0/identifier", "com.apple.kpi.bsd");
	assert_int_equal(kext_value_count(at(report, "threads")), 2);
	assert_text(report, "threads/1/name", "odd (host thread 5) name");
	assert_int_equal(kext_value_integer(at(report, "threads/1/host_thread")), 11);
	assert_int_equal(kext_value_count(at(report, "threads/1/backtrace")), 1);
	assert_null(at(report, "threads/0/backtrace"));
	kext_value_unref(report);
}

static void registers_and_machine(void **state)
{
	struct kext_value *report =
		parse("Fault address: 0x8\n"
		      "Registers:\n"
		      "RAX: 0x0000000000000001, R8 : 0x0000000000000002\n"
		      "Code at 0x10:\n"
		      "90 <cc> ??\n"
		      "Boot args: \n"
		      "System uptime in nanoseconds: 18446744073709551615\n");
	(void)state;
	assert_text(report, "fault_address", "0x8");
	assert_text(report, "registers/RAX", "0x0000000000000001");
	assert_text(report, "registers/R8", "0x0000000000000002");
	assert_text(report, "code/address", "0x10");
	assert_text(report, "code/bytes", "90 <cc> ??");
	assert_text(report, "boot_arguments", "");
	assert_true(kext_value_integer(at(report, "uptime_nanoseconds")) == UINT64_MAX);
	kext_value_unref(report);
}

/* Sections twice, in another order, empty, cut off, and very long lines. */
static void lies(void **state)
{
	static const char *const texts[] = {
		"",
		"\n\n\n",
		"panic(",
		"panic(\n   \n",
		"Backtrace of thread 1\n0x1 : a + 0x1\n",
		"Caller:\n0x1 : a + 0x1\n0x2 : b + 0x2\nCaller:\n",
		"Code at \nx\nCode at 0x\n",
		"Threads:\n   1 a (host thread 1)\n   1 b (host thread -1)\n"
		"Backtrace of thread 1:\n0x1 : a + 0x1\n"
		"Backtrace of thread 1:\n0x2 : a + 0x2\n",
		"Backtrace:\n0x1 : a + 0x1 ()\n0x1 : a + 0x1 ( + 0x)\n0x1 : a + 0x1 (\n",
		"Loaded kexts:\n   \n   (\n         \n   a\n      dependency: b\n",
		"Registers:\n: \nRAX\nRAX: \nRAXY: 0x1\n",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		kext_value_unref(parse(texts[i]));
	size_t size = 200000;
	char *text = malloc(size + 1);
	assert_non_null(text);
	memset(text, '0', size);
	memcpy(text, "Backtrace:\n0x", 13);
	text[size] = 0;
	kext_value_unref(parse(text));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames),
		cmocka_unit_test(kexts_cannot_forge_sections),
		cmocka_unit_test(kexts_and_threads),
		cmocka_unit_test(registers_and_machine),
		cmocka_unit_test(lies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
