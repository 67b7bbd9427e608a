/*
 * Lock groups (a name and counts of live locks) and attributes (flag words). A freed
 * group lives on until the last of its locks is destroyed.
 */
#include <stdlib.h>
#include "kernel/libkern/libkern.h"
#include "kernel/osfmk/osfmk.h"

struct lck_grp {
	_Atomic int references; /* the creator's, and one a lock */
	_Atomic unsigned locks[LOCK_KINDS];
	char name[64];
};

struct lck_grp_attr {
	uint32_t flags;
};
struct lck_attr {
	uint32_t flags;
};

enum { ATTR_DEBUG = 1, ATTR_SHARED_PRIORITY = 2, GROUP_ATTR_STAT = 1 };

lck_grp_attr_t *lck_grp_attr_alloc_init(void)
{
	return calloc(1, sizeof(lck_grp_attr_t));
}
KPI(lck_grp_attr_alloc_init);

void lck_grp_attr_setdefault(lck_grp_attr_t *attr)
{
	attr->flags = 0;
}
KPI(lck_grp_attr_setdefault);

void lck_grp_attr_setstat(lck_grp_attr_t *attr)
{
	attr->flags |= GROUP_ATTR_STAT;
}
KPI(lck_grp_attr_setstat);

void lck_grp_attr_free(lck_grp_attr_t *attr)
{
	free(attr);
}
KPI(lck_grp_attr_free);

lck_attr_t *lck_attr_alloc_init(void)
{
	return calloc(1, sizeof(lck_attr_t));
}
KPI(lck_attr_alloc_init);

void lck_attr_setdefault(lck_attr_t *attr)
{
	attr->flags = 0;
}
KPI(lck_attr_setdefault);

void lck_attr_setdebug(lck_attr_t *attr)
{
	attr->flags |= ATTR_DEBUG;
}
KPI(lck_attr_setdebug);

void lck_attr_cleardebug(lck_attr_t *attr)
{
	attr->flags &= ~(uint32_t)ATTR_DEBUG;
}
KPI(lck_attr_cleardebug);

void lck_attr_rw_shared_priority(lck_attr_t *attr)
{
	attr->flags |= ATTR_SHARED_PRIORITY;
}
KPI(lck_attr_rw_shared_priority);

bool lck_attr_is_shared_priority(const lck_attr_t *attr)
{
	return attr && attr->flags & ATTR_SHARED_PRIORITY;
}

void lck_attr_free(lck_attr_t *attr)
{
	free(attr);
}
KPI(lck_attr_free);

lck_grp_t *lck_grp_alloc_init(const char *name, lck_grp_attr_t *attr)
{
	lck_grp_t *group = calloc(1, sizeof(*group));

	(void)attr;
	if (!group)
		return NULL;
	atomic_store(&group->references, 1);
	xnu_strlcpy(group->name, name, sizeof(group->name));
	return group;
}
KPI(lck_grp_alloc_init);

static void group_release(const void *caller, lck_grp_t *group)
{
	int before = atomic_fetch_sub(&group->references, 1);

	if (before < 1)
		panic_at(caller, "lock group %p was freed already", (void *)group);
	if (before == 1)
		free(group);
}

void lck_grp_free(lck_grp_t *group)
{
	group_release(__builtin_return_address(0), group);
}
KPI(lck_grp_free);

const char *lck_grp_name(const lck_grp_t *group)
{
	return group->name;
}

unsigned lck_grp_count(const lck_grp_t *group, enum lock_kind kind)
{
	return atomic_load(&group->locks[kind]);
}

void lck_grp_enter(lck_grp_t *group, enum lock_kind kind)
{
	if (!group)
		return;
	atomic_fetch_add(&group->references, 1);
	atomic_fetch_add(&group->locks[kind], 1);
}

void lck_grp_leave(lck_grp_t *group, enum lock_kind kind)
{
	if (!group)
		return;
	atomic_fetch_sub(&group->locks[kind], 1);
	group_release(__builtin_return_address(0), group);
}
