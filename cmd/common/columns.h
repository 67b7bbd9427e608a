/*
 * A table of text whose columns are as wide as what is in them, one blank apart, numbers
 * at their right: for listings that people chose the columns of. Classic layouts, which
 * scripts take apart by position, are printed by their programs.
 */
#ifndef COMMON_COLUMNS_H
#define COMMON_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

struct column {
	const char *name;    /* in -o: "load-size" */
	const char *heading; /* in the table: "Size" */
	bool is_number;
};

struct columns {
	const struct column *known; /* the last one has no name */
	size_t chosen[32], count;   /* positions in `known`, in the order asked for */
	char **cells;		    /* rows of `count` each */
	size_t cell_count, cell_room;
};

/* Chooses by a list "name,uuid"; NULL, or the first word that names no column. */
const char *columns_choose(struct columns *columns, const char *list);
/* Chooses all, in their order. */
void columns_choose_all(struct columns *columns);
/* The next cell; takes the text, NULL counts as -ENOMEM. 0 or -ENOMEM. */
int columns_add(struct columns *columns, char *text);
/* Prints rows, and before them the headings if asked, on stdout; frees the cells. */
void columns_print(struct columns *columns, bool with_headings);

#endif
