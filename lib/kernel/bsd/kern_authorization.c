/*
 * Authorization scopes: whoever owns a scope answers first, then everyone who listens to
 * its name. A listener may come before its scope. Callbacks run without the lock, on a
 * copy of the list, so that they may listen and stop listening themselves.
 */
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "kernel/bsd/bsd.h"
#include "kernel/osfmk/osfmk.h"

typedef int (*scope_callback)(struct credential *credential, void *cookie, int action,
			      uintptr_t arg0, uintptr_t arg1, uintptr_t arg2,
			      uintptr_t arg3);

enum { LISTENERS_MAX = 15 };
enum { RESULT_ALLOW = 1, RESULT_DENY = 2, RESULT_DEFER = 3 };

/* A scope's own answer or a listener's; the name stays the caller's. */
struct kauth_party {
	struct kauth_party *next;
	const char *name;
	scope_callback callback;
	void *cookie;
};

struct kauth_party *kauth_register_scope(const char *name, scope_callback callback,
					 void *cookie);
void kauth_deregister_scope(struct kauth_party *scope);
struct kauth_party *kauth_listen_scope(const char *name, scope_callback callback,
				       void *cookie);
void kauth_unlisten_scope(struct kauth_party *listener);
int kauth_authorize_action(struct kauth_party *scope, struct credential *credential,
			   int action, uintptr_t arg0, uintptr_t arg1, uintptr_t arg2,
			   uintptr_t arg3);
int kauth_authorize_process(struct credential *credential, int action,
			    struct proc *process, uintptr_t arg1, uintptr_t arg2,
			    uintptr_t arg3);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int ask_generic(struct credential *credential, void *cookie, int action,
		       uintptr_t arg0, uintptr_t arg1, uintptr_t arg2, uintptr_t arg3)
{
	(void)cookie, (void)action, (void)arg0, (void)arg1, (void)arg2, (void)arg3;
	return credential->uid == 0 ? RESULT_ALLOW : RESULT_DENY;
}

/* Signals and tracing: one's own processes. */
static int ask_process(struct credential *credential, void *cookie, int action,
		       uintptr_t process, uintptr_t arg1, uintptr_t arg2, uintptr_t arg3)
{
	const struct proc *target = (const struct proc *)process;

	(void)cookie, (void)action, (void)arg1, (void)arg2, (void)arg3;
	return credential->uid == 0 || target->credential->uid == credential->uid
		       ? RESULT_ALLOW
		       : RESULT_DENY;
}

/* Those of the kernel; the names are Darwin's. What has no callback of its own defers. */
static struct kauth_party vnode_scope = {.name = "com.apple.kauth.vnode"};
static struct kauth_party fileop_scope = {&vnode_scope, "com.apple.kauth.fileop", NULL,
					  NULL};
static struct kauth_party process_scope = {&fileop_scope, "com.apple.kauth.process",
					   ask_process, NULL};
static struct kauth_party generic_scope = {&process_scope, "com.apple.kauth.generic",
					   ask_generic, NULL};
static struct kauth_party *scopes = &generic_scope, *listeners;

static struct kauth_party **find_link(struct kauth_party **list, const char *name)
{
	while (*list && strcmp((*list)->name, name) != 0)
		list = &(*list)->next;
	return list;
}

static struct kauth_party *new_party(const char *name, scope_callback callback,
				     void *cookie)
{
	struct kauth_party *party = mem_alloc(sizeof(*party));

	if (party)
		*party = (struct kauth_party){NULL, name, callback, cookie};
	return party;
}

/* Takes it out of the list and frees it. */
static void remove_party(struct kauth_party **list, struct kauth_party *party)
{
	pthread_mutex_lock(&lock);
	while (*list && *list != party)
		list = &(*list)->next;
	if (*list)
		*list = party->next;
	else
		party = NULL;
	pthread_mutex_unlock(&lock);
	free(party);
}

struct kauth_party *kauth_register_scope(const char *name, scope_callback callback,
					 void *cookie)
{
	struct kauth_party *scope = new_party(name, callback, cookie), **end;

	pthread_mutex_lock(&lock);
	end = find_link(&scopes, name);
	if (scope && !*end) {
		*end = scope;
	} else {
		free(scope);
		scope = NULL;
	}
	pthread_mutex_unlock(&lock);
	return scope;
}
KPI(kauth_register_scope);

void kauth_deregister_scope(struct kauth_party *scope)
{
	remove_party(&scopes, scope);
}
KPI(kauth_deregister_scope);

/* Where a new listener to the name goes, or NULL if there are too many. */
static struct kauth_party **room_for(const char *name)
{
	struct kauth_party **end = &listeners;
	int count = 0;

	for (; *end; end = &(*end)->next)
		count += strcmp((*end)->name, name) == 0;
	return count < LISTENERS_MAX ? end : NULL;
}

struct kauth_party *kauth_listen_scope(const char *name, scope_callback callback,
				       void *cookie)
{
	struct kauth_party *listener = new_party(name, callback, cookie), **end;

	pthread_mutex_lock(&lock);
	end = room_for(name);
	if (listener && end) {
		*end = listener;
	} else {
		free(listener);
		listener = NULL;
	}
	pthread_mutex_unlock(&lock);
	return listener;
}
KPI(kauth_listen_scope);

void kauth_unlisten_scope(struct kauth_party *listener)
{
	remove_party(&listeners, listener);
}
KPI(kauth_unlisten_scope);

/* Copies who is to be asked: the scope and its listeners. Returns their number. */
static int parties_of(const struct kauth_party *scope,
		      struct kauth_party parties[LISTENERS_MAX + 1])
{
	int count = 1;

	parties[0] = *scope;
	pthread_mutex_lock(&lock);
	for (const struct kauth_party *p = listeners; p && count <= LISTENERS_MAX;
	     p = p->next) {
		if (strcmp(p->name, scope->name) == 0)
			parties[count++] = *p;
	}
	pthread_mutex_unlock(&lock);
	return count;
}

/* Any "deny" wins, else the first that does not defer; only "allow" is a yes. */
int kauth_authorize_action(struct kauth_party *scope, struct credential *credential,
			   int action, uintptr_t arg0, uintptr_t arg1, uintptr_t arg2,
			   uintptr_t arg3)
{
	struct kauth_party parties[LISTENERS_MAX + 1];
	int count = parties_of(scope, parties), result = RESULT_DEFER;

	for (int i = 0; i < count; i++) {
		int answer = parties[i].callback
				     ? parties[i].callback(credential, parties[i].cookie,
							   action, arg0, arg1, arg2, arg3)
				     : RESULT_DEFER;
		if (answer == RESULT_DENY || result == RESULT_DEFER)
			result = answer;
	}
	return result == RESULT_ALLOW ? 0 : XNU_EPERM;
}
KPI(kauth_authorize_action);

int kauth_authorize_process(struct credential *credential, int action,
			    struct proc *process, uintptr_t arg1, uintptr_t arg2,
			    uintptr_t arg3)
{
	return kauth_authorize_action(&process_scope, credential, action,
				      (uintptr_t)process, arg1, arg2, arg3);
}
KPI(kauth_authorize_process);

void kauth_tell_fileop(struct credential *credential, int action, uintptr_t arg0,
		       uintptr_t arg1)
{
	(void)kauth_authorize_action(&fileop_scope, credential, action, arg0, arg1, 0, 0);
}

/* Takes one whose callback is in the range out of the list. */
static struct kauth_party *take_inside(struct kauth_party **list, const void *start,
				       const void *end)
{
	struct kauth_party *party;

	pthread_mutex_lock(&lock);
	while ((party = *list) && ((const char *)party->callback < (const char *)start ||
				   (const char *)party->callback >= (const char *)end))
		list = &party->next;
	if (party)
		*list = party->next;
	pthread_mutex_unlock(&lock);
	return party;
}

/* The name lies in the image that goes: it is not logged. */
static void forget(struct kauth_party **list, const char *what, const char *identifier,
		   const void *start, const void *end)
{
	struct kauth_party *party;

	while ((party = take_inside(list, start, end))) {
		report_left(identifier, "left a kauth %s registered", what);
		free(party);
	}
}

void kauth_kmod_unloaded(const char *identifier, const void *start, const void *end)
{
	forget(&listeners, "listener", identifier, start, end);
	forget(&scopes, "scope", identifier, start, end);
}
