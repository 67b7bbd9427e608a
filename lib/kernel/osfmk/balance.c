/*
 * Whether kext code gives back the locks that it takes: what a thread holds before and
 * after a routine that must leave it as it was. Read/write locks may change hands and are
 * not counted.
 */
#include "kernel/libkern/libkern.h"
#include "kernel/osfmk/osfmk.h"
#include "kernel/pexpert/pexpert.h"

struct lock_balance lock_balance_now(void)
{
	const struct thread *thread = thread_self();

	return (struct lock_balance){thread->mutexes_held, thread->preemption_level};
}

static bool is_wanted(void)
{
	uint32_t value = 1;

	PE_parse_boot_argn("lock_check", &value, sizeof(value));
	return value != 0;
}

void lock_balance_check(struct lock_balance before, const char *kext, const char *routine)
{
	struct thread *thread = thread_self();
	int mutexes = thread->mutexes_held - before.mutexes;
	int spin = thread->preemption_level - before.spin;

	/* The thread serves other kexts next: they start from where this one did. */
	thread->mutexes_held = before.mutexes;
	thread->preemption_level = before.spin;
	if ((!mutexes && !spin) || !is_wanted())
		return;
	log_format(NULL,
		   "%s: its %s routine left locks unbalanced: "
		   "mutexes %+d, spin locks %+d\n",
		   kext, routine, mutexes, spin);
}
