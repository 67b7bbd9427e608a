/*
 * The table of what is loaded: the kernel's components with tags 1 to 7, then kexts in
 * the order in which their memory was reserved. Tags are never used twice. Who may be
 * reserved, given up and removed is decided here; mapping, starting and stopping are
 * elsewhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include "base/memory.h"
#include "kernel/machine/machine.h"

#define KERNEL_VERSION_TEXT "19.6.0"
#define COMPATIBLE_TEXT	    "8.0.0"
#define UNLOADED_KEPT	    16u

pthread_mutex_t kmod_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t kmod_changed = PTHREAD_COND_INITIALIZER;
struct kmod_info *kmod;

static struct kmod *first;
static uint32_t next_tag = 1;

/* The latest unloaded kexts, for panics in code that is gone. */
static struct {
	char identifier[64];
	uint64_t address, size;
} unloaded[UNLOADED_KEPT];
static unsigned unloaded_count;

struct kmod *kmod_first(void)
{
	return first;
}

struct kmod *kmod_by_tag(uint32_t tag)
{
	struct kmod *kext = first;
	while (kext && kext->tag != tag)
		kext = kext->next;
	return kext;
}

struct kmod *kmod_by_identifier(const char *identifier)
{
	struct kmod *kext = first;
	while (kext && strcmp(kext->identifier, identifier) != 0)
		kext = kext->next;
	return kext;
}

struct kmod *kmod_by_address(uint64_t address)
{
	struct kmod *kext = first;
	while (kext && address - kext->address >= kext->size)
		kext = kext->next;
	return kext;
}

const char *kmod_name_at(const void *address)
{
	pthread_mutex_lock(&kmod_lock);
	struct kmod *kext = kmod_by_address((uint64_t)address);
	pthread_mutex_unlock(&kmod_lock);
	return kext ? kext->identifier : NULL;
}

const struct kmod_range *kmod_segment_at(const struct kmod *kext, uint64_t address,
					 uint64_t size)
{
	for (unsigned i = 0; i < kext->segments.count; i++) {
		const struct kmod_range *s = &kext->segments.items[i];
		if (address >= s->address && address - s->address <= s->size &&
		    size <= s->size - (address - s->address))
			return s;
	}
	return NULL;
}

/* Appends with one store, so that a panic always finds a whole list. */
static struct kmod *add(const char *identifier)
{
	struct kmod *kext = mem_zero(1, sizeof(*kext));
	if (!kext)
		return NULL;
	snprintf(kext->identifier, sizeof(kext->identifier), "%s", identifier);
	kext->tag = next_tag++;
	struct kmod **end = &first;
	while (*end)
		end = &(*end)->next;
	*end = kext;
	return kext;
}

static void add_component(const char *identifier)
{
	struct kmod *kext = add(identifier);
	struct kmod_info *info = mem_zero(1, sizeof(*info));
	if (!kext || !info)
		panic("no memory for the kernel's components");
	kext->is_component = true;
	kext->state = KEXT_STATE_STARTED;
	snprintf(kext->version, sizeof(kext->version), "%s", KERNEL_VERSION_TEXT);
	snprintf(kext->compatible, sizeof(kext->compatible), "%s", COMPATIBLE_TEXT);
	info->info_version = 1;
	info->id = kext->tag;
	snprintf(info->name, sizeof(info->name), "%s", identifier);
	snprintf(info->version, sizeof(info->version), "%s", KERNEL_VERSION_TEXT);
	info->next = kmod;
	kext->info = kmod = info;
}

void kmod_startup(void)
{
	static const char *const components[] = {
		"com.apple.kpi.bsd",	     "com.apple.kpi.dsep",
		"com.apple.kpi.iokit",	     "com.apple.kpi.libkern",
		"com.apple.kpi.mach",	     "com.apple.kpi.private",
		"com.apple.kpi.unsupported",
	};
	if (first)
		return;
	for (size_t i = 0; i < sizeof(components) / sizeof(*components); i++)
		add_component(components[i]);
}

static uint32_t reserve_locked(const char *identifier, uint64_t size, uint32_t *ret_tag,
			       uint64_t *ret_address)
{
	uint64_t address;
	if (kmod_by_identifier(identifier))
		return kOSKextReturnLoadedDiffers;
	if (next_tag == UINT32_MAX)
		return kOSKextReturnNoResources;
	if (!space_allocate(size, &address))
		return kOSKextReturnNoMemory;
	struct kmod *kext = add(identifier);
	if (!kext) {
		space_release(address, size);
		return kOSKextReturnNoMemory;
	}
	kext->address = *ret_address = address;
	kext->size = size;
	*ret_tag = kext->tag;
	return kOSReturnSuccess;
}

uint32_t kmod_reserve(const char *identifier, uint64_t size, uint32_t *ret_tag,
		      uint64_t *ret_address)
{
	if (!*identifier || strlen(identifier) >= 64 || size == 0 ||
	    size > KERNEL_KEXTS_SIZE)
		return kOSKextReturnInvalidArgument;
	size = (size + KERNEL_PAGE - 1) & -KERNEL_PAGE;
	pthread_mutex_lock(&kmod_lock);
	uint32_t error = reserve_locked(identifier, size, ret_tag, ret_address);
	pthread_mutex_unlock(&kmod_lock);
	return error;
}

/* Takes the kext's kmod_info out of the chain and drops its references to others. */
static void unlink_info(struct kmod *kext)
{
	struct kmod_info *newer = kmod;
	while (newer != kext->info && newer->next && newer->next != kext->info)
		newer = newer->next;
	if (newer == kext->info)
		kmod = kext->info->next;
	else if (newer->next)
		newer->next = kext->info->next;
	for (unsigned i = 0; i < kext->dependency_count; i++) {
		struct kmod *library = kmod_by_tag(kext->dependencies[i]);
		if (!library)
			continue;
		library->dependents--;
		library->info->reference_count--;
	}
}

static void remember_unloaded(const struct kmod *kext)
{
	unsigned slot = unloaded_count++ % UNLOADED_KEPT;
	memcpy(unloaded[slot].identifier, kext->identifier, sizeof(kext->identifier));
	unloaded[slot].address = kext->address;
	unloaded[slot].size = kext->size;
}

const char *kmod_unloaded_at(uint64_t address)
{
	for (unsigned n = unloaded_count; n > 0 && unloaded_count - n < UNLOADED_KEPT;
	     n--) {
		unsigned slot = (n - 1) % UNLOADED_KEPT;
		if (address - unloaded[slot].address < unloaded[slot].size)
			return unloaded[slot].identifier;
	}
	return NULL;
}

void kmod_remove(struct kmod *kext)
{
	if (kext->state != KEXT_STATE_RESERVED) {
		unlink_info(kext);
		remember_unloaded(kext);
	}
	struct kmod **link = &first;
	while (*link != kext)
		link = &(*link)->next;
	*link = kext->next;
	jit_remove(kext->debug_symbols);
	space_release(kext->address, kext->size);
	free(kext->references);
	free(kext->path);
	free(kext);
	pthread_cond_broadcast(&kmod_changed);
}

static uint32_t abort_locked(uint32_t tag)
{
	struct kmod *kext = kmod_by_tag(tag);
	if (!kext)
		return kOSKextReturnNotFound;
	if (kext->state != KEXT_STATE_RESERVED && kext->state != KEXT_STATE_MAPPED)
		return kOSKextReturnInvalidArgument;
	if (kext->dependents)
		return kOSKextReturnInUse;
	kmod_remove(kext);
	return kOSReturnSuccess;
}

uint32_t kmod_abort(uint32_t tag)
{
	pthread_mutex_lock(&kmod_lock);
	uint32_t error = abort_locked(tag);
	pthread_mutex_unlock(&kmod_lock);
	return error;
}

static void put_kext(struct buffer *reply, const struct kmod *kext)
{
	size_t begun = fields_begin(reply, FIELD_KEXT);
	fields_put_u32(reply, FIELD_TAG, kext->tag);
	fields_put_text(reply, FIELD_IDENTIFIER, kext->identifier);
	fields_put_text(reply, FIELD_VERSION, kext->version);
	fields_put_text(reply, FIELD_COMPATIBLE, kext->compatible);
	fields_put_text(reply, FIELD_PATH, kext->path ? kext->path : "");
	if (kext->has_uuid)
		fields_put_bytes(reply, FIELD_UUID, kext->uuid, sizeof(kext->uuid));
	fields_put_u64(reply, FIELD_ADDRESS, kext->address);
	fields_put_u64(reply, FIELD_SIZE, kext->size);
	fields_put_u64(reply, FIELD_WIRED, kext->wired);
	fields_put_u32(reply, FIELD_STATE, kext->state);
	fields_put_u32(reply, FIELD_REFERENCES, kext->dependents + kext->retains);
	fields_put_u32(reply, FIELD_MISSING, kext->missing);
	fields_put_u32(reply, FIELD_KIND, kext->is_component);
	for (unsigned i = 0; i < kext->dependency_count; i++)
		fields_put_u32(reply, FIELD_DEPENDENCY, kext->dependencies[i]);
	fields_end(reply, begun);
}

void kmod_list(struct buffer *reply)
{
	pthread_mutex_lock(&kmod_lock);
	for (struct kmod *kext = first; kext; kext = kext->next)
		put_kext(reply, kext);
	pthread_mutex_unlock(&kmod_lock);
}
