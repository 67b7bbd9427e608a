/*
 * Fat (universal) files, 32- and 64-bit headers: which slices there are, and the one for
 * a CPU. A file that is not fat has itself as its only slice.
 */
#ifndef CODEC_FAT_H
#define CODEC_FAT_H

#include "base/bytes.h"

#define FAT_MAX_SLICES 64u

struct fat_slice {
	uint32_t cputype, cpusubtype, align;
	struct bytes bytes;
};

bool fat_is(struct bytes file);
/*
 * All slices in file order, at most FAT_MAX_SLICES, into `ret`; their number, or
 * KEXT_ERR_BAD_DATA when a slice lies outside the file or there are too many.
 */
int fat_slices(struct bytes file, struct fat_slice *ret) __attribute__((warn_unused_result));
/*
 * The best slice for a CPU: equal subtype, else the CPU's generic subtype, else the first of
 * that cputype. For a thin Mach-O the file itself if its cputype agrees. KEXT_ERR_ARCH_NOT_FOUND
 * or KEXT_ERR_BAD_DATA otherwise.
 */
int fat_find(struct bytes file, uint32_t cputype, uint32_t cpusubtype, struct bytes *ret)
	__attribute__((warn_unused_result));

#endif
