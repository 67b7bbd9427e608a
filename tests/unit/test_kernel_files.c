/* Answers to the kernel's questions for files: right, wrong, twice, and for nobody. */
#include "kernel_driver.h"

static struct kernel kernel;
static struct image image;
static uint64_t start_id;

/* A kext whose start routine asks for the root and fails when it gets it. */
static void ask_for_root(void)
{
	struct buffer body = {0};
	boot(&kernel, NULL);
	new_image(&kernel, &image, "test.files");
	unsigned at = put_entry(&image, START_AT);
	at = put_call(&image, at, kernel_symbol("_vfs_rootvnode"), 0, 0);
	put_exit(&image, at, -1);
	assert_int_equal(map_image(&kernel, &image), 0);
	fields_put_u32(&body, FIELD_TAG, image.tag);
	start_id = send_request(&kernel, KERNEL_START, &body, -1);
	/* Questions come before the answer to a later request. */
	while (kernel.upcall.type != KERNEL_OPEN) {
		struct buffer none = {0};
		assert_int_equal(ask(&kernel, KERNEL_SYSCTL_NAMES, &none, -1), 0);
	}
	struct bytes asked = bytes_of(kernel.upcall.body, kernel.upcall.size);
	assert_string_equal(fields_text(asked, FIELD_PATH), "/");
	assert_int_equal(fields_u32(asked, FIELD_FLAGS), 0);
}

static void send_answer(uint64_t id, uint32_t error, const char *path, int fd)
{
	struct buffer body = {0};
	fields_put_u32(&body, FIELD_ERROR, error);
	if (path)
		fields_put_text(&body, FIELD_PATH, path);
	kernel.next_id = id;
	send_request(&kernel, KERNEL_OPEN, &body, fd);
	kernel.next_id = start_id + 100 + id;
}

/* What the start routine returned. */
static uint32_t result(void)
{
	assert_true(receive(&kernel, KERNEL_START, start_id));
	return fields_u32(answer(&kernel), FIELD_RESULT);
}

static void a_folder_comes(void **state)
{
	(void)state;
	int folder = open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ask_for_root();
	send_answer(kernel.upcall.id, 0, "/", folder);
	assert_int_not_equal(result(), 0);
	close(folder);
	assert_int_equal(shut_down(&kernel), 0);
}

static void an_error_comes(void **state)
{
	(void)state;
	ask_for_root();
	send_answer(kernel.upcall.id, ENOENT, NULL, -1);
	assert_int_equal(result(), 0);
	assert_int_equal(shut_down(&kernel), 0);
}

static void no_descriptor_comes(void **state)
{
	(void)state;
	ask_for_root();
	send_answer(kernel.upcall.id, 0, "/", -1);
	assert_int_equal(result(), 0);
	assert_int_equal(shut_down(&kernel), 0);
}

/* Answers to no question are forgotten; their descriptors do not pile up (256 may be). */
static void answers_for_nobody(void **state)
{
	(void)state;
	int folder = open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ask_for_root();
	for (int i = 0; i < 400; i++)
		send_answer(kernel.upcall.id + 1000, 0, "/", folder);
	send_answer(kernel.upcall.id, ENOENT, NULL, -1);
	for (int i = 0; i < 400; i++)
		send_answer(kernel.upcall.id, 0, "/", folder);
	assert_int_equal(result(), 0);
	struct buffer body = {0};
	assert_int_equal(ask(&kernel, KERNEL_LIST, &body, -1), 0);
	close(folder);
	assert_int_equal(shut_down(&kernel), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_folder_comes),
		cmocka_unit_test(an_error_comes),
		cmocka_unit_test(no_descriptor_comes),
		cmocka_unit_test(answers_for_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
