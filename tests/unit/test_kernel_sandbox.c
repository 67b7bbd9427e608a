/*
 * What the sandbox refuses, from a kext's code and from the kernel's own. Not run with
 * sanitizers, whose runtime needs what the sandbox forbids: kernel_task has none then.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "kernel_panics.h"
#include "kernel/machine/machine.h"

/* A kext's own system call is refused whatever it is; `code` issues number `call`. */
static void assert_call_refused(uint32_t call, const char *code, const char *named)
{
	char text[160];
	begin("test.syscall");
	put_return(&image, START_AT, call);
	put_code(&image, START_AT + 5, "\x31\xff\x31\xf6", 4);
	put_code(&image, START_AT + 9, code, 3);
	start_and_panic();
	snprintf(text, sizeof(text), "%s (%u) at 0x%016llx : test.syscall + 0x109\n",
		 named, call, (unsigned long long)image.address + START_AT + 9);
	assert_reported(text);
}

static void raw_system_calls(void **state)
{
	static const char code[] = "\x0f\x05\xc3"; /* syscall */
	(void)state;
	assert_call_refused(2, code, "forbidden system call open");
	assert_call_refused(59, code, "forbidden system call execve");
	assert_call_refused(41, code, "forbidden system call socket");
	assert_call_refused(62, code, "forbidden system call kill");
	assert_call_refused(101, code, "forbidden system call ptrace");
	assert_call_refused(39, code, "forbidden system call getpid");
	assert_call_refused(9999, code, "forbidden system call of an unknown number");
}

/* Numbers of 32-bit programs mean other calls: 5 is open, 11 execve, 20 getpid. */
static void raw_system_calls_of_32_bits(void **state)
{
	static const char code[] = "\xcd\x80\xc3"; /* int 0x80 */
	(void)state;
	assert_call_refused(5, code, "forbidden 32-bit system call open");
	assert_call_refused(11, code, "forbidden 32-bit system call execve");
	assert_call_refused(20, code, "forbidden 32-bit system call getpid");
}

/*
 * AMD's processors find it invalid in 64-bit code; with Intel's, Linux forgets where it
 * was and looks for arguments in the lowest 4 GiB, where nothing is.
 */
static void sysenter_is_refused(void **state)
{
	static const uint8_t code[] = {
		0x55, 0x48, 0x89, 0xe5,	   /* push rbp; mov rbp, rsp */
		0xb8, 20,   0,	  0,	0, /* mov eax, 20 (getpid) */
		0x0f, 0x34, 0xc9, 0xc3};   /* sysenter; leave; ret */
	(void)state;
	begin("test.sysenter");
	unsigned at = put_entry(&image, START_AT);
	at = put_call(&image, at, image.address + 0x400, 0, 0);
	put_exit(&image, at, 0);
	put_code(&image, 0x400, code, sizeof(code));
	start_and_panic();
	assert_reported("forbidden 32-bit system call ");
	assert_reported("sysenter");
	assert_place(at);
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

static int held_folder = -1; /* opened outside, as those that kextd sends */

static void try_open_beneath(void)
{
	(void)!openat(held_folder, "passwd", O_RDONLY);
}

static void try_openat2(void)
{
	uint64_t how[3] = {0};
	syscall(SYS_openat2, held_folder, "passwd", how, sizeof(how));
}

static void try_stat(void)
{
	struct stat st;
	syscall(SYS_newfstatat, held_folder, "passwd", &st, 0);
}

static void try_getdents(void)
{
	char names[512];
	syscall(SYS_getdents64, held_folder, names, sizeof(names));
}

static void try_unlink(void)
{
	unlinkat(held_folder, "none", 0);
}

static void try_dup(void)
{
	(void)!dup(held_folder);
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
	static void (*const attempts[])(void) = {try_open, try_open_beneath, try_openat2,
						 try_stat, try_getdents,     try_unlink,
						 try_dup,  try_fork,	     try_kill,
						 try_exec, try_socket,	     try_wx};
	(void)state;
	held_folder = open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(held_folder >= 0);
	assert_int_equal(try_in_sandbox(try_nothing), 0);
	for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++)
		assert_int_equal(try_in_sandbox(attempts[i]), SIGSYS);
}

static int received[2]; /* ends of a socket pair; one stands for kextd's */

/* What kextd sends can be used: read and written at positions, cut, looked at. */
static void try_files(void)
{
	struct frame_reader reader;
	struct frame frame;
	struct stat st;
	char text[4];
	frame_reader_init(&reader, received[0], 100);
	if (frame_reader_read(&reader, &frame) != 1 || frame.fd_count != 1)
		_exit(1);
	int fd = frame.fds[0];
	if (pwrite(fd, "text", 4, 0) != 4 || pread(fd, text, 4, 0) != 4 ||
	    ftruncate(fd, 3) < 0 || fsync(fd) < 0 || syscall(SYS_fstat, fd, &st) < 0 ||
	    st.st_size != 3)
		_exit(2);
}

static void files_that_came_are_usable(void **state)
{
	int status;
	(void)state;
	int file = memfd_create("file", MFD_CLOEXEC);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, received), 0);
	/* Below those that the sandbox closes. */
	pid_t pid = fork();
	if (pid == 0) {
		dup2(received[0], 3);
		received[0] = 3;
		sandbox_enter(-1);
		try_files();
		_exit(0);
	}
	struct frame frame = {.type = KERNEL_OPEN, .fds = {file}, .fd_count = 1};
	assert_int_equal(frame_send(received[1], &frame), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(file);
	close(received[0]);
	close(received[1]);
}

/* Field of /proc/PID/task/THREAD/status. */
static unsigned long long status_field(pid_t pid, const char *thread, const char *name,
				       int base)
{
	char line[256], path[320];
	unsigned long long value = ~0ull;
	snprintf(path, sizeof(path), "/proc/%d/task/%s/status", pid, thread);
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

static void assert_thread_unprivileged(const char *thread, bool has_own_uid)
{
	assert_int_equal(status_field(kernel.pid, thread, "CapEff:", 16), 0);
	assert_int_equal(status_field(kernel.pid, thread, "CapPrm:", 16), 0);
	assert_int_equal(status_field(kernel.pid, thread, "NoNewPrivs:", 10), 1);
	assert_int_equal(status_field(kernel.pid, thread, "Seccomp:", 10), 2);
	if (has_own_uid)
		assert_int_equal(status_field(kernel.pid, thread, "Uid:", 10), 54321);
}

/* Each thread, for a sandbox is a thread's own: workers that run kexts count. */
static void assert_unprivileged(const char *const *options, bool is_mapped)
{
	char path[64];
	unsigned threads = 0;
	const struct dirent *entry;
	boot(&kernel, options);
	snprintf(path, sizeof(path), "/proc/%d/task", kernel.pid);
	DIR *folder = opendir(path);
	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		assert_thread_unprivileged(entry->d_name, is_mapped && options);
		threads++;
	}
	closedir(folder);
	assert_true(threads >= 4);
	new_image(&kernel, &image, "test.simple");
	assert_int_equal(load_image(&kernel, &image), 0);
	assert_int_equal(shut_down(&kernel), 0);
}

/* With a user id of its own, which root alone can give, and without. */
static void privileges_are_gone(void **state)
{
	static const char *const options[] = {"--uid", "54321", NULL};
	(void)state;
	assert_unprivileged(NULL, false);
	if (geteuid() == 0)
		assert_unprivileged(options, has_user(54321));
}

/* ---- landlock, which this Linux may lack ---- */

static int in_child(int (*attempt)(void))
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(attempt());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* The errno of opening a file that everybody may read; 255 when nothing could be tried.
 */
static int open_confined(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (landlock_enter() != landlock_version())
		return 255;
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
}

/* Making a socket is no right of landlock's; reaching somebody with it is. */
static int connect_confined(void)
{
	struct sockaddr_in nobody = {.sin_family = AF_INET,
				     .sin_port = htons(9),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (fd < 0 || landlock_enter() != landlock_version())
		return 255;
	return connect(fd, (struct sockaddr *)&nobody, sizeof(nobody)) < 0 ? errno : 0;
}

/* The version as Linux tells it to whoever asks; 0 when it does not know the call. */
static long ask_version(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
	return version < 0 ? 0 : version;
}

static void landlock_takes_rights(void **state)
{
	long version = ask_version();
	(void)state;
	assert_int_equal(landlock_version(), version);
	assert_int_equal(in_child(open_confined), version >= 1 ? EACCES : 0);
	assert_int_equal(in_child(connect_confined),
			 version >= 4 ? EACCES : ECONNREFUSED);
}

/* Makes this Linux one without landlock for the process. */
static int open_without_landlock(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	if (!filter ||
	    seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
			     SCMP_SYS(landlock_create_ruleset), 0) ||
	    seccomp_load(filter))
		return 254;
	return landlock_version() == 0 ? open_confined() : 253;
}

static void fallback_without_landlock(void **state)
{
	(void)state;
	assert_int_equal(in_child(open_without_landlock), 0);
}

/* With it or without, the kernel comes up, says which, and runs kexts. */
static void landlock_is_logged(void **state)
{
	char line[64] = "sandbox: no landlock in this Linux\n";
	long version = ask_version();
	(void)state;
	if (version)
		snprintf(line, sizeof(line), "sandbox: landlock version %ld, no rights\n",
			 version);
	begin("test.simple");
	assert_non_null(strstr(whole_log(&kernel), line));
	assert_int_equal(load_image(&kernel, &image), 0);
	assert_int_equal(shut_down(&kernel), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_system_calls),
		cmocka_unit_test(raw_system_calls_of_32_bits),
		cmocka_unit_test(sysenter_is_refused),
		cmocka_unit_test(filter_refuses),
		cmocka_unit_test(files_that_came_are_usable),
		cmocka_unit_test(privileges_are_gone),
		cmocka_unit_test(landlock_takes_rights),
		cmocka_unit_test(fallback_without_landlock),
		cmocka_unit_test(landlock_is_logged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
