/*
 * Assertions, the debugger call, what unloaded kexts left behind, and backtraces by frame
 * pointers (kexts have them).
 */
#include <signal.h>
#include "kernel/libkern/libkern.h"

void Assert(const char *file, int line, const char *expression)
{
	panic_at(__builtin_return_address(0), "%s:%d Assertion failed: %s", file, line,
		 expression);
}
KPI(Assert);

void report_left(const char *kext, const char *format, ...)
{
	char text[160];
	va_list arguments;

	va_start(arguments, format);
	xnu_vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	log_format(NULL, "%s %s\n", kext, text);
	finding_tell("leak.registration", kext, NULL, NULL, text);
}

/* No debugger of ours listens: it is the end, as with a panic. */
void Debugger(const char *message)
{
	panic_at(__builtin_return_address(0), "Debugger: %s", message ? message : "");
}
KPI(Debugger);

/* Fills in return addresses; the rest of the array is zero after the first bad frame. */
static unsigned walk_frames(void **addresses, unsigned count, const void *frame)
{
	struct {
		const void *next;
		void *return_address;
	} record;
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++)
		addresses[i] = NULL;
	while (n < count && frame && !((uintptr_t)frame & 7)) {
		if (machine_guarded_copy(&record, frame, sizeof(record)) ||
		    !record.return_address)
			break;
		addresses[n++] = record.return_address;
		if ((uintptr_t)record.next <= (uintptr_t)frame)
			break;
		frame = record.next;
	}
	return n;
}

unsigned OSBacktrace(void **addresses, unsigned count)
{
	return walk_frames(addresses, count, __builtin_frame_address(0));
}
KPI(OSBacktrace);

void OSReportWithBacktrace(const char *format, ...)
{
	const void *caller = __builtin_return_address(0);
	char text[128];
	void *addresses[7];
	va_list arguments;
	const char *last = NULL;

	va_start(arguments, format);
	xnu_vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	walk_frames(addresses, 7, __builtin_frame_address(0));
	log_format(caller, "%s\nBacktrace 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx\n",
		   text, addresses[0], addresses[1], addresses[2], addresses[3],
		   addresses[4], addresses[5], addresses[6]);
	for (int i = 0; i < 7; i++) {
		const char *kext = addresses[i] ? kmod_name_at(addresses[i]) : NULL;

		if (kext && kext != last)
			log_format(caller, "   kext in backtrace: %s\n", kext);
		last = kext ? kext : last;
	}
}
KPI(OSReportWithBacktrace);

/* Darwin's prints the libkern heap figures in debug kernels only. */
void OSPrintMemory(void)
{
}
KPI(OSPrintMemory);
