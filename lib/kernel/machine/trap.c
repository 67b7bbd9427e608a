/*
 * What the processor and Linux report about a thread's instructions: page faults (with
 * missing symbols among them), privileged and invalid instructions, forbidden system
 * calls. A few are survived; the others are panics.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "kernel/machine/machine.h"

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

static _Noreturn void on_page_fault(const ucontext_t *context, uint64_t address)
{
	const char *access = access_name(context);
	const void *caller = culprit(context);
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

/* The flag is all there is of interrupts here. */
static void emulate(const char *name)
{
	if (name[0] == 'c' || name[0] == 's')
		thread_self()->interrupts_enabled = name[0] == 's';
}

/* Skips what may be skipped; else says what it was. `fault` names the exception. */
static void on_instruction(ucontext_t *context, const char *fault)
{
	uint8_t code[15];
	size_t size = sizeof(code);
	const char *name = NULL;
	greg_t *rip = &context->uc_mcontext.gregs[REG_RIP];
	while (size && machine_guarded_copy(code, (const void *)*rip, size) != 0)
		size--;
	unsigned length = privileged_decode(code, size, &name);
	if (!length)
		panic_with_context(context, (const void *)*rip, "%s%s%s", fault,
				   name ? ": privileged instruction " : "",
				   name ? name : "");
	emulate(name);
	*rip += length;
}

static void on_memory_signal(ucontext_t *context, const siginfo_t *info)
{
	if (context->uc_mcontext.gregs[REG_RIP] == (greg_t)guarded_copy_access) {
		context->uc_mcontext.gregs[REG_RIP] = (greg_t)guarded_copy_failed;
		return;
	}
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
		panic_with_context(context, info->si_call_addr,
				   "forbidden system call %d (the sandbox refuses it)",
				   info->si_syscall);
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
	signal(SIGPIPE, SIG_IGN);
}
