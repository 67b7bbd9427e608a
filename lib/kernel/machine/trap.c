/*
 * What the processor and Linux report about a thread's instructions: page faults (with
 * missing symbols among them), privileged and invalid instructions, forbidden system
 * calls. A few are survived; the others are panics.
 */
#include <linux/audit.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "kernel/machine/machine.h"
#include "kernel/osfmk/guarded.h"
#include "kernel/osfmk/osfmk.h"
#include "kernel/pexpert/pexpert.h"

#define ALTERNATE_SIZE (128u << 10)

enum { FAULT_WRITE = 0x2, FAULT_FETCH = 0x10 }; /* bits of the page fault's error code */

/*
 * int machine_guarded_copy(void *to, const void *from, size_t n). A fault at the one
 * instruction that touches memory goes on at the failure exit.
 */
__asm__(".text\n"
	".globl machine_guarded_copy\n"
	".type machine_guarded_copy, @function\n"
	"machine_guarded_copy:\n"
	"	mov %rdx, %rcx\n"
	".globl guarded_copy_access\n"
	".hidden guarded_copy_access\n"
	"guarded_copy_access:\n"
	"	rep movsb\n"
	"	xor %eax, %eax\n"
	"	ret\n"
	".globl guarded_copy_failed\n"
	".hidden guarded_copy_failed\n"
	"guarded_copy_failed:\n"
	"	mov $14, %eax\n"
	"	ret\n"
	".size machine_guarded_copy, . - machine_guarded_copy\n");
_Static_assert(XNU_EFAULT == 14, "guarded_copy_failed returns it");

extern const char guarded_copy_access[], guarded_copy_failed[];

void machine_thread_setup(void)
{
	void *stack = mmap(NULL, ALTERNATE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	stack_t alternate = {.ss_sp = stack, .ss_size = ALTERNATE_SIZE};
	if (stack == MAP_FAILED || sigaltstack(&alternate, NULL) < 0)
		panic("no memory for a signal stack");
	freeze_add_thread();
}

void machine_thread_teardown(void)
{
	stack_t off = {.ss_flags = SS_DISABLE}, alternate;
	freeze_remove_thread();
	if (sigaltstack(&off, &alternate) == 0 && !(alternate.ss_flags & SS_DISABLE))
		munmap(alternate.ss_sp, alternate.ss_size);
}

static const char *access_name(const ucontext_t *context)
{
	uint64_t error = (uint64_t)context->uc_mcontext.gregs[REG_ERR];
	return error & FAULT_FETCH ? "call" : error & FAULT_WRITE ? "write" : "read";
}

/* Who jumped to where RIP is: the return address on top of the stack. */
static const void *return_address(const ucontext_t *context)
{
	uint64_t word = 0;
	const void *top = (const void *)context->uc_mcontext.gregs[REG_RSP];
	return machine_guarded_copy(&word, top, sizeof(word)) == 0 ? (const void *)word
								   : NULL;
}

static const void *culprit(const ucontext_t *context)
{
	const void *rip = (const void *)context->uc_mcontext.gregs[REG_RIP];
	bool is_call = context->uc_mcontext.gregs[REG_ERR] & FAULT_FETCH;
	return is_call ? return_address(context) : rip;
}

/* A fault just below or at the stack pointer hit the guard page of the stack. */
static bool is_stack_overflow(const ucontext_t *context, uint64_t address)
{
	uint64_t rsp = (uint64_t)context->uc_mcontext.gregs[REG_RSP];
	return address + (64u << 10) >= rsp && address < rsp + KERNEL_PAGE &&
	       rsp > (64u << 10);
}

/* The kext's code behind an instruction that may be the kernel's or the host's. */
static const void *kext_code(const ucontext_t *context)
{
	const greg_t *registers = context->uc_mcontext.gregs;
	const struct frame_state state = {(uint64_t)registers[REG_RIP],
					  (uint64_t)registers[REG_RSP],
					  (uint64_t)registers[REG_RBP]};
	uint64_t addresses[32];
	unsigned count = backtrace(state, addresses, 32);
	for (unsigned i = 0; i < count; i++) {
		if (addresses[i] - KERNEL_KEXTS < KERNEL_KEXTS_SIZE)
			return (const void *)addresses[i];
	}
	return culprit(context);
}

/* True when a check has told of the access and the kext may go on. */
static bool on_guarded(const ucontext_t *context, uint64_t address, const char *access)
{
	char text[160];
	const void *site = kext_code(context);
	if (!guarded_fault((const void *)address, access, site, text))
		return false;
	if (kheap_is_strict())
		panic_with_context(context, site, "%s", text);
	return true;
}

/* Returns when the access is one that a check has told of and that may go on. */
static void on_page_fault(const ucontext_t *context, uint64_t address)
{
	const char *access = access_name(context);
	const void *caller = culprit(context);
	if (guarded_at((const void *)address) && on_guarded(context, address, access))
		return;
	const char *symbol = trap_symbol_at(address);
	const char *gone = kmod_unloaded_at(address);
	unsigned long long where = address;
	if (symbol)
		panic_with_context(context, caller,
				   "%s of %s, which this kernel does not implement",
				   access, symbol);
	if (is_stack_overflow(context, address))
		panic_with_context(context, caller, "stack overflow (%s of 0x%016llx)",
				   access, where);
	if (gone && !kmod_by_address(address))
		panic_with_context(
			context, caller,
			"page fault: %s of 0x%016llx in %s, which was unloaded", access,
			where, gone);
	panic_with_context(context, caller, "page fault: %s of 0x%016llx%s", access,
			   where, address < KERNEL_PAGE ? " (NULL pointer)" : "");
}

/* ---- privileged instructions ---- */

static bool is_lenient; /* boot argument -cpu_lenient */

/* A panic that says what was executed, and where. */
static _Noreturn void refuse(const ucontext_t *context, const void *at, const char *what,
			     const char *name, const char *operand)
{
	uint64_t offset, address = (uint64_t)at;
	const char *place = report_place(address, &offset);
	panic_with_context(context, at, "%s %s%s at 0x%016llx : %s + 0x%llx", what, name,
			   operand, (unsigned long long)address, place,
			   (unsigned long long)offset);
}

static void name_operand(const ucontext_t *context, const struct privileged *found,
			 char text[32])
{
	const greg_t *registers = context->uc_mcontext.gregs;
	text[0] = 0;
	switch (found->operand) {
	case OPERAND_NONE:
		return;
	case OPERAND_IMMEDIATE:
		xnu_snprintf(text, 32, " 0x%x", found->number);
		return;
	case OPERAND_REGISTER: /* the mnemonic ends with "cr" or "dr" */
		xnu_snprintf(text, 32, "%u", found->number);
		return;
	case OPERAND_PORT:
		xnu_snprintf(text, 32, " 0x%x", (unsigned)registers[REG_RDX] & 0xffffu);
		return;
	case OPERAND_ECX:
		xnu_snprintf(text, 32, " 0x%x", (unsigned)registers[REG_RCX]);
		return;
	}
}

static bool read_msr(ucontext_t *context)
{
	greg_t *registers = context->uc_mcontext.gregs;
	uint64_t value;
	if (!msr_read((uint32_t)registers[REG_RCX], &value))
		return false;
	registers[REG_RAX] = (greg_t)(value & UINT32_MAX);
	registers[REG_RDX] = (greg_t)(value >> 32);
	return true;
}

/* Does what the instruction would do, where policy has an answer. */
static bool emulate(ucontext_t *context, const struct privileged *found)
{
	switch (found->kind) {
	case PRIVILEGED_RDMSR:
		return read_msr(context);
	case PRIVILEGED_CLI:
	case PRIVILEGED_STI:
		/* The flag is all there is of interrupts here. */
		if (is_lenient)
			thread_self()->interrupts_enabled = found->kind == PRIVILEGED_STI;
		return is_lenient;
	case PRIVILEGED_WBINVD:
		return is_lenient;
	case PRIVILEGED_SYSENTER:
	case PRIVILEGED_OTHER:
		break;
	}
	return false;
}

/* Where the processor knows no sysenter in 64-bit code. */
static _Noreturn void on_sysenter(const ucontext_t *context)
{
	const greg_t *registers = context->uc_mcontext.gregs;
	int call = (int)registers[REG_RAX];
	char number[48];
	xnu_snprintf(number, sizeof(number), " (%d) by sysenter", call);
	refuse(context, (const void *)registers[REG_RIP], "forbidden 32-bit system call",
	       syscall_name(AUDIT_ARCH_I386, call), number);
}

/*
 * Where it does, Linux takes it for a 32-bit program's: it looks for an argument where
 * EBP points, finds nothing there, and returns to an address cut to 32 bits with EBP's
 * value as stack pointer. What it put into RBP's lower half is the only trace of the
 * frame.
 */
static bool is_lost_in_sysenter(const ucontext_t *context)
{
	const greg_t *registers = context->uc_mcontext.gregs;
	return (uint64_t)registers[REG_RIP] <= UINT32_MAX &&
	       (uint64_t)registers[REG_RSP] <= UINT32_MAX &&
	       (uint64_t)registers[REG_RBP] > UINT32_MAX &&
	       (int)registers[REG_RAX] == -XNU_EFAULT;
}

static _Noreturn void on_lost_in_sysenter(ucontext_t *context)
{
	greg_t *registers = context->uc_mcontext.gregs;
	uint64_t frame[2] = {0, 0};
	registers[REG_RBP] =
		(registers[REG_RBP] & ~(greg_t)UINT32_MAX) | registers[REG_RSP];
	registers[REG_RSP] = registers[REG_RBP];
	if (machine_guarded_copy(frame, (const void *)registers[REG_RBP], 16) != 0)
		frame[1] = 0;
	panic_with_context(
		context, (const void *)frame[1],
		"forbidden 32-bit system call by sysenter, which lost its place; "
		"the caller is that of the function that holds it");
}

/* Emulates what policy allows; else says what it was. `fault` names the exception. */
static void on_instruction(ucontext_t *context, const char *fault)
{
	uint8_t code[15];
	size_t size = sizeof(code);
	struct privileged found;
	char operand[32], what[64];
	greg_t *rip = &context->uc_mcontext.gregs[REG_RIP];
	while (size && machine_guarded_copy(code, (const void *)*rip, size) != 0)
		size--;
	if (!privileged_decode(code, size, &found))
		panic_with_context(context, (const void *)*rip, "%s", fault);
	if (emulate(context, &found)) {
		*rip += found.length;
		return;
	}
	if (found.kind == PRIVILEGED_SYSENTER)
		on_sysenter(context);
	name_operand(context, &found, operand);
	xnu_snprintf(what, sizeof(what), "%s: privileged instruction", fault);
	refuse(context, (const void *)*rip, what, found.name, operand);
}

/* ---- system calls ---- */

#define CALL_SIZE 2 /* of syscall and int 0x80 */

/* The filter saw the address behind the instruction. */
static _Noreturn void on_system_call(const ucontext_t *context, const siginfo_t *info)
{
	char number[32];
	const uint8_t *at = (const uint8_t *)info->si_call_addr - CALL_SIZE;
	xnu_snprintf(number, sizeof(number), " (%d)", info->si_syscall);
	refuse(context, at,
	       info->si_arch == AUDIT_ARCH_I386 ? "forbidden 32-bit system call"
						: "forbidden system call",
	       syscall_name(info->si_arch, info->si_syscall), number);
}

/* ---- signals ---- */

static void on_memory_signal(ucontext_t *context, const siginfo_t *info)
{
	if (context->uc_mcontext.gregs[REG_RIP] == (greg_t)guarded_copy_access) {
		context->uc_mcontext.gregs[REG_RIP] = (greg_t)guarded_copy_failed;
		return;
	}
	if (is_lost_in_sysenter(context))
		on_lost_in_sysenter(context);
	if (info->si_code == SI_KERNEL)
		on_instruction(context, "general protection fault");
	else
		on_page_fault(context, (uint64_t)info->si_addr);
}

static void on_signal(int number, siginfo_t *info, void *opaque)
{
	ucontext_t *context = opaque;
	const void *rip = (const void *)context->uc_mcontext.gregs[REG_RIP];
	switch (number) {
	case SIGSEGV:
	case SIGBUS:
		on_memory_signal(context, info);
		return;
	case SIGILL:
		on_instruction(context, "invalid opcode");
		return;
	case SIGFPE:
		panic_with_context(context, rip, "divide error");
	case SIGTRAP:
		panic_with_context(context, rip, "breakpoint");
	case SIGSYS:
		on_system_call(context, info);
	case SIGABRT:
		panic_with_context(context, rip, "the C library aborted (heap damaged?)");
	}
	freeze_here(context);
}

void trap_startup(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS,	SIGILL, SIGFPE,
				      SIGTRAP, SIGABRT, SIGSYS};
	struct sigaction action = {.sa_sigaction = on_signal,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &action, NULL);
	sigaction(freeze_signal(), &action, NULL);
	int flag;
	is_lenient = PE_parse_boot_argn("-cpu_lenient", &flag, sizeof(flag));
	msr_startup();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a write that is too long fails */
}
