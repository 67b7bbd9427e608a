/*
 * What unit tests of the userland kernel's parts put in the machine layer's place: a
 * panic that returns to the test, no kexts, plain threads. Include it in one file per
 * program.
 */
#ifndef KERNEL_STAND_INS_H
#define KERNEL_STAND_INS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "kernel/kernel.h"

static jmp_buf panic_place;
static bool panic_is_expected;
static char panic_text[512];

static _Noreturn void panic_arguments(const char *format, va_list arguments)
{
	vsnprintf(panic_text, sizeof(panic_text), format, arguments);
	if (!panic_is_expected) {
		fprintf(stderr, "unexpected panic: %s\n", panic_text);
		abort();
	}
	panic_is_expected = false;
	longjmp(panic_place, 1);
}

void panic(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	panic_arguments(format, arguments);
}

void panic_at(const void *caller, const char *format, ...)
{
	va_list arguments;

	(void)caller;
	va_start(arguments, format);
	panic_arguments(format, arguments);
}

/* Runs the statement, which has to panic with a text that holds `part`. */
#define assert_panic(part, ...)                                                          \
	do {                                                                             \
		panic_is_expected = true;                                                \
		if (!setjmp(panic_place)) {                                              \
			__VA_ARGS__;                                                     \
			fail_msg("no panic: %s", #__VA_ARGS__);                          \
		}                                                                        \
		if (!strstr(panic_text, part))                                           \
			fail_msg("panic \"%s\" lacks \"%s\"", panic_text, part);         \
	} while (0)

void machine_thread_setup(void)
{
}

void machine_thread_teardown(void)
{
}

int machine_guarded_copy(void *to, const void *from, size_t n)
{
	memcpy(to, from, n);
	return 0;
}

const char *kmod_name_at(const void *address)
{
	(void)address;
	return NULL;
}

void finding_tell(const char *check, const char *kext, const void *site,
		  const void *origin, const char *text)
{
	(void)check, (void)kext, (void)site, (void)origin, (void)text;
}

void finding_tell_of_fault(const char *check, const void *site, const void *origin,
			   const char *text)
{
	(void)check, (void)site, (void)origin, (void)text;
}

/* Text logged since `position` (from msgbuf_end()). */
__attribute__((unused)) static const char *log_since(uint64_t position)
{
	static char text[65536];
	size_t length = msgbuf_read(&position, text, sizeof(text) - 1);

	text[length] = 0;
	return text;
}

/* Start-up in main.c's order, as far as these parts go. */
__attribute__((unused)) static int kernel_parts_startup(void **state)
{
	(void)state;
	clock_startup();
	thread_startup();
	kheap_startup();
	thread_call_startup();
	return 0;
}

#endif
