/*
 * The text of a panic report: cause, registers, code, backtraces, kexts, log, threads.
 * Lines of backtraces have the form "0xADDRESS : IDENTIFIER + 0xOFFSET", to which kextd
 * adds the nearest symbol. Sections begin with a line "Title:" at the left edge; what
 * kexts wrote (causes, names, the log) has its control characters replaced and its
 * further lines indented, so that it cannot pass for a section. Runs in signal handlers
 * over a state that may be damaged: no locks, no allocation, every foreign pointer read
 * with a guarded copy.
 */
#include "kernel/libkern/libkern.h"
#include "kernel/machine/machine.h"
#include "macho/uuid.h"

#define MAX_FRAMES  64
#define MAX_LOG	    4096u
#define MAX_THREADS 128u
#define CODE_BEFORE 8u
#define CODE_BYTES  24u
#define KERNEL_NAME "mach_kernel"
#define INDENT	    "   "
#define SPARE	    2048u /* of the report, for the end of a list that gets too long */

struct report {
	char *text;
	size_t size, capacity;
	unsigned threads;
};

static void sink(void *context, char c)
{
	struct report *r = context;
	if (r->size < r->capacity)
		r->text[r->size++] = c;
}

static __attribute__((format(printf, 2, 3))) void put(struct report *r,
						      const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	kernel_format(sink, r, 10, false, format, arguments);
	va_end(arguments);
}

static char printable(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f ? '?' : c;
}

/* A kext's text on one line or, indented, on more. */
static void put_text(struct report *r, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n' && text[1])
			put(r, "\n" INDENT);
		else if (*text != '\n')
			sink(r, printable(*text));
	}
}

const char *report_place(uint64_t address, uint64_t *ret_offset)
{
	const struct kmod *kext = kmod_by_address(address);
	uint64_t base = 0;
	const char *name = kext ? kext->identifier : host_module_at(address, &base);
	if (kext) {
		base = kext->address;
	} else if (address >= KERNEL_BASE && address < KERNEL_TRAPS) {
		base = KERNEL_BASE;
		name = KERNEL_NAME;
	}
	*ret_offset = address - base;
	return name ? name : "(host)";
}

static void put_place(struct report *r, uint64_t address)
{
	uint64_t offset;
	const char *name = report_place(address, &offset);
	put(r, "0x%016llx : %s + 0x%llx\n", (unsigned long long)address, name,
	    (unsigned long long)offset);
}

static void put_backtrace(struct report *r, const struct frame_state *state)
{
	uint64_t addresses[MAX_FRAMES];
	unsigned count = backtrace(*state, addresses, MAX_FRAMES);
	for (unsigned i = 0; i < count; i++)
		put_place(r, addresses[i]);
}

static void put_registers(struct report *r, const struct panic_cause *cause)
{
	static const struct {
		const char *name;
		int index;
	} names[] = {
		{"RAX", REG_RAX}, {"RBX", REG_RBX}, {"RCX", REG_RCX}, {"RDX", REG_RDX},
		{"RSP", REG_RSP}, {"RBP", REG_RBP}, {"RSI", REG_RSI}, {"RDI", REG_RDI},
		{"R8 ", REG_R8},  {"R9 ", REG_R9},  {"R10", REG_R10}, {"R11", REG_R11},
		{"R12", REG_R12}, {"R13", REG_R13}, {"R14", REG_R14}, {"R15", REG_R15},
		{"RFL", REG_EFL}, {"RIP", REG_RIP}, {"ERR", REG_ERR}, {"CR2", REG_CR2},
	};
	put(r, "\nRegisters:\n");
	if (!cause->context) {
		put(r, "RSP: 0x%016llx, RBP: 0x%016llx, RIP: 0x%016llx\n",
		    (unsigned long long)cause->rsp, (unsigned long long)cause->rbp,
		    (unsigned long long)cause->rip);
		return;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		put(r, "%s: 0x%016llx%s", names[i].name,
		    (unsigned long long)cause->context->uc_mcontext.gregs[names[i].index],
		    i % 4 == 3 ? "\n" : ", ");
}

/* Each byte for itself: the code may begin or end at the edge of what is mapped. */
static void put_code(struct report *r, uint64_t rip)
{
	uint64_t start = rip - CODE_BEFORE;
	put(r, "\nCode at 0x%016llx:\n", (unsigned long long)start);
	for (unsigned i = 0; i < CODE_BYTES; i++) {
		uint8_t byte;
		const void *at = (const void *)(start + i);
		put(r, "%s%s", i ? " " : "", i == CODE_BEFORE ? "<" : "");
		if (machine_guarded_copy(&byte, at, 1) == 0)
			put(r, "%02x", byte);
		else
			put(r, "??");
		put(r, "%s", i == CODE_BEFORE ? ">" : "");
	}
	put(r, "\n");
}

static const char *state_name(enum kernel_kext_state state)
{
	static const char *const names[] = {"reserved", "mapped", "starting", "started",
					    "stopping"};
	return (unsigned)state < 5 ? names[state] : "?";
}

/* com.example.Foo(1.0)[UUID]@0xSTART->0xEND size 0xSIZE started */
static void put_kext(struct report *r, const struct kmod *kext)
{
	char uuid[MACHO_UUID_TEXT_SIZE] = "no UUID";
	if (kext->has_uuid)
		macho_uuid_text(kext->uuid, uuid);
	put(r, INDENT "%s(%s)[%s]@0x%llx->0x%llx size 0x%llx %s\n", kext->identifier,
	    kext->version, uuid, (unsigned long long)kext->address,
	    (unsigned long long)(kext->address + kext->size - 1),
	    (unsigned long long)kext->size, state_name(kext->state));
	for (unsigned i = 0; i < kext->dependency_count; i++) {
		const struct kmod *library = kmod_by_tag(kext->dependencies[i]);
		if (library)
			put(r, INDENT INDENT "dependency: %s(%s)@0x%llx\n",
			    library->identifier, library->version,
			    (unsigned long long)library->address);
	}
}

static void put_kexts(struct report *r)
{
	put(r, "\nLoaded kexts:\n");
	for (const struct kmod *kext = kmod_first(); kext; kext = kext->next) {
		if (!kext->is_component)
			put_kext(r, kext);
	}
}

static void put_machine(struct report *r)
{
	char text[MACHO_UUID_TEXT_SIZE];
	uint8_t uuid[16];
	kernel_known_uuid(uuid);
	macho_uuid_text(uuid, text);
	put(r, "\nBoot args: ");
	put_text(r, bootargs_get());
	put(r, "\n");
	put(r, "Kernel version: %s\n", version);
	put(r, "Kernel UUID: %s\n", text);
	put(r, "System uptime in nanoseconds: %llu\n",
	    (unsigned long long)mach_absolute_time());
}

static void put_log(struct report *r)
{
	char text[256], last = '\n';
	uint64_t end = msgbuf_end(), position = end > MAX_LOG ? end - MAX_LOG : 0;
	size_t size;
	put(r, "\nLast log lines:\n");
	while (position < end &&
	       (size = msgbuf_read(&position, text, sizeof(text))) > 0) {
		for (size_t i = 0; i < size; i++) {
			if (last == '\n')
				put(r, INDENT);
			last = text[i];
			sink(r, last == '\n' ? last : printable(last));
		}
	}
	if (last != '\n')
		put(r, "\n");
}

/* ---- threads ---- */

static void put_thread(struct report *r, const struct thread *thread)
{
	put(r, "%llu ", (unsigned long long)thread->id);
	put_text(r, thread->name);
}

static void put_thread_name(void *context, const struct thread *thread)
{
	struct report *r = context;
	if (r->threads++ >= MAX_THREADS)
		return;
	put(r, INDENT);
	put_thread(r, thread);
	put(r, " (host thread %d)\n", thread->host);
}

/* Whether kext code is on the stack: such threads come first. */
static bool has_kext_frame(const struct frame_state *state)
{
	uint64_t addresses[MAX_FRAMES];
	unsigned count = backtrace(*state, addresses, MAX_FRAMES);
	for (unsigned i = 0; i < count; i++) {
		const struct kmod *kext = kmod_by_address(addresses[i]);
		if (kext && !kext->is_component)
			return true;
	}
	return false;
}

struct host_thread {
	int id;
	const struct thread *thread;
};

static void compare_host(void *context, const struct thread *thread)
{
	struct host_thread *wanted = context;
	if (thread->host == wanted->id)
		wanted->thread = thread;
}

static void put_frozen(struct report *r, int id, const struct frame_state *state)
{
	struct host_thread host = {id, NULL};
	if (r->size + SPARE > r->capacity)
		return;
	thread_visit(compare_host, &host);
	put(r, "\nBacktrace of thread ");
	if (host.thread)
		put_thread(r, host.thread);
	put(r, " (host thread %d):\n", id);
	put_backtrace(r, state);
}

static void put_frozen_in_kext(void *r, int id, const struct frame_state *state)
{
	if (has_kext_frame(state))
		put_frozen(r, id, state);
}

static void put_frozen_elsewhere(void *r, int id, const struct frame_state *state)
{
	if (!has_kext_frame(state))
		put_frozen(r, id, state);
}

static void put_threads(struct report *r)
{
	put(r, "\nThreads:\n");
	r->threads = 0;
	thread_visit(put_thread_name, r);
	if (r->threads > MAX_THREADS)
		put(r, INDENT "and %u more\n", r->threads - MAX_THREADS);
	freeze_visit(put_frozen_in_kext, r);
	freeze_visit(put_frozen_elsewhere, r);
}

static bool is_page_fault(const struct panic_cause *cause)
{
	return cause->context && cause->context->uc_mcontext.gregs[REG_TRAPNO] == 14;
}

static void put_cause(struct report *r, const struct panic_cause *cause)
{
	const struct thread *thread = thread_known();
	put(r, "panic(cpu 0 caller 0x%016llx): ", (unsigned long long)cause->caller);
	put_text(r, cause->text);
	put(r, "\nCaller:\n");
	put_place(r, (uint64_t)cause->caller);
	put(r, "Thread: ");
	if (thread)
		put_thread(r, thread);
	else
		put(r, "0 host thread");
	put(r, "\n");
	if (is_page_fault(cause))
		put(r, "Fault address: 0x%016llx\n",
		    (unsigned long long)cause->context->uc_mcontext.gregs[REG_CR2]);
}

size_t report_write(const struct panic_cause *cause, char *text, size_t size)
{
	struct report r = {.text = text, .capacity = size};
	struct frame_state state = {cause->rip, cause->rsp, cause->rbp};
	put_cause(&r, cause);
	put_registers(&r, cause);
	put_code(&r, state.rip);
	put(&r, "\nBacktrace:\n");
	/* A jump to nowhere has no frame of its own: its caller would be left out. */
	if (cause->context && state.rip != (uint64_t)cause->caller) {
		put_place(&r, state.rip);
		state.rip = (uint64_t)cause->caller;
	}
	put_backtrace(&r, &state);
	put_kexts(&r);
	put_machine(&r);
	put_log(&r);
	put_threads(&r);
	return r.size;
}
