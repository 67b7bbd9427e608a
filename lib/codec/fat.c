/* Fat files; see fat.h. Their headers are big-endian whatever the slices are. */
#include <kext/arch.h>
#include <kext/error.h>
#include "codec/fat.h"

enum {
	MAGIC_FAT = 0xcafebabe,
	MAGIC_FAT_64 = 0xcafebabf,
	MAGIC_MACHO = 0xfeedface,
	MAGIC_MACHO_64 = 0xfeedfacf,
};

#define CAPABILITY_BITS 0xff000000u

bool fat_is(struct bytes file)
{
	if (file.size < 8)
		return false;
	uint32_t magic = load32(file.data, true);
	return magic == MAGIC_FAT || magic == MAGIC_FAT_64;
}

/* Reads CPU and subtype of a thin Mach-O; both are KEXT_CPU_ANY for anything else. */
static bool read_thin(struct bytes file, struct fat_slice *ret)
{
	*ret = (struct fat_slice){KEXT_CPU_ANY, KEXT_CPU_ANY, 0, file};
	for (int big = 0; big < 2 && file.size >= 12; big++) {
		uint32_t magic = load32(file.data, big);
		if (magic != MAGIC_MACHO && magic != MAGIC_MACHO_64)
			continue;
		ret->cputype = load32(file.data + 4, big);
		ret->cpusubtype = load32(file.data + 8, big);
		return true;
	}
	return false;
}

/* One fat_arch or, in a 64-bit header, fat_arch_64 with its wider fields and spare word.
 */
static bool read_slice(struct cursor *c, bool is_64, struct fat_slice *ret)
{
	struct fat_slice slice = {0};
	slice.cputype = cursor_u32(c);
	slice.cpusubtype = cursor_u32(c);
	uint64_t offset = is_64 ? cursor_u64(c) : cursor_u32(c);
	uint64_t size = is_64 ? cursor_u64(c) : cursor_u32(c);
	slice.align = cursor_u32(c);
	if (is_64)
		cursor_u32(c);
	if (c->failed || !bytes_slice(c->bytes, offset, size, &slice.bytes))
		return false;
	*ret = slice;
	return true;
}

int fat_slices(struct bytes file, struct fat_slice *ret)
{
	if (!fat_is(file)) {
		read_thin(file, &ret[0]);
		return 1;
	}
	struct cursor c = cursor_at(file, 0, true);
	bool is_64 = cursor_u32(&c) == MAGIC_FAT_64;
	uint32_t count = cursor_u32(&c);
	if (count > FAT_MAX_SLICES)
		return KEXT_ERR_BAD_DATA;
	struct fat_slice slices[FAT_MAX_SLICES];
	for (uint32_t i = 0; i < count; i++)
		if (!read_slice(&c, is_64, &slices[i]))
			return KEXT_ERR_BAD_DATA;
	memcpy(ret, slices, count * sizeof(*ret));
	return (int)count;
}

static uint32_t generic_subtype(uint32_t cputype)
{
	return cputype == KEXT_CPU_I386 || cputype == KEXT_CPU_X86_64 ? 3 : 0;
}

/* 3: the very subtype, 2: the generic one, 1: some other, 0: another CPU. */
static int rank(const struct fat_slice *slice, uint32_t cputype, uint32_t cpusubtype)
{
	uint32_t subtype = slice->cpusubtype & ~CAPABILITY_BITS;
	if (slice->cputype != cputype)
		return 0;
	if (subtype == (cpusubtype & ~CAPABILITY_BITS))
		return 3;
	return subtype == generic_subtype(cputype) ? 2 : 1;
}

int fat_find(struct bytes file, uint32_t cputype, uint32_t cpusubtype, struct bytes *ret)
{
	struct fat_slice slices[FAT_MAX_SLICES];
	if (!fat_is(file) && !read_thin(file, &slices[0]))
		return KEXT_ERR_BAD_DATA;
	int count = fat_slices(file, slices);
	if (count < 0)
		return count;
	int best = 0;
	for (int i = 0; i < count; i++) {
		int this_rank = rank(&slices[i], cputype, cpusubtype);
		if (this_rank <= best)
			continue;
		best = this_rank;
		*ret = slices[i].bytes;
	}
	return best ? 0 : KEXT_ERR_ARCH_NOT_FOUND;
}
