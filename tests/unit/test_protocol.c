/*
 * The client protocol from both ends: a client against a kextd played by the test, which
 * writes what a good or a bad one would, and requests as kextd reads them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/bytes.h"
#include "base/fields.h"
#include "client/client.h"
#include "daemon/daemon.h"

/* ---- a kextd of straw ---- */

static int ends[2]; /* the client's, ours */
static struct kext_client *client;

static void send_value(uint16_t type, uint64_t id, struct kext_value *value)
{
	struct frame frame = {.type = type, .id = id};
	void *data;
	assert_non_null(value);
	assert_int_equal(kext_value_to_binary(value, &data, &frame.size), 0);
	frame.body = data;
	assert_int_equal(frame_send(ends[1], &frame), 0);
	frame_free(&frame);
	kext_value_unref(value);
}

static struct kext_value *dictionary(const char *key, struct kext_value *value)
{
	struct kext_value *made = kext_value_new_dictionary();
	assert_int_equal(kext_value_set(made, key, value), 0);
	return made;
}

static void send_hello(void)
{
	send_value(CLIENT_HELLO, 0, dictionary("Owner", kext_value_new_integer(0, 32)));
}

static int connect_client(void **state)
{
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	send_hello();
	assert_int_equal(client_new(ends[0], &client), 0);
	return 0;
}

static int disconnect_client(void **state)
{
	(void)state;
	client = kext_client_free(client);
	close(ends[1]);
	return 0;
}

/* The first id of a client is 1: replies can be written before the request is sent. */
static int call(struct kext_diagnostics *diagnostics, struct kext_value **ret,
		char **report)
{
	return client_call(client, PREDICATE_STATUS, kext_value_new_dictionary(), -1,
			   diagnostics, ret, report);
}

static void test_answer(void **state)
{
	struct kext_value *reply = dictionary(KEY_ANSWER, kext_value_new_string("yes"));
	struct kext_value *answer = NULL;
	(void)state;
	send_value(CLIENT_REPLY, 1, reply);
	assert_int_equal(call(NULL, &answer, NULL), 0);
	assert_string_equal(kext_value_string(answer), "yes");
	kext_value_unref(answer);
}

static void test_request_on_the_wire(void **state)
{
	struct frame_reader reader;
	struct frame frame;
	struct kext_value *request, *arguments;
	struct kext_sysctl sysctl = {0};
	(void)state;
	send_value(CLIENT_REPLY, 1, kext_value_new_dictionary());
	assert_int_equal(kext_client_sysctl(client, "debug.x", "ab", 2, &sysctl), 0);
	free(sysctl.data);
	frame_reader_init(&reader, ends[1], 4096);
	assert_int_equal(frame_reader_read(&reader, &frame), 1);
	assert_int_equal(frame.type, CLIENT_REQUEST);
	assert_int_equal(frame.id, 1);
	assert_int_equal(kext_value_from_binary(frame.body, frame.size, &request), 0);
	assert_string_equal(
		kext_value_string(kext_value_get(request, "Kext Request Predicate")),
		"Sysctl");
	arguments = kext_value_get(request, "Kext Request Arguments");
	assert_string_equal(kext_value_string(kext_value_get(arguments, "Name")),
			    "debug.x");
	size_t size;
	assert_memory_equal(kext_value_data(kext_value_get(arguments, "Value"), &size),
			    "ab", 2);
	assert_int_equal(size, 2);
	kext_value_unref(request);
	frame_free(&frame);
}

static void test_error_with_findings_and_report(void **state)
{
	struct kext_value *reply =
		dictionary(KEY_ERROR, kext_value_new_integer(10025, 32));
	struct kext_value *finding =
		dictionary(KEY_SLUG, kext_value_new_string("load.start"));
	struct kext_value *list = kext_value_new_array();
	struct kext_diagnostics *found = kext_diagnostics_new();
	char *report = NULL;
	(void)state;
	assert_int_equal(
		kext_value_set(finding, KEY_SEVERITY, kext_value_new_integer(2, 32)), 0);
	assert_int_equal(kext_value_set(finding, KEY_SUBJECT, kext_value_new_string("s")),
			 0);
	assert_int_equal(
		kext_value_set(finding, KEY_MESSAGE, kext_value_new_string("%n%s")), 0);
	assert_int_equal(kext_value_append(list, finding), 0);
	assert_int_equal(kext_value_set(reply, KEY_DIAGNOSTICS, list), 0);
	assert_int_equal(kext_value_set(reply, KEY_REPORT, kext_value_new_string("/r")),
			 0);
	send_value(CLIENT_REPLY, 1, reply);
	assert_int_equal(call(found, NULL, &report), KEXT_ERR_PANIC);
	assert_string_equal(report, "/r");
	assert_int_equal(kext_diagnostics_count(found, KEXT_ERROR), 1);
	assert_string_equal(kext_diagnostics_at(found, 0)->slug, "load.start");
	assert_string_equal(kext_diagnostics_at(found, 0)->message, "%n%s");
	assert_null(kext_diagnostics_at(found, 0)->hint);
	free(report);
	kext_diagnostics_free(found);
}

static void test_late_reply_is_skipped(void **state)
{
	struct kext_value *answer = NULL;
	(void)state;
	send_value(CLIENT_REPLY, 77,
		   dictionary(KEY_ANSWER, kext_value_new_string("old")));
	send_value(CLIENT_REPLY, 1, dictionary(KEY_ANSWER, kext_value_new_string("new")));
	assert_int_equal(call(NULL, &answer, NULL), 0);
	assert_string_equal(kext_value_string(answer), "new");
	kext_value_unref(answer);
}

static void send_header(uint32_t magic, uint16_t version, uint32_t size)
{
	uint8_t h[FRAME_HEADER_SIZE] = {0};
	store32(h, magic, false);
	store16(h + 4, version, false);
	store16(h + 6, CLIENT_REPLY, false);
	store64(h + 8, 1, false);
	store32(h + 20, size, false);
	assert_int_equal(write(ends[1], h, sizeof(h)), sizeof(h));
}

static void test_other_version(void **state)
{
	(void)state;
	send_header(FRAME_MAGIC, FRAME_VERSION + 1, 0);
	assert_int_equal(call(NULL, NULL, NULL), KEXT_ERR_PROTOCOL);
}

static void test_other_magic(void **state)
{
	(void)state;
	send_header(0x12345678, FRAME_VERSION, 0);
	assert_int_equal(call(NULL, NULL, NULL), KEXT_ERR_PROTOCOL);
}

static void test_oversized_body(void **state)
{
	(void)state;
	send_header(FRAME_MAGIC, FRAME_VERSION, CLIENT_MAX_REPLY + 1);
	assert_int_equal(call(NULL, NULL, NULL), -EMSGSIZE);
}

static void test_body_that_is_no_plist(void **state)
{
	(void)state;
	send_header(FRAME_MAGIC, FRAME_VERSION, 4);
	assert_int_equal(write(ends[1], "junk", 4), 4);
	assert_int_equal(call(NULL, NULL, NULL), KEXT_ERR_PROTOCOL);
}

static void test_end_in_the_middle(void **state)
{
	struct kext_diagnostics *found = kext_diagnostics_new();
	(void)state;
	send_header(FRAME_MAGIC, FRAME_VERSION, 100);
	shutdown(ends[1], SHUT_WR);
	assert_int_equal(call(found, NULL, NULL), KEXT_ERR_NO_SERVER);
	assert_string_equal(kext_diagnostics_at(found, 0)->slug, "client.lost");
	kext_diagnostics_free(found);
}

static void test_absurd_error_number(void **state)
{
	(void)state;
	send_value(CLIENT_REPLY, 1,
		   dictionary(KEY_ERROR, kext_value_new_integer(UINT64_C(1) << 40, 64)));
	assert_int_equal(call(NULL, NULL, NULL), KEXT_ERR_PROTOCOL);
}

static void test_list_comes_in_load_order(void **state)
{
	static const uint32_t tags[] = {9, 2, 30};
	struct kext_value *kexts = kext_value_new_dictionary(), *list = NULL;
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char name[2] = {(char)('a' + i), '\0'};
		assert_int_equal(
			kext_value_set(kexts, name,
				       dictionary(KEY_LOAD_TAG,
						  kext_value_new_integer(tags[i], 32))),
			0);
	}
	send_value(CLIENT_REPLY, 1, dictionary(KEY_ANSWER, kexts));
	assert_int_equal(kext_client_list(client, NULL, &list), 0);
	assert_int_equal(kext_value_count(list), 3);
	for (size_t i = 0; i < 3; i++) {
		static const uint64_t sorted[] = {2, 9, 30};
		const struct kext_value *kext = kext_value_at(list, i);
		assert_int_equal(kext_value_integer(kext_value_get(kext, KEY_LOAD_TAG)),
				 sorted[i]);
	}
	kext_value_unref(list);
}

/* ---- cancelling ---- */

/* Reads the request, then waits for its cancel before it answers. */
static void *answer_after_cancel(void *argument)
{
	struct frame_reader reader;
	struct frame request = {0}, cancel = {0};
	frame_reader_init(&reader, ends[1], 4096);
	bool is_good = frame_reader_read(&reader, &request) == 1 &&
		       frame_reader_read(&reader, &cancel) == 1 &&
		       cancel.type == CLIENT_CANCEL && cancel.id == request.id &&
		       cancel.size == 0;
	frame_free(&request);
	frame_free(&cancel);
	send_value(CLIENT_REPLY, 1,
		   dictionary(KEY_ERROR, kext_value_new_integer(10026, 32)));
	*(bool *)argument = is_good;
	return NULL;
}

static void test_cancel_before_the_request_is_not_lost(void **state)
{
	pthread_t thread;
	bool is_good = false;
	(void)state;
	kext_client_cancel(client);
	assert_int_equal(pthread_create(&thread, NULL, answer_after_cancel, &is_good), 0);
	assert_int_equal(call(NULL, NULL, NULL), KEXT_ERR_CANCELLED);
	pthread_join(thread, NULL);
	assert_true(is_good);
}

/* ---- greeting ---- */

static void test_no_hello(void **state)
{
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	close(ends[1]);
	assert_int_equal(client_new(ends[0], &client), -EPIPE);
}

static void test_wrong_first_frame(void **state)
{
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	send_value(CLIENT_REPLY, 1, kext_value_new_dictionary());
	assert_int_equal(client_new(ends[0], &client), KEXT_ERR_PROTOCOL);
	close(ends[1]);
}

/* ---- kextd's side ---- */

static struct daemon daemon_of_straw = {.owner = 500, .instance_lock = -1};

static int read_request(uid_t uid, struct kext_value *body, struct request **ret)
{
	struct frame frame = {.type = CLIENT_REQUEST, .id = 9};
	void *data;
	assert_int_equal(kext_value_to_binary(body, &data, &frame.size), 0);
	frame.body = data;
	kext_value_unref(body);
	int error = request_new(&daemon_of_straw, uid, &frame, ret);
	frame_free(&frame);
	return error;
}

static void test_request_and_its_owner(void **state)
{
	static const struct {
		uid_t uid;
		bool is_owner;
	} cases[] = {{500, true}, {0, true}, {501, false}};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct request *request;
		assert_int_equal(read_request(cases[i].uid,
					      dictionary(KEY_PREDICATE,
							 kext_value_new_string("Unload")),
					      &request),
				 0);
		assert_int_equal(request->id, 9);
		assert_int_equal(request->is_owner, cases[i].is_owner);
		assert_non_null(request->predicate);
		assert_null(request->arguments);
		assert_int_equal(request->fd, -1);
		request_free(request);
	}
}

static void test_hostile_requests(void **state)
{
	struct request *request;
	struct frame frame = {.body = (uint8_t *)strdup("bplist00????"), .size = 12};
	(void)state;
	assert_true(request_new(&daemon_of_straw, 0, &frame, &request) < 0);
	frame_free(&frame);
	/* No dictionary, a predicate that is none, arguments of another kind: no crash.
	 */
	assert_int_equal(read_request(0, kext_value_new_string("x"), &request), 0);
	assert_null(request->predicate);
	request_free(request);
	assert_int_equal(
		read_request(0, dictionary(KEY_PREDICATE, kext_value_new_boolean(true)),
			     &request),
		0);
	assert_null(request->predicate);
	request_free(request);
}

static void test_reply_of_a_failure(void **state)
{
	struct request *request;
	struct frame frame;
	struct kext_value *reply;
	(void)state;
	assert_int_equal(request_new_upcall(&daemon_of_straw, "com.t.x", &request), 0);
	request->error = KEXT_ERR_LINK;
	request->id = 3;
	kext_diagnose(request->diagnostics, KEXT_WARNING, "a.b", "subject", "hint",
		      "text");
	assert_int_equal(request_encode_reply(request, &frame), 0);
	assert_int_equal(frame.type, CLIENT_REPLY);
	assert_int_equal(frame.id, 3);
	assert_int_equal(kext_value_from_binary(frame.body, frame.size, &reply), 0);
	/* kOSKextReturnLinkError */
	assert_int_equal(
		kext_value_integer(kext_value_get(reply, "Kext Request Result Code")),
		0xdc008016);
	assert_int_equal(kext_value_integer(kext_value_get(reply, "Error Number")),
			 10019);
	const struct kext_value *finding =
		kext_value_at(kext_value_get(reply, "Diagnostics"), 0);
	assert_string_equal(kext_value_string(kext_value_get(finding, "Hint")), "hint");
	assert_int_equal(kext_value_integer(kext_value_get(finding, "Severity")), 1);
	kext_value_unref(reply);
	frame_free(&frame);
	request_free(request);
}

/* ---- the kernel's messages ---- */

static bool is_valid(const struct buffer *body)
{
	return fields_valid(bytes_of(body->data, body->size));
}

static void test_fields_that_stray(void **state)
{
	struct buffer body = {0};
	(void)state;
	fields_put_u32(&body, FIELD_TAG, 8);
	fields_put_text(&body, FIELD_IDENTIFIER, "com.t.x");
	assert_true(is_valid(&body));
	for (size_t size = 1; size < body.size; size++) {
		struct bytes cut = bytes_of(body.data, size);
		/* Whole fields are valid, parts never. */
		assert_int_equal(fields_valid(cut), size == 12);
	}
	body.data[0] = FIELD_COUNT;
	assert_false(is_valid(&body));
	body.data[0] = FIELD_ADDRESS; /* 8 bytes wanted, 4 there */
	assert_false(is_valid(&body));
	buffer_free(&body);
	fields_put_bytes(&body, FIELD_IDENTIFIER, "no end", 6);
	assert_false(is_valid(&body));
	buffer_free(&body);
	fields_put_bytes(&body, FIELD_UUID, "short", 5);
	assert_false(is_valid(&body));
	buffer_free(&body);
}

#define TEST(function)                                                                   \
	cmocka_unit_test_setup_teardown(function, connect_client, disconnect_client)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answer),
		TEST(test_request_on_the_wire),
		TEST(test_error_with_findings_and_report),
		TEST(test_late_reply_is_skipped),
		TEST(test_other_version),
		TEST(test_other_magic),
		TEST(test_oversized_body),
		TEST(test_body_that_is_no_plist),
		TEST(test_end_in_the_middle),
		TEST(test_absurd_error_number),
		TEST(test_list_comes_in_load_order),
		TEST(test_cancel_before_the_request_is_not_lost),
		cmocka_unit_test(test_no_hello),
		cmocka_unit_test(test_wrong_first_frame),
		cmocka_unit_test(test_request_and_its_owner),
		cmocka_unit_test(test_hostile_requests),
		cmocka_unit_test(test_reply_of_a_failure),
		cmocka_unit_test(test_fields_that_stray),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
