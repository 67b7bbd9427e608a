/* Writing an mkext: what versions 1 and 2 have in common, and fat files of several. */
#include <errno.h>
#include "archive/mkext.h"
#include "base/memory.h"

#define FAT_MAGIC_WORD 0xcafebabeu

int mkext_too_large(struct mkext_writer *writer, const char *subject)
{
	kext_diagnose(writer->diagnostics, KEXT_ERROR, "archive.size", subject, NULL,
		      "the archive would be larger than 2 GiB");
	return KEXT_ERR_UNSUPPORTED;
}

int mkext_take_slices(struct mkext_writer *writer, struct mkext_file *files)
{
	for (size_t i = 0; i < writer->count; i++) {
		struct kext_bundle *bundle = writer->bundles[i];
		const void *data;
		size_t size;
		if (!kext_bundle_has_executable(bundle))
			continue;
		int error = kext_bundle_slice(bundle, writer->arch, writer->diagnostics,
					      &data, &size);
		if (error < 0)
			return error;
		if (size > INT32_MAX)
			return mkext_too_large(writer, kext_bundle_name(bundle));
		files[i].plain = bytes_of(data, size);
	}
	return 0;
}

void mkext_files_free(struct mkext_file *files, size_t count)
{
	for (size_t i = 0; files && i < count; i++)
		free(files[i].packed);
	free(files);
}

void mkext_drop_packed(struct mkext_file *file)
{
	free(file->packed);
	file->packed = NULL;
}

int mkext_finish(struct mkext_writer *writer, struct buffer *out, uint32_t version)
{
	buffer_set_u32(out, 0, MKEXT_MAGIC, true);
	buffer_set_u32(out, 4, MKEXT_SIGNATURE, true);
	buffer_set_u32(out, 8, (uint32_t)out->size, true);
	buffer_set_u32(out, 16, version, true);
	buffer_set_u32(out, 20, (uint32_t)writer->count, true);
	buffer_set_u32(out, 24, writer->arch->cputype, true);
	buffer_set_u32(out, 28, writer->arch->cpusubtype, true);
	if (buffer_error(out) < 0)
		return -ENOMEM;
	buffer_set_u32(out, 12, mkext_checksum(bytes_of(out->data, out->size)), true);
	return 0;
}

int kext_mkext_write(struct kext_bundle *const *bundles, size_t count,
		     const struct kext_mkext_options *options,
		     struct kext_diagnostics *diagnostics, void **ret_data,
		     size_t *ret_size)
{
	static const struct kext_mkext_options defaults;
	struct mkext_writer writer = {.bundles = bundles,
				      .count = count,
				      .options = options ? options : &defaults,
				      .diagnostics = diagnostics};
	_cleanup_buffer_ struct buffer out = {0};
	writer.arch = writer.options->arch ? writer.options->arch : kext_arch_host();
	int error = writer.options->version == KEXT_MKEXT_1 ? mkext1_write(&writer, &out)
							    : mkext2_write(&writer, &out);
	if (error == 0)
		*ret_data = buffer_steal(&out, ret_size);
	return error;
}

int kext_archive_join(const struct kext_archive_slice *slices, size_t count,
		      void **ret_data, size_t *ret_size)
{
	_cleanup_buffer_ struct buffer out = {0};
	uint64_t offset = 8 + 20 * (uint64_t)count;
	buffer_u32(&out, FAT_MAGIC_WORD, true);
	buffer_u32(&out, (uint32_t)count, true);
	for (size_t i = 0; i < count; i++) {
		if (offset + slices[i].size > UINT32_MAX)
			return KEXT_ERR_UNSUPPORTED;
		buffer_u32(&out, slices[i].arch->cputype, true);
		buffer_u32(&out, slices[i].arch->cpusubtype, true);
		buffer_u32(&out, (uint32_t)offset, true);
		buffer_u32(&out, (uint32_t)slices[i].size, true);
		buffer_u32(&out, 0, true); /* alignment */
		offset += slices[i].size;
	}
	for (size_t i = 0; i < count; i++)
		buffer_append(&out, slices[i].data, slices[i].size);
	if (buffer_error(&out) < 0)
		return -ENOMEM;
	*ret_data = buffer_steal(&out, ret_size);
	return 0;
}
