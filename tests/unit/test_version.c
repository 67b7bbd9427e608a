/* Version numbers: what Darwin 18 and later make of each text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <kext/version.h>

static const struct {
	const char *text;
	int64_t value;
	const char *formatted;
} valid[] = {
	{"1", 1000000009000, "1.0"},
	{"1.0", 1000000009000, "1.0"},
	{"1.0.0", 1000000009000, "1.0"},
	{"01.02.03", 1000200039000, "1.2.3"},
	{"1.10", 1001000009000, "1.10"},
	{"10.14.6", 10001400069000, "10.14.6"},
	{"18.7.0", 18000700009000, "18.7"},
	{"6.0", 6000000009000, "6.0"},
	{"7.9.9", 7000900099000, "7.9.9"},
	{"8.0.0b1", 8000000005001, "8.0b1"},
	{"1.0d1", 1000000001001, "1.0d1"},
	{"1.0.0d0", 1000000001000, "1.0d0"},
	{"1.0a1", 1000000003001, "1.0a1"},
	{"1.0b12", 1000000005012, "1.0b12"},
	{"1.0fc3", 1000000007003, "1.0f3"},
	{"1.0f4", 1000000007004, "1.0f4"},
	{"1.0d255", 1000000001255, "1.0d255"},
	{"1.0 beta", 1000000009000, "1.0"},
	{"1.0f1 x", 1000000007001, "1.0f1"},
	{"1234", 1234000000009000, "1234.0"},
	{"1234d1", 1234000000001001, "1234.0d1"},
	{"1.", 1000000009000, "1.0"},
	{"1..", 1000000009000, "1.0"},
	{"1.2.", 1000200009000, "1.2"},
	{"1.2.3333.", 1000233339000, "1.2.3333"},
	{"1.100", 1010000009000, "1.100"},
	{"1.0.100", 1000001009000, "1.0.100"},
	{"0", 9000, "0.0"},
	{"0.0d0", 1000, "0.0d0"},
	{"9999.9999.9999", 9999999999999000, "9999.9999.9999"},
	{"9999.9999.9999d255", 9999999999991255, "9999.9999.9999d255"},
	{"19.6.0", 19000600009000, "19.6"},
	{"1.0\tx", 1000000009000, "1.0"},
};

static const char *const invalid[] = {
	"1.2.33.",	"1.2.3.",
	"1.2.3.4",	"12345",
	"1.0b",		"1.0fc",
	"1.0fc0",	"1.0f0",
	"1.0d256",	"1.0d1000",
	"1.0B1",	"v1.0",
	"1.-1",		"",
	" 1.0",		"1.0.0.0.0.0.0.0.0.0.0",
	"1.12345",	"1.0x",
	"1.0d1x",	"1.2.33333",
	"1.0 \xc2\xa9", "1.0               beta",
	"-1",
};

/* What Darwin 17 and earlier make of them: minor number and revision have two digits. */
static const struct {
	const char *text;
	int64_t value;
	const char *formatted;
} valid_before[] = {
	{"1", 100009000, "1.0"},
	{"1.0", 100009000, "1.0"},
	{"1.0.0", 100009000, "1.0"},
	{"01.02.03", 102039000, "1.2.3"},
	{"1.10", 110009000, "1.10"},
	{"10.14.6", 1014069000, "10.14.6"},
	{"18.7.0", 1807009000, "18.7"},
	{"6.0", 600009000, "6.0"},
	{"7.9.9", 709099000, "7.9.9"},
	{"8.0.0b1", 800005001, "8.0b1"},
	{"1.0d1", 100001001, "1.0d1"},
	{"1.0.0d0", 100001000, "1.0d0"},
	{"1.0a1", 100003001, "1.0a1"},
	{"1.0b12", 100005012, "1.0b12"},
	{"1.0fc3", 100007003, "1.0f3"},
	{"1.0f4", 100007004, "1.0f4"},
	{"1.0d255", 100001255, "1.0d255"},
	{"1.0 beta", 100009000, "1.0"},
	{"1.0f1 x", 100007001, "1.0f1"},
	{"1234", 123400009000, "1234.0"},
	{"1234d1", 123400001001, "1234.0d1"},
	{"1.", 100009000, "1.0"},
	{"1..", 100009000, "1.0"},
	{"1.2.", 102009000, "1.2"},
	{"1.2.33.", 102339000, "1.2.33"},
	{"0", 9000, "0.0"},
	{"0.0d0", 1000, "0.0d0"},
	{"9999.99.99", 999999999000, "9999.99.99"},
};

static const char *const invalid_before[] = {
	"1.2.3333.", "1.100", "1.0.100", "1.2.3.", "1.2.3.4",	     "12345",
	"1.0b",	     "1.0fc", "1.0fc0",	 "1.0f0",  "1.0d256",	     "1.0d1000",
	"1.0B1",     "v1.0",  "1.-1",	 "",	   "9999.9999.9999",
};

static void test_valid(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(valid) / sizeof(*valid); i++) {
		char text[KEXT_VERSION_TEXT_MAX];
		int64_t version = -7;
		if (kext_version_parse(valid[i].text, &version) != 0)
			fail_msg("refused: %s", valid[i].text);
		if (version != valid[i].value)
			fail_msg("%s: %lld", valid[i].text, (long long)version);
		assert_string_equal(kext_version_format(version, text),
				    valid[i].formatted);
	}
}

static void test_invalid(void **state)
{
	(void)state;
	int64_t version = 42;
	for (size_t i = 0; i < sizeof(invalid) / sizeof(*invalid); i++)
		if (kext_version_parse(invalid[i], &version) != KEXT_ERR_BAD_DATA)
			fail_msg("accepted: %s", invalid[i]);
	assert_int_equal(kext_version_parse(NULL, &version), KEXT_ERR_BAD_DATA);
	assert_int_equal(version, 42);
}

static void test_before(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(valid_before) / sizeof(*valid_before); i++) {
		for (enum kext_era era = KEXT_ERA_TIGER; era < KEXT_ERA_MODERN; era++) {
			char text[KEXT_VERSION_TEXT_MAX];
			int64_t version;
			if (kext_version_parse_as(era, valid_before[i].text, &version) !=
			    0)
				fail_msg("refused: %s", valid_before[i].text);
			assert_int_equal(kext_version_number(era, version),
					 valid_before[i].value);
			assert_string_equal(kext_version_format(version, text),
					    valid_before[i].formatted);
		}
	}
}

static void test_invalid_before(void **state)
{
	(void)state;
	int64_t version = 42;
	for (size_t i = 0; i < sizeof(invalid_before) / sizeof(*invalid_before); i++)
		for (enum kext_era era = KEXT_ERA_TIGER; era < KEXT_ERA_MODERN; era++)
			if (kext_version_parse_as(era, invalid_before[i], &version) !=
			    KEXT_ERR_BAD_DATA)
				fail_msg("accepted: %s", invalid_before[i]);
	assert_int_equal(version, 42);
}

/* Tiger's buffer had room for 31 characters, later ones for 19. */
static void test_length_by_era(void **state)
{
	(void)state;
	const char *text = "1.0                        late";
	int64_t version;
	assert_int_equal(kext_version_parse_as(KEXT_ERA_TIGER, text, &version), 0);
	assert_int_equal(kext_version_number(KEXT_ERA_TIGER, version), 100009000);
	assert_int_equal(kext_version_parse_as(KEXT_ERA_SNOWLEOPARD, text, &version),
			 KEXT_ERR_BAD_DATA);
	assert_int_equal(kext_version_parse_as(KEXT_ERA_TIGER,
					       "1.0                         late",
					       &version),
			 KEXT_ERR_BAD_DATA);
}

static void test_names_of_eras(void **state)
{
	(void)state;
	enum kext_era era;
	assert_true(kext_era_named("tiger", &era) && era == KEXT_ERA_TIGER);
	assert_true(kext_era_named("snowleopard", &era) && era == KEXT_ERA_SNOWLEOPARD);
	assert_true(kext_era_named("modern", &era) && era == KEXT_ERA_MODERN);
	assert_false(kext_era_named("Leopard", &era));
}

/* d < a < b < f < release. */
static void test_order(void **state)
{
	(void)state;
	static const char *const ascending[] = {
		"1.0d1", "1.0a1", "1.0b1", "1.0fc1", "1.0", "1.0.1", "1.1d1", "1.1", "2"};
	int64_t last = 0, version = 0;
	for (size_t i = 0; i < sizeof(ascending) / sizeof(*ascending); i++) {
		assert_int_equal(kext_version_parse(ascending[i], &version), 0);
		assert_true(version > last);
		last = version;
	}
}

static void test_format_of_bad_values(void **state)
{
	(void)state;
	char text[KEXT_VERSION_TEXT_MAX];
	assert_string_equal(kext_version_format(0, text), "(missing)");
	assert_string_equal(kext_version_format(-1, text), "(invalid)");
	assert_string_equal(kext_version_format(INT64_MAX, text), "(invalid)");
	assert_string_equal(kext_version_format(1000000009256, text), "(invalid)");
	assert_string_equal(kext_version_format(1000000002000, text), "(invalid)");
	assert_string_equal(kext_version_format(10000000000009000, text), "(invalid)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_before),
		cmocka_unit_test(test_invalid_before),
		cmocka_unit_test(test_length_by_era),
		cmocka_unit_test(test_names_of_eras),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_format_of_bad_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
