/* Opening and asking images; see image.h and kext/link.h. */
#include <errno.h>
#include "base/memory.h"
#include "link/accept.h"
#include "link/image.h"

static struct value_slot *value_slot(const struct kext_image *image, uint64_t value)
{
	uint32_t at = address_hash(value) & image->value_mask;
	while (image->values[at].any && image->values[at].value != value)
		at = (at + 1) & image->value_mask;
	return &image->values[at];
}

static bool is_cxx_definition(const struct symbol *symbol)
{
	return symbol->flags & SYMBOL_CXX && symbol_is_defined(symbol);
}

static void index_value(struct kext_image *image, uint32_t index)
{
	const struct symbol *symbol = &image->symbols.items[index];
	struct value_slot *slot = value_slot(image, symbol->value);
	slot->value = symbol->value;
	slot->any = index + 1;
	if (symbol_is_exported(symbol))
		slot->exported = index + 1;
	if (symbol->value < image->value_low)
		image->value_low = symbol->value;
	if (symbol->value > image->value_high)
		image->value_high = symbol->value;
}

static int index_values(struct kext_image *image)
{
	uint64_t count = 0;
	for (uint32_t i = 0; i < image->symbols.count; i++)
		count += is_cxx_definition(&image->symbols.items[i]);
	image->value_low = UINT64_MAX;
	uint32_t size = table_size(count);
	image->values = size ? mem_zero(size, sizeof(*image->values)) : NULL;
	if (!image->values)
		return -ENOMEM;
	image->value_mask = size - 1;
	for (uint32_t i = 0; i < image->symbols.count; i++)
		if (is_cxx_definition(&image->symbols.items[i]))
			index_value(image, i);
	return 0;
}

static void find_traps(struct kext_image *image)
{
	const struct macho_segment *segment =
		macho_segment_named(&image->macho, "__TRAP");
	if (image->macho.filetype != MH_EXECUTE || !segment)
		return;
	image->trap_start = segment->address;
	if (__builtin_add_overflow(segment->address, segment->size, &image->trap_end))
		image->trap_end = UINT64_MAX;
}

static int open_image(struct kext_image *image, struct bytes bytes,
		      const struct report *report)
{
	int r = accept_file(bytes, report, &image->macho, &image->cpu);
	if (r < 0)
		return r;
	if (!accept_is_linked(&image->macho))
		return report_bad(report,
				  "Link it first; only a linked image has addresses.",
				  "this kext still has relocations to other code");
	r = symtab_read(&image->macho, report, &image->symbols);
	if (r == 0)
		r = symtab_index(&image->symbols, INDEX_IMAGE);
	if (r == 0)
		r = index_values(image);
	find_traps(image);
	return r;
}

int kext_image_open(const void *data, size_t size, const char *name,
		    struct kext_diagnostics *diagnostics, struct kext_image **ret_image)
{
	struct kext_image *image = mem_zero(1, sizeof(*image));
	if (!image)
		return -ENOMEM;
	atomic_init(&image->references, 1);
	image->name = mem_string(name ? name : "");
	struct report report = {diagnostics, image->name, "link.image"};
	int r = image->name ? open_image(image, bytes_of(data, size), &report) : -ENOMEM;
	if (r < 0)
		kext_image_unref(image);
	else
		*ret_image = image;
	return r;
}

struct kext_image *kext_image_ref(struct kext_image *image)
{
	atomic_fetch_add_explicit(&image->references, 1, memory_order_relaxed);
	return image;
}

struct kext_image *kext_image_unref(struct kext_image *image)
{
	if (!image || atomic_fetch_sub(&image->references, 1) != 1)
		return NULL;
	symtab_free(&image->symbols);
	macho_free(&image->macho);
	free(image->values);
	free(image->name);
	free(image);
	return NULL;
}

const uint8_t *kext_image_uuid(const struct kext_image *image)
{
	return image->macho.has_uuid ? image->macho.uuid : NULL;
}

const char *kext_image_symbol_near(const struct kext_image *image, uint64_t address,
				   uint64_t *ret_offset)
{
	const struct symbol *best = NULL;
	for (uint32_t i = 0; i < image->symbols.count; i++) {
		const struct symbol *symbol = &image->symbols.items[i];
		if (!symbol_is_defined(symbol) || !(symbol->flags & SYMBOL_SECTION) ||
		    symbol->value > address || symbol->length == 0)
			continue;
		if (!best || symbol->value > best->value)
			best = symbol;
	}
	if (!best)
		return NULL;
	*ret_offset = address - best->value;
	return best->name;
}

uint64_t kext_image_symbol_address(const struct kext_image *image, const char *name)
{
	const struct symbol *symbol = symtab_find_name(&image->symbols, name);
	return symbol && symbol_is_defined(symbol) ? symbol->value : 0;
}

const struct symbol *image_definition(const struct kext_image *image, const char *name,
				      uint32_t length, uint32_t hash)
{
	const struct symbol *symbol = symtab_find(&image->symbols, name, length, hash);
	return symbol && symbol_is_defined(symbol) ? symbol : NULL;
}

const struct symbol *image_cxx_at(const struct kext_image *image, uint64_t address,
				  bool exported_only)
{
	if (address < image->value_low || address > image->value_high)
		return NULL;
	const struct value_slot *slot = value_slot(image, address);
	uint32_t index = exported_only ? slot->exported : slot->any;
	return index ? &image->symbols.items[index - 1] : NULL;
}

bool image_bytes_at(const struct kext_image *image, uint64_t address, struct bytes *ret)
{
	const struct macho_segment *segment =
		macho_segment_holding(&image->macho, address, 1);
	if (!segment)
		return false;
	uint64_t offset = address - segment->address;
	if (offset >= segment->file_size)
		return false;
	return bytes_slice(image->macho.bytes, segment->file_offset + offset,
			   segment->file_size - offset, ret);
}
