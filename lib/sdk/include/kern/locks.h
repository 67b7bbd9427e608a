/* Mutexes, read/write locks and spin locks. */
#ifndef _SDK_KERN_LOCKS_H_
#define _SDK_KERN_LOCKS_H_

#include <kern/sched_prim.h>

struct __lck_attr__;
struct __lck_grp__;
struct __lck_grp_attr__;
struct __lck_mtx_t__;
struct __lck_rw_t__;
struct __lck_spin_t__;
typedef struct __lck_attr__ lck_attr_t;
typedef struct __lck_grp__ lck_grp_t;
typedef struct __lck_grp_attr__ lck_grp_attr_t;
typedef struct __lck_mtx_t__ lck_mtx_t;
typedef struct __lck_rw_t__ lck_rw_t;
typedef struct __lck_spin_t__ lck_spin_t;
typedef unsigned int lck_sleep_action_t;
typedef unsigned int lck_rw_type_t;

#define LCK_GRP_ATTR_NULL ((lck_grp_attr_t *)0)
#define LCK_GRP_NULL	  ((lck_grp_t *)0)
#define LCK_ATTR_NULL	  ((lck_attr_t *)0)

#define LCK_SLEEP_DEFAULT   0x00
#define LCK_SLEEP_UNLOCK    0x01
#define LCK_SLEEP_SHARED    0x02
#define LCK_SLEEP_EXCLUSIVE 0x04
#define LCK_SLEEP_SPIN	    0x08
#define LCK_RW_TYPE_SHARED  0x01
#define LCK_RW_TYPE_EXCLUSIVE 0x02
#define LCK_MTX_ASSERT_OWNED  0x01
#define LCK_MTX_ASSERT_NOTOWNED 0x02

__BEGIN_DECLS
lck_grp_attr_t *lck_grp_attr_alloc_init(void);
void lck_grp_attr_setdefault(lck_grp_attr_t *attributes);
void lck_grp_attr_setstat(lck_grp_attr_t *attributes);
void lck_grp_attr_free(lck_grp_attr_t *attributes);
lck_grp_t *lck_grp_alloc_init(const char *name, lck_grp_attr_t *attributes);
void lck_grp_free(lck_grp_t *group);
lck_attr_t *lck_attr_alloc_init(void);
void lck_attr_setdefault(lck_attr_t *attributes);
void lck_attr_setdebug(lck_attr_t *attributes);
void lck_attr_free(lck_attr_t *attributes);

lck_mtx_t *lck_mtx_alloc_init(lck_grp_t *group, lck_attr_t *attributes);
void lck_mtx_free(lck_mtx_t *mutex, lck_grp_t *group);
void lck_mtx_init(lck_mtx_t *mutex, lck_grp_t *group, lck_attr_t *attributes);
void lck_mtx_destroy(lck_mtx_t *mutex, lck_grp_t *group);
void lck_mtx_lock(lck_mtx_t *mutex);
boolean_t lck_mtx_try_lock(lck_mtx_t *mutex);
void lck_mtx_unlock(lck_mtx_t *mutex);
void lck_mtx_assert(lck_mtx_t *mutex, unsigned int type);
wait_result_t lck_mtx_sleep(lck_mtx_t *mutex, lck_sleep_action_t action, event_t event,
			    wait_interrupt_t interruptible);
wait_result_t lck_mtx_sleep_deadline(lck_mtx_t *mutex, lck_sleep_action_t action,
				     event_t event, wait_interrupt_t interruptible,
				     uint64_t deadline);

lck_rw_t *lck_rw_alloc_init(lck_grp_t *group, lck_attr_t *attributes);
void lck_rw_free(lck_rw_t *lock, lck_grp_t *group);
void lck_rw_init(lck_rw_t *lock, lck_grp_t *group, lck_attr_t *attributes);
void lck_rw_destroy(lck_rw_t *lock, lck_grp_t *group);
void lck_rw_lock(lck_rw_t *lock, lck_rw_type_t type);
boolean_t lck_rw_try_lock(lck_rw_t *lock, lck_rw_type_t type);
void lck_rw_unlock(lck_rw_t *lock, lck_rw_type_t type);
void lck_rw_lock_shared(lck_rw_t *lock);
void lck_rw_lock_exclusive(lck_rw_t *lock);
void lck_rw_unlock_shared(lck_rw_t *lock);
void lck_rw_unlock_exclusive(lck_rw_t *lock);
boolean_t lck_rw_lock_shared_to_exclusive(lck_rw_t *lock);
void lck_rw_lock_exclusive_to_shared(lck_rw_t *lock);
wait_result_t lck_rw_sleep(lck_rw_t *lock, lck_sleep_action_t action, event_t event,
			   wait_interrupt_t interruptible);
wait_result_t lck_rw_sleep_deadline(lck_rw_t *lock, lck_sleep_action_t action,
				    event_t event, wait_interrupt_t interruptible,
				    uint64_t deadline);

lck_spin_t *lck_spin_alloc_init(lck_grp_t *group, lck_attr_t *attributes);
void lck_spin_free(lck_spin_t *lock, lck_grp_t *group);
void lck_spin_init(lck_spin_t *lock, lck_grp_t *group, lck_attr_t *attributes);
void lck_spin_destroy(lck_spin_t *lock, lck_grp_t *group);
void lck_spin_lock(lck_spin_t *lock);
boolean_t lck_spin_try_lock(lck_spin_t *lock);
void lck_spin_unlock(lck_spin_t *lock);
wait_result_t lck_spin_sleep(lck_spin_t *lock, lck_sleep_action_t action, event_t event,
			     wait_interrupt_t interruptible);
wait_result_t lck_spin_sleep_deadline(lck_spin_t *lock, lck_sleep_action_t action,
				      event_t event, wait_interrupt_t interruptible,
				      uint64_t deadline);
__END_DECLS

#endif
