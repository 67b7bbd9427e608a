/*
 * The threads of the process by their Linux ids, and how a panic stops them: a signal
 * whose handler never returns. The table is fixed and lock-free, for it is read in signal
 * handlers.
 */
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "kernel/machine/machine.h"

#define MAX_THREADS 4096u
#define PATIENCE_NS 250000000ull /* spent only when a thread is not given a core */

static _Atomic int threads[MAX_THREADS];
static struct frame_state states[MAX_THREADS]; /* rip 0: not frozen */
static _Atomic unsigned highest;	       /* slots in use lie below */
static _Atomic unsigned frozen;

/* Puts `to` where `from` was; false when `from` is nowhere. */
static bool replace(int from, int to)
{
	for (unsigned i = 0; i < MAX_THREADS; i++) {
		int expected = from;
		if (!atomic_compare_exchange_strong(&threads[i], &expected, to))
			continue;
		unsigned seen = atomic_load(&highest);
		while (seen <= i && !atomic_compare_exchange_weak(&highest, &seen, i + 1))
			;
		return true;
	}
	return false;
}

/* A thread that finds no slot runs all the same; it is merely not frozen by a panic. */
void freeze_add_thread(void)
{
	replace(0, gettid());
}

void freeze_remove_thread(void)
{
	replace(gettid(), 0);
}

int freeze_signal(void)
{
	return SIGUSR2;
}

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void freeze_others(void)
{
	unsigned sent = 0, count = atomic_load(&highest);
	int self = gettid(), process = getpid();
	for (unsigned i = 0; i < count; i++) {
		int thread = atomic_load(&threads[i]);
		if (thread && thread != self)
			sent += syscall(SYS_tgkill, process, thread, freeze_signal()) ==
				0;
	}
	uint64_t end = now_ns() + PATIENCE_NS;
	while (atomic_load(&frozen) < sent && now_ns() < end)
		syscall(SYS_sched_yield);
}

static void note_state(const ucontext_t *context)
{
	int self = gettid();
	for (unsigned i = 0; i < atomic_load(&highest); i++) {
		if (atomic_load(&threads[i]) != self)
			continue;
		states[i].rbp = (uint64_t)context->uc_mcontext.gregs[REG_RBP];
		states[i].rsp = (uint64_t)context->uc_mcontext.gregs[REG_RSP];
		states[i].rip = (uint64_t)context->uc_mcontext.gregs[REG_RIP];
		return;
	}
}

void freeze_here(const ucontext_t *context)
{
	if (context)
		note_state(context);
	atomic_fetch_add(&frozen, 1);
	for (;;)
		pause();
}

void freeze_visit(void (*visit)(void *argument, int thread,
				const struct frame_state *state),
		  void *argument)
{
	for (unsigned i = 0; i < atomic_load(&highest); i++) {
		if (states[i].rip)
			visit(argument, atomic_load(&threads[i]), &states[i]);
	}
}
