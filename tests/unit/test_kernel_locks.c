/* Mutexes, read/write, spin, recursive locks and groups, with real contention. */
#include "kernel_stand_ins.h"
#include "kernel/iokit/IOLib.h"

enum { THREADS = 4, ROUNDS = 100000 };

static lck_grp_t *group;
static lck_mtx_t mutex;
static lck_rw_t rw;
static lck_spin_t spin;
static IORecursiveLock *recursive;
static long counter;

/* Runs `body` in four threads and checks that no increment was lost. */
static void contend(void *(*body)(void *), long expected)
{
	pthread_t threads[THREADS];

	counter = 0;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, body, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(counter, expected);
}

/* Runs one function in another thread and waits for it. */
static void elsewhere(void *(*body)(void *))
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, body, NULL), 0);
	pthread_join(thread, NULL);
}

static void *count_with_mutex(void *unused)
{
	for (int i = 0; i < ROUNDS; i++) {
		if (i % 3 == 0)
			lck_mtx_lock_spin(&mutex);
		else
			lck_mtx_lock(&mutex);
		counter++;
		lck_mtx_unlock(&mutex);
	}
	return unused;
}

static void mutex_excludes(void **state)
{
	(void)state;
	lck_mtx_init(&mutex, group, NULL);
	contend(count_with_mutex, (long)THREADS * ROUNDS);
	assert_null(lck_mtx_owner(&mutex));
	lck_mtx_destroy(&mutex, group);
}

static void *lock_mutex(void *unused)
{
	lck_mtx_lock(&mutex);
	return unused;
}

static boolean_t try_result;

static void *try_mutex(void *unused)
{
	try_result = lck_mtx_try_lock(&mutex);
	return unused;
}

static void mutex_misuse_panics(void **state)
{
	(void)state;
	lck_mtx_init(&mutex, group, NULL);
	assert_panic("non-owner", lck_mtx_unlock(&mutex));
	elsewhere(lock_mutex);
	assert_panic("non-owner", lck_mtx_unlock(&mutex));
	lck_mtx_init(&mutex, NULL, NULL);
	lck_mtx_lock(&mutex);
	assert_panic("recursive lock by owner", lck_mtx_lock(&mutex));
	assert_int_equal(lck_mtx_try_lock(&mutex), 0);
	elsewhere(try_mutex);
	assert_int_equal(try_result, 0);
	lck_mtx_assert(&mutex, 1);
	assert_panic("owned", lck_mtx_assert(&mutex, 2));
	assert_panic("Invalid lock sleep action", lck_mtx_sleep(&mutex, 0x40, &mutex, 0));
	lck_mtx_unlock(&mutex);
	assert_panic("not owned", lck_mtx_assert(&mutex, 1));
	lck_mtx_destroy(&mutex, group);
	lck_mtx_destroy(&mutex, group);
	assert_panic("destroyed mutex", lck_mtx_lock(&mutex));
	assert_panic("destroyed mutex", lck_mtx_try_lock(&mutex));
}

static void spin_mode_counts_as_a_spin_lock(void **state)
{
	(void)state;
	lck_mtx_init(&mutex, group, NULL);
	lck_mtx_lock_spin(&mutex);
	assert_int_equal(thread_self()->preemption_level, 1);
	assert_false(preemption_enabled());
	lck_mtx_convert_spin(&mutex);
	lck_mtx_convert_spin(&mutex);
	assert_int_equal(thread_self()->preemption_level, 0);
	lck_mtx_unlock(&mutex);
	assert_int_equal(lck_mtx_try_lock_spin(&mutex), 1);
	lck_mtx_unlock(&mutex);
	assert_int_equal(thread_self()->preemption_level, 0);
	lck_mtx_destroy(&mutex, group);
}

static void *count_with_spin(void *unused)
{
	for (int i = 0; i < ROUNDS; i++) {
		if (i % 4 || !lck_spin_try_lock(&spin))
			lck_spin_lock(&spin);
		counter++;
		lck_spin_unlock(&spin);
	}
	return unused;
}

static void spin_lock_excludes(void **state)
{
	(void)state;
	IOSimpleLockInit(&spin);
	contend(count_with_spin, (long)THREADS * ROUNDS);
	lck_spin_lock(&spin);
	assert_int_equal(thread_self()->preemption_level, 1);
	assert_int_equal(lck_spin_try_lock(&spin), 0);
	assert_int_equal(thread_self()->preemption_level, 1);
	assert_true(kdp_lck_spin_is_acquired(&spin));
	lck_spin_assert(&spin, 1);
	assert_panic("recursive", lck_spin_lock(&spin));
	thread_self()->preemption_level--; /* of the lock that panicked */
	lck_spin_unlock(&spin);
	assert_int_equal(thread_self()->preemption_level, 0);
	assert_panic("does not hold it", lck_spin_unlock(&spin));
	IOSimpleLockDestroy(&spin);
}

static void *count_with_rw(void *unused)
{
	for (int i = 0; i < ROUNDS / 4; i++) {
		lck_rw_lock_exclusive(&rw);
		counter++;
		if (i % 2)
			lck_rw_lock_exclusive_to_shared(&rw);
		lck_rw_done(&rw);
		lck_rw_lock_shared(&rw);
		if (lck_rw_lock_shared_to_exclusive(&rw)) {
			counter++;
			lck_rw_unlock_exclusive(&rw);
		} else {
			lck_rw_lock(&rw, LCK_RW_TYPE_EXCLUSIVE);
			counter++;
			lck_rw_unlock(&rw, LCK_RW_TYPE_EXCLUSIVE);
		}
	}
	return unused;
}

static void rw_lock_excludes(void **state)
{
	(void)state;
	lck_rw_init(&rw, group, NULL);
	contend(count_with_rw, 2l * THREADS * (ROUNDS / 4));
	lck_rw_assert(&rw, 4);
	lck_rw_destroy(&rw, group);
}

static boolean_t upgrade_result;
static _Atomic bool upgrade_began, upgrade_ended;

static void *upgrade(void *unused)
{
	lck_rw_lock_shared(&rw);
	upgrade_began = true;
	upgrade_result = lck_rw_lock_shared_to_exclusive(&rw);
	upgrade_ended = true;
	if (upgrade_result)
		lck_rw_unlock_exclusive(&rw);
	return unused;
}

static void of_two_upgrades_one_wins(void **state)
{
	pthread_t thread;

	(void)state;
	lck_rw_init(&rw, group, NULL);
	lck_rw_lock_shared(&rw);
	pthread_create(&thread, NULL, upgrade, NULL);
	while (!upgrade_began)
		sched_yield();
	usleep(20000); /* it waits for this reader to go */
	assert_false(upgrade_ended);
	assert_int_equal(lck_rw_lock_shared_to_exclusive(&rw), 0);
	pthread_join(thread, NULL);
	assert_int_equal(upgrade_result, 1);
	lck_rw_assert(&rw, 4); /* the loser holds nothing */
	lck_rw_destroy(&rw, group);
}

static boolean_t reader_result;

static void *try_read(void *unused)
{
	reader_result = lck_rw_try_lock_shared(&rw);
	if (reader_result)
		lck_rw_unlock_shared(&rw);
	return unused;
}

static void *write_once(void *unused)
{
	lck_rw_lock_exclusive(&rw);
	lck_rw_unlock_exclusive(&rw);
	return unused;
}

/* Result of a new reader while one reads and a writer waits. */
static boolean_t new_reader_behind_a_writer(lck_attr_t *attr)
{
	pthread_t writer;

	lck_rw_init(&rw, group, attr);
	lck_rw_lock_shared(&rw);
	pthread_create(&writer, NULL, write_once, NULL);
	while (!__atomic_load_n(&rw.writers_waiting, __ATOMIC_SEQ_CST))
		sched_yield();
	elsewhere(try_read);
	lck_rw_unlock_shared(&rw);
	pthread_join(writer, NULL);
	lck_rw_destroy(&rw, group);
	return reader_result;
}

static void waiting_writers_come_before_new_readers(void **state)
{
	lck_attr_t *attr = lck_attr_alloc_init();

	(void)state;
	assert_int_equal(new_reader_behind_a_writer(NULL), 0);
	lck_attr_rw_shared_priority(attr);
	assert_int_equal(new_reader_behind_a_writer(attr), 1);
	lck_attr_free(attr);
}

static void rw_misuse_panics(void **state)
{
	(void)state;
	lck_rw_init(&rw, group, NULL);
	assert_panic("held in mode", lck_rw_done(&rw));
	assert_panic("Invalid RW lock type", lck_rw_lock(&rw, 3));
	lck_rw_lock_shared(&rw);
	assert_panic("held in mode", lck_rw_unlock_exclusive(&rw));
	lck_rw_assert(&rw, 1);
	lck_rw_assert(&rw, 3);
	assert_panic("asserted 2", lck_rw_assert(&rw, 2));
	assert_int_equal(lck_rw_try_lock(&rw, LCK_RW_TYPE_EXCLUSIVE), 0);
	assert_int_equal(lck_rw_done(&rw), LCK_RW_TYPE_SHARED);
	lck_rw_lock_exclusive(&rw);
	assert_int_equal(lck_rw_try_lock_shared(&rw), 0);
	assert_int_equal(lck_rw_done(&rw), LCK_RW_TYPE_EXCLUSIVE);
	lck_rw_destroy(&rw, group);
	lck_rw_destroy(&rw, group);
	assert_panic("destroyed", lck_rw_lock_shared(&rw));
}

static void rw_sleep_retakes_in_mode(void **state)
{
	uint64_t deadline;
	int event;

	(void)state;
	lck_rw_init(&rw, group, NULL);
	lck_rw_lock_shared(&rw);
	clock_interval_to_deadline(5, 1000000, &deadline);
	assert_int_equal(
		lck_rw_sleep_deadline(&rw, LCK_SLEEP_EXCLUSIVE, &event, 0, deadline),
		THREAD_TIMED_OUT);
	lck_rw_assert(&rw, 2);
	clock_interval_to_deadline(5, 1000000, &deadline);
	assert_int_equal(
		lck_rw_sleep_deadline(&rw, LCK_SLEEP_DEFAULT, &event, 0, deadline),
		THREAD_TIMED_OUT);
	lck_rw_assert(&rw, 2);
	clock_interval_to_deadline(5, 1000000, &deadline);
	assert_int_equal(
		lck_rw_sleep_deadline(&rw, LCK_SLEEP_UNLOCK, &event, 0, deadline),
		THREAD_TIMED_OUT);
	lck_rw_assert(&rw, 4);
	lck_rw_destroy(&rw, group);
}

static void *count_with_recursive(void *unused)
{
	for (int i = 0; i < ROUNDS; i++) {
		IORecursiveLockLock(recursive);
		IORecursiveLockLock(recursive);
		counter++;
		IORecursiveLockUnlock(recursive);
		IORecursiveLockUnlock(recursive);
	}
	return unused;
}

static void *try_recursive(void *unused)
{
	try_result = IORecursiveLockTryLock(recursive);
	return unused;
}

static void recursive_lock(void **state)
{
	uint64_t deadline;
	int event;

	(void)state;
	assert_null(IORecursiveLockAllocWithLockGroup(NULL));
	recursive = IORecursiveLockAllocWithLockGroup(group);
	contend(count_with_recursive, (long)THREADS * ROUNDS);
	assert_false(IORecursiveLockHaveLock(recursive));
	IORecursiveLockLock(recursive);
	assert_int_equal(IORecursiveLockTryLock(recursive), 1);
	assert_true(IORecursiveLockHaveLock(recursive));
	clock_interval_to_deadline(5, 1000000, &deadline);
	assert_int_equal(IORecursiveLockSleepDeadline(recursive, &event, deadline, 0),
			 THREAD_TIMED_OUT);
	IORecursiveLockUnlock(recursive);
	elsewhere(try_recursive);
	assert_int_equal(try_result, 0); /* one level is left */
	lck_mtx_assert(IORecursiveLockGetMachLock(recursive), 1);
	IORecursiveLockUnlock(recursive);
	assert_panic("not the caller's", IORecursiveLockUnlock(recursive));
	IORecursiveLockFree(recursive);
}

static void io_locks_are_mutexes(void **state)
{
	lck_mtx_t *lock = IOLockAlloc();
	lck_rw_t *read_write = IORWLockAlloc();
	lck_spin_t *simple = IOSimpleLockAlloc();

	(void)state;
	assert_ptr_equal(IOLockGetMachLock(lock), lock);
	IOLockInitWithState(lock, kIOLockStateLocked);
	lck_mtx_assert(lock, 1);
	lck_mtx_unlock(lock);
	IOLockFree(lock);
	lck_rw_lock_exclusive(IORWLockGetMachLock(read_write));
	lck_rw_done(read_write);
	IORWLockFree(read_write);
	lck_spin_lock(IOSimpleLockGetMachLock(simple));
	lck_spin_unlock(simple);
	IOSimpleLockFree(simple);
}

static _Atomic bool sleeper_is_in;
static _Atomic int sleeper_result;

static void *sleep_on_null(void *lock)
{
	lck_mtx_lock(lock);
	sleeper_is_in = true;
	sleeper_result = IOLockSleep(lock, NULL, 0);
	lck_mtx_unlock(lock);
	return NULL;
}

static void sleeping_without_an_event(void **state)
{
	lck_mtx_t *lock = IOLockAlloc();
	pthread_t thread;

	(void)state;
	sleeper_result = -9;
	pthread_create(&thread, NULL, sleep_on_null, lock);
	while (!sleeper_is_in)
		sched_yield();
	lck_mtx_lock(lock); /* it sleeps, or we would not get the lock */
	IOLockWakeup(lock, NULL, true);
	lck_mtx_unlock(lock);
	pthread_join(thread, NULL);
	assert_int_equal(sleeper_result, THREAD_AWAKENED);
	lck_mtx_lock(lock);
	assert_panic("NULL", IOLockSleep_darwin14(lock, NULL, 0));
	assert_panic("NULL", IOLockWakeup_darwin14(lock, NULL, true));
	lck_mtx_unlock(lock);
	IOLockFree(lock);
}

static void groups_outlive_their_creator(void **state)
{
	lck_grp_t *mine = lck_grp_alloc_init("a name of more than sixty-three characters "
					     "is cut to sixty-three of them",
					     NULL);
	lck_mtx_t *lock = lck_mtx_alloc_init(mine, NULL);
	lck_spin_t *simple = lck_spin_alloc_init(mine, NULL);

	(void)state;
	assert_int_equal(strlen(lck_grp_name(mine)), 63);
	lck_grp_free(mine);
	assert_int_equal(lck_grp_count(mine, LOCK_MUTEX), 1);
	assert_int_equal(lck_grp_count(mine, LOCK_SPIN), 1);
	lck_mtx_free(lock, mine);
	assert_int_equal(lck_grp_count(mine, LOCK_MUTEX), 0);
	lck_spin_free(simple, mine);
}

static int setup(void **state)
{
	group = lck_grp_alloc_init("tests", NULL);
	return kernel_parts_startup(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mutex_excludes),
		cmocka_unit_test(mutex_misuse_panics),
		cmocka_unit_test(spin_mode_counts_as_a_spin_lock),
		cmocka_unit_test(spin_lock_excludes),
		cmocka_unit_test(rw_lock_excludes),
		cmocka_unit_test(of_two_upgrades_one_wins),
		cmocka_unit_test(waiting_writers_come_before_new_readers),
		cmocka_unit_test(rw_misuse_panics),
		cmocka_unit_test(rw_sleep_retakes_in_mode),
		cmocka_unit_test(recursive_lock),
		cmocka_unit_test(io_locks_are_mutexes),
		cmocka_unit_test(sleeping_without_an_event),
		cmocka_unit_test(groups_outlive_their_creator),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
