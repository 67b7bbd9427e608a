/*
 * Fills the kext's kmod_info: where it is loaded and how large it is. The structure is
 * packed to 4 bytes, as Darwin's mach/kmod.h lays it out; name, version, load tag and
 * references are the kernel's to write.
 */
#include "link/link.h"

struct kmod_layout {
	unsigned address, size, header_size, total;
};

static const struct kmod_layout layout_64 = {156, 164, 172, 196};
static const struct kmod_layout layout_32 = {148, 152, 156, 168};

static void store_word(const struct link *link, uint8_t *place, uint64_t value)
{
	if (link->cpu->is_64)
		store64(place, value, link->macho.big);
	else
		store32(place, (uint32_t)value, link->macho.big);
}

int pass_kmod_info(struct link *link)
{
	const struct kmod_layout *layout = link->cpu->is_64 ? &layout_64 : &layout_32;
	uint32_t index = link->symbols.kmod_info;
	if (index == SYMBOL_NONE)
		return link_fail(link, "link.kmod_info",
				 "KMOD_EXPLICIT_DECL defines it; a kext "
				 "is linked with its _info.c and -lkmod.",
				 "the kext defines no kmod_info");
	const struct symbol *symbol = &link->symbols.items[index];
	const struct placed_section *section = layout_section(link, symbol->section);
	uint64_t offset = section ? symbol->value - section->source->address : 0;
	if (!section || !section->has_data || section->source->address > symbol->value ||
	    !bytes_holds(section->source->content, offset, layout->total))
		return link_fail(link, "link.kmod_info", NULL,
				 "kmod_info must lie in a section "
				 "with data that holds all its %u bytes",
				 layout->total);
	uint8_t *place = link->output + (section->address - link->base) + offset;
	store_word(link, place + layout->address, link->base);
	store_word(link, place + layout->size, link->total);
	store_word(link, place + layout->header_size, link->header_size);
	link->kmod_info = link->addresses[index];
	return 0;
}
