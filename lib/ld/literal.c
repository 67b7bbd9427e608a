/*
 * Equal literals of one section are kept once: strings, and constants of 4, 8 and 16
 * bytes. The one that came first stands for the others and takes the greatest alignment.
 */
#include <errno.h>
#include <stdlib.h>
#include "ld/linker.h"

struct literal {
	struct ld_piece *piece;
	size_t order;
};

typedef ARRAY_OF(struct literal) literal_list;

static bool holds_literals(const struct ld_section *section)
{
	switch (ld_section_type(section)) {
	case S_CSTRING_LITERALS:
	case S_4BYTE_LITERALS:
	case S_8BYTE_LITERALS:
	case S_16BYTE_LITERALS:
		return section->references.count == 0;
	}
	return false;
}

static int collect(struct ld_object *object, literal_list *literals)
{
	for (size_t i = 0; i < object->section_count; i++) {
		struct ld_section *section = &object->sections[i];
		if (section->is_dropped || !holds_literals(section))
			continue;
		array_for_each (piece, &section->pieces) {
			if (!piece->live || piece->size == 0)
				continue;
			struct literal *literal = array_push(literals);
			if (!literal)
				return -ENOMEM;
			*literal = (struct literal){piece, literals->count};
		}
	}
	return 0;
}

static int compare_content(const struct ld_piece *x, const struct ld_piece *y)
{
	const struct ld_section *a = x->section, *b = y->section;
	int order = strcmp(a->segment, b->segment);
	if (!order)
		order = strcmp(a->name, b->name);
	if (!order && x->size != y->size)
		order = x->size < y->size ? -1 : 1;
	if (order)
		return order;
	return memcmp(a->content.data + x->offset, b->content.data + y->offset, x->size);
}

static int compare_literals(const void *a, const void *b)
{
	const struct literal *x = a, *y = b;
	int order = compare_content(x->piece, y->piece);
	return order ? order : x->order < y->order ? -1 : x->order > y->order;
}

static void unite(literal_list *literals)
{
	struct ld_piece *first = NULL;
	array_for_each (literal, literals) {
		struct ld_piece *piece = literal->piece;
		if (!first || compare_content(first, piece)) {
			first = piece;
			continue;
		}
		piece->replacement = first;
		if (piece->align > first->align)
			first->align = piece->align;
	}
}

int ld_merge_literals(struct linker *ld)
{
	literal_list literals = {0};
	int error = 0;
	for (size_t i = 0; !error && i < ld->objects.count; i++)
		error = collect(ld->objects.items[i], &literals);
	if (!error && literals.count) {
		qsort(literals.items, literals.count, sizeof(struct literal),
		      compare_literals);
		unite(&literals);
	}
	array_free(&literals);
	return error;
}
