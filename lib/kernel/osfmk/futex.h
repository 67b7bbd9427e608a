/*
 * The two futex calls that every lock and wait here is made of, and the guard: a tiny
 * mutex for the kernel's own short critical sections. A guard knows nothing of contexts
 * and may be taken by code that must not block in Darwin's sense.
 */
#ifndef KERNEL_OSFMK_FUTEX_H
#define KERNEL_OSFMK_FUTEX_H

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Sleeps while *word == value, at most until CLOCK_MONOTONIC `host_deadline` ns (0 = no
 * end). */
static inline void futex_wait(_Atomic uint32_t *word, uint32_t value,
			      uint64_t host_deadline)
{
	struct timespec until = {(time_t)(host_deadline / 1000000000u),
				 (long)(host_deadline % 1000000000u)};

	syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value,
		host_deadline ? &until : NULL, NULL, FUTEX_BITSET_MATCH_ANY);
}

static inline void futex_wake(_Atomic uint32_t *word, int count)
{
	syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, NULL, NULL, 0);
}

/* 0 free, 1 held, 2 held and somebody sleeps. */
struct guard {
	_Atomic uint32_t word;
};

static inline bool guard_try(struct guard *guard)
{
	uint32_t expected = 0;

	return atomic_compare_exchange_strong(&guard->word, &expected, 1);
}

static inline void guard_lock(struct guard *guard)
{
	for (int i = 0; i < 100; i++) {
		if (guard_try(guard))
			return;
		__builtin_ia32_pause();
	}
	while (atomic_exchange(&guard->word, 2) != 0)
		futex_wait(&guard->word, 2, 0);
}

static inline void guard_unlock(struct guard *guard)
{
	if (atomic_exchange(&guard->word, 0) == 2)
		futex_wake(&guard->word, 1);
}

#endif
