/*
 * What the files of machine/ offer each other: the address space, the kernel's symbols,
 * the table of loaded kexts, the server of kextd's requests, traps and panics, the
 * sandbox.
 */
#ifndef KERNEL_MACHINE_MACHINE_H
#define KERNEL_MACHINE_MACHINE_H

#include <signal.h>
#include <ucontext.h>
#include "base/buffer.h"
#include "base/bytes.h"
#include "base/fields.h"
#include "base/frame.h"
#include "kernel/bsd/bsd.h"
#include "kernel/kernel.h"

#define KERNEL_PAGE 4096ull

/* libkern/kext results that darwin.h does not have. */
#define kOSKextReturnNoMemory	    0xdc008002u
#define kOSKextReturnNoResources    0xdc008003u
#define kOSKextReturnBadData	    0xdc008007u
#define kOSKextReturnDependencies   0xdc00800eu
#define kOSKextReturnLoadedDiffers  0xdc008014u
#define kOSKextReturnDependencyLoad 0xdc008015u
#define kOSKextReturnStartStopError 0xdc008017u
#define kOSKextReturnInUse	    0xdc008018u
#define kOSKextReturnTimeout	    0xdc008019u
#define kOSKextReturnStopping	    0xdc00801au

/* ---- space.c: the fixed address ranges ---- */
/* Whether both ranges (traps, kexts) were free when the program started and are now ours.
 */
bool space_is_reserved(void);
/* A page-aligned range of the kext arena, inaccessible; false when none is large enough.
 */
bool space_allocate(uint64_t size, uint64_t *ret_address);
/* Makes the range inaccessible again, drops its pages, and gives it back. */
void space_release(uint64_t address, uint64_t size);

/* ---- symbols.c: what mach_kernel holds ---- */
struct kernel_symbol {
	const char *name;
	uint64_t address;
};
extern const char *const kpi_names[]; /* generated: sorted, unique */
extern const unsigned kpi_name_count;
/* All symbols in byte order of their names; made at the first call, kept. */
const struct kernel_symbol *kernel_symbols(size_t *ret_count);
/* The UUID of mach_kernel, made from the symbols; the same in every run of one program.
 */
void kernel_uuid(uint8_t uuid[16]);
/* What kernel_uuid said, zeros before its first call. Async-signal-safe. */
void kernel_known_uuid(uint8_t uuid[16]);
/* The symbol whose trap page holds `address`, or NULL. Async-signal-safe. */
const char *trap_symbol_at(uint64_t address);
/* Where that page is, also for a symbol that is implemented; 0 for what no list has. */
uint64_t trap_of_symbol(const char *name);
/* Where mach_kernel has it, at its implementation or else at its trap; 0 for none. */
uint64_t address_of_symbol(const char *name);

/* ---- vtables.c: zero-terminated copies from KERNEL_VTABLES on ---- */
uint64_t vtables_size(void); /* in whole pages */
unsigned vtables_count(void);
/* Their symbols and addresses, vtables_count() of them. */
void vtables_export(struct kpi_export *exports);
/* Their bytes, at most vtables_size(). */
void vtables_copy(uint8_t *to);
/* Replaces the symbol in such bytes by its trap. */
void vtables_trap(uint8_t *copies, const char *symbol);
/* Maps them. */
void vtables_startup(void);
/*
 * Puts the trap of the boot argument trap's symbol into every vtable that has the symbol,
 * or takes it out again. Does nothing without the boot argument.
 */
void vtables_arm(bool is_on);

/* ---- describe.c ---- */
/*
 * Writes mach_kernel to `path`. With `trapped`, kexts linked against the file find that
 * symbol missing, which shows whether a test calls it. 0 or a negative code.
 */
int kernel_describe(const char *path, const char *trapped)
	__attribute__((warn_unused_result));

/* ---- kmod.c: the table of what is loaded ---- */
/* kmod_info and its reference record, packed to 4 bytes as Darwin's mach/kmod.h has them.
 */
struct kmod_info {
	struct kmod_info *next;
	int32_t info_version;
	uint32_t id;
	char name[64];
	char version[64];
	int32_t reference_count;
	struct kmod_reference *reference_list;
	uint64_t address, size, hdr_size;
	kern_return_t (*start)(struct kmod_info *info, void *data);
	kern_return_t (*stop)(struct kmod_info *info, void *data);
} __attribute__((packed, aligned(4)));

struct kmod_reference {
	struct kmod_reference *next;
	struct kmod_info *info;
} __attribute__((packed, aligned(4)));

_Static_assert(sizeof(struct kmod_info) == 196, "kmod_info is 196 bytes");

#define KMOD_MAX_RANGES	      32 /* segments, constructor sections, destructor sections */
#define KMOD_MAX_DEPENDENCIES 256

struct kmod_range {
	uint64_t address, size;
	uint32_t protection;
	char name[17];
};

struct kmod_ranges {
	struct kmod_range items[KMOD_MAX_RANGES];
	unsigned count;
};

struct kmod {
	struct kmod *next; /* load order; kernel components first */
	uint32_t tag;
	enum kernel_kext_state state;
	bool is_component;
	bool is_cxx_initialized; /* constructors have run, classes are registered */
	bool may_autounload;	 /* it opted in */
	bool delays_autounload;	 /* the next scan spares it */
	char identifier[64], version[64], compatible[64];
	char *path;
	uint8_t uuid[16];
	bool has_uuid;
	uint64_t address, size, wired;
	uint32_t missing; /* symbols bound to trap pages */
	struct kmod_ranges segments, constructors, destructors;
	uint32_t dependencies[KMOD_MAX_DEPENDENCIES];
	unsigned dependency_count;
	struct kmod_info *info; /* in the image; a component's own */
	struct kmod_reference *references;
	unsigned dependents; /* mapped kexts that link against it */
	unsigned retains;    /* by load tag, from kexts */
	unsigned callbacks;  /* resource answers owed to it or being delivered */
	struct jit_entry *debug_symbols;
};

/* Guards the table. Never held while kext code runs or text is logged. */
extern pthread_mutex_t kmod_lock;
/* Signalled when a kext changes its state or leaves. */
extern pthread_cond_t kmod_changed;
/* The most recently mapped kext's kmod_info, from which `next` leads to older ones. */
extern struct kmod_info *kmod;

void kmod_startup(void);
/* With kmod_lock held: the kext, or NULL. The list's head for walks. */
struct kmod *kmod_first(void);
struct kmod *kmod_by_tag(uint32_t tag);
struct kmod *kmod_by_identifier(const char *identifier);
struct kmod *kmod_by_address(uint64_t address);
/* The segment of `kext` that holds [address, address + size), or NULL. */
const struct kmod_range *kmod_segment_at(const struct kmod *kext, uint64_t address,
					 uint64_t size);
/* With kmod_lock held: undoes what mapping did to others, and what it holds; frees it. */
void kmod_remove(struct kmod *kext);
/* Name of what was unloaded from the address lately, or NULL. Async-signal-safe. */
const char *kmod_unloaded_at(uint64_t address);

/* Requests; each returns an OSReturn. */
uint32_t kmod_reserve(const char *identifier, uint64_t size, uint32_t *ret_tag,
		      uint64_t *ret_address);
uint32_t kmod_abort(uint32_t tag);
void kmod_list(struct buffer *reply);

/* ---- image.c: from a sealed memfd to pages ---- */
uint32_t kmod_map(struct bytes body, int fd);

/* ---- jit.c: symbols for gdb; under kmod_lock ---- */
/* Registers a copy of the symbol file; NULL when it is empty or memory lacks. */
struct jit_entry *jit_add(struct bytes file);
/* Takes NULL. */
void jit_remove(struct jit_entry *entry);

/* ---- lifecycle.c: start and stop ---- */
uint32_t kmod_start(uint32_t tag, uint32_t *ret_result);
uint32_t kmod_stop(uint32_t tag, uint32_t *ret_result);

/* ---- upcall.c: what kexts ask of kextd ---- */
/* The answer to a resource request, on a thread that may block. */
void upcall_resource(uint64_t request, uint32_t result, struct bytes data);
/* Forgets the pending requests whose callbacks lie in the kext. */
void upcall_forget(struct kmod *kext);
/*
 * Ends the requests that were here at the last call already; their callbacks get
 * kOSKextReturnTimeout. Whether others are pending.
 */
bool upcall_expire(void);

/* ---- autounload.c ---- */
/* Reads the boot argument autounload. */
void autounload_startup(void);
/* Looks for unused kexts when nothing has called this for a minute, or, with
 * `only_if_pending`, puts off a look that is due anyway. */
void autounload_consider(bool only_if_pending);

/* ---- files.c ---- */
/* kextd's answer to a question for a file; a descriptor may be taken out of the frame. */
void file_take_answer(struct frame *frame, struct bytes body);

/* ---- finding.c ---- */
/* The fields of the oldest finding that is not sent; false: there is none. The writer's.
 */
bool finding_next(struct buffer *body);
void finding_is_sent(void);
/* Gives the writer a moment to send what there is. Async-signal-safe. */
void finding_flush(void);

/* ---- server.c ---- */
/* Has the writer look for what is to be sent. Async-signal-safe. */
void server_wake(void);
/* Queues a frame to kextd; takes the body over. False when too much is queued already. */
bool server_send(uint16_t type, uint64_t id, struct buffer *body);
/* Says HELLO, answers until the end of the stream or SHUTDOWN, and ends the process. */
_Noreturn void server_run(int socket);

/* ---- trap.c ---- */
/* Installs the signal handlers of the process. Reads boot arguments. */
void trap_startup(void);

/* ---- privileged.c ---- */
/* Those a boot argument or a policy may let pass. */
enum privileged_kind {
	PRIVILEGED_OTHER,
	PRIVILEGED_RDMSR,
	PRIVILEGED_CLI,
	PRIVILEGED_STI,
	PRIVILEGED_WBINVD,
	PRIVILEGED_SYSENTER,
};

/* Where the operand that tells most is. */
enum privileged_operand {
	OPERAND_NONE,
	OPERAND_IMMEDIATE, /* in the instruction: `number` */
	OPERAND_REGISTER,  /* a control or debug register: `number` */
	OPERAND_PORT,	   /* in DX */
	OPERAND_ECX,
};

struct privileged {
	const char *name; /* mnemonic */
	enum privileged_kind kind;
	enum privileged_operand operand;
	unsigned number;
	unsigned length; /* of prefixes and opcode */
};

/* Whether the instruction at `code` is one that user mode may not execute. */
bool privileged_decode(const uint8_t *code, size_t size, struct privileged *ret);

/* ---- msr.c ---- */
/* Reads the boot argument msr. */
void msr_startup(void);
/* What reading a model-specific register answers; false: nothing. Async-signal-safe. */
bool msr_read(uint32_t number, uint64_t *ret_value);

/* ---- syscalls.c ---- */
extern const char *const syscall_names_32[], *const syscall_names_64[]; /* generated */
extern const unsigned syscall_count_32, syscall_count_64;
/* Name of a Linux system call; `arch` as in siginfo. Never NULL. */
const char *syscall_name(unsigned arch, int number);

/* ---- landlock.c ---- */
/* The version that this Linux offers; 0: none. */
int landlock_version(void);
/* Takes all rights of the calling thread on files, ports and processes outside. The
 * version in force, 0 when there is none, or a negative code. */
int landlock_enter(void) __attribute__((warn_unused_result));

/* ---- panic.c, report.c ---- */
/* Where panic reports go (kextd's pipe). Without it they go to stderr. */
void panic_set_output(int fd);
/* panic_at for the state in which a signal found a thread. */
_Noreturn void panic_with_context(const ucontext_t *context, const void *caller,
				  const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* What a report is about. */
struct panic_cause {
	char text[1024];
	const void *caller;
	uint64_t rip, rsp, rbp;
	const ucontext_t *context; /* all registers, or NULL */
};
/* What lies at the address: a kext, mach_kernel, a library of the host's, or "(host)";
 * *ret_offset: how far into it. Async-signal-safe. */
const char *report_place(uint64_t address, uint64_t *ret_offset);
/* Fills `text` with the whole report; returns its length. Async-signal-safe. */
size_t report_write(const struct panic_cause *cause, char *text, size_t size);

/* ---- host.c ---- */
/* Notes which libraries of the host's lie where. */
void host_startup(void);
/* The name of that at the address and where it starts, or NULL. Async-signal-safe. */
const char *host_module_at(uint64_t address, uint64_t *ret_base);

/* ---- backtrace.c ---- */
struct frame_state {
	uint64_t rip, rsp, rbp;
};
/* Addresses from the innermost on; their count. Async-signal-safe. */
unsigned backtrace(struct frame_state state, uint64_t *addresses, unsigned max);

/* ---- freeze.c: all threads of the process ---- */
void freeze_add_thread(void);
void freeze_remove_thread(void);
/* Stops every other thread for good; bounded in time. Async-signal-safe. */
void freeze_others(void);
/* What the frozen do: note their state (may be NULL) and wait for the end of the process.
 */
_Noreturn void freeze_here(const ucontext_t *context);
/* The signal that freezes. */
int freeze_signal(void);
/* Visits the frozen threads, by their Linux id. */
void freeze_visit(void (*visit)(void *argument, int thread,
				const struct frame_state *state),
		  void *argument);

/* ---- sandbox.c ---- */
/*
 * Limits, user id (unless -1), capabilities, descriptors above 4, files, system calls.
 * Comes before the first thread, as nothing else would bind all of them. Ends the process
 * with a message on stderr when any of it cannot be had.
 */
void sandbox_enter(long uid);

/* ---- main.c ---- */
int kernel_main(int argc, char **argv);

#endif
