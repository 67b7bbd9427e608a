/*
 * What the kernel gives up before the first kext runs: resources, identity, capabilities,
 * descriptors, files, and all system calls but those its own parts need. A kext that
 * tries another, or issues any system call from its own code, panics the kernel.
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "kernel/machine/machine.h"

#define ADDRESS_SPACE (16ull << 30)  /* with the reserved ranges */
#define MAX_FILES     256	     /* with those that kextd sends */
#define MAX_FILE_SIZE (256ull << 20) /* that one can be made to have */
#define MAX_PROCESSES 1024	     /* threads of a user id that nobody else has */
#define FIRST_CLOSED  5

/* The flags with which the C library makes threads. */
#define THREAD_FLAGS                                                                     \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |              \
	 CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

static _Noreturn void fail(const char *what, int error)
{
	fprintf(stderr, "kernel_task: sandbox: %s: %s\n", what, strerror(error));
	exit(71);
}

static void limit(int resource, uint64_t value, const char *name)
{
	struct rlimit old, new = {value, value};
	if (getrlimit(resource, &old) == 0 && old.rlim_max < value)
		new = (struct rlimit){old.rlim_max, old.rlim_max};
	if (setrlimit(resource, &new) < 0)
		fail(name, errno);
}

static void limit_resources(bool has_own_uid)
{
	limit(RLIMIT_CORE, 0, "core size");
	limit(RLIMIT_AS, ADDRESS_SPACE, "address space");
	limit(RLIMIT_NOFILE, MAX_FILES, "open files");
	limit(RLIMIT_FSIZE, MAX_FILE_SIZE, "size of files");
	if (has_own_uid)
		limit(RLIMIT_NPROC, MAX_PROCESSES, "threads");
}

/*
 * Root of a user namespace cannot become a user that the namespace does not have
 * (EINVAL). Its own user id is then no more than the namespace's creator's, and stays.
 */
static void drop_uid(long uid)
{
	if (uid < 0)
		return;
	if (setresgid((gid_t)uid, (gid_t)uid, (gid_t)uid) < 0) {
		if (errno != EINVAL)
			fail("group id", errno);
		fprintf(stderr, "kernel_task: no user %ld in this user namespace\n", uid);
		return;
	}
	if (setgroups(0, NULL) < 0 || setresuid((uid_t)uid, (uid_t)uid, (uid_t)uid) < 0)
		fail("user id", errno);
}

/* Also from a user who is root of a user namespace of its own. */
static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
	for (int capability = 0; capability <= CAP_LAST_CAP; capability++)
		prctl(PR_CAPBSET_DROP, capability); /* needs CAP_SETPCAP: best effort */
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, none) < 0)
		fail("capabilities", errno);
}

static void set_flags(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fail("no_new_privs", errno);
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		fail("dumpable", errno);
	if (close_range(FIRST_CLOSED, ~0u, 0) < 0)
		fail("descriptors", errno);
}

static void confine_files(void)
{
	int version = landlock_enter();
	if (version < 0)
		fail("landlock", -version);
	if (version > 0)
		kernel_log("sandbox: landlock version %d, no rights\n", version);
	else
		kernel_log("sandbox: no landlock in this Linux\n");
}

/*
 * System calls of the kernel itself: memory, threads, locks, clocks, signals, messages
 * over descriptors it holds already, and use of the files that kextd sends. None names a
 * file, a process or an address of a network.
 */
static const int allowed[] = {
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(close),
	SCMP_SYS(lseek),
	SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),
	SCMP_SYS(fstat),
	SCMP_SYS(ftruncate),
	SCMP_SYS(fsync),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(brk),
	SCMP_SYS(futex),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(membarrier),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(getcpu),
	SCMP_SYS(gettid),
	SCMP_SYS(getpid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(getrandom),
	SCMP_SYS(pause),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sysinfo),
	SCMP_SYS(uname),
};

static void allow(scmp_filter_ctx filter, int call, unsigned count, struct scmp_arg_cmp a,
		  struct scmp_arg_cmp b)
{
	int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, count, a, b);
	if (error)
		fail("system call filter", -error);
}

static void allow_when(scmp_filter_ctx filter, int call, struct scmp_arg_cmp condition)
{
	allow(filter, call, 1, condition, condition);
}

/* Calls that are harmless with some arguments only. */
static void allow_conditionally(scmp_filter_ctx filter)
{
	const uint64_t wx = 2 | 4; /* PROT_WRITE | PROT_EXEC */
	const uint64_t exec = 4;
	int error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (error)
		fail("system call filter", -error);
	allow_when(filter, SCMP_SYS(clone), SCMP_A0(SCMP_CMP_EQ, THREAD_FLAGS));
	/* Pages that are writable and executable at once are never needed. */
	allow_when(filter, SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, exec, 0));
	allow_when(filter, SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, wx, exec));
	allow_when(filter, SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, exec, 0));
	allow_when(filter, SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, wx, exec));
	allow_when(filter, SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, (uint64_t)getpid()));
	allow_when(filter, SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
	allow_when(filter, SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, 1034 /* F_GET_SEALS */));
}

static void filter_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
	if (!filter)
		fail("system call filter", ENOMEM);
	/* int 0x80 too is to be reported; without this, it would kill without a word. */
	int bad_arch = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_TRAP);
	if (bad_arch)
		fail("system call filter", -bad_arch);
	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++) {
		int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
		if (error)
			fail("system call filter", -error);
	}
	allow_conditionally(filter);
	int error = seccomp_load(filter);
	if (error)
		fail("system call filter", -error);
	seccomp_release(filter);
}

/* A second filter, which libseccomp cannot express: no call at all from kext code. */
static void filter_kexts(void)
{
	const uint32_t low = (uint32_t)KERNEL_KEXTS;
	const uint32_t high = (uint32_t)(KERNEL_KEXTS >> 32);
	const uint32_t ip = offsetof(struct seccomp_data, instruction_pointer);
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ip + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, high, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ip),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, low, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, low + (uint32_t)KERNEL_KEXTS_SIZE, 1,
			 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(*code), code};
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		fail("system call filter of kexts", errno);
}

/* All of this holds for the calling thread and those it makes, and for no other. */
static void check_alone(void)
{
	if (unshare(CLONE_THREAD) < 0)
		fail("threads run already", errno);
}

void sandbox_enter(long uid)
{
	check_alone();
	limit_resources(uid >= 0);
	drop_uid(uid);
	drop_capabilities();
	set_flags();
	confine_files();
	filter_kexts();
	filter_calls();
}
