/*
 * The header of an mkext, version 1 and 2, and what both versions share. All its integers
 * are big-endian, whatever the architecture of the kexts.
 */
#ifndef ARCHIVE_MKEXT_H
#define ARCHIVE_MKEXT_H

#include <kext/archive.h>
#include "base/buffer.h"
#include "base/bytes.h"

#define MKEXT_MAGIC		  0x4d4b5854u /* "MKXT" */
#define MKEXT_SIGNATURE		  0x4d4f5358u /* "MOSX" */
#define MKEXT_VERSION_1		  0x01008000u
#define MKEXT_VERSION_2		  0x02002001u /* written; any 0x0200.... is read */
#define MKEXT_IS_VERSION_2(v)	  ((v) >> 16 == MKEXT_VERSION_2 >> 16)
#define MKEXT_CORE_SIZE		  32u
#define MKEXT2_HEADER_SIZE	  44u
#define MKEXT_SUMMED_FROM	  16u /* the checksum covers what follows it */

#define MKEXT_KEY_INFOS		  "_MKEXTInfoDictionaries"
#define MKEXT_KEY_BUNDLE_PATH	  "_MKEXTBundlePath"
#define MKEXT_KEY_EXECUTABLE_PATH "_MKEXTExecutableRelativePath"
#define MKEXT_KEY_EXECUTABLE	  "_MKEXTExecutable"
#define MKEXT_KEY_RESOURCES	  "_MKEXTResources"

struct mkext_header {
	uint32_t length, checksum, version, kext_count, cputype, cpusubtype;
	uint32_t plist_offset, plist_compressed, plist_full; /* version 2 */
};

/*
 * Reads and checks the header of `file`; *ret_bytes is what its length covers.
 * KEXT_ERR_BAD_DATA or KEXT_ERR_UNSUPPORTED with a diagnostic.
 */
int mkext_read_header(struct bytes file, const char *subject, unsigned flags,
		      struct kext_diagnostics *diagnostics,
		      struct mkext_header *ret_header, struct bytes *ret_bytes)
	__attribute__((warn_unused_result));
/* Adler-32 of the part of an archive that its header's checksum covers. */
uint32_t mkext_checksum(struct bytes archive);
/* A dictionary with the entries of `info` save those an archive adds; NULL without
 * memory. */
struct kext_value *mkext_plain_info(const struct kext_value *info);

/* One executable for an archive: the bundle's slice, compressed or not. */
struct mkext_file {
	struct bytes plain;
	uint8_t *packed; /* NULL: stored as it is */
	size_t packed_size;
};

/* What is being written, by either version. */
struct mkext_writer {
	struct kext_bundle *const *bundles;
	size_t count;
	const struct kext_arch *arch;
	const struct kext_mkext_options *options;
	struct kext_diagnostics *diagnostics;
};

/* Executables by bundle; without one `plain.data` is NULL. `files` has writer->count
 * items. */
int mkext_take_slices(struct mkext_writer *writer, struct mkext_file *files)
	__attribute__((warn_unused_result));
void mkext_files_free(struct mkext_file *files, size_t count);
/* Once it stands in the archive it need not be kept beside it; its size stays. */
void mkext_drop_packed(struct mkext_file *file);
/* KEXT_ERR_UNSUPPORTED with a diagnostic. */
int mkext_too_large(struct mkext_writer *writer, const char *subject);
/* Fills the header of a complete archive. */
int mkext_finish(struct mkext_writer *writer, struct buffer *out, uint32_t version)
	__attribute__((warn_unused_result));

int mkext1_write(struct mkext_writer *writer, struct buffer *out)
	__attribute__((warn_unused_result));
int mkext2_write(struct mkext_writer *writer, struct buffer *out)
	__attribute__((warn_unused_result));

#endif
