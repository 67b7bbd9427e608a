/* A shared counter hands out entries; see parallel.h. */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include "archive/parallel.h"

#define MAX_THREADS 64u

struct pool {
	pthread_mutex_t lock;
	size_t next, count, failed_at;
	int error;
	parallel_work *work;
	void *data;
};

static bool take(struct pool *pool, size_t *ret_index)
{
	pthread_mutex_lock(&pool->lock);
	bool is_left = pool->error == 0 && pool->next < pool->count;
	if (is_left)
		*ret_index = pool->next++;
	pthread_mutex_unlock(&pool->lock);
	return is_left;
}

static void note_failure(struct pool *pool, size_t index, int error)
{
	pthread_mutex_lock(&pool->lock);
	if (pool->error == 0 || index < pool->failed_at) {
		pool->error = error;
		pool->failed_at = index;
	}
	pthread_mutex_unlock(&pool->lock);
}

static void *run(void *argument)
{
	struct pool *pool = argument;
	size_t index;
	while (take(pool, &index)) {
		int error = pool->work(pool->data, index);
		if (error < 0)
			note_failure(pool, index, error);
	}
	return NULL;
}

static unsigned core_count(void)
{
	cpu_set_t set;
	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set)
							    : 1;
}

int parallel_run(unsigned jobs, size_t count, parallel_work *work, void *data)
{
	struct pool pool = {.count = count, .work = work, .data = data};
	pthread_t threads[MAX_THREADS];
	unsigned wanted = jobs ? jobs : core_count(), started = 0;
	if (wanted > MAX_THREADS)
		wanted = MAX_THREADS;
	if (wanted > count)
		wanted = (unsigned)count;
	pthread_mutex_init(&pool.lock, NULL);
	/* This thread is one of them; without the others it does everything. */
	while (started + 1 < wanted &&
	       pthread_create(&threads[started], NULL, run, &pool) == 0)
		started++;
	run(&pool);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	pthread_mutex_destroy(&pool.lock);
	return pool.error;
}
