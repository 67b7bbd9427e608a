/* What ends the kernel, and what the report says. */
#include "kernel_panics.h"

static void invalid_opcode(void **state)
{
	(void)state;
	begin("test.ud2");
	put_code(&image, START_AT, "\x0f\x0b", 2);
	start_and_panic();
	assert_reported("invalid opcode");
	assert_place(START_AT);
	assert_reported("<0f> 0b ");
	assert_reported("RIP: 0x0000200010000100");
	assert_reported("   test.ud2(1.2.3)[30313233-3435-3637-3839-616263646566]"
			"@0x200010000000->0x200010001fff size 0x2000 starting\n");
	assert_reported("Kernel version: Darwin Kernel Version 19.6.0");
	assert_reported("kext start");
	if (getenv("SHOW"))
		fputs(kernel.report, stderr);
	assert_memory_equal(kernel.report,
			    "panic(cpu 0 caller 0x0000200010000100): invalid", 47);
}

static void null_read_in_stop(void **state)
{
	struct buffer body = {0};
	(void)state;
	begin("test.null");
	put_code(&image, STOP_AT, "\x8b\x04\x25\x08\x00\x00\x00\xc3",
		 8); /* mov eax, [8] */
	assert_int_equal(load_image(&kernel, &image), 0);
	fields_put_u32(&body, FIELD_TAG, image.tag);
	uint64_t id = send_request(&kernel, KERNEL_STOP, &body, -1);
	assert_false(receive(&kernel, KERNEL_STOP, id));
	assert_int_equal(await_end(&kernel), 70);
	assert_reported("page fault: read of 0x0000000000000008 (NULL pointer)");
	assert_place(STOP_AT);
}

static void write_to_own_code(void **state)
{
	(void)state;
	begin("test.write");
	/* mov [rip - 7], eax */
	put_code(&image, START_AT, "\x89\x05\xfa\xff\xff\xff\xc3", 7);
	start_and_panic();
	assert_reported("page fault: write of 0x0000200010000100");
}

static void missing_symbol_called(void **state)
{
	(void)state;
	begin("test.missing");
	unsigned at = put_entry(&image, START_AT);
	at = put_call(&image, at, kernel_symbol("_ifnet_attach"), 1, 2);
	put_exit(&image, at, 0);
	start_and_panic();
	assert_reported("call of _ifnet_attach, which this kernel does not implement");
	assert_place(at);
}

static void missing_symbol_read(void **state)
{
	uint8_t code[] = {0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0x8b, 0x00, 0xc3};
	(void)state;
	begin("test.missing");
	store64(code + 2, kernel_symbol("_ifnet_attach") + 16, false);
	put_code(&image, START_AT, code, sizeof(code)); /* mov rax, …; mov eax, [rax] */
	start_and_panic();
	assert_reported("read of _ifnet_attach, which");
	assert_place(START_AT + 10);
}

static void jump_to_null(void **state)
{
	(void)state;
	begin("test.jump");
	unsigned at = put_entry(&image, START_AT);
	at = put_call(&image, at, 0, 1, 2);
	put_exit(&image, at, 0);
	start_and_panic();
	assert_reported("page fault: call of 0x0000000000000000 (NULL pointer)");
	assert_place(at);
}

static void stack_overflow(void **state)
{
	(void)state;
	begin("test.deep");
	put_code(&image, START_AT, "\x55\x48\x89\xe5\xe8\xf7\xff\xff\xff\xc3", 10);
	start_and_panic();
	assert_reported("stack overflow");
	assert_place(START_AT + 9);
}

static void divide_error(void **state)
{
	(void)state;
	begin("test.divide");
	put_code(&image, START_AT, "\x31\xc9\xf7\xf1\xc3", 5); /* xor ecx, ecx; div ecx */
	start_and_panic();
	assert_reported("divide error");
}

static void kext_panics(void **state)
{
	(void)state;
	begin("test.panic");
	unsigned at = put_entry(&image, START_AT);
	at = put_call(&image, at, kernel_symbol("_panic"), image.address + DATA_AT, 0x2a);
	put_exit(&image, at, 0);
	put_code(&image, DATA_AT, "the answer is %d", 17);
	start_and_panic();
	assert_reported("the answer is 42\n");
	assert_place(at);
}

/* The kext's thread comes back to code that is gone. */
static void thread_outlives_its_kext(void **state)
{
	(void)state;
	begin("test.thread");
	unsigned at = put_entry(&image, 0x300);
	at = put_call(&image, at, kernel_symbol("_IOSleep"), 200, 0);
	put_exit(&image, at, 0);
	unsigned start = put_entry(&image, START_AT);
	start = put_call(&image, start, kernel_symbol("_IOCreateThread"),
			 image.address + 0x300, 0);
	put_exit(&image, start, 0);
	assert_int_equal(load_image(&kernel, &image), 0);
	assert_int_equal(ask_tag(&kernel, KERNEL_STOP, image.tag), 0);
	assert_int_equal(await_end(&kernel), 70);
	assert_reported("in test.thread, which was unloaded");
}

static void cancelled_start(void **state)
{
	struct buffer body = {0};
	(void)state;
	begin("test.endless");
	put_code(&image, START_AT, "\x55\x48\x89\xe5\xeb\xfe", 6); /* jmp self */
	assert_int_equal(map_image(&kernel, &image), 0);
	fields_put_u32(&body, FIELD_TAG, image.tag);
	send_request(&kernel, KERNEL_START, &body, -1);
	while (fields_u32(listed(&kernel, "test.endless"), FIELD_STATE) !=
	       KEXT_STATE_STARTING)
		usleep(1000);
	fields_put_text(&body, FIELD_CAUSE, "cancelled: time is up");
	send_request(&kernel, KERNEL_CANCEL, &body, -1);
	assert_int_equal(await_end(&kernel), 70);
	assert_reported("cancelled: time is up\n");
	assert_reported("test.endless(1.2.3)");
	assert_place(START_AT + 4); /* where it was, from the frozen thread */
}

/* rdmsr in start, whose answer in RDX:RAX must be `value`, else start fails. */
static uint32_t start_with_rdmsr(const char *boot_args, uint32_t number, uint64_t value)
{
	const char *options[] = {"--boot-args", boot_args, NULL};
	uint8_t code[] = {0xb9, 0,    0,   0, 0,    /* mov ecx, number */
			  0x0f, 0x32,		    /* rdmsr */
			  0x2d, 0,    0,   0, 0,    /* sub eax, low */
			  0x81, 0xea, 0,   0, 0, 0, /* sub edx, high */
			  0x09, 0xd0, 0xc3};	    /* or eax, edx; ret */
	store32(code + 1, number, false);
	store32(code + 8, (uint32_t)value, false);
	store32(code + 14, (uint32_t)(value >> 32), false);
	boot(&kernel, options);
	new_image(&kernel, &image, "test.rdmsr");
	put_code(&image, START_AT, code, sizeof(code));
	uint32_t error = load_image(&kernel, &image);
	assert_int_equal(shut_down(&kernel), 0);
	return error;
}

static void model_specific_registers(void **state)
{
	const char *boot_args = "msr=0x1a0:0x123456789abcdef0,0x7777:7";
	(void)state;
	assert_int_equal(start_with_rdmsr("", 0x1b, 0xfee00900), 0);
	assert_int_equal(start_with_rdmsr("", 0xce, 0x80000001800), 0);
	assert_int_not_equal(start_with_rdmsr("", 0xce, 0x1800), 0);
	assert_int_equal(start_with_rdmsr(boot_args, 0x1a0, 0x123456789abcdef0), 0);
	assert_int_equal(start_with_rdmsr(boot_args, 0x7777, 7), 0);
}

static void model_specific_register_taken_away(void **state)
{
	static const char *const options[] = {"--boot-args", "msr=0x1a0:-", NULL};
	(void)state;
	boot(&kernel, options);
	new_image(&kernel, &image, "test.rdmsr");
	put_code(&image, START_AT, "\xb9\xa0\x01\x00\x00\x0f\x32\xc3", 8);
	start_and_panic();
	assert_reported("privileged instruction rdmsr 0x1a0 at 0x0000200010000105 : "
			"test.rdmsr + 0x105\n");
}

/* Lenience is asked for. */
static void lenient_processor(void **state)
{
	static const char *const options[] = {"--boot-args", "-cpu_lenient", NULL};
	(void)state;
	boot(&kernel, options);
	new_image(&kernel, &image, "test.cli");
	put_code(&image, START_AT, "\xfa\xfb\x0f\x09\x31\xc0\xc3",
		 7); /* cli sti wbinvd */
	assert_int_equal(load_image(&kernel, &image), 0);
	assert_int_equal(shut_down(&kernel), 0);
}

static void other_privileged_instructions(void **state)
{
	static const struct {
		const char *code;
		unsigned size;
		const char *name;
	} cases[] = {
		{"\xb9\xa0\x01\x00\x00\x0f\x30\xc3", 8, "wrmsr 0x1a0"},
		{"\xb9\x88\x77\x00\x00\x0f\x32\xc3", 8, "rdmsr 0x7788"},
		{"\xb9\x01\x00\x00\x40\x0f\x33\xc3", 8, "rdpmc 0x40000001"},
		{"\xba\xf8\x03\x00\x00\xec\xc3", 7, "in 0x3f8"},
		{"\xba\xf8\x03\x00\x00\x66\xef\xc3", 8, "out 0x3f8"},
		{"\xe6\x70\xc3", 3, "out 0x70"},
		{"\xf4\xc3", 2, "hlt"},
		{"\xfa\xc3", 2, "cli"},
		{"\xfb\xc3", 2, "sti"},
		{"\x0f\x09\xc3", 3, "wbinvd"},
		{"\x0f\x20\xc0\xc3", 4, "mov from cr0"},
		{"\x0f\x22\xe0\xc3", 4, "mov to cr4"},
		{"\x44\x0f\x22\xc0\xc3", 5, "mov to cr8"},
		{"\x0f\x23\xf8\xc3", 4, "mov to dr7"},
		{"\x0f\x01\x17\xc3", 4, "lgdt"},
		{"\x0f\x01\x1f\xc3", 4, "lidt"},
		{"\x0f\x01\x3f\xc3", 4, "invlpg"},
		{"\x0f\x01\xf8\xc3", 4, "swapgs"},
		{"\x0f\x06\xc3", 3, "clts"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[128];
		begin("test.privileged");
		put_code(&image, START_AT, cases[i].code, cases[i].size);
		start_and_panic();
		snprintf(text, sizeof(text), ": privileged instruction %s at 0x%08x",
			 cases[i].name, 0x2000);
		assert_reported(text);
	}
}

static void breakpoint(void **state)
{
	(void)state;
	begin("test.int3");
	put_code(&image, START_AT, "\xcc\xc3", 2);
	start_and_panic();
	assert_reported("breakpoint");
}

static void boot_arguments_and_log_are_reported(void **state)
{
	static const char *const options[] = {"--boot-args", "debug=0x144 -v", NULL};
	(void)state;
	boot(&kernel, options);
	new_image(&kernel, &image, "test.talks");
	unsigned at = put_entry(&image, START_AT);
	at = put_call(&image, at, kernel_symbol("_printf"), image.address + DATA_AT, 0);
	put_code(&image, at, "\x0f\x0b", 2);
	put_code(&image, DATA_AT, "last words\n", 12);
	start_and_panic();
	assert_reported("Boot args: debug=0x144 -v\n");
	assert_reported("last words\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(invalid_opcode),
		cmocka_unit_test(null_read_in_stop),
		cmocka_unit_test(write_to_own_code),
		cmocka_unit_test(missing_symbol_called),
		cmocka_unit_test(missing_symbol_read),
		cmocka_unit_test(jump_to_null),
		cmocka_unit_test(stack_overflow),
		cmocka_unit_test(divide_error),
		cmocka_unit_test(breakpoint),
		cmocka_unit_test(kext_panics),
		cmocka_unit_test(thread_outlives_its_kext),
		cmocka_unit_test(cancelled_start),
		cmocka_unit_test(model_specific_registers),
		cmocka_unit_test(model_specific_register_taken_away),
		cmocka_unit_test(lenient_processor),
		cmocka_unit_test(other_privileged_instructions),
		cmocka_unit_test(boot_arguments_and_log_are_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
