/*
 * From a linked image in a sealed memfd to a kext's pages. Nothing of the file is parsed:
 * kextd says where segments, kmod_info and constructors are, and every statement is
 * checked against the reservation before memory is touched.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/memory.h"
#include "kernel/machine/machine.h"
#include "macho/format.h"

#define NEEDED_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* Whether the file can never change again; *ret_size is its size. */
static bool is_sealed(int fd, uint64_t *ret_size)
{
	int seals = fcntl(fd, F_GET_SEALS);
	off_t size = lseek(fd, 0, SEEK_END);
	if (seals < 0 || (seals & NEEDED_SEALS) != NEEDED_SEALS || size <= 0)
		return false;
	*ret_size = (uint64_t)size;
	return true;
}

static bool is_inside(const struct kmod *kext, uint64_t address, uint64_t size)
{
	return address >= kext->address && address - kext->address <= kext->size &&
	       size <= kext->size - (address - kext->address);
}

static struct kmod_range *add_range(struct kmod_ranges *ranges, struct bytes body)
{
	if (ranges->count == KMOD_MAX_RANGES)
		return NULL;
	struct kmod_range *range = &ranges->items[ranges->count++];
	range->address = fields_u64(body, FIELD_ADDRESS);
	range->size = fields_u64(body, FIELD_SIZE);
	range->protection = fields_u32(body, FIELD_PROTECTION);
	snprintf(range->name, sizeof(range->name), "%s", fields_text(body, FIELD_NAME));
	return range;
}

static bool overlaps_earlier(const struct kmod_ranges *ranges,
			     const struct kmod_range *new)
{
	for (unsigned i = 0; i + 1 < ranges->count; i++) {
		const struct kmod_range *old = &ranges->items[i];
		if (new->address < old->address + old->size &&
		    old->address < new->address + new->size)
			return true;
	}
	return false;
}

/* Segments: on pages, inside the reservation and the file, apart, never both W and X. */
static bool read_segments(struct kmod *kext, struct bytes body, uint64_t file_size)
{
	const uint32_t wx = VM_PROT_WRITE | VM_PROT_EXECUTE;
	size_t position = 0;
	struct bytes one;
	file_size = (file_size + KERNEL_PAGE - 1) & -KERNEL_PAGE;
	while (fields_next(body, FIELD_SEGMENT, &position, &one)) {
		struct kmod_range *s = add_range(&kext->segments, one);
		if (!s || s->size == 0 || s->address % KERNEL_PAGE ||
		    !is_inside(kext, s->address, s->size))
			return false;
		s->size = (s->size + KERNEL_PAGE - 1) & -KERNEL_PAGE;
		if (s->address - kext->address + s->size > file_size ||
		    s->protection > 7 || (s->protection & wx) == wx ||
		    overlaps_earlier(&kext->segments, s))
			return false;
	}
	return kext->segments.count > 0;
}

/* Arrays of function pointers: aligned, readable, whole. */
static bool read_structors(struct kmod *kext, struct kmod_ranges *ranges,
			   enum field field, struct bytes body)
{
	size_t position = 0;
	struct bytes one;
	while (fields_next(body, field, &position, &one)) {
		const struct kmod_range *r = add_range(ranges, one);
		if (!r || r->address % sizeof(void *) || r->size % sizeof(void *))
			return false;
		const struct kmod_range *s = kmod_segment_at(kext, r->address, r->size);
		if (!s || !(s->protection & VM_PROT_READ))
			return false;
	}
	return true;
}

static bool read_texts(struct kmod *kext, struct bytes body)
{
	struct bytes uuid = fields_bytes(body, FIELD_UUID);
	snprintf(kext->version, sizeof(kext->version), "%s",
		 fields_text(body, FIELD_VERSION));
	snprintf(kext->compatible, sizeof(kext->compatible), "%s",
		 fields_text(body, FIELD_COMPATIBLE));
	kext->wired = fields_u64(body, FIELD_WIRED);
	kext->missing = fields_u32(body, FIELD_MISSING);
	kext->delays_autounload = fields_u32(body, FIELD_DELAY);
	kext->has_uuid = uuid.size == sizeof(kext->uuid);
	if (kext->has_uuid)
		memcpy(kext->uuid, uuid.data, uuid.size);
	kext->path = mem_string(fields_text(body, FIELD_PATH));
	return kext->path != NULL;
}

/* Libraries must be there and not on their way out. */
static uint32_t read_dependencies(struct kmod *kext, struct bytes body)
{
	size_t position = 0;
	struct bytes one;
	while (fields_next(body, FIELD_DEPENDENCY, &position, &one)) {
		struct kmod *library = kmod_by_tag(load32(one.data, false));
		if (kext->dependency_count == KMOD_MAX_DEPENDENCIES || library == kext)
			return kOSKextReturnInvalidArgument;
		if (!library || library->state == KEXT_STATE_RESERVED)
			return kOSKextReturnDependencies;
		if (library->state == KEXT_STATE_STOPPING)
			return kOSKextReturnStopping;
		kext->dependencies[kext->dependency_count++] = library->tag;
	}
	kext->references =
		mem_zero(kext->dependency_count + 1u, sizeof(*kext->references));
	return kext->references ? kOSReturnSuccess : kOSKextReturnNoMemory;
}

static bool map_segment(const struct kmod *kext, const struct kmod_range *s, int fd,
			int protection)
{
	off_t offset = (off_t)(s->address - kext->address);
	return mmap((void *)s->address, s->size, protection, MAP_PRIVATE | MAP_FIXED, fd,
		    offset) != MAP_FAILED;
}

/* The numbers of Darwin's protections and of Linux's are the same. */
static bool map_segments(const struct kmod *kext, int fd, uint64_t info)
{
	const struct kmod_range *holder =
		kmod_segment_at(kext, info, sizeof(struct kmod_info));
	if (!holder)
		return false;
	for (unsigned i = 0; i < kext->segments.count; i++) {
		const struct kmod_range *s = &kext->segments.items[i];
		int protection =
			s == holder ? PROT_READ | PROT_WRITE : (int)s->protection;
		if (!map_segment(kext, s, fd, protection))
			return false;
	}
	return true;
}

/* Writes what the loader owns of kmod_info, and links it and its libraries. */
static void stamp(struct kmod *kext, struct kmod_info *info)
{
	info->id = kext->tag;
	info->address = kext->address;
	info->size = kext->size;
	memset(info->name, 0, sizeof(info->name));
	memset(info->version, 0, sizeof(info->version));
	memcpy(info->name, kext->identifier, strlen(kext->identifier));
	memcpy(info->version, kext->version, strnlen(kext->version, 63));
	info->reference_count = 0;
	for (unsigned i = 0; i < kext->dependency_count; i++) {
		struct kmod *library = kmod_by_tag(kext->dependencies[i]);
		struct kmod_reference *reference = &kext->references[i];
		reference->info = library->info;
		reference->next = i + 1 < kext->dependency_count ? reference + 1 : NULL;
		library->dependents++;
		library->info->reference_count++;
	}
	info->reference_list = kext->dependency_count ? kext->references : NULL;
	info->next = kmod;
	kext->info = kmod = info;
}

static uint32_t place(struct kmod *kext, uint64_t info, int fd)
{
	if (!map_segments(kext, fd, info))
		return kOSKextReturnBadData;
	stamp(kext, (struct kmod_info *)info);
	kext->state = KEXT_STATE_MAPPED;
	const struct kmod_range *holder =
		kmod_segment_at(kext, info, sizeof(struct kmod_info));
	if (mprotect((void *)holder->address, holder->size, (int)holder->protection) <
	    0) {
		kmod_remove(kext);
		return kOSKextReturnNoMemory;
	}
	return kOSReturnSuccess;
}

static uint32_t map_locked(struct kmod *kext, struct bytes body, int fd)
{
	uint64_t file_size, info = fields_u64(body, FIELD_KMOD_INFO);
	if (strcmp(kext->identifier, fields_text(body, FIELD_IDENTIFIER)) != 0)
		return kOSKextReturnInvalidArgument;
	if (!is_sealed(fd, &file_size) || !read_segments(kext, body, file_size) ||
	    info % 4 ||
	    !read_structors(kext, &kext->constructors, FIELD_CONSTRUCTORS, body) ||
	    !read_structors(kext, &kext->destructors, FIELD_DESTRUCTORS, body))
		return kOSKextReturnBadData;
	if (!read_texts(kext, body))
		return kOSKextReturnNoMemory;
	uint32_t error = read_dependencies(kext, body);
	if (!error)
		error = place(kext, info, fd);
	if (!error)
		kext->debug_symbols = jit_add(fields_bytes(body, FIELD_DEBUG_SYMBOLS));
	return error;
}

uint32_t kmod_map(struct bytes body, int fd)
{
	pthread_mutex_lock(&kmod_lock);
	struct kmod *kext = kmod_by_tag(fields_u32(body, FIELD_TAG));
	uint32_t error;
	if (!kext)
		error = kOSKextReturnNotFound;
	else if (kext->state != KEXT_STATE_RESERVED || kext->segments.count)
		error = kOSKextReturnInvalidArgument;
	else
		error = map_locked(kext, body, fd);
	pthread_mutex_unlock(&kmod_lock);
	return error;
}
