/*
 * The contexts of kernel code: interrupts on or off, preemption, interrupt handlers.
 * There are no real interrupts; the thread record keeps what a kext may ask for.
 */
#include "kernel/libkern/libkern.h"
#include "kernel/osfmk/osfmk.h"

boolean_t ml_get_interrupts_enabled(void)
{
	return thread_self()->interrupts_enabled;
}
KPI(ml_get_interrupts_enabled);

/* Returns the state before, which callers restore. */
boolean_t ml_set_interrupts_enabled(boolean_t enable)
{
	struct thread *thread = thread_self();
	bool before = thread->interrupts_enabled;

	thread->interrupts_enabled = enable != XNU_FALSE;
	return before;
}
KPI(ml_set_interrupts_enabled);

boolean_t ml_at_interrupt_context(void)
{
	return thread_self()->interrupt_level > 0;
}
KPI(ml_at_interrupt_context);

boolean_t preemption_enabled(void)
{
	return thread_self()->preemption_level == 0 && thread_self()->interrupts_enabled;
}
KPI(preemption_enabled);

/* Threads are not pinned, so that no other answer would stay true. */
int cpu_number(void)
{
	return 0;
}
KPI(cpu_number);

/* No interrupt came; "now" makes callers' idle statistics come out as zero. */
uint64_t ml_cpu_int_event_time(void)
{
	return mach_absolute_time();
}
KPI(ml_cpu_int_event_time);

/* True the first time for each caller; forgets the oldest of many. */
static bool is_new_site(const void *caller)
{
	enum { SITES = 256 };
	static const void *_Atomic sites[SITES];
	static _Atomic unsigned next;

	for (int i = 0; i < SITES; i++) {
		if (atomic_load(&sites[i]) == caller)
			return false;
	}
	atomic_store(&sites[atomic_fetch_add(&next, 1) % SITES], caller);
	return true;
}

void context_may_block(const void *caller, const char *what)
{
	const struct thread *thread = thread_self();
	const char *kext, *when;
	char text[128];

	if (!thread->preemption_level && !thread->interrupt_level)
		return;
	if (!is_new_site(caller) || !check_is_wanted("sleep_check"))
		return;
	when = thread->interrupt_level ? "in interrupt context"
				       : "while a spin lock is held";
	kext = kmod_name_at(caller);
	log_format(caller, "%s called from %s (%p) %s: it may block\n", what,
		   kext ? kext : "the kernel", caller, when);
	xnu_snprintf(text, sizeof(text), "%s, which may block, is called %s", what, when);
	finding_tell("lock.sleep", NULL, caller, NULL, text);
}
