/*
 * The end of the kernel: who may panic, in which order things then happen, and where the
 * report goes. Nothing here allocates, locks or returns.
 */
#include <stdatomic.h>
#include <unistd.h>
#include "kernel/machine/machine.h"

#define PANIC_STATUS 70
#define REPORT_SIZE  (60u << 10) /* fits into an empty pipe */

static int output = -1;
static _Atomic int owner; /* Linux id of the thread that panicked first */
static char report[REPORT_SIZE];

void panic_set_output(int fd)
{
	output = fd;
}

static void write_all(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t written = write(fd, text, size);
		if (written <= 0)
			return;
		text += written;
		size -= (size_t)written;
	}
}

/* The first thread goes on; others wait for the end, and a panic within one is the end.
 */
static void claim(void)
{
	static const char twice[] = "panic: another panic while the first was reported\n";
	int none = 0, self = gettid();
	if (atomic_compare_exchange_strong(&owner, &none, self))
		return;
	if (none != self)
		freeze_here(NULL);
	write_all(output >= 0 ? output : STDERR_FILENO, twice, sizeof(twice) - 1);
	_exit(PANIC_STATUS);
}

static struct panic_cause cause; /* of the owner */

static _Noreturn void finish(const char *format, va_list arguments)
{
	finding_flush();
	freeze_others();
	xnu_vsnprintf(cause.text, sizeof(cause.text), format, arguments);
	size_t size = report_write(&cause, report, sizeof(report));
	if (output >= 0)
		write_all(output, report, size);
	const char *line_end = memchr(report, '\n', size);
	write_all(STDERR_FILENO, report,
		  output >= 0 && line_end ? (size_t)(line_end - report) + 1 : size);
	_exit(PANIC_STATUS);
}

/* `frame` is that of a function which the panicking code called. */
static void set_cause(const void *caller, const uint64_t *frame)
{
	claim();
	cause.rbp = frame[0];
	cause.rip = frame[1];
	cause.rsp = (uint64_t)(frame + 2);
	cause.caller = caller ? caller : (const void *)cause.rip;
}

void panic(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	set_cause(NULL, __builtin_frame_address(0));
	finish(format, arguments);
}
KPI(panic);

void panic_at(const void *caller, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	set_cause(caller, __builtin_frame_address(0));
	finish(format, arguments);
}

void panic_with_options(unsigned reason, void *data, uint64_t options, const char *format,
			...);
void panic_with_options(unsigned reason, void *data, uint64_t options, const char *format,
			...)
{
	va_list arguments;
	(void)reason;
	(void)data;
	(void)options;
	va_start(arguments, format);
	set_cause(NULL, __builtin_frame_address(0));
	finish(format, arguments);
}
KPI(panic_with_options);

/* Nobody is left to ask once a panic has begun. */
int panic_active(void);
int panic_active(void)
{
	return 0;
}
KPI(panic_active);

void panic_with_context(const ucontext_t *context, const void *caller, const char *format,
			...)
{
	const greg_t *registers = context->uc_mcontext.gregs;
	va_list arguments;
	va_start(arguments, format);
	claim();
	cause = (struct panic_cause){.caller = caller,
				     .rip = (uint64_t)registers[REG_RIP],
				     .rbp = (uint64_t)registers[REG_RBP],
				     .rsp = (uint64_t)registers[REG_RSP],
				     .context = context};
	finish(format, arguments);
}
