/*
 * The global offset table: code reaches data of the kernel and of other kexts through a
 * pointer in __DATA,__got, which is plain data with an ordinary relocation. Loads of
 * addresses that this link knows need no slot and become lea.
 */
#include <errno.h>
#include "base/memory.h"
#include "ld/linker.h"

static bool needs_slot(const struct ld_section *section,
		       const struct ld_reference *reference)
{
	switch (reference->kind) {
	case LD_REF_GOT:
		return true;
	case LD_REF_GOT_LOAD:
		return reference->target.symbol->kind != LD_DEFINED ||
		       !ld_x86_64_can_relax(section, reference);
	default:
		return false;
	}
}

static int add_slot(struct linker *ld, struct ld_symbol *symbol)
{
	if (symbol->got_slot)
		return 0;
	struct ld_symbol **slot = array_push(&ld->got_slots);
	if (!slot)
		return -ENOMEM;
	*slot = symbol;
	symbol->got_slot = (uint32_t)ld->got_slots.count;
	return 0;
}

static int scan_section(struct linker *ld, struct ld_section *section)
{
	array_for_each (piece, &section->pieces) {
		if (!ld_piece_is_placed(piece))
			continue;
		for (size_t i = 0; i < piece->reference_count; i++) {
			const struct ld_reference *reference =
				&section->references.items[piece->first_reference + i];
			int error = needs_slot(section, reference)
					    ? add_slot(ld, reference->target.symbol)
					    : 0;
			if (error)
				return error;
		}
	}
	return 0;
}

int ld_make_got(struct linker *ld)
{
	int error = ld_visit_sections(ld, scan_section);
	if (error || ld->got_slots.count == 0)
		return error;
	struct ld_section *section = &ld->got;
	strcpy(section->segment, "__DATA");
	strcpy(section->name, "__got");
	section->flags = S_REGULAR;
	struct ld_piece *piece = array_push(&section->pieces);
	if (!piece)
		return -ENOMEM;
	piece->section = section;
	piece->size = 8 * ld->got_slots.count;
	piece->align = 3;
	piece->live = piece->is_named = true;
	return 0;
}
