/*
 * Unloads what nobody uses any more: a minute after the last sign that something may have
 * become free, the kexts that opted in go, last loaded first. Everything else about
 * stopping a kext is lifecycle.c's; its stop routine may refuse here as well.
 */
#include <time.h>
#include "kernel/libkern/cxx.h"
#include "kernel/machine/machine.h"
#include "kernel/pexpert/pexpert.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool has_thread;
static uint64_t scan_at; /* nanoseconds of CLOCK_MONOTONIC; 0: no scan is pending */
static uint32_t period = 60;

void autounload_startup(void)
{
	PE_parse_boot_argn("autounload", &period, sizeof(period));
}

/* ---- one scan ---- */

static bool is_unused(const struct kmod *kext)
{
	return !kext->is_component && kext->state == KEXT_STATE_STARTED &&
	       kext->may_autounload && !kext->dependents && !kext->retains &&
	       !kext->callbacks;
}

struct candidate {
	uint32_t tag;
	char identifier[64];
	bool is_spared; /* who loaded it wished so, once */
};

/* The last loaded of those before `it` that may go. */
static bool next_unused(struct candidate *it)
{
	struct kmod *found = NULL;
	pthread_mutex_lock(&kmod_lock);
	for (struct kmod *kext = kmod_first(); kext && kext->tag < it->tag;
	     kext = kext->next) {
		if (is_unused(kext))
			found = kext;
	}
	if (found) {
		it->tag = found->tag;
		memcpy(it->identifier, found->identifier, sizeof(it->identifier));
		it->is_spared = found->delays_autounload;
		found->delays_autounload = false;
	}
	pthread_mutex_unlock(&kmod_lock);
	return found;
}

static void tell_kextd(uint32_t tag)
{
	_cleanup_buffer_ struct buffer body = {0};
	fields_put_u32(&body, FIELD_TAG, tag);
	if (!server_send(KERNEL_UNLOADED, 0, &body))
		panic_at(NULL, "no memory to tell kextd what was unloaded");
}

static bool unload(const struct candidate *kext)
{
	uint32_t result;
	if (kext->is_spared || libkern_has_instances(kext->identifier) ||
	    kmod_stop(kext->tag, &result))
		return false;
	kernel_log("kext %s: nobody used it, it was unloaded\n", kext->identifier);
	tell_kextd(kext->tag);
	return true;
}

/* From the last loaded to the first; whether any of them went. */
static bool pass(void)
{
	struct candidate kext = {.tag = UINT32_MAX};
	bool has_unloaded = false;
	while (next_unused(&kext))
		has_unloaded |= unload(&kext);
	return has_unloaded;
}

/* What went may have been the last user of what stayed. */
static void scan(void)
{
	if (upcall_expire())
		autounload_consider(false);
	while (pass())
		;
}

/* ---- when ---- */

static uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Lives as long as a scan is pending. */
static void watch(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	while (scan_at) {
		const struct timespec until = {(time_t)(scan_at / 1000000000u),
					       (long)(scan_at % 1000000000u)};
		if (now() < scan_at) {
			pthread_cond_clockwait(&changed, &lock, CLOCK_MONOTONIC, &until);
			continue;
		}
		scan_at = 0;
		pthread_mutex_unlock(&lock);
		scan();
		pthread_mutex_lock(&lock);
	}
	has_thread = false;
	pthread_mutex_unlock(&lock);
}

/* The thread looks at the time again by itself: a scan only ever moves further away. */
void autounload_consider(bool only_if_pending)
{
	bool wants_thread = false;
	pthread_mutex_lock(&lock);
	if (period && (scan_at || !only_if_pending)) {
		scan_at = now() + period * UINT64_C(1000000000);
		wants_thread = !has_thread;
		has_thread = true;
	}
	pthread_mutex_unlock(&lock);
	if (!wants_thread || kernel_spawn("autounload", watch, NULL) == 0)
		return;
	kernel_log("unused kexts stay loaded: no thread to look for them\n");
	pthread_mutex_lock(&lock);
	has_thread = false;
	scan_at = 0;
	pthread_mutex_unlock(&lock);
}
