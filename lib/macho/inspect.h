/*
 * What kext_inspect and the worker program kext-inspect say to each other. The worker gets
 * one frame INSPECT_FILE with the file as a descriptor on descriptor 3, and answers with one
 * frame INSPECT_READING, or dies. No other Mach-O header is included: the worker includes
 * LIEF's, which define macho_parse as well.
 *
 * A reading is flat, little-endian; a text is u32 length and bytes:
 *	u32 slices, each:
 *	  u32 magic, cputype, cpusubtype, filetype, ncmds, sizeofcmds, flags
 *	  u32 commands, each: u32 type, u32 size, u64 hash of its bytes
 *	  u32 segments, each: text name; u64 address, size, file offset, file size;
 *	    u32 maxprot, initprot, sections, flags
 *	  u32 sections, each: text name, text segment; u64 address, size, offset;
 *	    u32 align, reloff, nreloc, flags, reserved1, reserved2
 *	  u32 symbols, each: text name, u8 type, u8 section, u16 desc, u64 value
 */
#ifndef MACHO_INSPECT_H
#define MACHO_INSPECT_H

#include <kext/diagnostic.h>
#include "base/bytes.h"

enum { INSPECT_FILE = 1, INSPECT_READING };

#define INSPECT_SOCKET	    3
#define INSPECT_MAX_READING (256u << 20)
#define INSPECT_MAX_FILE    (1u << 30)
#define INSPECT_SECONDS	    10

/* FNV-1a, 64 bits. */
static inline uint64_t inspect_hash(const void *data, size_t size)
{
	const uint8_t *p = data;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/*
 * Shows the file to a worker. 0 with the reading (malloc'ed, the caller's); KEXT_ERR_VALIDATION with
 * one warning "inspect.worker" when there is none; -ENOMEM.
 */
int inspect_ask_worker(struct bytes file, const char *subject,
		       struct kext_diagnostics *diagnostics, uint8_t **ret, size_t *ret_size)
	KEXT_MUST_CHECK;
/* kext_inspect without the preflight: what happens when a rule is missing. */
int inspect_unguarded(struct bytes file, const char *subject,
		      struct kext_diagnostics *diagnostics) KEXT_MUST_CHECK;

#endif
