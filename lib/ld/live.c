/*
 * What goes into the output: everything that is not an overridden copy of a coalesced
 * definition, or with dead stripping, what the exported symbols and the constructors lead
 * to. An overridden copy stays only if something refers to it other than by its global
 * name.
 */
#include <errno.h>
#include "ld/linker.h"

typedef ARRAY_OF(struct ld_piece *) piece_list;

static int mark(piece_list *pending, struct ld_piece *piece)
{
	piece->is_named = true;
	if (piece->live)
		return 0;
	struct ld_piece **place = array_push(pending);
	if (!place)
		return -ENOMEM;
	piece->live = true;
	*place = piece;
	return 0;
}

static int mark_target(piece_list *pending, const struct ld_target *target)
{
	if (target->symbol)
		target->symbol->is_used = true;
	struct ld_piece *piece = target->symbol ? target->symbol->piece : target->piece;
	return piece ? mark(pending, piece) : 0;
}

static int follow(piece_list *pending)
{
	while (pending->count) {
		const struct ld_piece *piece = pending->items[--pending->count];
		for (size_t i = 0; i < piece->reference_count; i++) {
			const struct ld_reference *reference =
				&piece->section->references
					 .items[piece->first_reference + i];
			int error = mark_target(pending, &reference->target);
			if (!error)
				error = mark_target(pending, &reference->subtrahend);
			if (error)
				return error;
		}
	}
	return 0;
}

static bool is_section_root(const struct ld_section *section)
{
	uint32_t type = ld_section_type(section);
	return type == S_MOD_INIT_FUNC_POINTERS || type == S_MOD_TERM_FUNC_POINTERS ||
	       (section->flags & S_ATTR_NO_DEAD_STRIP);
}

/* Marks alone, so that a piece's `is_named` keeps telling about symbols and references.
 */
static int add_root(piece_list *pending, struct ld_piece *piece)
{
	bool is_named = piece->is_named;
	int error = mark(pending, piece);
	piece->is_named = is_named;
	return error;
}

static int add_section_roots(struct linker *ld, struct ld_section *section,
			     piece_list *pending)
{
	array_for_each (piece, &section->pieces) {
		bool is_overridden = piece->has_global && !piece->has_winner;
		bool is_root = !ld->options->dead_strip || is_section_root(section);
		int error = is_root && !is_overridden ? add_root(pending, piece) : 0;
		if (error)
			return error;
	}
	return 0;
}

static bool is_symbol_root(const struct linker *ld, const struct ld_symbol *symbol)
{
	const struct kext_ld_options *options = ld->options;
	bool is_demanded = symbol->is_used; /* by -u: references are not followed yet */
	if (symbol->is_no_dead_strip || is_demanded ||
	    !strcmp(symbol->name, "_kmod_info"))
		return true;
	if (symbol->is_private)
		return false;
	if (options->exported)
		return ld_is_listed(symbol->name, options->exported,
				    options->exported_count);
	return !ld_is_listed(symbol->name, options->unexported,
			     options->unexported_count);
}

static int add_symbol_roots(struct linker *ld, piece_list *pending)
{
	map_for_each (entry, &ld->symbols) {
		const struct ld_symbol *symbol = entry->value;
		if (!symbol || !symbol->piece || !is_symbol_root(ld, symbol))
			continue;
		int error = mark(pending, symbol->piece);
		if (error)
			return error;
	}
	for (size_t i = 0; i < ld->objects.count; i++) {
		const struct ld_object *object = ld->objects.items[i];
		for (size_t j = 0; j < object->local_count; j++) {
			const struct ld_symbol *symbol = &object->locals[j];
			int error = symbol->is_no_dead_strip && symbol->piece
					    ? mark(pending, symbol->piece)
					    : 0;
			if (error)
				return error;
		}
	}
	return 0;
}

static void note_winners(struct linker *ld)
{
	map_for_each (entry, &ld->symbols) {
		struct ld_symbol *symbol = entry->value;
		if (symbol && symbol->piece)
			symbol->piece->has_winner = true;
	}
}

static int add_roots(struct linker *ld, piece_list *pending)
{
	for (size_t i = 0; i < ld->objects.count; i++) {
		struct ld_object *object = ld->objects.items[i];
		for (size_t j = 0; j < object->section_count; j++) {
			int error = add_section_roots(ld, &object->sections[j], pending);
			if (error)
				return error;
		}
	}
	int error = add_section_roots(ld, &ld->common, pending);
	if (!error && ld->options->dead_strip)
		error = add_symbol_roots(ld, pending);
	return error;
}

int ld_mark_live(struct linker *ld)
{
	piece_list pending = {0};
	note_winners(ld);
	int error = add_roots(ld, &pending);
	if (!error)
		error = follow(&pending);
	array_free(&pending);
	return error;
}
