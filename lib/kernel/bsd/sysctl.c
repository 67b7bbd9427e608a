/*
 * The sysctl tree: registering and unregistering records, finding one by numbers, and the
 * checks and locks around its handler. Lists are kept in ascending order of numbers.
 */
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "kernel/bsd/sysctl.h"
#include "kernel/osfmk/osfmk.h"

#define FIRST_AUTO 101
#define MAX_DEPTH  SYSCTL_MAX_NAME

int securelevel;
KPI(securelevel);

static pthread_mutex_t geometry = PTHREAD_MUTEX_INITIALIZER; /* lists and counts */
static pthread_cond_t idle = PTHREAD_COND_INITIALIZER;	     /* a count fell to 0 */
static pthread_mutex_t handlers; /* for handlers that do no locking of their own */

void sysctl_lock(void)
{
	pthread_mutex_lock(&geometry);
}

void sysctl_unlock(void)
{
	pthread_mutex_unlock(&geometry);
}

/* Where in the parent's list a record with this number is, or would be. */
static struct sysctl_oid **place_of(struct sysctl_oid_list *list, int number)
{
	struct sysctl_oid **link = &list->first;
	while (*link && (*link)->oid_number < number)
		link = &(*link)->oid_next;
	return link;
}

static int next_number(const struct sysctl_oid_list *list)
{
	int number = FIRST_AUTO - 1;
	for (const struct sysctl_oid *oid = list->first; oid; oid = oid->oid_next)
		number = oid->oid_number > number ? oid->oid_number : number;
	return number + 1;
}

/* Records of the old style are shorter; the tree holds a whole copy of one. */
static struct sysctl_oid *copy_old(const struct sysctl_oid *oid)
{
	struct sysctl_oid *copy = mem_zero(1, sizeof(*copy));
	if (copy)
		memcpy(copy, oid, offsetof(struct sysctl_oid, oid_descr));
	return copy;
}

void sysctl_register_oid(struct sysctl_oid *oid)
{
	struct sysctl_oid *record = oid;
	const void *caller = __builtin_return_address(0);
	if (oid->oid_kind & SYSCTL_OID2) {
		if (oid->oid_version != 1)
			return;
	} else if (!(record = copy_old(oid))) {
		panic_at(caller, "sysctl_register_oid: no memory");
	}
	pthread_mutex_lock(&geometry);
	if (record->oid_number == SYSCTL_AUTO)
		oid->oid_number = record->oid_number = next_number(record->oid_parent);
	struct sysctl_oid **link = place_of(record->oid_parent, record->oid_number);
	if (*link && (*link)->oid_number == record->oid_number)
		panic_at(caller,
			 "attempting to register a sysctl at previously registered slot "
			 ": %d (%s, where %s is)",
			 record->oid_number, record->oid_name, (*link)->oid_name);
	record->oid_next = *link;
	*link = record;
	pthread_mutex_unlock(&geometry);
}
KPI(sysctl_register_oid);

static bool is_copy_of(const struct sysctl_oid *record, const struct sysctl_oid *oid)
{
	const size_t from = offsetof(struct sysctl_oid, oid_number);
	const size_t to = offsetof(struct sysctl_oid, oid_descr);
	return memcmp((const char *)record + from, (const char *)oid + from, to - from) ==
	       0;
}

/* The link that leads to the record in the tree, or to NULL. */
static struct sysctl_oid **find_link(const struct sysctl_oid *oid)
{
	bool is_old = !(oid->oid_kind & SYSCTL_OID2);
	struct sysctl_oid **link = &oid->oid_parent->first;
	while (*link && *link != oid && !(is_old && is_copy_of(*link, oid)))
		link = &(*link)->oid_next;
	return link;
}

static void unlink_and_wait(struct sysctl_oid **link)
{
	struct sysctl_oid *record = *link;
	*link = record->oid_next;
	record->oid_next = NULL;
	while (record->oid_refcnt)
		pthread_cond_wait(&idle, &geometry);
	if (!(record->oid_kind & SYSCTL_OID2))
		free(record);
}

void sysctl_unregister_oid(struct sysctl_oid *oid)
{
	pthread_mutex_lock(&geometry);
	struct sysctl_oid **link = find_link(oid);
	bool is_known = *link != NULL;
	if (is_known)
		unlink_and_wait(link);
	pthread_mutex_unlock(&geometry);
	if (!is_known)
		kernel_log("sysctl_unregister_oid: %s is not registered\n",
			   oid->oid_name);
}
KPI(sysctl_unregister_oid);

/* What a walk down the numbers came to. */
struct found {
	struct sysctl_oid *oid;
	unsigned used;	 /* components of the name that led there */
	bool needs_lock; /* an OID on the way does no locking */
};

/* Nodes with a handler take the rest of the name as arguments. */
static int find(const int *name, unsigned length, struct found *ret)
{
	struct sysctl_oid_list *list = &sysctl__children;
	struct found found = {0};
	while (found.used < length) {
		struct sysctl_oid *oid = *place_of(list, name[found.used]);
		if (!oid || oid->oid_number != name[found.used])
			return XNU_ENOENT;
		found.oid = oid;
		found.used++;
		found.needs_lock |= !(oid->oid_kind & SYSCTL_LOCKED);
		bool is_node = (oid->oid_kind & SYSCTL_TYPE) == SYSCTL_NODE;
		if (is_node && !oid->oid_handler) {
			list = oid->oid_arg1;
			continue;
		}
		if (!is_node && found.used < length)
			return XNU_EISDIR;
		*ret = found;
		return 0;
	}
	return XNU_ENOENT;
}

/* The order of these checks is what a caller can observe. */
static int check_access(const struct sysctl_oid *oid, const struct sysctl_req *request,
			bool is_kernel, bool is_superuser)
{
	unsigned kind = (unsigned)oid->oid_kind;
	bool is_write = request->newptr != 0;
	if (is_write &&
	    (!(kind & SYSCTL_WR) || ((kind & SYSCTL_SECURE) && securelevel > 0)))
		return XNU_EPERM;
	if (is_kernel && !(kind & SYSCTL_KERN))
		return XNU_EPERM;
	if (is_write && !(kind & SYSCTL_ANYBODY) && !is_superuser)
		return XNU_EPERM;
	return oid->oid_handler ? 0 : XNU_EINVAL;
}

static void describe(const struct sysctl_oid *oid, struct sysctl_reply *reply)
{
	reply->kind = (uint32_t)oid->oid_kind;
	if (oid->oid_fmt)
		xnu_snprintf(reply->format, sizeof(reply->format), "%s", oid->oid_fmt);
}

static int call_handler(const struct found *found, const int *name, unsigned length,
			struct sysctl_req *request)
{
	struct sysctl_oid *oid = found->oid;
	int arguments[SYSCTL_MAX_NAME] = {0};
	bool is_node = (oid->oid_kind & SYSCTL_TYPE) == SYSCTL_NODE;
	struct lock_balance held = lock_balance_now();
	memcpy(arguments, name + found->used, (length - found->used) * sizeof(*name));
	int error =
		is_node ? oid->oid_handler(oid, arguments, (int)(length - found->used),
					   request)
			: oid->oid_handler(oid, oid->oid_arg1, oid->oid_arg2, request);
	lock_balance_check(held, NULL, "sysctl", (const void *)oid->oid_handler);
	return error;
}

/* With the count of the OID raised, so that unregistering waits. */
static int run(const struct found *found, const int *name, unsigned length,
	       struct sysctl_req *request)
{
	if (found->needs_lock)
		pthread_mutex_lock(&handlers);
	int error = call_handler(found, name, length, request);
	if (found->needs_lock)
		pthread_mutex_unlock(&handlers);
	pthread_mutex_lock(&geometry);
	if (--found->oid->oid_refcnt == 0)
		pthread_cond_broadcast(&idle);
	pthread_mutex_unlock(&geometry);
	return error;
}

int sysctl_dispatch(const int *name, unsigned length, struct sysctl_req *request,
		    bool is_kernel, bool is_superuser, struct sysctl_reply *ret)
{
	struct found found;
	if (length > SYSCTL_MAX_NAME)
		return XNU_ENOENT;
	pthread_mutex_lock(&geometry);
	int error = find(name, length, &found);
	if (!error && ret)
		describe(found.oid, ret);
	if (!error)
		error = check_access(found.oid, request, is_kernel, is_superuser);
	if (!error)
		found.oid->oid_refcnt++;
	pthread_mutex_unlock(&geometry);
	return error ? error : run(&found, name, length, request);
}

static bool lies_in(const void *pointer, const void *start, const void *end)
{
	return (const char *)pointer >= (const char *)start &&
	       (const char *)pointer < (const char *)end;
}

static bool belongs_to(const struct sysctl_oid *oid, const void *start, const void *end)
{
	return lies_in(oid, start, end) || lies_in(oid->oid_parent, start, end) ||
	       lies_in(oid->oid_name, start, end) ||
	       lies_in((const void *)oid->oid_handler, start, end);
}

/* Takes one record of the range out of the tree; its name goes to `name`. */
static bool unlink_one(struct sysctl_oid_list *list, const void *start, const void *end,
		       char name[64], unsigned depth)
{
	for (struct sysctl_oid **link = &list->first; *link; link = &(*link)->oid_next) {
		struct sysctl_oid *oid = *link;
		bool is_plain_node =
			(oid->oid_kind & SYSCTL_TYPE) == SYSCTL_NODE && !oid->oid_handler;
		if (is_plain_node && depth < MAX_DEPTH && oid->oid_arg1 &&
		    unlink_one(oid->oid_arg1, start, end, name, depth + 1))
			return true;
		if (!belongs_to(oid, start, end))
			continue;
		xnu_snprintf(name, 64, "%s", oid->oid_name);
		unlink_and_wait(link);
		return true;
	}
	return false;
}

void sysctl_kmod_unloaded(const char *identifier, const void *start, const void *end)
{
	char name[64];
	for (;;) {
		pthread_mutex_lock(&geometry);
		bool is_found = unlink_one(&sysctl__children, start, end, name, 0);
		pthread_mutex_unlock(&geometry);
		if (!is_found)
			return;
		report_left(identifier, "left the sysctl %s registered", name);
	}
}

/* Handlers may look up and run other OIDs. */
void sysctl_startup(void)
{
	pthread_mutexattr_t recursive;
	pthread_mutexattr_init(&recursive);
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&handlers, &recursive);
	pthread_mutexattr_destroy(&recursive);
	sysctl_magic_startup();
	sysctl_builtin_startup();
}
