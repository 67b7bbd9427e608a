/* OSReturn values and the texts that Darwin's error-string function yields for them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <kext/error.h>

/* As Darwin's table has them; memory is an errno here. */
/* clang-format off */
static const struct {
	uint32_t value;
	const char *text;
} osreturns[] = {
	{0xdc008001, "(libkern/kext) internal error"},
	{0xdc008004, "(libkern/kext) not privileged"},
	{0xdc008005, "(libkern/kext) invalid argument"},
	{0xdc008006, "(libkern/kext) not found"},
	{0xdc008007, "(libkern/kext) bad data (mkext/other)"},
	{0xdc008008, "(libkern/kext) XML (un)serialization error"},
	{0xdc008009, "(libkern/kext) function/version unsupported"},
	{0xdc00800a, "(libkern/kext) function disabled"},
	{0xdc00800b, "(libkern/kext) malformed kext (bundle layout/missing plist)"},
	{0xdc00800c, "(libkern/kext) validation failure (plist/executable)"},
	{0xdc00800d, "(libkern/kext) authentication failure (file ownership/permissions)"},
	{0xdc00800e, "(libkern/kext) dependency resolution failure"},
	{0xdc00800f, "(libkern/kext) requested architecture/executable not found"},
	{0xdc008010, "(libkern/kext) cache error"},
	{0xdc008011, "(libkern/kext) operation deferred (queued to user space)"},
	{0xdc008012, "(libkern/kext) operation/kext not allowed at current boot level"},
	{0xdc008013, "(libkern/kext) not loadable (reason unspecified)"},
	{0xdc008014, "(libkern/kext) different version/uuid already loaded"},
	{0xdc008015, "(libkern/kext) dependency load failed"},
	{0xdc008016, "(libkern/kext) link error"},
	{0xdc008017, "(libkern/kext) kext (kmod) start/stop routine failed"},
	{0xdc008018, "(libkern/kext) kext is in use or retained (cannot unload)"},
	{0xdc008019, "(libkern/kext) kext request timed out"},
	{0xdc00801a, "(libkern/kext) kext is stopping and cannot issue requests"},
	{0xdc00801b, "(libkern/kext) system policy prevents loading"},
};
/* clang-format on */

static void test_osreturn_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(osreturns) / sizeof(*osreturns); i++) {
		int error = kext_error_from_osreturn(osreturns[i].value);
		assert_true(error < 0);
		assert_int_equal(kext_error_osreturn(error), osreturns[i].value);
		assert_string_equal(kext_error_string(error), osreturns[i].text);
	}
}

static void test_exit_statuses(void **state)
{
	(void)state;
	assert_int_equal(kext_error_exit_status(0), 0);
	assert_int_equal(kext_error_exit_status(KEXT_ERR_INVALID_ARGUMENT), 64);
	assert_int_equal(kext_error_exit_status(KEXT_ERR_NOT_PRIVILEGED), 77);
	assert_int_equal(kext_error_exit_status(KEXT_ERR_SYSTEM_POLICY), 27);
	assert_int_equal(kext_error_exit_status(KEXT_ERR_LINK), 71);
	assert_int_equal(kext_error_exit_status(KEXT_ERR_NOT_FOUND), 71);
}

static void test_system_errors(void **state)
{
	(void)state;
	assert_int_equal(kext_error_osreturn(0), 0);
	assert_int_equal(kext_error_osreturn(-ENOMEM), 0xdc008002);
	assert_int_equal(kext_error_osreturn(-EPERM), 0xdc008004);
	assert_int_equal(kext_error_osreturn(-ENOENT), 0xdc008006);
	assert_int_equal(kext_error_from_osreturn(0xdc008002), -ENOMEM);
	assert_int_equal(kext_error_from_osreturn(0xdc0080ff), KEXT_ERR_INTERNAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_osreturn_texts),
		cmocka_unit_test(test_exit_statuses),
		cmocka_unit_test(test_system_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
