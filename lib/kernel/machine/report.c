/*
 * The text of a panic report: cause, registers, code, backtraces, kexts, log, threads.
 * Lines of backtraces have the form "0xADDRESS : IDENTIFIER + 0xOFFSET", to which kextd
 * adds the nearest symbol. Runs in signal handlers over a state that may be damaged: no
 * locks, no allocation, every foreign pointer read with a guarded copy.
 */
#include "kernel/libkern/libkern.h"
#include "kernel/machine/machine.h"
#include "macho/uuid.h"

#define MAX_FRAMES  64
#define MAX_LOG	    4096u
#define MAX_THREADS 32u
#define CODE_BEFORE 8u
#define CODE_BYTES  24u
#define KERNEL_NAME "mach_kernel"

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

const char *report_place(uint64_t address, uint64_t *ret_offset)
{
	const struct kmod *kext = kmod_by_address(address);
	bool is_kernel = address >= KERNEL_BASE && address < KERNEL_TRAPS;
	*ret_offset = address - (kext ? kext->address : is_kernel ? KERNEL_BASE : 0);
	return kext ? kext->identifier : is_kernel ? KERNEL_NAME : "(host)";
}

static void put_place(struct report *r, uint64_t address)
{
	uint64_t offset;
	const char *name = report_place(address, &offset);
	put(r, "0x%016llx : %s + 0x%llx\n", (unsigned long long)address, name,
	    (unsigned long long)offset);
}

/* The chain of frames: each is {caller's frame, return address}, at growing addresses. */
static void put_backtrace(struct report *r, uint64_t rip, uint64_t rbp)
{
	put_place(r, rip);
	for (int i = 0; i < MAX_FRAMES; i++) {
		uint64_t frame[2];
		if (rbp % 8 || machine_guarded_copy(frame, (const void *)rbp, 16) != 0 ||
		    frame[1] == 0)
			return;
		put_place(r, frame[1]);
		if (frame[0] <= rbp)
			return;
		rbp = frame[0];
	}
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

static void put_code(struct report *r, uint64_t rip)
{
	uint8_t code[CODE_BYTES];
	uint64_t start = rip - CODE_BEFORE;
	if (machine_guarded_copy(code, (const void *)start, sizeof(code)) != 0)
		return;
	put(r, "\nCode at 0x%016llx:\n", (unsigned long long)start);
	for (unsigned i = 0; i < CODE_BYTES; i++)
		put(r, i == CODE_BEFORE ? "<%02x> " : "%02x ", code[i]);
	put(r, "\n");
}

static const char *state_name(enum kernel_kext_state state)
{
	static const char *const names[] = {"reserved", "mapped", "starting", "started",
					    "stopping"};
	return (unsigned)state < 5 ? names[state] : "?";
}

/* com.example.Foo(1.0)[UUID]@0xSTART->0xEND */
static void put_kext(struct report *r, const struct kmod *kext)
{
	char uuid[MACHO_UUID_TEXT_SIZE] = "no UUID";
	if (kext->has_uuid)
		macho_uuid_text(kext->uuid, uuid);
	put(r, "   %s(%s)[%s]@0x%llx->0x%llx %s\n", kext->identifier, kext->version, uuid,
	    (unsigned long long)kext->address,
	    (unsigned long long)(kext->address + kext->size - 1),
	    state_name(kext->state));
	for (unsigned i = 0; i < kext->dependency_count; i++) {
		const struct kmod *library = kmod_by_tag(kext->dependencies[i]);
		if (library)
			put(r, "      dependency: %s(%s)@0x%llx\n", library->identifier,
			    library->version, (unsigned long long)library->address);
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
	put(r, "\nBoot args: %s\n", bootargs_get());
	put(r, "Kernel version: %s\n", version);
	put(r, "Kernel UUID: %s\n", text);
	put(r, "System uptime in nanoseconds: %llu\n",
	    (unsigned long long)mach_absolute_time());
}

static void put_log(struct report *r)
{
	char text[256];
	uint64_t end = msgbuf_end(), position = end > MAX_LOG ? end - MAX_LOG : 0;
	size_t size;
	put(r, "\nLast log lines:\n");
	while (position < end &&
	       (size = msgbuf_read(&position, text, sizeof(text))) > 0) {
		for (size_t i = 0; i < size; i++)
			sink(r, text[i]);
	}
	if (r->size && r->text[r->size - 1] != '\n')
		put(r, "\n");
}

static void put_thread_name(void *context, const struct thread *thread)
{
	struct report *r = context;
	if (r->threads++ < MAX_THREADS)
		put(r, "   %llu %s\n", (unsigned long long)thread->id, thread->name);
}

/* Whether kext code is on the stack: only such threads are worth their lines. */
static bool has_kext_frame(uint64_t rip, uint64_t rbp)
{
	uint64_t frame[2] = {rbp, rip};
	for (int i = 0; i < MAX_FRAMES; i++) {
		const struct kmod *kext = kmod_by_address(frame[1]);
		if (kext && !kext->is_component)
			return true;
		if (rbp % 8 || machine_guarded_copy(frame, (const void *)rbp, 16) != 0 ||
		    frame[0] <= rbp)
			return false;
		rbp = frame[0];
	}
	return false;
}

static void put_frozen(void *context, int thread, uint64_t rip, uint64_t rbp)
{
	struct report *r = context;
	if (!has_kext_frame(rip, rbp) || r->threads++ >= MAX_THREADS)
		return;
	put(r, "\nBacktrace of host thread %d:\n", thread);
	put_backtrace(r, rip, rbp);
}

static void put_threads(struct report *r)
{
	put(r, "\nThreads:\n");
	r->threads = 0;
	thread_visit(put_thread_name, r);
	if (r->threads > MAX_THREADS)
		put(r, "   and %u more\n", r->threads - MAX_THREADS);
	r->threads = 0;
	freeze_visit(put_frozen, r);
}

size_t report_write(const struct panic_cause *cause, char *text, size_t size)
{
	struct report r = {.text = text, .capacity = size};
	uint64_t rip = cause->rip, rbp = cause->rbp;
	put(&r, "panic(cpu 0 caller 0x%016llx): %s\n", (unsigned long long)cause->caller,
	    cause->text);
	put(&r, "Caller:\n");
	put_place(&r, (uint64_t)cause->caller);
	const struct thread *thread = thread_known();
	put(&r, "Thread: %llu %s\n", thread ? (unsigned long long)thread->id : 0,
	    thread ? thread->name : "host thread");
	put_registers(&r, cause);
	put_code(&r, rip);
	put(&r, "\nBacktrace:\n");
	/* A jump to nowhere has no frame of its own: its caller would be left out. */
	if (cause->context && rip != (uint64_t)cause->caller) {
		put_place(&r, rip);
		rip = (uint64_t)cause->caller;
	}
	put_backtrace(&r, rip, rbp);
	put_kexts(&r);
	put_machine(&r);
	put_log(&r);
	put_threads(&r);
	return r.size;
}
