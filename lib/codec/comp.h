/*
 * The 384-byte header 'comp' in front of compressed kernels, and what is behind it.
 */
#ifndef CODEC_COMP_H
#define CODEC_COMP_H

#include "base/bytes.h"
#include "codec/refusal.h"

#define COMP_HEADER_SIZE 384u

enum comp_kind { COMP_LZSS, COMP_LZVN };
enum comp_flags {
	COMP_IGNORE_CHECKSUM = 1 << 0, /* a mismatch is no error */
};

struct comp_header {
	enum comp_kind kind;
	uint32_t checksum; /* Adler-32 of the plain bytes */
	uint32_t plain_size, packed_size;
	uint32_t prelink_version; /* 1: relocations are kept, the kernel can slide */
	char platform[65], root_path[257]; /* empty: any; what ancient booters compare */
};

/* Whether the bytes begin like a compressed kernel, of a known kind or not. */
bool comp_is(struct bytes input);
/*
 * KEXT_ERR_BAD_DATA when the header is cut off or declares more than the input can yield,
 * KEXT_ERR_UNSUPPORTED for an unknown kind.
 */
int comp_read(struct bytes input, struct comp_header *ret, struct codec_refusal *reterr)
	__attribute__((warn_unused_result));
/*
 * Expands what is behind the header to header->plain_size bytes at `output` and verifies
 * the checksum; *ret_checksum (which may be NULL) is the one found. *ret_consumed (also)
 * counts header, stream and what packed_size claims, as far as there are bytes. As Darwin
 * has it, packed_size does not bound the stream.
 */
int comp_decode(struct bytes input, const struct comp_header *header, uint8_t *output,
		unsigned flags, uint32_t *ret_checksum, size_t *ret_consumed,
		struct codec_refusal *reterr) __attribute__((warn_unused_result));
/*
 * Header and compressed bytes; *ret (malloc'ed, the caller frees) and *ret_size. -ENOMEM,
 * or KEXT_ERR_INVALID_ARGUMENT for nothing or 4 GiB and more.
 */
int comp_pack(struct bytes plain, enum comp_kind kind, uint32_t prelink_version,
	      uint8_t **ret, size_t *ret_size) __attribute__((warn_unused_result));

#endif
