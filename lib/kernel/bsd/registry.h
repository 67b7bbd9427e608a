/*
 * One list of what kexts register with BSD: each registry's records begin with a
 * registration, so that what an unloaded kext left is found whatever it is.
 */
#ifndef KERNEL_BSD_REGISTRY_H
#define KERNEL_BSD_REGISTRY_H

#include "kernel/bsd/bsd.h"

enum registry_kind {
	REGISTRY_CONTROL,
	REGISTRY_SOCKET_FILTER,
	REGISTRY_IP_FILTER,
	REGISTRY_INTERFACE_FILTER,
	REGISTRY_POLICY,
	REGISTRY_DECOMPRESSOR,
	REGISTRY_NODE,
};

/* Records are allocated with base/memory.h; `code` lies in the kext that registered. */
struct registration {
	struct registration *next;
	enum registry_kind kind;
	const void *code;
};

/* Around the three below. Kext code is never called with the lock held. */
void registry_lock(void);
void registry_unlock(void);
/* The next of the kind; NULL begins, and NULL is the end. */
struct registration *registry_next(const struct registration *after,
				   enum registry_kind kind);
/* Appends. */
void registry_insert(struct registration *record);
/* Takes the record out if it is there; then it is the caller's to free. */
bool registry_take(const void *record, enum registry_kind kind);

void registry_kmod_unloaded(const char *identifier, const void *start, const void *end);

#endif
