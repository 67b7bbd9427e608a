/*
 * The Mach part's interfaces: those kexts see (threads, waits, locks, clocks, thread
 * calls, semaphores, memory) under Darwin's names, and the few things other parts of the
 * kernel need beside kernel.h.
 */
#ifndef KERNEL_OSFMK_OSFMK_H
#define KERNEL_OSFMK_OSFMK_H

#include <sys/time.h>
#include "kernel/kernel.h"

/* ---- threads and tasks ---- */
typedef void (*thread_continue_t)(void *parameter, wait_result_t result);

extern struct task *kernel_task;
struct task *current_task(void);
void task_reference(struct task *task);
void task_deallocate(struct task *task);

kern_return_t kernel_thread_start(thread_continue_t body, void *parameter,
				  struct thread **ret_thread);
kern_return_t thread_terminate(struct thread *thread);
struct thread *current_thread(void);
void thread_reference(struct thread *thread);
void thread_deallocate(struct thread *thread);
uint64_t thread_tid(struct thread *thread);
void thread_set_thread_name(struct thread *thread, const char *name);
boolean_t thread_has_thread_name(struct thread *thread);
kern_return_t thread_policy_set(struct thread *thread, uint32_t flavor, int32_t *info,
				uint32_t count);
/* Abandons the caller's stack and goes on with body(parameter, result); NULL ends. */
_Noreturn void thread_continue(const void *caller, thread_continue_t body,
			       void *parameter, wait_result_t result);

/* ---- contexts ---- */
boolean_t ml_get_interrupts_enabled(void);
boolean_t ml_set_interrupts_enabled(boolean_t enable);
boolean_t ml_at_interrupt_context(void);
boolean_t preemption_enabled(void);
int cpu_number(void);
uint64_t ml_cpu_int_event_time(void);
/*
 * For calls that may block: a caller that holds a spin lock or runs as an interrupt
 * handler is reported once per call site. `what` names the call.
 */
void context_may_block(const void *caller, const char *what);

/* ---- waits ---- */
wait_result_t assert_wait(event_t event, wait_interrupt_t interruptible);
wait_result_t assert_wait_deadline(event_t event, wait_interrupt_t interruptible,
				   uint64_t deadline);
wait_result_t assert_wait_deadline_with_leeway(event_t event,
					       wait_interrupt_t interruptible,
					       int urgency, uint64_t deadline,
					       uint64_t leeway);
wait_result_t assert_wait_timeout(event_t event, wait_interrupt_t interruptible,
				  uint32_t interval, uint32_t scale);
wait_result_t assert_wait_timeout_with_leeway(event_t event,
					      wait_interrupt_t interruptible, int urgency,
					      uint32_t interval, uint32_t leeway,
					      uint32_t scale);
wait_result_t thread_block(thread_continue_t continuation);
wait_result_t thread_block_parameter(thread_continue_t continuation, void *parameter);
kern_return_t thread_wakeup_prim(event_t event, boolean_t one, wait_result_t result);
kern_return_t thread_wakeup_thread(event_t event, struct thread *thread);
/* Ends the wait of `thread`, if it waits, with `result`. */
kern_return_t clear_wait(struct thread *thread, wait_result_t result);
/* Ends an interruptible wait with THREAD_INTERRUPTED: the present one, else the next. */
void thread_abort(struct thread *thread);
/* Forgets an abort that no wait consumed (between two client requests). */
void thread_abort_clear(struct thread *thread);

/* ---- lock groups and attributes ---- */
typedef struct lck_grp lck_grp_t;
typedef struct lck_grp_attr lck_grp_attr_t;
typedef struct lck_attr lck_attr_t;
enum lock_kind { LOCK_MUTEX, LOCK_RW, LOCK_SPIN, LOCK_KINDS };

lck_grp_attr_t *lck_grp_attr_alloc_init(void);
void lck_grp_attr_setdefault(lck_grp_attr_t *attr);
void lck_grp_attr_setstat(lck_grp_attr_t *attr);
void lck_grp_attr_free(lck_grp_attr_t *attr);
lck_attr_t *lck_attr_alloc_init(void);
void lck_attr_setdefault(lck_attr_t *attr);
void lck_attr_setdebug(lck_attr_t *attr);
void lck_attr_cleardebug(lck_attr_t *attr);
void lck_attr_rw_shared_priority(lck_attr_t *attr);
void lck_attr_free(lck_attr_t *attr);
bool lck_attr_is_shared_priority(const lck_attr_t *attr);
lck_grp_t *lck_grp_alloc_init(const char *name, lck_grp_attr_t *attr);
void lck_grp_free(lck_grp_t *group);
const char *lck_grp_name(const lck_grp_t *group);
unsigned lck_grp_count(const lck_grp_t *group, enum lock_kind kind);
/* Counts a lock of `kind` in and out of a group; either may be NULL. */
void lck_grp_enter(lck_grp_t *group, enum lock_kind kind);
void lck_grp_leave(lck_grp_t *group, enum lock_kind kind);

/* What lck_*_sleep does with the lock afterwards. */
enum {
	LCK_SLEEP_DEFAULT = 0,
	LCK_SLEEP_UNLOCK = 1,
	LCK_SLEEP_SHARED = 2,
	LCK_SLEEP_EXCLUSIVE = 4,
	LCK_SLEEP_SPIN = 8,
	LCK_SLEEP_PROMOTED_PRI = 0x10,
	LCK_SLEEP_SPIN_ALWAYS = 0x20,
	LCK_SLEEP_MASK = 0x3f,
};

/* ---- mutexes; 16 bytes are Darwin's ABI ---- */
typedef struct lck_mtx {
	_Atomic uint32_t word; /* see mutex.c */
	_Atomic uint32_t mode;
	_Atomic(struct thread *) owner;
} lck_mtx_t;
_Static_assert(sizeof(lck_mtx_t) == 16, "lck_mtx_t");

lck_mtx_t *lck_mtx_alloc_init(lck_grp_t *group, lck_attr_t *attr);
void lck_mtx_init(lck_mtx_t *lock, lck_grp_t *group, lck_attr_t *attr);
void lck_mtx_destroy(lck_mtx_t *lock, lck_grp_t *group);
void lck_mtx_free(lck_mtx_t *lock, lck_grp_t *group);
void lck_mtx_lock(lck_mtx_t *lock);
void lck_mtx_lock_spin(lck_mtx_t *lock);
boolean_t lck_mtx_try_lock(lck_mtx_t *lock);
boolean_t lck_mtx_try_lock_spin(lck_mtx_t *lock);
void lck_mtx_convert_spin(lck_mtx_t *lock);
void lck_mtx_unlock(lck_mtx_t *lock);
void lck_mtx_assert(lck_mtx_t *lock, unsigned what);
wait_result_t lck_mtx_sleep(lck_mtx_t *lock, int action, event_t event,
			    wait_interrupt_t interruptible);
wait_result_t lck_mtx_sleep_deadline(lck_mtx_t *lock, int action, event_t event,
				     wait_interrupt_t interruptible, uint64_t deadline);
/* The record of the owner, or NULL. */
struct thread *lck_mtx_owner(const lck_mtx_t *lock);

/* ---- balance.c ---- */
struct lock_balance {
	int mutexes, spin;
	unsigned sites;
};
/* The calling thread has a mutex or spin lock now, which code at `site` took; or no more.
 */
void lock_is_taken(const void *lock, const void *site);
void lock_is_given_back(const void *lock);
/* What the calling thread holds. */
struct lock_balance lock_balance_now(void);
/*
 * Logs, unless the boot argument lock_check=0 is given, what `kext`'s routine took and
 * did not give back or gave back and had not taken, and tells of it with the routine's
 * `code`; then counts from `before` again. `kext` NULL: whose code it is.
 */
void lock_balance_check(struct lock_balance before, const char *kext, const char *routine,
			const void *code);
/* Boot argument -kheap_strict: what is done wrong with memory is a panic. */
bool kheap_is_strict(void);
/* Whether the boot argument of a check is not 0. */
bool check_is_wanted(const char *name);

/* ---- read/write locks; 16 bytes ---- */
typedef struct lck_rw {
	_Atomic uint32_t guard;
	_Atomic uint32_t generation; /* futex word, moves at every release */
	uint16_t readers;
	uint16_t writers_waiting;
	uint16_t waiters;
	uint16_t flags; /* see rwlock.c */
} lck_rw_t;
_Static_assert(sizeof(lck_rw_t) == 16, "lck_rw_t");
enum { LCK_RW_TYPE_SHARED = 1, LCK_RW_TYPE_EXCLUSIVE = 2 };

lck_rw_t *lck_rw_alloc_init(lck_grp_t *group, lck_attr_t *attr);
void lck_rw_init(lck_rw_t *lock, lck_grp_t *group, lck_attr_t *attr);
void lck_rw_destroy(lck_rw_t *lock, lck_grp_t *group);
void lck_rw_free(lck_rw_t *lock, lck_grp_t *group);
void lck_rw_lock(lck_rw_t *lock, int type);
void lck_rw_unlock(lck_rw_t *lock, int type);
void lck_rw_lock_shared(lck_rw_t *lock);
void lck_rw_lock_exclusive(lck_rw_t *lock);
void lck_rw_unlock_shared(lck_rw_t *lock);
void lck_rw_unlock_exclusive(lck_rw_t *lock);
boolean_t lck_rw_try_lock(lck_rw_t *lock, int type);
boolean_t lck_rw_try_lock_shared(lck_rw_t *lock);
boolean_t lck_rw_try_lock_exclusive(lck_rw_t *lock);
int lck_rw_done(lck_rw_t *lock);
boolean_t lck_rw_lock_shared_to_exclusive(lck_rw_t *lock);
void lck_rw_lock_exclusive_to_shared(lck_rw_t *lock);
wait_result_t lck_rw_sleep(lck_rw_t *lock, int action, event_t event,
			   wait_interrupt_t interruptible);
wait_result_t lck_rw_sleep_deadline(lck_rw_t *lock, int action, event_t event,
				    wait_interrupt_t interruptible, uint64_t deadline);
void lck_rw_assert(lck_rw_t *lock, unsigned what);

/* ---- spin locks; 8 bytes ---- */
typedef struct lck_spin {
	_Atomic uint32_t word;	/* 0 free, 1 held, 2 held and somebody sleeps */
	_Atomic uint32_t owner; /* low half of the thread's id */
} lck_spin_t;
_Static_assert(sizeof(lck_spin_t) == 8, "lck_spin_t");

lck_spin_t *lck_spin_alloc_init(lck_grp_t *group, lck_attr_t *attr);
void lck_spin_init(lck_spin_t *lock, lck_grp_t *group, lck_attr_t *attr);
void lck_spin_destroy(lck_spin_t *lock, lck_grp_t *group);
void lck_spin_free(lck_spin_t *lock, lck_grp_t *group);
void lck_spin_lock(lck_spin_t *lock);
void lck_spin_lock_grp(lck_spin_t *lock, lck_grp_t *group);
boolean_t lck_spin_try_lock(lck_spin_t *lock);
boolean_t lck_spin_try_lock_grp(lck_spin_t *lock, lck_grp_t *group);
void lck_spin_unlock(lck_spin_t *lock);
void lck_spin_assert(lck_spin_t *lock, unsigned what);
boolean_t kdp_lck_spin_is_acquired(lck_spin_t *lock);
wait_result_t lck_spin_sleep(lck_spin_t *lock, int action, event_t event,
			     wait_interrupt_t interruptible);
wait_result_t lck_spin_sleep_deadline(lck_spin_t *lock, int action, event_t event,
				      wait_interrupt_t interruptible, uint64_t deadline);

/* ---- semaphores ---- */
typedef struct semaphore *semaphore_t;
typedef struct {
	uint32_t tv_sec;
	int32_t tv_nsec;
} mach_timespec_t;

kern_return_t semaphore_create(struct task *task, semaphore_t *ret_semaphore, int policy,
			       int value);
kern_return_t semaphore_destroy(struct task *task, semaphore_t semaphore);
void semaphore_reference(semaphore_t semaphore);
void semaphore_dereference(semaphore_t semaphore);
kern_return_t semaphore_wait(semaphore_t semaphore);
kern_return_t semaphore_wait_noblock(semaphore_t semaphore);
kern_return_t semaphore_wait_deadline(semaphore_t semaphore, uint64_t deadline);
kern_return_t semaphore_timedwait(semaphore_t semaphore, mach_timespec_t interval);
kern_return_t semaphore_signal(semaphore_t semaphore);
kern_return_t semaphore_signal_all(semaphore_t semaphore);

/* ---- thread calls ---- */
typedef struct thread_call *thread_call_t;
typedef void (*thread_call_func_t)(void *p0, void *p1);

thread_call_t thread_call_allocate(thread_call_func_t function, void *p0);
thread_call_t thread_call_allocate_with_priority(thread_call_func_t function, void *p0,
						 int priority);
thread_call_t thread_call_allocate_with_options(thread_call_func_t function, void *p0,
						int priority, uint32_t options);
boolean_t thread_call_free(thread_call_t call);
boolean_t thread_call_enter(thread_call_t call);
boolean_t thread_call_enter1(thread_call_t call, void *p1);
boolean_t thread_call_enter_delayed(thread_call_t call, uint64_t deadline);
boolean_t thread_call_enter1_delayed(thread_call_t call, void *p1, uint64_t deadline);
boolean_t thread_call_enter_delayed_with_leeway(thread_call_t call, void *p1,
						uint64_t deadline, uint64_t leeway,
						uint32_t flags);
boolean_t thread_call_cancel(thread_call_t call);
boolean_t thread_call_cancel_wait(thread_call_t call);
boolean_t thread_call_isactive(thread_call_t call);
/* The timeout(9) family: calls known by function and argument alone. */
void thread_call_func_delayed(const void *caller, thread_call_func_t function, void *p0,
			      uint64_t deadline);
bool thread_call_func_cancel(thread_call_func_t function, void *p0);

/* ---- clocks and delays ---- */
struct mach_timebase_info {
	uint32_t numer, denom;
};

uint64_t mach_continuous_time(void);
uint64_t mach_approximate_time(void);
uint64_t absolutetime_to_continuoustime(uint64_t time);
uint64_t continuoustime_to_absolutetime(uint64_t time);
void absolutetime_to_nanoseconds(uint64_t time, uint64_t *ret_nanoseconds);
void nanoseconds_to_absolutetime(uint64_t nanoseconds, uint64_t *ret_time);
void clock_timebase_info(struct mach_timebase_info *ret_info);
void clock_get_uptime(uint64_t *ret_time);
void clock_get_system_microtime(uint64_t *ret_seconds, uint32_t *ret_microseconds);
void clock_get_system_nanotime(uint64_t *ret_seconds, uint32_t *ret_nanoseconds);
void clock_get_calendar_microtime(uint64_t *ret_seconds, uint32_t *ret_microseconds);
void clock_get_calendar_nanotime(uint64_t *ret_seconds, uint32_t *ret_nanoseconds);
void clock_interval_to_absolutetime_interval(uint32_t interval, uint32_t scale,
					     uint64_t *ret_time);
void clock_interval_to_deadline(uint32_t interval, uint32_t scale,
				uint64_t *ret_deadline);
void clock_absolutetime_interval_to_deadline(uint64_t interval, uint64_t *ret_deadline);
void clock_continuoustime_interval_to_deadline(uint64_t interval, uint64_t *ret_deadline);
void clock_deadline_for_periodic_event(uint64_t interval, uint64_t now,
				       uint64_t *deadline);
void clock_delay_until(uint64_t deadline);
void delay(int microseconds);
void delay_for_interval(uint32_t interval, uint32_t scale);
/* The one delay routine: spins or sleeps uninterruptibly. */
void delay_nanoseconds(const void *caller, uint64_t nanoseconds);

void microtime(struct timeval *ret_time);
void microuptime(struct timeval *ret_time);
void nanotime(struct timespec *ret_time);
void nanouptime(struct timespec *ret_time);
void timevaladd(struct timeval *a, struct timeval *b);
void timevalsub(struct timeval *a, struct timeval *b);
void timevalfix(struct timeval *time);
uint64_t tvtoabstime(struct timeval *time);

/* ---- the machine's measures, filled by kheap_startup ---- */
extern size_t page_size, page_mask, mem_size;
extern int page_shift, hz, smp_initialized;
extern unsigned real_ncpus;
extern uint64_t max_mem, sane_size;
void facts_startup(void);

#endif
