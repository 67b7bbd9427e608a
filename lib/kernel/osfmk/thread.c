/*
 * Threads: a record for every host thread that runs kernel or kext code, and kernel
 * threads that start, abandon their stack (thread_block with a continuation) and end by
 * jumping back to their first frame, so that nothing ever unwinds through a kext.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "kernel/libkern/libkern.h"
#include "kernel/osfmk/osfmk.h"

enum { STACK_SIZE = 512 * 1024, THREADS_MAX = 4096 };

/* What a kernel thread does next, decided before each jump to its base frame. */
struct step {
	thread_continue_t body;
	void *parameter;
	wait_result_t result;
};

struct kernel_thread {
	struct thread thread;
	struct step next;
	jmp_buf base_frame;
};

static __thread struct thread *self;
static pthread_key_t end_of_host_thread;
static _Atomic uint64_t last_id;
/* Live threads, for the panic report: read without a lock. */
static _Atomic(struct thread *) live[THREADS_MAX];

/* ---- records ---- */

static bool enlist(struct thread *thread)
{
	for (int i = 0; i < THREADS_MAX; i++) {
		struct thread *none = NULL;

		if (!atomic_load_explicit(&live[i], memory_order_relaxed) &&
		    atomic_compare_exchange_strong(&live[i], &none, thread))
			return true;
	}
	return false;
}

static void delist(struct thread *thread)
{
	for (int i = 0; i < THREADS_MAX; i++) {
		struct thread *expected = thread;

		if (atomic_load_explicit(&live[i], memory_order_relaxed) == thread &&
		    atomic_compare_exchange_strong(&live[i], &expected, NULL))
			return;
	}
}

void thread_visit(void (*visit)(void *context, const struct thread *thread),
		  void *context)
{
	for (int i = 0; i < THREADS_MAX; i++) {
		const struct thread *thread = atomic_load(&live[i]);

		if (thread)
			visit(context, thread);
	}
}

static void record_init(struct thread *thread, const char *name)
{
	atomic_store(&thread->references, 1);
	thread->id = atomic_fetch_add(&last_id, 1) + 1;
	thread->interrupts_enabled = true;
	thread->task = kernel_task;
	xnu_strlcpy(thread->name, name, sizeof(thread->name));
}

void thread_reference(struct thread *thread)
{
	if (thread)
		atomic_fetch_add(&thread->references, 1);
}
KPI(thread_reference);

void thread_deallocate(struct thread *thread)
{
	int before;

	if (!thread)
		return;
	before = atomic_fetch_sub(&thread->references, 1);
	if (before < 1)
		panic_at(__builtin_return_address(0),
			 "thread_deallocate: thread %p has no reference", (void *)thread);
	if (before == 1)
		free(thread);
}
KPI(thread_deallocate);

static void host_thread_ended(void *record)
{
	delist(record);
	self = NULL;
	thread_deallocate(record);
}

static void make_key(void)
{
	if (pthread_key_create(&end_of_host_thread, host_thread_ended))
		panic("no key for thread records");
}

struct thread *thread_self(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (self)
		return self;
	pthread_once(&once, make_key);
	self = calloc(1, sizeof(*self));
	if (!self || pthread_setspecific(end_of_host_thread, self))
		panic("no memory for a thread record");
	record_init(self, "host thread");
	self->stack_top = (uintptr_t)__builtin_frame_address(0);
	self->host = gettid();
	enlist(self);
	return self;
}

const struct thread *thread_known(void)
{
	return self;
}

void thread_startup(void)
{
	xnu_strlcpy(thread_self()->name, "main", sizeof(self->name));
}

struct thread *current_thread(void)
{
	return thread_self();
}
KPI(current_thread);
KPI_AS("_current_act", current_thread);

/* ---- running ---- */

static void thread_end(struct kernel_thread *thread)
{
	static const struct lock_balance none;
	bool holds_locks = thread->thread.mutexes_held != 0;

	if (thread->thread.lock_sites)
		lock_balance_check(none, NULL, "thread",
				   thread->thread.lock_site[0].site);
	machine_thread_teardown();
	delist(&thread->thread);
	self = NULL;
	/* A mutex it still holds names it as the owner: its record must not become
	 * another's. */
	if (!holds_locks)
		thread_deallocate(&thread->thread);
}

static void set_host_name(const struct thread *thread)
{
	char name[16];

	xnu_strlcpy(name, thread->name, sizeof(name));
	pthread_setname_np(pthread_self(), name);
}

static void *thread_main(void *argument)
{
	struct kernel_thread *thread = argument;

	self = &thread->thread;
	self->stack_top = (uintptr_t)__builtin_frame_address(0);
	self->host = gettid();
	machine_thread_setup();
	set_host_name(self);
	/* Every jump to the base frame comes by here with another `next`. */
	_setjmp(thread->base_frame);
	thread = (struct kernel_thread *)self;
	while (thread->next.body) {
		struct step step = thread->next;

		thread->next.body = NULL;
		step.body(step.parameter, step.result);
	}
	thread_end(thread);
	return NULL;
}

void thread_continue(const void *caller, thread_continue_t body, void *parameter,
		     wait_result_t result)
{
	struct kernel_thread *thread = (struct kernel_thread *)thread_self();

	if (!self->is_kernel_thread)
		panic_at(caller,
			 "the thread was not started by kernel_thread_start: it can "
			 "neither end nor continue elsewhere");
	thread->next = (struct step){body, parameter, result};
	_longjmp(thread->base_frame, 1);
}

/* Starts a detached host thread for the record. 0 or an XNU_ errno. */
static int launch(struct kernel_thread *thread)
{
	pthread_attr_t attributes;
	pthread_t host;
	int error;

	if (pthread_attr_init(&attributes))
		return XNU_ENOMEM;
	error = pthread_attr_setstacksize(&attributes, STACK_SIZE);
	if (!error)
		error = pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	if (!error)
		error = pthread_create(&host, &attributes, thread_main, thread);
	pthread_attr_destroy(&attributes);
	return error ? XNU_EAGAIN : 0;
}

/*
 * With `ret_thread` the caller gets a reference, stored before the thread can run: a
 * kext's thread may look at the variable.
 */
static int create(const char *name, struct step first, struct thread **ret_thread)
{
	struct kernel_thread *thread = calloc(1, sizeof(*thread));
	struct thread *before = ret_thread ? *ret_thread : NULL;
	int error;

	if (!thread)
		return XNU_ENOMEM;
	record_init(&thread->thread, name);
	thread->thread.is_kernel_thread = true;
	thread->thread.base = &thread->base_frame;
	thread->next = first;
	atomic_store(&thread->thread.references, ret_thread ? 2 : 1);
	if (!enlist(&thread->thread)) {
		free(thread);
		return XNU_EAGAIN;
	}
	if (ret_thread)
		*ret_thread = &thread->thread;
	error = launch(thread);
	if (error) {
		if (ret_thread)
			*ret_thread = before;
		delist(&thread->thread);
		free(thread);
	}
	return error;
}

kern_return_t kernel_thread_start(thread_continue_t body, void *parameter,
				  struct thread **ret_thread)
{
	const char *kext = kmod_name_at((const void *)body);

	context_may_block(__builtin_return_address(0), "kernel_thread_start");
	if (create(kext ? kext : "kernel thread", (struct step){body, parameter, 0},
		   ret_thread))
		return KERN_RESOURCE_SHORTAGE;
	return KERN_SUCCESS;
}
KPI(kernel_thread_start);

struct spawned {
	void (*body)(void *argument);
	void *argument;
};

static void run_spawned(void *parameter, wait_result_t result)
{
	struct spawned spawned = *(struct spawned *)parameter;

	(void)result;
	free(parameter);
	spawned.body(spawned.argument);
}

int kernel_spawn(const char *name, void (*body)(void *), void *argument)
{
	struct spawned *spawned = malloc(sizeof(*spawned));
	int error;

	if (!spawned)
		return XNU_ENOMEM;
	*spawned = (struct spawned){body, argument};
	error = create(name, (struct step){run_spawned, spawned, 0}, NULL);
	if (error)
		free(spawned);
	return error;
}

kern_return_t thread_terminate(struct thread *thread)
{
	if (!thread)
		return KERN_INVALID_ARGUMENT;
	if (thread != thread_self())
		return KERN_FAILURE;
	thread_continue(__builtin_return_address(0), NULL, NULL, THREAD_AWAKENED);
}
KPI(thread_terminate);

/* ---- what is known of a thread ---- */

uint64_t thread_tid(struct thread *thread)
{
	return thread ? thread->id : 0;
}
KPI(thread_tid);

/* The host learns names of the calling thread only: others' would need a file. */
void thread_set_thread_name(struct thread *thread, const char *name)
{
	if (!thread || !name)
		return;
	xnu_strlcpy(thread->name, name, sizeof(thread->name));
	if (thread == self)
		set_host_name(thread);
}
KPI(thread_set_thread_name);

boolean_t thread_has_thread_name(struct thread *thread)
{
	return thread && thread->name[0];
}
KPI(thread_has_thread_name);
