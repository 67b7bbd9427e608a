/*
 * What the checks for kext authors find, kept until the writer has told kextd: each once,
 * with the places in code that it is about. Works in signal handlers too, so there is a
 * fixed number of them, and nothing is allocated.
 */
#include <stdio.h>
#include <time.h>
#include "kernel/machine/machine.h"

#define MAX_FINDINGS 256u
#define FLUSH_STEPS  200 /* of a millisecond */

static struct finding {
	_Atomic bool is_complete;
	char check[32], text[200];
	const void *site, *origin;
	char kext[64], site_place[128], origin_place[128];
} findings[MAX_FINDINGS];

static _Atomic unsigned begun, sent;

/* The same mistake at the same place is one finding, however often it is made. */
static bool is_known(const char *check, const void *site, const void *origin)
{
	unsigned count = atomic_load(&begun);
	for (unsigned i = 0; i < count && i < MAX_FINDINGS; i++) {
		const struct finding *old = &findings[i];
		if (atomic_load(&old->is_complete) && old->site == site &&
		    old->origin == origin && strcmp(old->check, check) == 0 &&
		    (site || origin))
			return true;
	}
	return false;
}

/* As a panic report has it, so that kextd finds the symbol: 0xADDRESS : IMAGE + 0xOFFSET.
 */
static void describe(const void *address, char place[128], char kext[64])
{
	uint64_t offset;
	place[0] = 0;
	if (!address)
		return;
	const char *image = report_place((uint64_t)address, &offset);
	bool is_kext = kmod_by_address((uint64_t)address) != NULL;
	snprintf(place, 128, "0x%016llx : %s + 0x%llx", (unsigned long long)address,
		 image, (unsigned long long)offset);
	if (is_kext && !kext[0])
		snprintf(kext, 64, "%s", image);
}

static void tell(const char *check, const char *kext, const void *site,
		 const void *origin, const char *text)
{
	if (is_known(check, site, origin))
		return;
	unsigned index = atomic_fetch_add(&begun, 1);
	if (index >= MAX_FINDINGS) { /* too many to be told */
		atomic_store(&begun, MAX_FINDINGS);
		return;
	}
	struct finding *finding = &findings[index];
	snprintf(finding->check, sizeof(finding->check), "%s", check);
	snprintf(finding->text, sizeof(finding->text), "%s", text);
	snprintf(finding->kext, sizeof(finding->kext), "%s", kext ? kext : "");
	finding->site = site;
	finding->origin = origin;
	describe(site, finding->site_place, finding->kext);
	describe(origin, finding->origin_place, finding->kext);
	atomic_store(&finding->is_complete, true);
	server_wake();
}

void finding_tell(const char *check, const char *kext, const void *site,
		  const void *origin, const char *text)
{
	pthread_mutex_lock(&kmod_lock);
	tell(check, kext, site, origin, text);
	pthread_mutex_unlock(&kmod_lock);
}

/* The lock may be another thread's; it guards a list that is whole at any moment. */
void finding_tell_of_fault(const char *check, const void *site, const void *origin,
			   const char *text)
{
	bool is_locked = pthread_mutex_trylock(&kmod_lock) == 0;
	tell(check, NULL, site, origin, text);
	if (is_locked)
		pthread_mutex_unlock(&kmod_lock);
}

bool finding_next(struct buffer *body)
{
	unsigned index = atomic_load(&sent);
	if (index >= MAX_FINDINGS || !atomic_load(&findings[index].is_complete))
		return false;
	const struct finding *finding = &findings[index];
	fields_put_text(body, FIELD_NAME, finding->check);
	fields_put_text(body, FIELD_CAUSE, finding->text);
	fields_put_text(body, FIELD_IDENTIFIER, finding->kext);
	fields_put_text(body, FIELD_SITE, finding->site_place);
	fields_put_text(body, FIELD_ORIGIN, finding->origin_place);
	return true;
}

void finding_is_sent(void)
{
	atomic_fetch_add(&sent, 1);
}

void finding_flush(void)
{
	static const struct timespec step = {0, 1000000};
	for (int i = 0; i < FLUSH_STEPS && atomic_load(&sent) < atomic_load(&begun); i++)
		nanosleep(&step, NULL);
}
