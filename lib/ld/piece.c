/*
 * Cutting a section into pieces: at symbols when the object allows it, at each literal
 * where the section's type says that it holds literals, not at all otherwise.
 */
#include <errno.h>
#include <stdlib.h>
#include "ld/linker.h"

static int compare_offsets(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

/* A piece keeps the alignment that its place in the section gave it. */
static uint8_t align_at(const struct ld_section *section, uint64_t offset)
{
	if (offset == 0)
		return section->align;
	uint8_t zeros = (uint8_t)__builtin_ctzll(offset);
	return zeros < section->align ? zeros : section->align;
}

static int add_piece(struct ld_section *section, uint64_t offset, uint64_t end)
{
	struct ld_piece *piece = array_push(&section->pieces);
	if (!piece)
		return -ENOMEM;
	piece->section = section;
	piece->offset = offset;
	piece->size = end - offset;
	piece->align = align_at(section, offset);
	return 0;
}

static int cut_strings(struct ld_section *section)
{
	uint64_t at = 0;
	while (at < section->content.size) {
		const uint8_t *start = section->content.data + at;
		const uint8_t *nul = memchr(start, 0, section->content.size - at);
		uint64_t end = nul ? at + (uint64_t)(nul - start) + 1 : section->size;
		int error = add_piece(section, at, end);
		if (error)
			return error;
		at = end;
	}
	return section->pieces.count ? 0 : add_piece(section, 0, section->size);
}

static int cut_evenly(struct ld_section *section, uint64_t step)
{
	uint64_t at = 0;
	do {
		uint64_t rest = section->size - at;
		int error = add_piece(section, at, at + (rest < step ? rest : step));
		if (error)
			return error;
		at += step;
	} while (at < section->size);
	return 0;
}

typedef ARRAY_OF(uint64_t) offset_list;

/* Offsets at which a symbol of the section begins, in no order, 0 among them. */
static int collect_starts(const struct ld_object *object,
			  const struct ld_section *section, uint32_t ordinal,
			  offset_list *starts)
{
	if (!array_push(starts))
		return -ENOMEM;
	for (uint32_t i = 0; i < object->macho.symbols.count; i++) {
		struct macho_symbol symbol;
		if (!macho_symbol_at(&object->macho, i, &symbol) ||
		    (symbol.type & N_STAB) || (symbol.type & N_TYPE) != N_SECT ||
		    symbol.section != ordinal || (symbol.desc & N_ALT_ENTRY))
			continue;
		uint64_t offset = symbol.value - section->input_address;
		if (symbol.value < section->input_address || offset >= section->size)
			continue;
		uint64_t *start = array_push(starts);
		if (!start)
			return -ENOMEM;
		*start = offset;
	}
	return 0;
}

static int cut_at_starts(struct ld_section *section, const offset_list *starts)
{
	for (size_t i = 0; i < starts->count; i++) {
		uint64_t end =
			i + 1 < starts->count ? starts->items[i + 1] : section->size;
		if (i + 1 < starts->count && end == starts->items[i])
			continue;
		int error = add_piece(section, starts->items[i], end);
		if (error)
			return error;
	}
	return 0;
}

static int cut_at_symbols(struct ld_object *object, struct ld_section *section,
			  uint32_t ordinal)
{
	offset_list starts = {0};
	int error = collect_starts(object, section, ordinal, &starts);
	if (!error) {
		qsort(starts.items, starts.count, sizeof(uint64_t), compare_offsets);
		error = cut_at_starts(section, &starts);
	}
	array_free(&starts);
	return error;
}

int ld_cut_section(struct ld_object *object, struct ld_section *section, uint32_t ordinal)
{
	switch (ld_section_type(section)) {
	case S_CSTRING_LITERALS:
		return cut_strings(section);
	case S_4BYTE_LITERALS:
		return cut_evenly(section, 4);
	case S_8BYTE_LITERALS:
		return cut_evenly(section, 8);
	case S_16BYTE_LITERALS:
		return cut_evenly(section, 16);
	case S_MOD_INIT_FUNC_POINTERS:
	case S_MOD_TERM_FUNC_POINTERS:
		return add_piece(section, 0, section->size);
	}
	if (object->macho.flags & MH_SUBSECTIONS_VIA_SYMBOLS)
		return cut_at_symbols(object, section, ordinal);
	return add_piece(section, 0, section->size);
}

struct ld_piece *ld_piece_at(const struct ld_section *section, uint64_t offset)
{
	size_t low = 0, high = section->pieces.count;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (section->pieces.items[middle].offset <= offset)
			low = middle;
		else
			high = middle;
	}
	return &section->pieces.items[low];
}
