/*
 * Writes mkext 2 as Darwin's kextcache lays it out: header, one entry per executable
 * without gaps, the property list last. Given the same property list the bytes are the
 * same.
 */
#include <errno.h>
#include "archive/mkext.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "codec/deflate.h"

struct writer {
	struct buffer out;
	const struct kext_arch *arch;
	const struct kext_mkext_options *options;
	struct kext_diagnostics *diagnostics;
	struct kext_value *infos;
};

/* Appends `data`, compressed if that makes it smaller; *ret_compressed 0: as it is. */
static int append_packed(struct writer *w, struct bytes data, bool store,
			 uint32_t *ret_compressed)
{
	_cleanup_free_ uint8_t *packed = NULL;
	size_t size = 0;
	int error = store ? 0 : deflate_pack(data, &packed, &size);
	if (error < 0)
		return error;
	if (packed)
		buffer_append(&w->out, packed, size);
	else
		buffer_append(&w->out, data.data, data.size);
	*ret_compressed = (uint32_t)size;
	return 0;
}

static int append_entry(struct writer *w, struct bytes executable)
{
	size_t at = w->out.size;
	uint32_t compressed = 0;
	buffer_u32(&w->out, 0, true);
	buffer_u32(&w->out, (uint32_t)executable.size, true);
	int error =
		append_packed(w, executable, w->options->store_executables, &compressed);
	if (error < 0)
		return error;
	buffer_set_u32(&w->out, at, compressed, true);
	return buffer_error(&w->out);
}

static int too_large(struct writer *w, const char *subject)
{
	kext_diagnose(w->diagnostics, KEXT_ERROR, "archive.size", subject, NULL,
		      "the archive would be larger than 2 GiB");
	return KEXT_ERR_UNSUPPORTED;
}

static int add_executable(struct writer *w, struct kext_bundle *bundle,
			  struct kext_value *info)
{
	const char *path = kext_bundle_executable_path(bundle);
	const void *data;
	size_t size;
	int error = kext_bundle_slice(bundle, w->arch, w->diagnostics, &data, &size);
	if (error < 0)
		return error;
	size_t offset = w->out.size;
	if (offset > INT32_MAX || size > INT32_MAX)
		return too_large(w, kext_bundle_name(bundle));
	error = append_entry(w, bytes_of(data, size));
	if (error == 0 && path)
		error = kext_value_set(info, MKEXT_KEY_EXECUTABLE_PATH,
				       kext_value_new_string(path));
	if (error == 0)
		error = kext_value_set(info, MKEXT_KEY_EXECUTABLE,
				       kext_value_new_integer(offset, 32));
	return error;
}

static int add_kext(struct writer *w, struct kext_bundle *bundle)
{
	struct kext_value *info = mkext_plain_info(kext_bundle_info(bundle));
	if (!info)
		return -ENOMEM;
	int error = kext_value_set(info, MKEXT_KEY_BUNDLE_PATH,
				   kext_value_new_string(kext_bundle_path(bundle)));
	if (error == 0 && kext_bundle_has_executable(bundle))
		error = add_executable(w, bundle, info);
	if (error == 0)
		return kext_value_append(w->infos, info);
	kext_value_unref(info);
	return error;
}

/* The terminating NUL is part of the property list. */
static int append_plist(struct writer *w, struct kext_value *root)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0, offset = w->out.size;
	uint32_t compressed = 0;
	int error = kext_value_to_xml(root, KEXT_XML_SHARE, &text, &size);
	if (error < 0)
		return error;
	if (offset > INT32_MAX || size >= INT32_MAX)
		return too_large(w, "mkext");
	error = append_packed(w, bytes_of(text, size + 1), w->options->store_plist,
			      &compressed);
	if (error < 0 || buffer_error(&w->out) < 0)
		return error < 0 ? error : -ENOMEM;
	buffer_set_u32(&w->out, 32, (uint32_t)offset, true);
	buffer_set_u32(&w->out, 36, compressed, true);
	buffer_set_u32(&w->out, 40, (uint32_t)size + 1, true);
	return 0;
}

static int append_infos(struct writer *w)
{
	struct kext_value *root = kext_value_new_dictionary();
	if (!root)
		return -ENOMEM;
	int error = kext_value_set(root, MKEXT_KEY_INFOS, kext_value_ref(w->infos));
	if (error == 0)
		error = append_plist(w, root);
	kext_value_unref(root);
	return error;
}

static int finish_header(struct writer *w, size_t count)
{
	struct buffer *out = &w->out;
	buffer_set_u32(out, 0, MKEXT_MAGIC, true);
	buffer_set_u32(out, 4, MKEXT_SIGNATURE, true);
	buffer_set_u32(out, 8, (uint32_t)out->size, true);
	buffer_set_u32(out, 16, MKEXT_VERSION_2, true);
	buffer_set_u32(out, 20, (uint32_t)count, true);
	buffer_set_u32(out, 24, w->arch->cputype, true);
	buffer_set_u32(out, 28, w->arch->cpusubtype, true);
	if (buffer_error(out) < 0)
		return -ENOMEM;
	buffer_set_u32(out, 12, mkext_checksum(bytes_of(out->data, out->size)), true);
	return 0;
}

static int write_all(struct writer *w, struct kext_bundle *const *bundles, size_t count)
{
	buffer_zeros(&w->out, MKEXT2_HEADER_SIZE);
	w->infos = kext_value_new_array();
	int error = w->infos ? buffer_error(&w->out) : -ENOMEM;
	for (size_t i = 0; error == 0 && i < count; i++)
		error = add_kext(w, bundles[i]);
	if (error == 0)
		error = append_infos(w);
	return error == 0 ? finish_header(w, count) : error;
}

int kext_mkext_write(struct kext_bundle *const *bundles, size_t count,
		     const struct kext_mkext_options *options,
		     struct kext_diagnostics *diagnostics, void **ret_data,
		     size_t *ret_size)
{
	static const struct kext_mkext_options defaults;
	struct writer w = {.options = options ? options : &defaults,
			   .diagnostics = diagnostics};
	w.arch = w.options->arch ? w.options->arch : kext_arch_host();
	int error = write_all(&w, bundles, count);
	if (error == 0)
		*ret_data = buffer_steal(&w.out, ret_size);
	buffer_free(&w.out);
	kext_value_unref(w.infos);
	return error;
}
