/* Header and checksum of an mkext; see mkext.h. */
#include <inttypes.h>
#include "archive/mkext.h"
#include "codec/deflate.h"

uint32_t mkext_checksum(struct bytes archive)
{
	struct bytes summed = {archive.data + MKEXT_SUMMED_FROM,
			       archive.size - MKEXT_SUMMED_FROM};
	return adler32_of(summed);
}

static int refuse(struct kext_diagnostics *diagnostics, const char *slug,
		  const char *subject, uint32_t found, const char *expected)
{
	kext_diagnose(diagnostics, KEXT_ERROR, slug, subject, NULL,
		      "this is no mkext: found 0x%08" PRIx32 ", expected %s", found,
		      expected);
	return KEXT_ERR_BAD_DATA;
}

static int check_length(const struct mkext_header *header, struct bytes file,
			const char *subject, struct kext_diagnostics *diagnostics)
{
	uint32_t least = MKEXT_IS_VERSION_2(header->version) ? MKEXT2_HEADER_SIZE
							     : MKEXT_CORE_SIZE;
	if (header->length < least || header->length > file.size) {
		kext_diagnose(diagnostics, KEXT_ERROR, "archive.length", subject,
			      "it was cut off, or is no whole archive",
			      "the header states a length of %" PRIu32
			      " bytes, the archive "
			      "has %zu",
			      header->length, file.size);
		return KEXT_ERR_BAD_DATA;
	}
	if (header->length < file.size)
		kext_diagnose(diagnostics, KEXT_WARNING, "archive.length", subject, NULL,
			      "%zu bytes behind the end of the archive are ignored",
			      file.size - header->length);
	return 0;
}

static int check_sum(const struct mkext_header *header, struct bytes bytes,
		     const char *subject, unsigned flags,
		     struct kext_diagnostics *diagnostics)
{
	bool is_ignored = flags & KEXT_ARCHIVE_IGNORE_CHECKSUM;
	uint32_t sum = mkext_checksum(bytes);
	if (sum == header->checksum)
		return 0;
	kext_diagnose(diagnostics, is_ignored ? KEXT_WARNING : KEXT_ERROR,
		      "archive.checksum", subject,
		      is_ignored ? NULL : "--ignore-checksum reads it all the same",
		      "mkext checksum error: the header says 0x%08" PRIx32
		      ", the content has 0x%08" PRIx32,
		      header->checksum, sum);
	return is_ignored ? 0 : KEXT_ERR_BAD_DATA;
}

int mkext_read_header(struct bytes file, const char *subject, unsigned flags,
		      struct kext_diagnostics *diagnostics,
		      struct mkext_header *ret_header, struct bytes *ret_bytes)
{
	struct cursor c = cursor_at(file, 0, true);
	uint32_t magic = cursor_u32(&c), signature = cursor_u32(&c);
	struct mkext_header header = {0};
	if (c.failed || magic != MKEXT_MAGIC)
		return refuse(diagnostics, "archive.magic", subject, magic,
			      "\"MKXT\" first");
	if (signature != MKEXT_SIGNATURE)
		return refuse(diagnostics, "archive.magic", subject, signature,
			      "the signature \"MOSX\"");
	header.length = cursor_u32(&c);
	header.checksum = cursor_u32(&c);
	header.version = cursor_u32(&c);
	header.kext_count = cursor_u32(&c);
	header.cputype = cursor_u32(&c);
	header.cpusubtype = cursor_u32(&c);
	if (!c.failed && header.version != MKEXT_VERSION_1 &&
	    !MKEXT_IS_VERSION_2(header.version)) {
		kext_diagnose(diagnostics, KEXT_ERROR, "archive.version", subject, NULL,
			      "version 0x%08" PRIx32 " of mkext is unknown",
			      header.version);
		return KEXT_ERR_UNSUPPORTED;
	}
	int error = check_length(&header, file, subject, diagnostics);
	if (error < 0)
		return error;
	if (MKEXT_IS_VERSION_2(header.version)) {
		header.plist_offset = cursor_u32(&c);
		header.plist_compressed = cursor_u32(&c);
		header.plist_full = cursor_u32(&c);
	}
	struct bytes bytes = {file.data, header.length};
	error = check_sum(&header, bytes, subject, flags, diagnostics);
	if (error < 0)
		return error;
	*ret_header = header;
	*ret_bytes = bytes;
	return 0;
}

struct kext_value *mkext_plain_info(const struct kext_value *info)
{
	static const char *const added[] = {MKEXT_KEY_BUNDLE_PATH,
					    MKEXT_KEY_EXECUTABLE_PATH,
					    MKEXT_KEY_EXECUTABLE, MKEXT_KEY_RESOURCES};
	struct kext_value *plain = kext_value_new_dictionary();
	for (size_t i = 0; plain && i < kext_value_count(info); i++) {
		struct kext_value *value = kext_value_ref(kext_value_at(info, i));
		if (kext_value_set(plain, kext_value_key_at(info, i), value) < 0)
			plain = kext_value_unref(plain);
	}
	for (size_t i = 0; plain && i < sizeof(added) / sizeof(*added); i++)
		kext_value_remove(plain, added[i]);
	return plain;
}
