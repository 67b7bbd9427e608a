/* What ends the kernel, what the report says, and what the sandbox refuses. */
#include "kernel_driver.h"
#include "kernel/machine/machine.h"

static struct kernel kernel;
static struct image image;

static void begin(const char *identifier)
{
	boot(&kernel, NULL);
	new_image(&kernel, &image, identifier);
}

/* Maps and starts the image; the start routine must panic. */
static void start_and_panic(void)
{
	struct buffer body = {0};
	assert_int_equal(map_image(&kernel, &image), 0);
	fields_put_u32(&body, FIELD_TAG, image.tag);
	uint64_t id = send_request(&kernel, KERNEL_START, &body, -1);
	assert_false(receive(&kernel, KERNEL_START, id));
	assert_int_equal(await_end(&kernel), 70);
}

static void assert_reported(const char *text)
{
	if (!strstr(kernel.report, text))
		fail_msg("no \"%s\" in the report:\n%s", text, kernel.report);
}

/* A line of the fixed form for an offset of the image. */
static void assert_place(unsigned offset)
{
	char text[128];
	snprintf(text, sizeof(text), "0x%016llx : %s + 0x%x\n",
		 (unsigned long long)(image.address + offset), image.identifier, offset);
	assert_reported(text);
}

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
			"@0x200010000000->0x200010001fff starting\n");
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

static void harmless_privileged_instructions(void **state)
{
	(void)state;
	begin("test.cli");
	put_code(&image, START_AT, "\xfa\xfb\x0f\x09\x31\xc0\xc3",
		 7); /* cli sti wbinvd */
	assert_int_equal(load_image(&kernel, &image), 0);
	assert_int_equal(shut_down(&kernel), 0);
}

static void other_privileged_instructions(void **state)
{
	static const struct {
		const char *code, *name;
	} cases[] = {
		{"\x0f\x32\xc3", "privileged instruction rdmsr"},
		{"\x0f\x30\xc3", "privileged instruction wrmsr"},
		{"\xec\xc3", "privileged instruction in"},
		{"\xf4\xc3", "privileged instruction hlt"},
		{"\x0f\x20\xc0\xc3", "privileged instruction mov from cr"},
		{"\x66\xef\xc3", "privileged instruction out"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		begin("test.privileged");
		put_code(&image, START_AT, cases[i].code, strlen(cases[i].code));
		start_and_panic();
		assert_reported(cases[i].name);
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

/* A kext's own system call is refused whatever it is. */
static void raw_system_calls(void **state)
{
	static const uint32_t calls[] = {2 /* open */,	   59 /* execve */,
					 41 /* socket */,  62 /* kill */,
					 101 /* ptrace */, 39 /* getpid */};
	(void)state;
	if (!HAS_SANDBOX)
		return;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		char text[64];
		begin("test.syscall");
		put_return(&image, START_AT, calls[i]);
		put_code(&image, START_AT + 5, "\x31\xff\x31\xf6\x0f\x05\xc3", 7);
		start_and_panic();
		snprintf(text, sizeof(text), "forbidden system call %u ", calls[i]);
		assert_reported(text);
		assert_place(START_AT + 11);
	}
}

static int try_in_sandbox(void (*attempt)(void))
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGSYS, SIG_DFL);
		sandbox_enter(-1);
		attempt();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void try_nothing(void)
{
	free(malloc(1 << 20));
}

static void try_open(void)
{
	(void)!open("/etc/passwd", O_RDONLY);
}

static void try_fork(void)
{
	(void)!fork();
}

static void try_kill(void)
{
	kill(getppid(), 0);
}

static void try_exec(void)
{
	execl("/bin/true", "true", NULL);
}

static void try_socket(void)
{
	(void)!socket(AF_INET, SOCK_STREAM, 0);
}

static void try_wx(void)
{
	(void)!mmap(NULL, PAGE, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
}

/* The same from the kernel's own code, where the list of allowed calls decides. */
static void filter_refuses(void **state)
{
	static void (*const attempts[])(void) = {try_open, try_fork,   try_kill,
						 try_exec, try_socket, try_wx};
	(void)state;
	if (!HAS_SANDBOX)
		return;
	assert_int_equal(try_in_sandbox(try_nothing), 0);
	for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++)
		assert_int_equal(try_in_sandbox(attempts[i]), SIGSYS);
}

/* Field of /proc/PID/status. */
static unsigned long long status_field(pid_t pid, const char *name, int base)
{
	char line[256], path[64];
	unsigned long long value = ~0ull;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtoull(line + strlen(name), NULL, base);
	}
	fclose(file);
	return value;
}

/* Whether this user namespace has such a user. */
static bool has_user(unsigned uid)
{
	unsigned first, outside, count, found = 0;
	FILE *file = fopen("/proc/self/uid_map", "r");
	assert_non_null(file);
	while (fscanf(file, "%u %u %u", &first, &outside, &count) == 3)
		found |= uid >= first && uid - first < count;
	fclose(file);
	return found;
}

static void assert_unprivileged(const char *const *options, bool is_mapped)
{
	boot(&kernel, options);
	assert_int_equal(status_field(kernel.pid, "CapEff:", 16), 0);
	assert_int_equal(status_field(kernel.pid, "CapPrm:", 16), 0);
	assert_int_equal(status_field(kernel.pid, "NoNewPrivs:", 10), 1);
	assert_int_equal(status_field(kernel.pid, "Seccomp:", 10), 2);
	if (is_mapped && options)
		assert_int_equal(status_field(kernel.pid, "Uid:", 10), 54321);
	new_image(&kernel, &image, "test.simple");
	assert_int_equal(load_image(&kernel, &image), 0);
	assert_int_equal(shut_down(&kernel), 0);
}

/* With a user id of its own, which root alone can give, and without. */
static void privileges_are_gone(void **state)
{
	static const char *const options[] = {"--uid", "54321", NULL};
	(void)state;
	if (!HAS_SANDBOX)
		return;
	assert_unprivileged(NULL, false);
	if (geteuid() == 0)
		assert_unprivileged(options, has_user(54321));
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
		cmocka_unit_test(harmless_privileged_instructions),
		cmocka_unit_test(other_privileged_instructions),
		cmocka_unit_test(boot_arguments_and_log_are_reported),
		cmocka_unit_test(raw_system_calls),
		cmocka_unit_test(filter_refuses),
		cmocka_unit_test(privileges_are_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
