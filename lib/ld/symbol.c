/*
 * The table of global symbols and the rules by which definitions of one name meet: strong
 * ones collide, weak (coalesced) ones give way to what came first or is strong, commons
 * to any definition, and of two commons the larger size and alignment hold.
 */
#include <errno.h>
#include <fnmatch.h>
#include "base/memory.h"
#include "ld/linker.h"

struct ld_symbol *ld_symbol_intern(struct linker *ld, const char *name)
{
	bool is_new;
	void **slot = map_slot(&ld->symbols, name, &is_new);
	if (!slot)
		return NULL;
	if (!*slot) {
		struct ld_symbol *symbol = mem_zero(1, sizeof(*symbol));
		if (!symbol)
			return NULL;
		symbol->name = name;
		symbol->is_global = true;
		*slot = symbol;
	}
	return *slot;
}

bool ld_is_listed(const char *name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!fnmatch(list[i], name, 0))
			return true;
	return false;
}

static void take_definition(struct ld_symbol *symbol, struct ld_object *object,
			    const struct macho_symbol *definition, struct ld_piece *piece)
{
	symbol->kind = piece ? LD_DEFINED : LD_ABSOLUTE;
	symbol->object = object;
	symbol->piece = piece;
	symbol->value = definition->value;
	if (piece)
		symbol->value -= piece->section->input_address + piece->offset;
	symbol->is_weak = definition->desc & N_WEAK_DEF;
	/* Both bits of a definition: a copy whose address nobody compares need not show.
	 */
	bool is_hideable = symbol->is_weak && (definition->desc & N_WEAK_REF);
	symbol->is_private = (definition->type & N_PEXT) || is_hideable;
	symbol->is_no_dead_strip = definition->desc & N_NO_DEAD_STRIP;
}

static void take_common(struct ld_symbol *symbol, struct ld_object *object,
			const struct macho_symbol *definition)
{
	uint8_t align = definition->desc >> 8 & 0xf;
	if (align == 0)
		while (align < 4 && (1ull << align) < definition->value)
			align++;
	if (symbol->kind == LD_UNDEFINED) {
		symbol->kind = LD_COMMON;
		symbol->object = object;
		symbol->is_private = definition->type & N_PEXT;
	}
	if (definition->value > symbol->value)
		symbol->value = definition->value;
	if (align > symbol->common_align)
		symbol->common_align = align;
}

static int meet(struct linker *ld, struct ld_symbol *symbol, struct ld_object *object,
		const struct macho_symbol *definition, struct ld_piece *piece)
{
	bool is_weak = definition->desc & N_WEAK_DEF;
	bool is_known = symbol->kind == LD_DEFINED || symbol->kind == LD_ABSOLUTE;
	if (is_known && !symbol->is_weak && !is_weak)
		return ld_error(
			ld, "ld.duplicate", object->name,
			"rename one of them, make it static, or leave one file out",
			"symbol %s is defined here and in %s", symbol->name,
			symbol->object->name);
	if (!is_known || (symbol->is_weak && !is_weak))
		take_definition(symbol, object, definition, piece);
	return 0;
}

/*
 * Enters what an object says about a global name: a definition in `piece`, an absolute
 * one, a common, or only a mention. A duplicate is reported and does not stop the pass.
 */
int ld_symbol_define(struct linker *ld, struct ld_object *object,
		     const struct macho_symbol *definition, struct ld_piece *piece,
		     struct ld_symbol **ret)
{
	struct ld_symbol *symbol = ld_symbol_intern(ld, definition->name);
	if (!symbol)
		return -ENOMEM;
	*ret = symbol;
	uint8_t type = definition->type & N_TYPE;
	if (type == N_UNDF && definition->value == 0) {
		symbol->is_strong_reference |= !(definition->desc & N_WEAK_REF);
		return 0;
	}
	if (type == N_UNDF) {
		if (symbol->kind == LD_UNDEFINED || symbol->kind == LD_COMMON)
			take_common(symbol, object, definition);
		return 0;
	}
	(void)meet(ld, symbol, object, definition, piece);
	return 0;
}
