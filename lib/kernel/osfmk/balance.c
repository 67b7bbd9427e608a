/*
 * Whether kext code gives back the locks that it takes: what a thread holds before and
 * after a routine that must leave it as it was. Read/write locks may change hands and are
 * not counted.
 */
#include <string.h>
#include "kernel/libkern/libkern.h"
#include "kernel/osfmk/osfmk.h"
#include "kernel/pexpert/pexpert.h"

struct lock_balance lock_balance_now(void)
{
	const struct thread *thread = thread_self();

	return (struct lock_balance){thread->mutexes_held, thread->preemption_level,
				     thread->lock_sites};
}

/* Of locks that are held beyond those for which there is room, nobody knows who took
 * them.
 */
void lock_is_taken(const void *lock, const void *site)
{
	struct thread *thread = thread_self();
	unsigned room = sizeof(thread->lock_site) / sizeof(*thread->lock_site);

	if (thread->lock_sites == room)
		return;
	thread->lock_site[thread->lock_sites].lock = lock;
	thread->lock_site[thread->lock_sites++].site = site;
}

void lock_is_given_back(const void *lock)
{
	struct thread *thread = thread_self();
	unsigned i = thread->lock_sites;

	while (i > 0 && thread->lock_site[i - 1].lock != lock)
		i--;
	if (i == 0)
		return;
	memmove(&thread->lock_site[i - 1], &thread->lock_site[i],
		(thread->lock_sites - i) * sizeof(*thread->lock_site));
	thread->lock_sites--;
}

/* Who took the first of the locks that came in since then; NULL: none did. */
static const void *site_since(const struct thread *thread, unsigned sites)
{
	return thread->lock_sites > sites ? thread->lock_site[sites].site : NULL;
}

bool check_is_wanted(const char *name)
{
	uint32_t value = 1;

	PE_parse_boot_argn(name, &value, sizeof(value));
	return value != 0;
}

void lock_balance_check(struct lock_balance before, const char *kext, const char *routine,
			const void *code)
{
	char text[128];
	struct thread *thread = thread_self();
	int mutexes = thread->mutexes_held - before.mutexes;
	int spin = thread->preemption_level - before.spin;
	const void *origin = site_since(thread, before.sites);

	/* The thread serves other kexts next: they start from where this one did. */
	thread->mutexes_held = before.mutexes;
	thread->preemption_level = before.spin;
	thread->lock_sites = before.sites;
	if ((!mutexes && !spin) || !check_is_wanted("lock_check"))
		return;
	xnu_snprintf(text, sizeof(text),
		     "its %s routine left locks unbalanced: "
		     "mutexes %+d, spin locks %+d",
		     routine, mutexes, spin);
	if (!kext)
		kext = kmod_name_at(code);
	log_format(NULL, "%s: %s\n", kext ? kext : "the kernel", text);
	finding_tell("lock.unbalanced", kext, origin ? origin : code, NULL, text);
}
