/*
 * What the parts of the userland kernel offer each other. Nothing here is seen by kexts;
 * what they see is exported with kpi.h.
 */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include <pthread.h>
#include <stdatomic.h>
#include "kernel/darwin.h"
#include "kernel/kpi.h"

/* ---- the address space, fixed, so that links stay valid from boot to boot ---- */
#define KERNEL_BASE	0x200000000000ull	/* kernel_task's ELF image */
#define KERNEL_TRAPS	0x200004000000ull	/* one inaccessible page per missing symbol */
#define KERNEL_VTABLES	0x20000f000000ull	/* copies of vtables, read-only */
#define KERNEL_KEXTS	0x200010000000ull	/* arena of the kexts … */
#define KERNEL_KEXTS_SIZE 0x40000000ull		/* … one GiB */

/* ---- machine/panic.c ---- */
/* Ends kernel_task with a report. Darwin's panic(9); exported to kexts. */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same for callers that know on whose behalf: `caller` is a return address. */
_Noreturn void panic_at(const void *caller, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- machine/trap.c ---- */
/* Gives the calling host thread its alternate signal stack; call first in every thread. */
void machine_thread_setup(void);
/* Frees what machine_thread_setup made; call last. */
void machine_thread_teardown(void);
/* Copies n bytes, either side of which may be unmapped: 0 or XNU_EFAULT, never a fault. */
int machine_guarded_copy(void *to, const void *from, size_t n);

/* ---- machine/kmod.c ---- */
/* Identifier of the kext whose image holds `address`, or NULL. Valid until it is unloaded. */
const char *kmod_name_at(const void *address);

/* ---- libkern/printf.c: the kernel's one formatter ---- */
typedef void (*kprintf_sink)(void *context, char c);
/*
 * Formats into `sink`. `radix` serves %r and %n; `is_log` hides kernel pointers when
 * debug.hide_kernel_pointers is set. Returns the number of characters produced.
 */
int kernel_format(kprintf_sink sink, void *context, int radix, bool is_log,
		  const char *format, va_list arguments);
int xnu_vsnprintf(char *text, size_t size, const char *format, va_list arguments);
int xnu_snprintf(char *text, size_t size, const char *format, ...);

/* ---- bsd/msgbuf.c: the log ---- */
/* Appends text to the message buffer (kdmesg) on behalf of return address `caller`. */
void msgbuf_write(const void *caller, const char *text, size_t length);
/*
 * Copies up to `size` bytes starting at stream position *position (0 = oldest kept) and
 * advances *position; returns the count. A position that was overwritten moves to the
 * oldest byte kept. Async-signal-safe: the panic report reads the tail with it.
 */
size_t msgbuf_read(uint64_t *position, char *text, size_t size);
/* Takes the ring's memory at once, so that a log that fills does not look like a leak. */
void msgbuf_startup(void);
/* Stream position just past the newest byte. */
uint64_t msgbuf_end(void);
/* Called, outside all locks, after text was appended; the machine layer pushes log frames. */
extern void (*msgbuf_notify)(void);

/* ---- osfmk/thread.c ---- */
struct task { uint32_t pid; uint32_t uid; char name[17]; };
struct proc;	/* bsd/proc.c */

/* A piece of a client's memory that a request carries; kexts see only numbers (copyio). */
struct user_window {
	user_addr_t address;
	void *host;
	size_t size;
	bool writable;			/* copyout allowed; copyin otherwise */
	struct user_window *next;
};

enum wait_state { WAIT_NONE, WAIT_WAITING, WAIT_DONE };

struct thread {
	_Atomic int references;
	uint64_t id;
	int host;			/* Linux's id of the thread; 0 before it runs */
	char name[64];
	bool is_kernel_thread;		/* made by kernel_thread_start and its like */
	int preemption_level;		/* spin locks held */
	int mutexes_held;
	unsigned lock_sites;		/* osfmk/balance.c: what it holds, and who took it */
	struct { const void *lock, *site; } lock_site[8];
	int interrupt_level;
	bool interrupts_enabled;
	struct user_window *windows;	/* memory of the client request being served */
	struct task *task;		/* client's, or kernel_task */
	struct {			/* osfmk/wait.c */
		event_t event;
		_Atomic uint32_t state;	/* enum wait_state, a futex word */
		int result;
		int interruptible;
		uint64_t deadline;	/* mach_absolute_time; 0 = none */
		struct thread *next, *previous;
		bool abort_pending;
	} wait;
	void *base;			/* osfmk/thread.c: where thread_block(fn) unwinds to */
	uintptr_t stack_top;		/* below it kext code has its frames */
};

/* The calling thread's record; a host thread without one is given one. Never NULL. */
struct thread *thread_self(void);
/* The same for the panic report, which must not allocate: NULL without a record. */
const struct thread *thread_known(void);
/*
 * Runs body(argument) on a new detached host thread with a record, machine set-up and
 * 512 KiB of stack, named `name`. 0 or an XNU_ errno.
 */
int kernel_spawn(const char *name, void (*body)(void *), void *argument);
/* Names of all live threads for the panic report, async-signal-safe. */
void thread_visit(void (*visit)(void *context, const struct thread *thread), void *context);

/* ---- osfmk/clock.c ---- */
uint64_t mach_absolute_time(void);
/* Turns a mach_absolute_time deadline into CLOCK_MONOTONIC nanoseconds. */
uint64_t clock_host_deadline(uint64_t deadline);

/* ---- bsd/sysctl.c ---- */
struct sysctl_reply {
	int error;		/* Darwin errno */
	void *data;		/* old value; malloc'ed, the caller frees */
	size_t size;
	uint32_t kind;		/* oid_kind */
	char format[64];	/* oid_fmt, "" if none */
};
/*
 * A client's request by name ("debug.dummy"). `value`/`value_size` is what to write, or
 * NULL; the old value is always read. `is_superuser` is the instance's owner.
 */
void sysctl_request(const char *name, const void *value, size_t value_size,
		    bool is_superuser, struct sysctl_reply *ret);
/* All leaf names in tree order, each NUL-terminated, one after the other; malloc'ed. */
char *sysctl_names(size_t *ret_size);
/* Unlinks and logs what a kext left registered: records or handlers in [start, end). */
void sysctl_kmod_unloaded(const char *identifier, const void *start, const void *end);

/* ---- machine/finding.c: for kextutil --run ---- */
/*
 * A check found a mistake of a kext's. `site`: the code that made it; `origin`: that from
 * which the memory or lock came; either may be NULL. `kext` NULL: whose code it is. Logs
 * nothing. The boot argument of that name with the value 0 switches a check off.
 */
void finding_tell(const char *check, const char *kext, const void *site, const void *origin,
		  const char *text);
/* The same in a signal handler. */
void finding_tell_of_fault(const char *check, const void *site, const void *origin,
			   const char *text);

/* libkern/report.c: logs and tells what an unloaded kext had left behind, "left the …". */
void report_left(const char *kext, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- leak reports at unload, by caller address in [start, end) ---- */
void bsd_kmod_unloaded(const char *identifier, const void *start, const void *end);
void kheap_kmod_unloaded(const char *identifier, const void *start, const void *end);
void thread_call_kmod_unloaded(const char *identifier, const void *start, const void *end);

/* ---- pexpert/bootargs.c ---- */
/* Sets the command line (up to 1023 characters); before any kext runs. */
void bootargs_set(const char *line);
const char *bootargs_get(void);

/* ---- start-up of the parts, called by machine/main.c in this order ---- */
void clock_startup(void);
void thread_startup(void);
void kheap_startup(void);	/* also __stack_chk_guard */
void sysctl_startup(void);
void thread_call_startup(void);

#endif
