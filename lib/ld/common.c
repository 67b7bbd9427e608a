/*
 * Commons: tentative definitions that no real one replaced get their room in
 * __DATA,__common, in the order in which their names were first seen.
 */
#include <errno.h>
#include "base/memory.h"
#include "ld/linker.h"

static bool is_common(const struct map_entry *entry)
{
	const struct ld_symbol *symbol = entry->value;
	return symbol && symbol->kind == LD_COMMON;
}

static void place(struct ld_section *section, struct ld_symbol *symbol,
		  struct ld_piece *piece)
{
	piece->section = section;
	piece->size = symbol->value;
	piece->align = symbol->common_align < 12 ? symbol->common_align : 12;
	piece->is_named = piece->has_global = true;
	symbol->kind = LD_DEFINED;
	symbol->piece = piece;
	symbol->value = 0;
}

int ld_place_commons(struct linker *ld)
{
	size_t count = 0;
	map_for_each (entry, &ld->symbols)
		count += is_common(entry);
	struct ld_section *section = &ld->common;
	strcpy(section->segment, "__DATA");
	strcpy(section->name, "__common");
	section->flags = S_ZEROFILL;
	if (count == 0)
		return 0;
	/* In one go: symbols keep pointers to the pieces. */
	section->pieces.items = mem_zero(count, sizeof(struct ld_piece));
	if (!section->pieces.items)
		return -ENOMEM;
	section->pieces.capacity = count;
	map_for_each (entry, &ld->symbols)
		if (is_common(entry))
			place(section, entry->value,
			      &section->pieces.items[section->pieces.count++]);
	return 0;
}
