/* Tables of chosen columns; see columns.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/columns.h"

#define CHOSEN_MAX (sizeof(((struct columns *)0)->chosen) / sizeof(size_t))

static bool choose(struct columns *columns, const char *name, size_t length)
{
	for (size_t i = 0; columns->known[i].name; i++) {
		const char *known = columns->known[i].name;
		if (strlen(known) != length || memcmp(known, name, length) != 0)
			continue;
		if (columns->count == CHOSEN_MAX)
			return false;
		columns->chosen[columns->count++] = i;
		return true;
	}
	return false;
}

const char *columns_choose(struct columns *columns, const char *list)
{
	for (const char *word = list;; word++) {
		size_t length = strcspn(word, ",");
		if (!choose(columns, word, length))
			return word;
		word += length;
		if (!*word)
			return NULL;
	}
}

void columns_choose_all(struct columns *columns)
{
	columns->count = 0;
	while (columns->known[columns->count].name && columns->count < CHOSEN_MAX) {
		columns->chosen[columns->count] = columns->count;
		columns->count++;
	}
}

int columns_add(struct columns *columns, char *text)
{
	if (text && columns->cell_count == columns->cell_room) {
		size_t room = columns->cell_room ? 2 * columns->cell_room : 64;
		char **cells = reallocarray(columns->cells, room, sizeof(*cells));
		if (!cells) {
			free(text);
			return -ENOMEM;
		}
		columns->cells = cells;
		columns->cell_room = room;
	}
	if (!text)
		return -ENOMEM;
	columns->cells[columns->cell_count++] = text;
	return 0;
}

static const struct column *column_at(const struct columns *columns, size_t i)
{
	return &columns->known[columns->chosen[i]];
}

static int width_of(const struct columns *columns, size_t i, bool with_headings)
{
	size_t width = with_headings ? strlen(column_at(columns, i)->heading) : 0;
	for (size_t at = i; at < columns->cell_count; at += columns->count) {
		size_t length = strlen(columns->cells[at]);
		width = length > width ? length : width;
	}
	return (int)width;
}

/* Nothing is padded at the end of a line. */
static void print_cell(const struct columns *columns, size_t i, int width,
		       const char *text)
{
	if (column_at(columns, i)->is_number)
		printf("%*s", width, text);
	else
		printf("%-*s", i + 1 < columns->count ? width : 0, text);
	putchar(i + 1 < columns->count ? ' ' : '\n');
}

void columns_print(struct columns *columns, bool with_headings)
{
	int widths[CHOSEN_MAX];
	for (size_t i = 0; i < columns->count; i++)
		widths[i] = width_of(columns, i, with_headings);
	for (size_t i = 0; with_headings && i < columns->count; i++)
		print_cell(columns, i, widths[i], column_at(columns, i)->heading);
	for (size_t at = 0; at < columns->cell_count; at++) {
		size_t i = at % columns->count;
		print_cell(columns, i, widths[i], columns->cells[at]);
		free(columns->cells[at]);
	}
	free(columns->cells);
	columns->cells = NULL;
	columns->cell_count = columns->cell_room = 0;
}
