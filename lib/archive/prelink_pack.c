/*
 * A kernel's compressed form: a big-endian header of 384 bytes ("comp", the codec,
 * checksum and sizes) and one stream. Written here, and turned into the other form for
 * files that exist already.
 */
#include <errno.h>
#include <stdio.h>
#include <kext/archive.h>
#include <kext/prelink.h>
#include "base/buffer.h"
#include "base/memory.h"
#include "codec/deflate.h"
#include "codec/fat.h"
#include "codec/lzss.h"
#include "codec/lzvn.h"

#define COMP_SIGNATURE	 0x636f6d70u /* "comp" */
#define COMP_LZSS	 0x6c7a7373u
#define COMP_LZVN	 0x6c7a766eu
#define COMP_HEADER_SIZE 384u
#define COMP_MAX_SIZE	 (UINT32_C(1) << 31)
/* Kexts keep their relocations, so that kernel and kexts can be slid. */
#define PRELINK_VERSION 1u

int kext_prelinked_wrap(const void *data, size_t size, enum kext_compression compression,
			void **ret_data, size_t *ret_size)
{
	struct bytes plain = bytes_of(data, size);
	_cleanup_free_ uint8_t *packed = NULL;
	_cleanup_buffer_ struct buffer out = {0};
	size_t packed_size = 0;
	int error = 0;
	if (size > UINT32_MAX)
		return KEXT_ERR_UNSUPPORTED;
	if (compression == KEXT_COMPRESSION_LZSS)
		error = lzss_pack(plain, size, &packed, &packed_size);
	else if (compression == KEXT_COMPRESSION_LZVN)
		error = lzvn_pack(plain, &packed, &packed_size);
	if (error < 0)
		return error;
	if (compression != KEXT_COMPRESSION_NONE) {
		if (!packed)
			return KEXT_ERR_UNSUPPORTED;
		buffer_u32(&out, COMP_SIGNATURE, true);
		buffer_u32(&out,
			   compression == KEXT_COMPRESSION_LZSS ? COMP_LZSS : COMP_LZVN,
			   true);
		buffer_u32(&out, adler32_of(plain), true);
		buffer_u32(&out, (uint32_t)size, true);
		buffer_u32(&out, (uint32_t)packed_size, true);
		buffer_u32(&out, PRELINK_VERSION, true);
		buffer_zeros(&out, COMP_HEADER_SIZE - out.size);
		buffer_append(&out, packed, packed_size);
	} else {
		buffer_append(&out, data, size);
	}
	if (buffer_error(&out) < 0)
		return -ENOMEM;
	*ret_data = buffer_steal(&out, ret_size);
	return 0;
}

/* ---- the other form ---- */

struct conversion {
	const char *subject;
	struct kext_diagnostics *diagnostics;
	enum kext_compression wanted;
	bool has_changed;
};

static int damaged(struct conversion *conversion, const char *message)
{
	kext_diagnose(conversion->diagnostics, KEXT_ERROR, "prelink.damaged",
		      conversion->subject, NULL, "%s", message);
	return KEXT_ERR_BAD_DATA;
}

static int expand(struct conversion *conversion, struct bytes slice, uint8_t **ret,
		  size_t *ret_size)
{
	struct cursor c = cursor_at(slice, 4, true);
	uint32_t codec = cursor_u32(&c), sum = cursor_u32(&c), full = cursor_u32(&c);
	uint32_t packed = cursor_u32(&c);
	struct codec_refusal refusal = {0};
	struct bytes stream;
	if (c.failed || !bytes_slice(slice, COMP_HEADER_SIZE, packed, &stream))
		return damaged(conversion, "the compressed kernel was cut off");
	if (codec != COMP_LZSS && codec != COMP_LZVN)
		return damaged(conversion, "compressed by other means than lzss or lzvn");
	uint64_t most = codec == COMP_LZSS ? lzss_most(packed) : lzvn_most(packed);
	if (full > most || full > COMP_MAX_SIZE)
		return damaged(conversion, "states a size that its stream cannot have");
	uint8_t *data = mem_alloc((size_t)full + 1);
	if (!data)
		return -ENOMEM;
	int error = codec == COMP_LZSS ? lzss_decode(stream, data, full, NULL, &refusal)
				       : lzvn_decode(stream, data, full, NULL, &refusal);
	if (error < 0)
		error = damaged(conversion, refusal.message);
	else if (adler32_of(bytes_of(data, full)) != sum)
		error = damaged(conversion, "its checksum is not that of its content");
	if (error < 0) {
		free(data);
		return error;
	}
	*ret = data;
	*ret_size = full;
	return 0;
}

static enum kext_compression form_of(struct bytes slice)
{
	struct cursor c = cursor_at(slice, 0, true);
	if (cursor_u32(&c) != COMP_SIGNATURE)
		return KEXT_COMPRESSION_NONE;
	return cursor_u32(&c) == COMP_LZVN ? KEXT_COMPRESSION_LZVN
					   : KEXT_COMPRESSION_LZSS;
}

/* Any compression will do for a file that shall be compressed. */
static int convert_slice(struct conversion *conversion, struct bytes slice, void **ret,
			 size_t *ret_size)
{
	bool is_packed = form_of(slice) != KEXT_COMPRESSION_NONE;
	if (is_packed == (conversion->wanted != KEXT_COMPRESSION_NONE)) {
		*ret = mem_copy(slice.data, slice.size);
		*ret_size = slice.size;
		return *ret ? 0 : -ENOMEM;
	}
	conversion->has_changed = true;
	return is_packed ? expand(conversion, slice, (uint8_t **)ret, ret_size)
			 : kext_prelinked_wrap(slice.data, slice.size, conversion->wanted,
					       ret, ret_size);
}

static int convert_fat(struct conversion *conversion, struct bytes file, void **ret,
		       size_t *ret_size)
{
	struct fat_slice slices[FAT_MAX_SLICES];
	struct kext_arch archs[FAT_MAX_SLICES];
	struct kext_archive_slice joined[FAT_MAX_SLICES];
	int count = fat_slices(file, slices), done = 0, error = 0;
	if (count <= 0)
		return damaged(conversion,
			       "the fat header names slices outside the file");
	for (; error == 0 && done < count; done++) {
		void *data = NULL;
		archs[done] = (struct kext_arch){.cputype = slices[done].cputype,
						 .cpusubtype = slices[done].cpusubtype};
		error = convert_slice(conversion, slices[done].bytes, &data,
				      &joined[done].size);
		joined[done].data = data;
		joined[done].arch = &archs[done];
	}
	if (error == 0)
		error = kext_archive_join(joined, (size_t)count, ret, ret_size);
	while (done-- > 0)
		free((void *)joined[done].data);
	return error;
}

int kext_prelinked_convert(const void *data, size_t size,
			   enum kext_compression compression, const char *subject,
			   struct kext_diagnostics *diagnostics, void **ret_data,
			   size_t *ret_size)
{
	struct conversion conversion = {subject, diagnostics, compression, false};
	struct bytes file = bytes_of(data, size);
	void *made = NULL;
	size_t made_size = 0;
	int error = fat_is(file) ? convert_fat(&conversion, file, &made, &made_size)
				 : convert_slice(&conversion, file, &made, &made_size);
	if (error < 0)
		return error;
	if (!conversion.has_changed) {
		free(made);
		made = NULL;
		made_size = 0;
	}
	*ret_data = made;
	*ret_size = made_size;
	return 0;
}
