/*
 * MAC policies: registered, initialised and taken back as in Darwin when they come after
 * boot. None of their other hooks is ever called.
 */
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "kernel/bsd/registry.h"

enum { FLAG_NOT_LATE = 1, FLAG_UNLOAD_OK = 2, REGISTERED = 1 };
enum { LABELS_MAX = 4, SLOTS_MAX = 8 };
/* Entries of the table of hooks. */
enum { HOOK_DESTROY = 114, HOOK_INIT = 115, HOOK_INITBSD = 116 };

/* Darwin's mac_policy_conf. */
struct policy {
	const char *name, *fullname;
	const char *const *labels;
	unsigned label_count;
	void (*const *hooks)(struct policy *policy);
	int load_flags;
	int *slot;
	int runtime_flags;
	struct policy *list;
	void *data;
};
_Static_assert(sizeof(struct policy) == 80, "mac_policy_conf");

struct policy_record {
	struct registration registration;
	struct policy *policy;
	unsigned handle;
	int slot; /* for labels; -1 for none */
};

int mac_policy_register(struct policy *policy, unsigned *ret_handle, void *data);
int mac_policy_unregister(unsigned handle);

static unsigned last_handle;

static struct policy_record *next_policy(const struct policy_record *after)
{
	return (struct policy_record *)registry_next(after ? &after->registration : NULL,
						     REGISTRY_POLICY);
}

static void call_hook(struct policy *policy, int hook)
{
	if (policy->hooks[hook])
		policy->hooks[hook](policy);
}

/* The lowest that no policy has, or -1. */
static int free_slot(void)
{
	unsigned used = 0;

	for (struct policy_record *p = next_policy(NULL); p; p = next_policy(p))
		used |= p->slot < 0 ? 0 : 1u << p->slot;
	for (int i = 0; i < SLOTS_MAX; i++) {
		if (!(used & 1u << i))
			return i;
	}
	return -1;
}

static int insert(struct policy_record *record)
{
	struct policy *policy = record->policy;

	for (struct policy_record *p = next_policy(NULL); p; p = next_policy(p)) {
		if (strcmp(p->policy->name, policy->name) == 0)
			return XNU_EEXIST;
	}
	if (policy->slot) {
		record->slot = free_slot();
		if (record->slot < 0)
			return XNU_ENOMEM;
		*policy->slot = record->slot;
	}
	record->handle = ++last_handle;
	policy->runtime_flags |= REGISTERED;
	registry_insert(&record->registration);
	return 0;
}

int mac_policy_register(struct policy *policy, unsigned *ret_handle, void *data)
{
	struct policy_record *record;
	int error;

	(void)data;
	if (!policy->name || !policy->fullname || !policy->hooks)
		panic_at(__builtin_return_address(0),
			 "a MAC policy without name or hooks");
	if (policy->label_count > LABELS_MAX)
		panic_at(__builtin_return_address(0),
			 "MAC policy %s has %u labels, not at "
			 "most 4",
			 policy->name, policy->label_count);
	if (policy->load_flags & FLAG_NOT_LATE)
		return XNU_EPERM;
	record = mem_zero(1, sizeof(*record));
	if (!record)
		return XNU_ENOMEM;
	*record = (struct policy_record){{NULL, REGISTRY_POLICY, policy}, policy, 0, -1};
	registry_lock();
	error = insert(record);
	registry_unlock();
	if (error) {
		free(record);
		return error;
	}
	if (ret_handle)
		*ret_handle = record->handle;
	kernel_log("calling mpo_policy_init for %s\n", policy->name);
	call_hook(policy, HOOK_INIT);
	kernel_log("Security policy loaded: %s (%s)\n", policy->fullname, policy->name);
	call_hook(policy, HOOK_INITBSD);
	return 0;
}
KPI(mac_policy_register);

/* Takes it out if it may go. *ret_record is NULL when nobody has the handle. */
static int take(unsigned handle, struct policy_record **ret_record)
{
	struct policy_record *record = next_policy(NULL);

	while (record && record->handle != handle)
		record = next_policy(record);
	*ret_record = record;
	if (!record)
		return 0;
	if (!(record->policy->load_flags & FLAG_UNLOAD_OK))
		return XNU_EBUSY;
	registry_take(record, REGISTRY_POLICY);
	return 0;
}

int mac_policy_unregister(unsigned handle)
{
	struct policy_record *record;
	int error;

	registry_lock();
	error = take(handle, &record);
	registry_unlock();
	if (error || !record)
		return error;
	call_hook(record->policy, HOOK_DESTROY);
	record->policy->runtime_flags &= ~REGISTERED;
	kernel_log("Security policy unload: %s (%s)\n", record->policy->fullname,
		   record->policy->name);
	free(record);
	return 0;
}
KPI(mac_policy_unregister);
