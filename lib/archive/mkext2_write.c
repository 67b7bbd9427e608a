/*
 * Writes mkext 2 as Darwin's kextcache lays it out: header, one entry per executable
 * without gaps, the property list last. Given the same property list the bytes are the
 * same.
 */
#include <errno.h>
#include "archive/mkext.h"
#include "archive/parallel.h"
#include "archive/volume.h"
#include "base/memory.h"
#include "codec/deflate.h"

struct body {
	struct mkext_writer *writer;
	struct buffer *out;
	struct mkext_file *files;
	struct kext_value *infos;
};

/* Compresses if that makes it smaller. */
static int pack(struct mkext_file *file, bool store)
{
	if (store || !file->plain.data)
		return 0;
	return deflate_pack(file->plain, &file->packed, &file->packed_size);
}

static int pack_executable(void *data, size_t index)
{
	struct body *body = data;
	return pack(&body->files[index], body->writer->options->store_executables);
}

static void append_file(struct buffer *out, const struct mkext_file *file)
{
	if (file->packed)
		buffer_append(out, file->packed, file->packed_size);
	else
		buffer_append(out, file->plain.data, file->plain.size);
}

static int add_executable(struct body *body, size_t index, struct kext_value *info)
{
	struct mkext_writer *writer = body->writer;
	struct mkext_file *file = &body->files[index];
	const char *path = kext_bundle_executable_path(writer->bundles[index]);
	size_t offset = body->out->size;
	if (offset > INT32_MAX)
		return mkext_too_large(writer, kext_bundle_name(writer->bundles[index]));
	buffer_u32(body->out, (uint32_t)file->packed_size, true);
	buffer_u32(body->out, (uint32_t)file->plain.size, true);
	append_file(body->out, file);
	mkext_drop_packed(file);
	int error = buffer_error(body->out);
	if (error == 0 && path)
		error = kext_value_set(info, MKEXT_KEY_EXECUTABLE_PATH,
				       kext_value_new_string(path));
	if (error == 0)
		error = kext_value_set(info, MKEXT_KEY_EXECUTABLE,
				       kext_value_new_integer(offset, 32));
	return error;
}

static int add_kext(struct body *body, size_t index)
{
	struct mkext_writer *writer = body->writer;
	struct kext_bundle *bundle = writer->bundles[index];
	struct kext_value *info = mkext_plain_info(kext_bundle_info(bundle));
	if (!info)
		return -ENOMEM;
	const char *path =
		volume_path(kext_bundle_path(bundle), writer->options->volume_root);
	int error =
		kext_value_set(info, MKEXT_KEY_BUNDLE_PATH, kext_value_new_string(path));
	if (error == 0 && body->files[index].plain.data)
		error = add_executable(body, index, info);
	if (error == 0)
		return kext_value_append(body->infos, info);
	kext_value_unref(info);
	return error;
}

/* The terminating NUL is part of the property list. */
static int append_text(struct body *body, const char *text, size_t size)
{
	struct buffer *out = body->out;
	struct mkext_file file = {.plain = bytes_of(text, size + 1)};
	size_t offset = out->size;
	if (offset > INT32_MAX || size >= INT32_MAX)
		return mkext_too_large(body->writer, "mkext");
	int error = pack(&file, body->writer->options->store_plist);
	if (error < 0)
		return error;
	append_file(out, &file);
	free(file.packed);
	if (buffer_error(out) < 0)
		return -ENOMEM;
	buffer_set_u32(out, 32, (uint32_t)offset, true);
	buffer_set_u32(out, 36, (uint32_t)file.packed_size, true);
	buffer_set_u32(out, 40, (uint32_t)size + 1, true);
	return 0;
}

static int append_infos(struct body *body)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	struct kext_value *root = kext_value_new_dictionary();
	if (!root)
		return -ENOMEM;
	int error = kext_value_set(root, MKEXT_KEY_INFOS, kext_value_ref(body->infos));
	if (error == 0)
		error = kext_value_to_xml(root, KEXT_XML_SHARE, &text, &size);
	if (error == 0)
		error = append_text(body, text, size);
	kext_value_unref(root);
	return error;
}

static int write_all(struct body *body)
{
	struct mkext_writer *writer = body->writer;
	buffer_zeros(body->out, MKEXT2_HEADER_SIZE);
	int error = buffer_error(body->out);
	if (error == 0)
		error = mkext_take_slices(writer, body->files);
	if (error == 0)
		error = parallel_run(writer->options->jobs, writer->count,
				     pack_executable, body);
	for (size_t i = 0; error == 0 && i < writer->count; i++)
		error = add_kext(body, i);
	if (error == 0)
		error = append_infos(body);
	return error == 0 ? mkext_finish(writer, body->out, MKEXT_VERSION_2) : error;
}

int mkext2_write(struct mkext_writer *writer, struct buffer *out)
{
	struct body body = {
		.writer = writer,
		.out = out,
		.files = mem_zero(writer->count + 1, sizeof(*body.files)),
		.infos = kext_value_new_array(),
	};
	int error = body.files && body.infos ? write_all(&body) : -ENOMEM;
	mkext_files_free(body.files, writer->count);
	kext_value_unref(body.infos);
	return error;
}
