/* Property values: containers, references, equality, and the binary and JSON forms. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <kext/value.h>
#include "base/memory.h"

static void scalars_and_neutral_answers(void **state)
{
	(void)state;
	struct kext_value *integer = kext_value_new_integer(0x1ff, 8);
	struct kext_value *string = kext_value_new_string_n("abc\0def", 7);
	size_t size = 7;
	assert_int_equal(kext_value_integer(integer), 0xff);
	assert_int_equal(kext_value_bits(integer), 8);
	assert_string_equal(kext_value_string(string), "abc");
	assert_null(kext_value_string(integer));
	assert_null(kext_value_string(NULL));
	assert_int_equal(kext_value_integer(string), 0);
	assert_null(kext_value_data(string, &size));
	assert_int_equal(size, 0);
	assert_int_equal(kext_value_count(integer), 0);
	assert_null(kext_value_at(string, 0));
	assert_null(kext_value_get(string, "a"));
	assert_null(kext_value_key_at(NULL, 0));
	assert_true(kext_value_boolean(kext_value_new_boolean(true)));
	assert_false(kext_value_boolean(string));
	kext_value_unref(integer);
	kext_value_unref(string);
}

static void builders_consume_also_on_failure(void **state)
{
	(void)state;
	struct kext_value *array = kext_value_new_array();
	struct kext_value *string = kext_value_new_string("s");
	assert_int_equal(kext_value_append(array, NULL), -ENOMEM);
	assert_int_equal(kext_value_append(string, kext_value_new_string("x")),
			 KEXT_ERR_INVALID_ARGUMENT);
	assert_int_equal(kext_value_set(array, "k", kext_value_new_string("x")),
			 KEXT_ERR_INVALID_ARGUMENT);
	assert_int_equal(kext_value_append(array, string), 0);
	assert_ptr_equal(kext_value_at(array, 0), string);
	kext_value_unref(array);
}

static void dictionary_keeps_order_and_last_value(void **state)
{
	(void)state;
	struct kext_value *dictionary = kext_value_new_dictionary();
	char key[16];
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "key%u", i * 7919 % 5000);
		assert_int_equal(
			kext_value_set(dictionary, key, kext_value_new_integer(i, 32)),
			0);
	}
	assert_int_equal(kext_value_set(dictionary, "key0", kext_value_new_string("new")),
			 0);
	assert_int_equal(kext_value_count(dictionary), 5000);
	assert_string_equal(kext_value_key_at(dictionary, 0), "key0");
	assert_string_equal(kext_value_key_at(dictionary, 1), "key2919");
	assert_string_equal(kext_value_string(kext_value_get(dictionary, "key0")), "new");
	for (unsigned i = 1; i < 5000; i += 2) {
		snprintf(key, sizeof(key), "key%u", i * 7919 % 5000);
		if (i < 200)
			kext_value_remove(dictionary, key);
	}
	kext_value_remove(dictionary, "none");
	assert_int_equal(kext_value_count(dictionary), 4900);
	for (unsigned i = 1; i < 5000; i++) {
		snprintf(key, sizeof(key), "key%u", i * 7919 % 5000);
		struct kext_value *value = kext_value_get(dictionary, key);
		if (i < 200 && i % 2)
			assert_null(value);
		else
			assert_int_equal(kext_value_integer(value), i);
	}
	kext_value_unref(dictionary);
}

static void small_dictionary_removes(void **state)
{
	(void)state;
	struct kext_value *d = kext_value_new_dictionary();
	assert_int_equal(kext_value_set(d, "a", kext_value_new_integer(1, 64)), 0);
	assert_int_equal(kext_value_set(d, "b", kext_value_new_integer(2, 64)), 0);
	assert_int_equal(kext_value_set(d, "", kext_value_new_integer(3, 64)), 0);
	kext_value_remove(d, "a");
	assert_null(kext_value_get(d, "a"));
	assert_string_equal(kext_value_key_at(d, 0), "b");
	assert_int_equal(kext_value_integer(kext_value_get(d, "")), 3);
	kext_value_unref(d);
}

static void set_holds_an_object_once(void **state)
{
	(void)state;
	struct kext_value *set = kext_value_new_set();
	struct kext_value *string = kext_value_new_string("x");
	assert_int_equal(kext_value_append(set, kext_value_ref(string)), 0);
	assert_int_equal(kext_value_append(set, kext_value_ref(string)), 0);
	assert_int_equal(kext_value_append(set, kext_value_new_string("x")), 0);
	assert_int_equal(kext_value_count(set), 2);
	kext_value_unref(string);
	kext_value_unref(set);
}

static void deep_value_is_freed_without_stack(void **state)
{
	(void)state;
	struct kext_value *value = kext_value_new_array();
	for (unsigned i = 0; i < 1000000; i++) {
		struct kext_value *outer =
			i % 2 ? kext_value_new_array() : kext_value_new_dictionary();
		assert_int_equal(i % 2 ? kext_value_append(outer, value)
				       : kext_value_set(outer, "k", value),
				 0);
		value = outer;
	}
	char *text = NULL;
	void *data = NULL;
	size_t size;
	assert_int_equal(kext_value_to_xml(value, KEXT_XML_SHARE, &text, &size),
			 KEXT_ERR_SERIALIZATION);
	assert_int_equal(kext_value_to_xml(value, KEXT_XML_PLIST, &text, &size),
			 KEXT_ERR_SERIALIZATION);
	assert_int_equal(kext_value_to_json(value, &text), KEXT_ERR_SERIALIZATION);
	assert_int_equal(kext_value_to_binary(value, &data, &size),
			 KEXT_ERR_SERIALIZATION);
	assert_null(kext_value_copy(value));
	assert_null(kext_value_unref(value));
}

static struct kext_value *sample(void)
{
	struct kext_value *d = kext_value_new_dictionary();
	struct kext_value *array = kext_value_new_array();
	assert_int_equal(
		kext_value_append(array, kext_value_new_string("\xc3\xa4\"\\\n")), 0);
	assert_int_equal(kext_value_append(array, kext_value_new_boolean(true)), 0);
	assert_int_equal(kext_value_append(array, kext_value_new_data("\0\1\2\3", 4)), 0);
	assert_int_equal(kext_value_set(d, "list", array), 0);
	assert_int_equal(
		kext_value_set(d, "big", kext_value_new_integer(UINT64_MAX - 15, 64)), 0);
	assert_int_equal(kext_value_set(d, "small", kext_value_new_integer(7, 64)), 0);
	return d;
}

static void copies_are_equal_and_independent(void **state)
{
	(void)state;
	struct kext_value *a = sample(), *b = kext_value_copy(a);
	assert_true(kext_value_equal(a, b));
	assert_ptr_not_equal(kext_value_get(a, "list"), kext_value_get(b, "list"));
	assert_ptr_equal(kext_value_get(a, "small"), kext_value_get(b, "small"));
	assert_int_equal(kext_value_append(kext_value_get(b, "list"),
					   kext_value_new_boolean(false)),
			 0);
	assert_int_equal(kext_value_count(kext_value_get(a, "list")), 3);
	assert_false(kext_value_equal(a, b));
	assert_false(kext_value_equal(a, NULL));
	kext_value_unref(a);
	kext_value_unref(b);
}

static void sets_are_equal_in_any_order(void **state)
{
	(void)state;
	const char *first[] = {"a", "b", "b"}, *second[] = {"b", "a", "b"},
		   *third[] = {"a", "a", "b"};
	const char **texts[] = {first, second, third};
	struct kext_value *sets[3];
	for (int s = 0; s < 3; s++) {
		sets[s] = kext_value_new_set();
		for (int i = 0; i < 3; i++)
			assert_int_equal(kext_value_append(sets[s], kext_value_new_string(
									    texts[s][i])),
					 0);
	}
	assert_true(kext_value_equal(sets[0], sets[1]));
	assert_false(kext_value_equal(sets[0], sets[2]));
	for (int s = 0; s < 3; s++)
		kext_value_unref(sets[s]);
}

static void json_text(void **state)
{
	(void)state;
	struct kext_value *value = sample();
	char *text = NULL;
	assert_int_equal(kext_value_to_json(value, &text), 0);
	assert_string_equal(
		text, "{\"list\": [\"\xc3\xa4\\\"\\\\\\u000a\", true, \"AAECAw==\"], "
		      "\"big\": 18446744073709551600, \"small\": 7}");
	free(text);
	kext_value_unref(value);
	value = kext_value_new_string("a\xff z");
	assert_int_equal(kext_value_to_json(value, &text), 0);
	assert_string_equal(text, "\"a\\ufffd z\"");
	free(text);
	kext_value_unref(value);
}

static void binary_round_trip(void **state)
{
	(void)state;
	struct kext_value *value = sample(), *back = NULL;
	void *data = NULL;
	size_t size = 0;
	assert_int_equal(kext_value_to_binary(value, &data, &size), 0);
	assert_int_equal(kext_value_from_binary(data, size, &back), 0);
	assert_true(kext_value_equal(value, back));
	kext_value_unref(back);
	/* Any single damaged byte must be refused or read; never a crash. */
	for (size_t i = 0; i < size; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			((uint8_t *)data)[i] ^= (uint8_t)(1u << bit);
			if (kext_value_from_binary(data, size, &back) == 0)
				kext_value_unref(back);
			((uint8_t *)data)[i] ^= (uint8_t)(1u << bit);
		}
	}
	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(kext_value_from_binary(data, cut, &back),
				 KEXT_ERR_SERIALIZATION);
	free(data);
	kext_value_unref(value);
}

/* bplist: {"a": [true, 0x1234, <de ad>], "é": "b"}, written with python3's plistlib. */
static const uint8_t foreign[] = {
	0x62, 0x70, 0x6c, 0x69, 0x73, 0x74, 0x30, 0x30, 0xd2, 0x01, 0x02, 0x03,
	0x07, 0x51, 0x61, 0x61, 0x00, 0xe9, 0xa3, 0x04, 0x05, 0x06, 0x09, 0x11,
	0x12, 0x34, 0x42, 0xde, 0xad, 0x51, 0x62, 0x08, 0x0d, 0x0f, 0x12, 0x16,
	0x17, 0x1a, 0x1d, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x01, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x1f};

static void binary_of_another_writer(void **state)
{
	(void)state;
	struct kext_value *value = NULL;
	size_t size;
	assert_int_equal(kext_value_from_binary(foreign, sizeof(foreign), &value), 0);
	struct kext_value *list = kext_value_get(value, "a");
	assert_int_equal(kext_value_count(list), 3);
	assert_true(kext_value_boolean(kext_value_at(list, 0)));
	assert_int_equal(kext_value_integer(kext_value_at(list, 1)), 0x1234);
	assert_memory_equal(kext_value_data(kext_value_at(list, 2), &size), "\xde\xad",
			    2);
	assert_int_equal(size, 2);
	assert_string_equal(kext_value_string(kext_value_get(value, "\xc3\xa9")), "b");
	kext_value_unref(value);
}

/* Arrays of two references to the next one: 2^levels objects when spread out. */
static size_t make_bomb(uint8_t *out, unsigned levels)
{
	size_t used = 8, offsets;
	memcpy(out, "bplist00", 8);
	for (unsigned i = 0; i < levels; i++) {
		uint8_t object[] = {0xa2, (uint8_t)(i + 1), (uint8_t)(i + 1)};
		memcpy(out + used, object, 3);
		used += 3;
	}
	out[used++] = 0x09;
	offsets = used;
	for (unsigned i = 0; i <= levels; i++)
		out[used++] = (uint8_t)(8 + i * 3);
	uint8_t trailer[32] = {0};
	trailer[6] = trailer[7] = 1;
	trailer[15] = (uint8_t)(levels + 1);
	trailer[31] = (uint8_t)offsets;
	memcpy(out + used, trailer, 32);
	return used + 32;
}

static void binary_bombs_are_refused(void **state)
{
	(void)state;
	uint8_t file[512];
	struct kext_value *value = NULL;
	size_t size = make_bomb(file, 3);
	assert_int_equal(kext_value_from_binary(file, size, &value), 0);
	assert_int_equal(kext_value_count(value), 2);
	kext_value_unref(value);
	size = make_bomb(file, 30);
	assert_int_equal(kext_value_from_binary(file, size, &value),
			 KEXT_ERR_SERIALIZATION);
	/* An array that holds itself. */
	size = make_bomb(file, 1);
	file[9] = 0;
	assert_int_equal(kext_value_from_binary(file, size, &value),
			 KEXT_ERR_SERIALIZATION);
	/* A string with a NUL. */
	size = make_bomb(file, 1);
	file[11] = 0x51;
	file[12] = 0;
	assert_int_equal(kext_value_from_binary(file, size, &value),
			 KEXT_ERR_SERIALIZATION);
	/* A dictionary whose key is a boolean. */
	size = make_bomb(file, 1);
	file[8] = 0xd1;
	assert_int_equal(kext_value_from_binary(file, size, &value),
			 KEXT_ERR_SERIALIZATION);
	/* A date is no value. */
	size = make_bomb(file, 1);
	file[11] = 0x33;
	assert_int_equal(kext_value_from_binary(file, size, &value),
			 KEXT_ERR_SERIALIZATION);
}

static int build_all(void)
{
	_cleanup_free_ char *text = NULL;
	void *data = NULL;
	size_t size;
	struct kext_value *d = kext_value_new_dictionary();
	int error = d ? 0 : -ENOMEM;
	for (int i = 0; error == 0 && i < 20; i++) {
		char key[8];
		snprintf(key, sizeof(key), "%d", i);
		error = kext_value_set(d, key, kext_value_new_integer(1, 64));
	}
	struct kext_value *twin = error ? NULL : kext_value_copy(d), *back = NULL;
	if (!error)
		error = twin ? kext_value_to_json(twin, &text) : -ENOMEM;
	if (!error)
		error = kext_value_to_binary(d, &data, &size);
	if (!error)
		error = kext_value_from_binary(data, size, &back);
	free(data);
	kext_value_unref(back);
	kext_value_unref(twin);
	kext_value_unref(d);
	return error;
}

static void every_allocation_may_fail(void **state)
{
	(void)state;
	unsigned n = 1;
	for (int error = -1; error; n++) {
		fault_arm_allocation(n);
		error = build_all();
		fault_arm_allocation(0);
		assert_true(error == 0 || error == -ENOMEM);
	}
	assert_true(n > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars_and_neutral_answers),
		cmocka_unit_test(builders_consume_also_on_failure),
		cmocka_unit_test(dictionary_keeps_order_and_last_value),
		cmocka_unit_test(small_dictionary_removes),
		cmocka_unit_test(set_holds_an_object_once),
		cmocka_unit_test(deep_value_is_freed_without_stack),
		cmocka_unit_test(copies_are_equal_and_independent),
		cmocka_unit_test(sets_are_equal_in_any_order),
		cmocka_unit_test(json_text),
		cmocka_unit_test(binary_round_trip),
		cmocka_unit_test(binary_of_another_writer),
		cmocka_unit_test(binary_bombs_are_refused),
		cmocka_unit_test(every_allocation_may_fail),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
