/* Relocations by the address they edit: one hash table, so that a slot costs one look. */
#include <errno.h>
#include "base/memory.h"
#include "link/link.h"

/* Entries are the index, doubled, plus 1 for a local one, plus 1 so that 0 is free. */
static uint32_t entry_of(uint32_t index, bool local)
{
	return (index << 1 | local) + 1;
}

static bool entry_read(const struct link *link, uint32_t entry,
		       struct macho_relocation *ret)
{
	uint32_t code = entry - 1;
	return macho_relocation_at(&link->macho,
				   code & 1 ? link->macho.local_relocations
					    : link->macho.external_relocations,
				   code >> 1, ret);
}

/* The table slot of that address and kind, or the free one where it would go. */
static uint32_t *find_entry(const struct link *link, uint64_t address, bool local,
			    struct macho_relocation *ret)
{
	uint32_t at = address_hash(address) & link->place_mask;
	for (; link->places[at]; at = (at + 1) & link->place_mask) {
		if (((link->places[at] - 1) & 1) != local)
			continue;
		if (entry_read(link, link->places[at], ret) && ret->address == address)
			break;
	}
	return &link->places[at];
}

/* Of several at one address the first counts. */
static void index_table(struct link *link, struct macho_table table, bool local)
{
	struct macho_relocation r, other;
	for (uint32_t i = 0; macho_relocation_at(&link->macho, table, i, &r); i++) {
		uint32_t *slot = find_entry(link, r.address, local, &other);
		if (!*slot)
			*slot = entry_of(i, local);
		i += link->cpu->has_pair(&r);
	}
}

int places_index(struct link *link)
{
	if (link->places)
		return 0;
	uint32_t size = table_size((uint64_t)link->macho.external_relocations.count +
				   link->macho.local_relocations.count);
	link->places = size ? mem_zero(size, sizeof(*link->places)) : NULL;
	if (!link->places)
		return -ENOMEM;
	link->place_mask = size - 1;
	index_table(link, link->macho.external_relocations, false);
	index_table(link, link->macho.local_relocations, true);
	return 0;
}

bool places_external(const struct link *link, uint64_t address, uint32_t *ret_index,
		     struct macho_relocation *ret)
{
	uint32_t entry = *find_entry(link, address, false, ret);
	if (!entry)
		return false;
	*ret_index = (entry - 1) >> 1;
	return true;
}

bool places_local(const struct link *link, uint64_t address, struct macho_relocation *ret)
{
	return *find_entry(link, address, true, ret) != 0;
}
