/* The message buffer as a stream, user memory, and the machine's guarded copy. */
#include "kernel_driver.h"
#include "kernel/machine/machine.h"

#define RING (1u << 20)

static void text_is_kept_without_controls(void **state)
{
	char text[64];
	uint64_t position = msgbuf_end();
	(void)state;
	msgbuf_write(NULL, "a\r\nb\0c\x7f", 7);
	assert_int_equal(msgbuf_read(&position, text, sizeof(text)), 4);
	assert_memory_equal(text, "a\nbc", 4);
	assert_int_equal(position, msgbuf_end());
	assert_int_equal(msgbuf_read(&position, text, sizeof(text)), 0);
}

static void reads_continue_where_they_ended(void **state)
{
	char text[4];
	uint64_t position = msgbuf_end();
	(void)state;
	msgbuf_write(NULL, "abcdefgh", 8);
	assert_int_equal(msgbuf_read(&position, text, 3), 3);
	assert_memory_equal(text, "abc", 3);
	assert_int_equal(msgbuf_read(&position, text, 4), 4);
	assert_memory_equal(text, "defg", 4);
	assert_int_equal(msgbuf_read(&position, text, 4), 1);
}

/* Whoever is late gets the oldest byte kept. */
static void old_text_is_overwritten(void **state)
{
	uint64_t start = msgbuf_end(), position = start;
	char *text = malloc(2 * RING), line[16];
	(void)state;
	for (unsigned i = 0; i < RING / 8 + 1; i++) {
		snprintf(line, sizeof(line), "%07u\n", i);
		msgbuf_write(NULL, line, 8);
	}
	assert_int_equal(msgbuf_end(), start + RING + 8);
	assert_int_equal(msgbuf_read(&position, text, 2 * RING), RING);
	assert_memory_equal(text, "0000001\n", 8);
	assert_memory_equal(text + RING - 8, "0131072\n", 8);
	position = msgbuf_end() + 100; /* from another life of the kernel */
	assert_int_equal(msgbuf_read(&position, text, 8), 8);
	assert_memory_equal(text, "0000001\n", 8);
	free(text);
}

static void *write_lines(void *letter)
{
	char line[9];
	memset(line, *(char *)letter, 8);
	line[8] = '\n';
	for (int i = 0; i < 2000; i++)
		msgbuf_write(NULL, line, 9);
	return NULL;
}

static void writers_do_not_mix(void **state)
{
	uint64_t position = msgbuf_end();
	pthread_t threads[4];
	char letters[] = "abcd", line[9];
	(void)state;
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, write_lines, &letters[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 8000; i++) {
		assert_int_equal(msgbuf_read(&position, line, 9), 9);
		for (int n = 1; n < 8; n++)
			assert_int_equal(line[n], line[0]);
		assert_int_equal(line[8], '\n');
	}
}

static unsigned notices;

static void count_notice(void)
{
	notices++;
}

static void readers_are_told(void **state)
{
	(void)state;
	msgbuf_notify = count_notice;
	msgbuf_write(NULL, "x", 1);
	msgbuf_write(NULL, "\r", 1);
	msgbuf_notify = NULL;
	assert_int_equal(notices, 1);
}

/* ---- copyin and its like ---- */

static char input[] = "abcdef", output[8];

static void open_windows(struct user_window windows[2])
{
	windows[0] =
		(struct user_window){0x1000, input, sizeof(input), false, &windows[1]};
	windows[1] = (struct user_window){0x2000, output, sizeof(output), true, NULL};
	thread_self()->windows = windows;
}

static void client_memory(void **state)
{
	struct user_window windows[2];
	char text[8] = "";
	(void)state;
	open_windows(windows);
	assert_int_equal(copyin(0x1001, text, 3), 0);
	assert_string_equal(text, "bcd");
	assert_int_equal(copyin(0x1004, text, 4), 14); /* past the end */
	assert_int_equal(copyin(0x0fff, text, 2), 14);
	assert_int_equal(copyin(0x2000, text, 1), 14); /* the wrong way */
	assert_int_equal(copyin((user_addr_t)-4, text, 8), 14);
	assert_int_equal(copyin((user_addr_t)(uintptr_t)input, text, 1), 14);
	assert_int_equal(copyin(0xdead, text, 0), 0);
	assert_int_equal(copyout("xyz", 0x2002, 3), 0);
	assert_memory_equal(output + 2, "xyz", 3);
	assert_int_equal(copyout("xyz", 0x1000, 3), 14);
	assert_int_equal(copyout("123456789", 0x2000, 9), 14);
	thread_self()->windows = NULL;
}

static void client_strings(void **state)
{
	struct user_window windows[2];
	char text[16] = "";
	size_t done;
	(void)state;
	open_windows(windows);
	assert_int_equal(copyinstr(0x1003, text, sizeof(text), &done), 0);
	assert_int_equal(done, 4);
	assert_string_equal(text, "def");
	assert_int_equal(copyinstr(0x1000, text, 3, &done), 63);
	assert_int_equal(done, 3);
	assert_int_equal(copyinstr(0x3000, text, 3, &done), 14);
	assert_int_equal(done, 0);
	assert_int_equal(copyoutstr("hi", 0x2000, 8, &done), 0);
	assert_int_equal(done, 3);
	assert_string_equal(output, "hi");
	thread_self()->windows = NULL;
	assert_int_equal(copystr("abc", text, 3, NULL), 63);
	assert_int_equal(copystr("abc", text, 4, &done), 0);
	assert_int_equal(done, 4);
}

/* A kernel thread's "user" addresses are the kernel's own; bad ones are an error, no
 * fault. */
static void kernel_threads_copy_kernel_memory(void **state)
{
	char text[8];
	char *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void)state;
	trap_startup(); /* cmocka has its own handlers in each test */
	assert_int_equal(mprotect(page + PAGE, PAGE, PROT_NONE), 0);
	memcpy(page + PAGE - 4, "tail", 4);
	assert_int_equal(copyin((user_addr_t)(uintptr_t)(page + PAGE - 4), text, 4), 0);
	assert_memory_equal(text, "tail", 4);
	assert_int_equal(copyin((user_addr_t)(uintptr_t)(page + PAGE - 4), text, 5), 14);
	assert_int_equal(copyout(text, (user_addr_t)(uintptr_t)(page + PAGE), 1), 14);
	assert_int_equal(copyin(8, text, 4), 14);
	munmap(page, 2 * PAGE);
}

/* ---- through the protocol ---- */

static void log_over_the_protocol(void **state)
{
	struct kernel kernel;
	struct image image;
	struct buffer body = {0};
	(void)state;
	boot(&kernel, NULL);
	new_image(&kernel, &image, "test.talks");
	unsigned at = put_entry(&image, START_AT);
	at = put_call(&image, at, kernel_symbol("_IOLog"), image.address + DATA_AT, 1234);
	put_exit(&image, at, 0);
	put_code(&image, DATA_AT, "number %d\n", 11);
	assert_int_equal(load_image(&kernel, &image), 0);
	uint64_t end = strlen(whole_log(&kernel));
	while (kernel.log_end < end)
		assert_true(receive(&kernel, KERNEL_LOG, 0));
	assert_int_equal(kernel.log_end, end);
	fields_put_u64(&body, FIELD_POSITION, end - 12);
	assert_int_equal(ask(&kernel, KERNEL_LOG_READ, &body, -1), 0);
	assert_int_equal(fields_u64(answer(&kernel), FIELD_POSITION), end);
	struct bytes data = fields_bytes(answer(&kernel), FIELD_DATA);
	assert_int_equal(data.size, 12);
	assert_memory_equal(data.data, "number 1234\n", 12);
	assert_int_equal(shut_down(&kernel), 0);
}

static int start_kernel_parts(void **state)
{
	(void)state;
	machine_thread_setup();
	clock_startup();
	thread_startup();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_kept_without_controls),
		cmocka_unit_test(reads_continue_where_they_ended),
		cmocka_unit_test(old_text_is_overwritten),
		cmocka_unit_test(writers_do_not_mix),
		cmocka_unit_test(readers_are_told),
		cmocka_unit_test(client_memory),
		cmocka_unit_test(client_strings),
		cmocka_unit_test(kernel_threads_copy_kernel_memory),
		cmocka_unit_test(log_over_the_protocol),
	};
	return cmocka_run_group_tests(tests, start_kernel_parts, NULL);
}
