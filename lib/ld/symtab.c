/*
 * The output's symbols, in the three groups of LC_DYSYMTAB: locals in the order of the
 * inputs, external definitions and undefined symbols by name.
 */
#include <errno.h>
#include <stdlib.h>
#include "ld/linker.h"

static bool is_kmod_info(const struct ld_symbol *symbol)
{
	return !strcmp(symbol->name, "_kmod_info");
}

/* Assembler's labels (L…, l…) end with the link, as with every Darwin linker. */
static bool has_local_entry(const struct linker *ld, const struct ld_symbol *symbol)
{
	if (is_kmod_info(symbol))
		return true; /* loading finds it by name */
	return !ld->options->strip_locals && symbol->name[0] && symbol->name[0] != 'L' &&
	       symbol->name[0] != 'l';
}

static bool is_in_output(const struct ld_symbol *symbol)
{
	if (symbol->kind == LD_ABSOLUTE)
		return true;
	return symbol->piece && symbol->piece->live &&
	       ld_piece_final(symbol->piece)->section->output;
}

static int add_symbol(struct linker *ld, struct ld_symbol *symbol, uint8_t type)
{
	struct ld_output_symbol *entry = array_push(&ld->output_symbols);
	if (!entry)
		return -ENOMEM;
	entry->name = symbol->name;
	entry->symbol = symbol;
	entry->type = type;
	if (symbol->kind == LD_ABSOLUTE) {
		entry->type |= N_ABS;
		entry->value = symbol->value;
	} else if (symbol->piece) {
		const struct ld_piece *piece = ld_piece_final(symbol->piece);
		entry->type |= N_SECT;
		entry->section = (uint8_t)piece->section->output->ordinal;
		entry->value = piece->address + symbol->value;
	} else if (!symbol->is_strong_reference) {
		entry->desc = N_WEAK_REF;
	}
	return 0;
}

static int add_locals(struct linker *ld, const struct ld_object *object)
{
	for (uint32_t i = 0; i < object->macho.symbols.count; i++) {
		struct ld_symbol *symbol = object->symbols[i];
		if (!symbol || symbol->is_global || !is_in_output(symbol) ||
		    !has_local_entry(ld, symbol))
			continue;
		int error = add_symbol(ld, symbol, 0);
		if (error)
			return error;
	}
	return 0;
}

static bool is_exported(const struct linker *ld, const struct ld_symbol *symbol)
{
	const struct kext_ld_options *options = ld->options;
	if (symbol->is_private)
		return false;
	if (options->exported &&
	    !ld_is_listed(symbol->name, options->exported, options->exported_count))
		return false;
	return !ld_is_listed(symbol->name, options->unexported,
			     options->unexported_count);
}

/* Global definitions that are private from here on are locals with N_PEXT. */
static int add_globals(struct linker *ld, bool exported)
{
	map_for_each (entry, &ld->symbols) {
		struct ld_symbol *symbol = entry->value;
		if (!symbol || symbol->kind == LD_UNDEFINED || !is_in_output(symbol) ||
		    is_exported(ld, symbol) != exported ||
		    (!exported && !has_local_entry(ld, symbol)))
			continue;
		int error = add_symbol(ld, symbol, exported ? N_EXT : N_PEXT);
		if (error)
			return error;
	}
	return 0;
}

static int add_undefined(struct linker *ld)
{
	map_for_each (entry, &ld->symbols) {
		struct ld_symbol *symbol = entry->value;
		if (!symbol || symbol->kind != LD_UNDEFINED || !symbol->is_used)
			continue;
		int error = add_symbol(ld, symbol, N_UNDF | N_EXT);
		if (error)
			return error;
	}
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct ld_output_symbol *x = a, *y = b;
	return strcmp(x->name, y->name);
}

static uint32_t sort_from(struct linker *ld, size_t first)
{
	size_t count = ld->output_symbols.count - first;
	if (count)
		qsort(ld->output_symbols.items + first, count,
		      sizeof(struct ld_output_symbol), compare_names);
	return (uint32_t)count;
}

static void warn_of_absences(struct linker *ld)
{
	const struct ld_symbol *info = map_get(&ld->symbols, "_kmod_info");
	bool is_local = false;
	array_for_each (entry, &ld->output_symbols)
		is_local |= !strcmp(entry->name, "_kmod_info");
	if (!is_local && (!info || info->kind == LD_UNDEFINED))
		ld_warn(ld, "ld.kmod_info", ld->options->output,
			"add a file with KMOD_EXPLICIT_DECL(identifier, version, start, "
			"stop) and link libkmod",
			"_kmod_info is not defined: the kext cannot be loaded");
	for (size_t i = 0; i < ld->options->exported_count; i++) {
		const char *name = ld->options->exported[i];
		const struct ld_symbol *symbol = map_get(&ld->symbols, name);
		if (!strpbrk(name, "*?[") && (!symbol || symbol->kind == LD_UNDEFINED))
			ld_warn(ld, "ld.exported", name, NULL,
				"is to be exported but is not defined");
	}
}

int ld_make_symbols(struct linker *ld)
{
	int error = 0;
	for (size_t i = 0; !error && i < ld->objects.count; i++)
		error = add_locals(ld, ld->objects.items[i]);
	if (!error)
		error = add_globals(ld, false);
	size_t first = ld->output_symbols.count;
	ld->local_count = (uint32_t)first;
	if (!error)
		error = add_globals(ld, true);
	ld->defined_count = sort_from(ld, first);
	first = ld->output_symbols.count;
	if (!error)
		error = add_undefined(ld);
	ld->undefined_count = sort_from(ld, first);
	for (size_t i = first; i < ld->output_symbols.count; i++)
		ld->output_symbols.items[i].symbol->output_index = (uint32_t)i;
	if (!error)
		warn_of_absences(ld);
	if (!error && ld->output_symbols.count > 0xffffff)
		return ld_error(ld, "ld.size", ld->options->output, NULL,
				"%zu symbols, at most %u can be numbered",
				ld->output_symbols.count, 0xffffff);
	return error;
}
