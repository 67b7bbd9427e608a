/* PE_parse_boot_argn and its relatives. */
#include "kernel_stand_ins.h"
#include "kernel/pexpert/pexpert.h"

static uint32_t word;
static char text[64];

/* The line of the rule table, then the name: number found, or fails. */
static uint32_t number_of(const char *line, const char *name)
{
	word = 0xcccccccc;
	bootargs_set(line);
	assert_true(PE_parse_boot_argn(name, &word, 4));
	return word;
}

static const char *text_of(const char *line, const char *name, int size)
{
	memset(text, '!', sizeof(text));
	bootargs_set(line);
	assert_true(PE_parse_boot_argn(name, text, size));
	return text;
}

static void one_line_many_questions(void **state)
{
	const char *line = "debug=0x144 -v x=08 n=-2k debug=3";

	(void)state;
	assert_int_equal(number_of(line, "debug"), 3);
	assert_int_equal(number_of(line, "-v"), 1);
	assert_string_equal(text_of(line, "x", 16), "08");
	assert_int_equal((int32_t)number_of(line, "n"), -2048);
	assert_false(PE_parse_boot_argn("v", &word, 4));
}

static void a_number_fills_four_bytes_of_a_large_buffer(void **state)
{
	(void)state;
	text_of("debug=0x144 debug=3", "debug", 64);
	assert_memory_equal(text, "\3\0\0\0!!!!", 8);
}

static void number_forms(void **state)
{
	(void)state;
	assert_int_equal(number_of("x=10k", "x"), 10240);
	assert_int_equal(number_of("x=2M", "x"), 2 << 20);
	assert_int_equal(number_of("x=1G", "x"), 1 << 30);
	assert_int_equal(number_of("x=017", "x"), 15);
	assert_int_equal(number_of("x=0b101", "x"), 5);
	assert_int_equal(number_of("\tx=0x1F ", "x"), 31);
	assert_int_equal((int32_t)number_of("x=-5", "x"), -5);
	assert_int_equal(number_of("x=0", "x"), 0);
	assert_int_equal(number_of("x=0k", "x"), 0);
	assert_string_equal(text_of("x=12ab", "x", 16), "12ab");
	assert_string_equal(text_of("x=0X1F", "x", 16), "0X1F");
	assert_string_equal(text_of("x=0x", "x", 16), "0x");
	assert_string_equal(text_of("x=1kk", "x", 16), "1kk");
}

static void text_values(void **state)
{
	(void)state;
	assert_string_equal(text_of("x=abc", "x", 16), "abc");
	assert_string_equal(text_of("x=abcdef", "x", 4), "abc");
	assert_string_equal(text_of("x=", "x", 16), "");
	assert_string_equal(text_of("x=a=b", "x", 16), "a=b");
	assert_string_equal(text_of("x=abc", "x", -1), "abc");
	text_of("x=abc", "x", 0);
	assert_int_equal(text[0], '!');
	assert_string_equal(text_of("_x=12", "_x", 16), "12");
	bootargs_set("x=12");
	assert_true(PE_parse_boot_arg_str("x", text, 16));
	assert_string_equal(text, "12");
}

static void widths(void **state)
{
	uint64_t eight = UINT64_MAX;
	uint8_t three[4] = {9, 9, 9, 9};

	(void)state;
	bootargs_set("x=0x102030405");
	assert_true(PE_parse_boot_argn("x", &eight, 8));
	assert_true(eight == 0x102030405ull);
	assert_true(PE_parse_boot_argn("x", three, 3));
	assert_memory_equal(three, "\5\4\3\11", 4);
	assert_true(PE_parse_boot_argn("x", three, 1));
	assert_memory_equal(three, "\5\4\3\11", 4);
}

static void flags(void **state)
{
	(void)state;
	bootargs_set("-v verbose");
	word = 7;
	assert_true(PE_parse_boot_argn("-v", &word, 0));
	assert_int_equal(word, 7);
	assert_false(PE_parse_boot_argn("-v", &word, -1));
	assert_false(PE_parse_boot_argn("verbose", &word, 4));
	assert_false(PE_parse_boot_arg_str("-v", text, 16));
	bootargs_set("");
	assert_false(PE_parse_boot_argn("-v", &word, 4));
}

static void long_lines_are_cut(void **state)
{
	char line[1100];

	(void)state;
	memset(line, 'a', sizeof(line));
	line[1099] = 0;
	bootargs_set(line);
	assert_int_equal(strlen(bootargs_get()), 1023);
	assert_ptr_equal(PE_boot_args(), bootargs_get());
}

static void system_integrity(void **state)
{
	uint32_t config, debug = 1;

	(void)state;
	bootargs_set("csr-active-config=0x67 debug=0x144");
	assert_int_equal(csr_check(8), 0);
	assert_int_equal(csr_check(0x80), XNU_EPERM);
	assert_int_equal(csr_check(1), 0);
	assert_int_equal(csr_check(0x10), XNU_EPERM);
	assert_int_equal(csr_get_active_config(&config), 0);
	assert_int_equal(config, 0x67);
	assert_int_equal(PE_i_can_has_debugger(&debug), 1);
	assert_int_equal(debug, 0x144);
	bootargs_set("csr-active-config=0 debug=0x144");
	assert_int_equal(PE_i_can_has_debugger(&debug), 0);
	assert_int_equal(debug, 0);
	assert_int_equal(csr_check(1), XNU_EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line_many_questions),
		cmocka_unit_test(a_number_fills_four_bytes_of_a_large_buffer),
		cmocka_unit_test(number_forms),
		cmocka_unit_test(text_values),
		cmocka_unit_test(widths),
		cmocka_unit_test(flags),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(system_integrity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
