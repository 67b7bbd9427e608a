/*
 * Whatever is wrapped around a kernel or an archive of kexts: fat files, compressed
 * kernels, LZFSE streams and Image4 payloads, inside each other in any order, told by
 * their first bytes and peeled off until something else appears.
 */
#ifndef CODEC_WRAP_H
#define CODEC_WRAP_H

#include <kext/diagnostic.h>
#include "base/bytes.h"

#define WRAP_MAX_LAYERS 8u
#define WRAP_MAX_BYTES	(UINT64_C(2) << 30) /* made by all layers together */

enum wrap_kind {
	WRAP_FAT,
	WRAP_COMP_LZSS,
	WRAP_COMP_LZVN,
	WRAP_LZFSE,
	WRAP_LZSS,
	WRAP_IM4P
};

enum wrap_flags {
	WRAP_IGNORE_CHECKSUM = 1 << 0, /* a mismatch is a warning only */
};

struct wrap_options {
	/* The slice of a fat file; KEXT_CPU_ANY: its only one. */
	uint32_t cputype, cpusubtype;
	unsigned flags;
	uint64_t max_bytes; /* 0: WRAP_MAX_BYTES */
};

/* One that was peeled off, the outermost first. */
struct wrap_layer {
	enum wrap_kind kind;
	uint64_t packed_size; /* what it took up in the layer around it, */
	uint64_t plain_size;  /* what was in it, */
	uint64_t trailing; /* and bytes that follow it there: padding or another image */
	char type[5];	   /* of an IM4P, "krnl"; empty for others */
	bool is_damaged;   /* its checksum is wrong and was to be ignored */
};

struct unwrapped {
	struct bytes bytes; /* the innermost: part of the input, or of `memory` */
	uint8_t *memory;
	struct wrap_layer layers[WRAP_MAX_LAYERS];
	unsigned count;
	uint64_t made; /* bytes, by all layers together */
};

/*
 * Peels. Bytes without any wrapper come back as they are, with no layers. Fills *ret,
 * which unwrapped_free releases, on success only. KEXT_ERR_BAD_DATA,
 * KEXT_ERR_ARCH_NOT_FOUND (fat, but not for this CPU), KEXT_ERR_UNSUPPORTED (encrypted,
 * or a format that is known but not read) with a diagnostic "codec.…" about `subject`;
 * -ENOMEM.
 */
int unwrap(struct bytes input, const struct wrap_options *options, const char *subject,
	   struct kext_diagnostics *diagnostics, struct unwrapped *ret)
	__attribute__((warn_unused_result));
void unwrapped_free(struct unwrapped *unwrapped);
/* "fat file", "LZFSE stream": for messages and listings. Static. */
const char *wrap_kind_name(enum wrap_kind kind);

#endif
