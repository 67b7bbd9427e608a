/* The shared bytes of a prelinked kernel or collection; see image.h. */
#include <errno.h>
#include "archive/image.h"
#include "base/memory.h"

static int parse(struct prelink_image *image, const char *subject,
		 struct kext_diagnostics *diagnostics)
{
	image->subject = mem_string(subject);
	if (!image->subject)
		return -ENOMEM;
	int error = macho_parse(bytes_of(image->data, image->size), subject, diagnostics,
				&image->macho);
	return error == KEXT_ERR_VALIDATION ? KEXT_ERR_BAD_DATA : error;
}

int prelink_image_new(struct archive_store *store, struct bytes bytes,
		      struct kext_diagnostics *diagnostics, struct prelink_image **ret)
{
	struct prelink_image *image = mem_zero(1, sizeof(*image));
	if (!image)
		return -ENOMEM;
	atomic_init(&image->references, 1);
	image->store = archive_store_ref(store);
	image->data = store->data + (bytes.data - store->data);
	image->size = bytes.size;
	int error = parse(image, store->subject, diagnostics);
	if (error < 0)
		prelink_image_unref(image);
	else
		*ret = image;
	return error;
}

struct prelink_image *prelink_image_ref(struct prelink_image *image)
{
	atomic_fetch_add(&image->references, 1);
	return image;
}

struct prelink_image *prelink_image_unref(struct prelink_image *image)
{
	if (!image || atomic_fetch_sub(&image->references, 1) != 1)
		return NULL;
	macho_free(&image->macho);
	archive_store_unref(image->store);
	free(image->subject);
	array_free(&image->elsewhere);
	free(image);
	return NULL;
}

bool prelink_bytes_at(const struct prelink_image *image,
		      const struct prelink_place *place, uint64_t address, uint64_t size,
		      struct bytes *ret)
{
	uint64_t offset = address - place->load;
	if (place->load != place->source && offset < place->size) {
		if (size > place->size - offset)
			return false;
		address = place->source + offset;
	}
	return macho_at_address(&image->macho, address, size, ret);
}
