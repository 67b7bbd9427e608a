/*
 * The message buffer: a ring of the last MiB of log text, addressed by stream position. A
 * writer takes its place with one atomic addition, so the buffer may be used everywhere,
 * also under spin locks and in a panic; readers see text up to the oldest unfinished
 * write.
 */
#include <stdatomic.h>
#include <string.h>
#include "kernel/bsd/bsd.h"

#define RING_SIZE (1u << 20)

static char ring[RING_SIZE];
static _Atomic uint64_t end;   /* stream position past the newest byte */
static _Atomic uint32_t guard; /* a spin lock for the few instructions of an append */

void (*msgbuf_notify)(void);

/* Bytes that never reach the log: NUL, CR and DEL. */
static bool is_dropped(char c)
{
	return c == 0 || c == '\r' || c == 0x7f;
}

static void lock(void)
{
	while (atomic_exchange_explicit(&guard, 1, memory_order_acquire))
		__builtin_ia32_pause();
}

static void unlock(void)
{
	atomic_store_explicit(&guard, 0, memory_order_release);
}

void msgbuf_write(const void *caller, const char *text, size_t length)
{
	(void)caller;
	lock();
	uint64_t at = atomic_load_explicit(&end, memory_order_relaxed), start = at;
	for (size_t i = 0; i < length; i++) {
		if (!is_dropped(text[i]))
			ring[at++ % RING_SIZE] = text[i];
	}
	atomic_store_explicit(&end, at, memory_order_release);
	unlock();
	if (at != start && msgbuf_notify)
		msgbuf_notify();
}

uint64_t msgbuf_end(void)
{
	return atomic_load_explicit(&end, memory_order_acquire);
}

static uint64_t oldest(uint64_t newest)
{
	return newest > RING_SIZE ? newest - RING_SIZE : 0;
}

static size_t copy(uint64_t position, char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		text[i] = ring[(position + i) % RING_SIZE];
	return size;
}

/* Without the lock: what a writer overtook meanwhile is left out afterwards. */
size_t msgbuf_read(uint64_t *position, char *text, size_t size)
{
	for (;;) {
		uint64_t newest = msgbuf_end(), at = *position;
		if (at < oldest(newest) || at > newest)
			at = oldest(newest);
		size_t count = newest - at < size ? (size_t)(newest - at) : size;
		copy(at, text, count);
		atomic_thread_fence(memory_order_acquire);
		if (at >= oldest(msgbuf_end())) {
			*position = at + count;
			return count;
		}
	}
}

void kernel_log(const char *format, ...)
{
	char text[512];
	va_list arguments;
	va_start(arguments, format);
	int length = xnu_vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (length > 0)
		msgbuf_write(__builtin_return_address(0), text, strlen(text));
}

void msgbuf_startup(void)
{
	memset(ring, 0, sizeof(ring));
}
