/* Stores and the files in them; see store.h. */
#include <errno.h>
#include <kext/error.h>
#include "archive/store.h"
#include "base/memory.h"
#include "codec/deflate.h"
#include "codec/lzss.h"

int archive_store_new(uint8_t *data, size_t size, const char *subject,
		      struct archive_store **ret)
{
	struct archive_store *store = mem_zero(1, sizeof(*store));
	char *copy = mem_string(subject);
	if (!store || !copy) {
		free(store);
		free(copy);
		free(data);
		return -ENOMEM;
	}
	atomic_init(&store->references, 1);
	store->data = data;
	store->size = size;
	store->subject = copy;
	*ret = store;
	return 0;
}

struct archive_store *archive_store_ref(struct archive_store *store)
{
	atomic_fetch_add(&store->references, 1);
	return store;
}

struct archive_store *archive_store_unref(struct archive_store *store)
{
	if (!store || atomic_fetch_sub(&store->references, 1) != 1)
		return NULL;
	free(store->data);
	free(store->subject);
	free(store);
	return NULL;
}

uint64_t packed_most(enum packed_codec codec, uint64_t stored)
{
	if (codec == PACKED_STORED)
		return stored;
	return codec == PACKED_ZLIB ? deflate_most(stored) : lzss_most(stored);
}

static int bad_stream(const struct packed_file *file, const char *subject,
		      const char *what, const struct codec_refusal *why,
		      struct kext_diagnostics *diagnostics)
{
	kext_diagnose(
		diagnostics, KEXT_ERROR, "archive.damaged", subject, NULL,
		"the archive is damaged: %s: offset 0x%llx: the %s stream of %zu bytes "
		"does not expand to %zu bytes%s%s",
		what, (unsigned long long)(file->offset + why->offset),
		file->codec == PACKED_ZLIB ? "zlib" : "LZSS", file->stored.size,
		file->size, why->message[0] ? ": " : "", why->message);
	return KEXT_ERR_BAD_DATA;
}

static int inflate(const struct packed_file *file, const char *subject, const char *what,
		   struct kext_diagnostics *diagnostics, uint8_t *output)
{
	uint32_t found, expected;
	if (!file->ignores_checksum)
		return deflate_unpack(file->stored, output, file->size);
	int error = deflate_unpack_leniently(file->stored, output, file->size, &found,
					     &expected);
	if (error == 0 && found != expected)
		kext_diagnose(diagnostics, KEXT_WARNING, "archive.checksum", subject,
			      NULL,
			      "%s: offset 0x%llx: Adler-32 0x%08x of the expanded bytes, "
			      "expected 0x%08x; ignored",
			      what, (unsigned long long)file->offset, found, expected);
	return error;
}

int packed_expand(const struct packed_file *file, const char *subject, const char *what,
		  struct kext_diagnostics *diagnostics, uint8_t **ret)
{
	struct codec_refusal why = {0};
	uint8_t *data = mem_alloc(file->size);
	int error = 0;
	if (!data)
		return -ENOMEM;
	if (file->codec == PACKED_ZLIB)
		error = inflate(file, subject, what, diagnostics, data);
	else if (file->codec == PACKED_LZSS)
		error = lzss_decode(file->stored, data, file->size, NULL, &why);
	else
		memcpy(data, file->stored.data, file->size);
	if (error < 0) {
		free(data);
		return error == KEXT_ERR_BAD_DATA
			       ? bad_stream(file, subject, what, &why, diagnostics)
			       : error;
	}
	*ret = data;
	return 0;
}

/* ---- executables ---- */

struct packed_origin {
	struct bundle_origin origin;
	struct archive_store *store;
	struct packed_file file;
	char *what;
};

static int make_executable(struct bundle_origin *origin,
			   struct kext_diagnostics *diagnostics, uint8_t **ret_data,
			   size_t *ret_size)
{
	struct packed_origin *o = (struct packed_origin *)origin;
	int error = packed_expand(&o->file, o->store->subject, o->what, diagnostics,
				  ret_data);
	if (error == 0)
		*ret_size = o->file.size;
	return error;
}

static void free_origin(struct bundle_origin *origin)
{
	struct packed_origin *o = (struct packed_origin *)origin;
	archive_store_unref(o->store);
	free(o->what);
	free(o);
}

struct bundle_origin *packed_origin_new(struct archive_store *store,
					const struct packed_file *file, const char *what)
{
	struct packed_origin *o = mem_zero(1, sizeof(*o));
	char *copy = mem_string(what);
	if (!o || !copy) {
		free(o);
		free(copy);
		return NULL;
	}
	*o = (struct packed_origin){
		{make_executable, free_origin}, archive_store_ref(store), *file, copy};
	return &o->origin;
}
