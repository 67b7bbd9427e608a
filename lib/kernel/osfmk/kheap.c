/*
 * The kernel heap over the host's: blocks come from aligned_alloc, or are guarded; a hash
 * table beside them holds what is known of each. Fresh memory is never zero by accident,
 * freed memory never looks alive. What kexts do wrong is logged and told to kextd.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/libkern/libkern.h"
#include "kernel/osfmk/futex.h"
#include "kernel/osfmk/guarded.h"
#include "kernel/osfmk/kheap.h"
#include "kernel/osfmk/osfmk.h"
#include "kernel/pexpert/pexpert.h"

enum { PAGE = 4096, SHARDS = 64, SHARD_BUCKETS = 1024 };
enum { FRESH = 0xaa, DEAD = 0xdd };
/* Beyond any machine's memory; keeps roundings from overflowing. */
static const size_t size_max = (size_t)1 << 40;
/* What all live blocks may hold: a kext that takes without end shall not starve the host.
 */
static size_t heap_limit = (size_t)4 << 30;
static _Atomic size_t heap_used;

struct record {
	struct record *next;
	void *block;
	size_t size;
	const void *caller;
	const char *name; /* of the call */
	enum heap_family family;
	struct guarded *guarded; /* NULL: the host's */
};

struct shard {
	struct guard guard;
	struct record *buckets[SHARD_BUCKETS];
};

static struct shard shards[SHARDS];
static bool is_strict, has_free_check, has_leak_check;

static const char *const family_names[] = {
	"IOMalloc",	      "IOMallocData",	  "IOMallocType",      "IOMallocAligned",
	"IOMallocContiguous", "IOMallocPageable", "_MALLOC",	       "lock",
	"kmem_alloc",	      "mbuf_get",	  "mbuf_alloccluster", "zlib",
};

void kheap_startup(void)
{
	uint32_t value, megabytes = 0, wants_guards = 0;

	facts_startup();
	stack_guard_startup();
	is_strict = PE_parse_boot_argn("-kheap_strict", &value, sizeof(value));
	has_free_check = check_is_wanted("free_check");
	has_leak_check = check_is_wanted("leak_check");
	PE_parse_boot_argn("kheap_guard", &wants_guards, sizeof(wants_guards));
	if (wants_guards && !guarded_startup())
		log_format(NULL,
			   "kheap_guard: there are no addresses for guarded blocks\n");
	if (PE_parse_boot_argn("maxmem", &megabytes, sizeof(megabytes)) && megabytes)
		heap_limit = (size_t)megabytes << 20;
}

bool kheap_is_strict(void)
{
	return is_strict;
}

/* ---- the table ---- */

static uint64_t hash_of(const void *block)
{
	return (uint64_t)(uintptr_t)block * 0x9e3779b97f4a7c15ull;
}

static struct shard *shard_of(const void *block)
{
	return &shards[hash_of(block) >> 58];
}

static struct record **bucket_of(struct shard *shard, const void *block)
{
	return &shard->buckets[hash_of(block) >> 48 & (SHARD_BUCKETS - 1)];
}

static void insert(struct record *record)
{
	struct shard *shard = shard_of(record->block);
	struct record **bucket = bucket_of(shard, record->block);

	guard_lock(&shard->guard);
	record->next = *bucket;
	*bucket = record;
	guard_unlock(&shard->guard);
}

/* Takes the record out of the table; NULL if the pointer is no live block. */
static struct record *take(const void *block)
{
	struct shard *shard = shard_of(block);
	struct record **link = bucket_of(shard, block), *record;

	guard_lock(&shard->guard);
	while ((record = *link) && record->block != block)
		link = &record->next;
	if (record)
		*link = record->next;
	guard_unlock(&shard->guard);
	return record;
}

size_t kheap_size(enum heap_family family, const void *block)
{
	struct shard *shard = shard_of(block);
	struct record *record;
	size_t size = HEAP_ANY_SIZE;

	guard_lock(&shard->guard);
	for (record = *bucket_of(shard, block); record; record = record->next) {
		if (record->block == block && record->family == family)
			size = record->size;
	}
	guard_unlock(&shard->guard);
	return size;
}

/* ---- the limit ---- */

static bool charge(size_t size)
{
	size_t before = atomic_fetch_add(&heap_used, size);

	if (size <= heap_limit && before <= heap_limit - size)
		return true;
	atomic_fetch_sub(&heap_used, size);
	return false;
}

/* ---- allocation ---- */

size_t kheap_class(size_t size)
{
	static const uint16_t classes[] = {
		16,  32,  48,  64,  80,	  96,	128,  160,  192,  224,	256,  288,  368,
		400, 512, 576, 768, 1024, 1152, 1280, 1664, 2048, 4096, 6144, 8192,
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		if (size <= classes[i])
			return classes[i];
	}
	return (size + PAGE - 1) & ~(size_t)(PAGE - 1);
}

/* Finds room for a block of `whole` bytes, the size rounded up. */
static bool place_block(struct record *record, size_t whole, size_t alignment)
{
	record->guarded = guarded_new(record->size, alignment, record->caller);
	record->block = record->guarded ? record->guarded->block
					: aligned_alloc(alignment, whole);
	return record->block;
}

void *kheap_alloc(struct heap_call call, enum heap_family family, size_t size,
		  size_t alignment, bool zero)
{
	struct record *record;
	size_t whole;

	if (!call.never_waits)
		context_may_block(call.caller, call.name);
	if (size > size_max || alignment > size_max)
		return NULL;
	if (alignment < 16)
		alignment = size >= PAGE ? PAGE : 16;
	if (!charge(size))
		return NULL;
	record = malloc(sizeof(*record));
	if (!record) {
		atomic_fetch_sub(&heap_used, size);
		return NULL;
	}
	whole = ((size ? size : 1) + alignment - 1) & ~(alignment - 1);
	*record = (struct record){NULL, NULL, size, call.caller, call.name, family, NULL};
	if (!place_block(record, whole, alignment)) {
		atomic_fetch_sub(&heap_used, size);
		free(record);
		return NULL;
	}
	memset(record->block, zero ? 0 : FRESH, record->guarded ? size : whole);
	insert(record);
	return record->block;
}

/* ---- the latest freed blocks ---- */

enum { FREED_KEPT = 1024 };

static struct freed {
	const void *block, *allocated;
} freed[FREED_KEPT];
static unsigned freed_count;
static struct guard freed_guard;

static void remember_freed(const struct record *record)
{
	guard_lock(&freed_guard);
	freed[freed_count++ % FREED_KEPT] = (struct freed){record->block, record->caller};
	guard_unlock(&freed_guard);
}

/* Who had asked for the block that was freed there; NULL: none was lately. */
static const void *origin_of_freed(const void *block)
{
	const void *origin = NULL;

	guard_lock(&freed_guard);
	for (unsigned i = 0; i < FREED_KEPT && !origin; i++) {
		if (freed[i].block == block)
			origin = freed[i].allocated;
	}
	guard_unlock(&freed_guard);
	return origin;
}

/* ---- freeing ---- */

static void complain(struct heap_call call, const char *check, const void *origin,
		     const char *format, ...)
{
	const char *kext = kmod_name_at(call.caller);
	char text[160];
	va_list arguments;

	if (!has_free_check)
		return;
	va_start(arguments, format);
	xnu_vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	finding_tell(check, NULL, call.caller, origin, text);
	if (is_strict)
		panic_at(call.caller, "%s", text);
	log_format(call.caller, "%s (called by %s, %p)\n", text,
		   kext ? kext : "the kernel", call.caller);
}

static void complain_unknown(struct heap_call call, const void *block)
{
	const void *origin = origin_of_freed(block);

	complain(call, origin ? "heap.double-free" : "heap.bad-free", origin,
		 "bad %s of %p: it is not an allocated block%s", call.name, block,
		 origin ? " any more" : "");
}

static void check_free(struct heap_call call, const struct record *record,
		       enum heap_family family, size_t size)
{
	const char *damage = record->guarded ? guarded_damage(record->guarded) : NULL;

	if (record->family != family)
		complain(call, "heap.family", record->caller,
			 "bad %s of %p: the block is from the family of %s", call.name,
			 record->block, family_names[record->family]);
	else if (size != HEAP_ANY_SIZE && size != record->size)
		complain(call, "heap.size", record->caller,
			 "bad %s size 0x%lx should be 0x%lx", call.name, size,
			 record->size);
	if (damage)
		complain(call, damage, record->caller,
			 "%s of %p: what lies around the block of %lu was written to",
			 call.name, record->block, record->size);
}

static void give_back(struct heap_call call, struct record *record)
{
	remember_freed(record);
	if (record->guarded) {
		guarded_free(record->guarded, call.caller);
	} else {
		memset(record->block, DEAD, record->size);
		free(record->block);
	}
	atomic_fetch_sub(&heap_used, record->size);
	free(record);
}

void kheap_free(struct heap_call call, enum heap_family family, void *block, size_t size)
{
	struct record *record;

	if (!call.never_waits)
		context_may_block(call.caller, call.name);
	if (!block)
		return;
	record = take(block);
	if (!record) {
		complain_unknown(call, block);
		return;
	}
	check_free(call, record, family, size);
	give_back(call, record);
}

/* ---- leaks of an unloaded kext ---- */

struct leaks {
	const void *caller;
	const char *name;
	size_t blocks, bytes;
};

enum { LEAK_SITES = 16 };

struct leak_report {
	struct leaks sites[LEAK_SITES];
	size_t blocks, bytes;
};

static void count_leak(struct leak_report *report, const struct record *record)
{
	report->blocks++;
	report->bytes += record->size;
	for (int i = 0; i < LEAK_SITES; i++) {
		struct leaks *site = &report->sites[i];

		if (site->caller && site->caller != record->caller)
			continue;
		site->caller = record->caller;
		site->name = record->name;
		site->blocks++;
		site->bytes += record->size;
		return;
	}
}

/* What is never freed is looked at here. */
static void check_leaked(const struct record *record)
{
	const char *damage = record->guarded ? guarded_damage(record->guarded) : NULL;
	char text[128];

	if (!damage || !has_free_check)
		return;
	xnu_snprintf(text, sizeof(text),
		     "what lies around the block of %lu, which leaked, was written to",
		     record->size);
	finding_tell(damage, NULL, NULL, record->caller, text);
}

static void tell_leak(const char *identifier, const struct leaks *site, const void *start)
{
	char text[128];

	xnu_snprintf(text, sizeof(text), "%s: %lu block(s), %lu byte(s)", site->name,
		     site->blocks, site->bytes);
	finding_tell("heap.leak", identifier, NULL, site->caller, text);
	log_format(NULL, "  %s at +0x%lx: %zu block(s), %zu byte(s)\n", site->name,
		   (const char *)site->caller - (const char *)start, site->blocks,
		   site->bytes);
}

/* Blocks stay: another kext may have been given them. */
void kheap_kmod_unloaded(const char *identifier, const void *start, const void *end)
{
	struct leak_report report = {0};

	for (int i = 0; i < SHARDS; i++) {
		guard_lock(&shards[i].guard);
		for (int b = 0; b < SHARD_BUCKETS; b++) {
			const struct record *record = shards[i].buckets[b];

			for (; record; record = record->next) {
				if (record->caller < start || record->caller >= end)
					continue;
				count_leak(&report, record);
				check_leaked(record);
			}
		}
		guard_unlock(&shards[i].guard);
	}
	if (!report.blocks || !has_leak_check)
		return;
	log_format(NULL, "%s leaked %zu block(s), %zu byte(s)\n", identifier,
		   report.blocks, report.bytes);
	for (int i = 0; i < LEAK_SITES && report.sites[i].caller; i++)
		tell_leak(identifier, &report.sites[i], start);
}
