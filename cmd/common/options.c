/* The option table at work: getopt tables, parsing, help and usage text. See options.h.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <kext/context.h>
#include "common/completion.h"
#include "common/options.h"

#define ROW_BASE 256 /* getopt values of rows, past every letter */

unsigned options_color = OPTION_COLOR_AUTO;

static bool is_end(const struct option_row *row)
{
	return !row->letter && !row->name;
}

static size_t count_rows(const struct command *command)
{
	size_t count = 0;
	while (!is_end(&command->rows[count]))
		count++;
	return count;
}

static int argument_rule(const struct option_row *row)
{
	if (row->kind == OPTION_LEVEL)
		return optional_argument;
	if (!row->argument)
		return no_argument;
	return row->argument[0] == '[' ? optional_argument : required_argument;
}

static void *checked(void *memory)
{
	if (memory)
		return memory;
	fprintf(stderr, "out of memory\n");
	exit(EX_OSERR);
}

void option_list_add(struct option_list *list, const char *item)
{
	list->items =
		checked(reallocarray(list->items, list->count + 1, sizeof(*list->items)));
	list->items[list->count++] = item;
}

/* ---- text ---- */

static void print_usage(const struct command *command, FILE *stream)
{
	fprintf(stream, "usage: %s %s\n", command->name, command->synopsis);
}

/* How a row reads at the left of the help: "-b, -bundle-id ID". */
static void row_title(const struct option_row *row, char *text, size_t size)
{
	const char *argument = row->kind == OPTION_LEVEL ? "[0-6|0x...]" : row->argument;
	char letter[8] = "";
	if (row->letter)
		snprintf(letter, sizeof(letter), "-%c%s", row->letter,
			 row->name ? ", " : "");
	snprintf(text, size, "%s%s%s%s%s", letter, row->name ? "-" : "",
		 row->name ? row->name : "", argument ? " " : "",
		 argument ? argument : "");
}

static _Noreturn void print_help(const struct command *command)
{
	print_usage(command, stdout);
	printf("%s\n\n", command->purpose);
	for (const struct option_row *row = command->rows; !is_end(row); row++) {
		char title[128];
		if (!row->help)
			continue;
		row_title(row, title, sizeof(title));
		printf("  %-30s%s%s\n", title, strlen(title) >= 30 ? "  " : "",
		       row->help);
	}
	exit(fflush(stdout) == 0 ? EX_OK : EX_IOERR);
}

static _Noreturn void fail_usage(const struct command *command)
{
	print_usage(command, stderr);
	exit(command->era && *command->era == KEXT_ERA_TIGER ? 1 : EX_USAGE);
}

_Noreturn void options_fail(const struct command *command, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fprintf(stderr, "%s: ", command->name);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	fail_usage(command);
}

/* ---- values ---- */

static bool is_level(const char *text)
{
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		return text[2] && !text[2 + strspn(text + 2, "0123456789abcdefABCDEF")];
	return text[0] >= '0' && text[0] <= '6' && !text[1];
}

/* -v takes the next word when that is a level, as the originals do. */
static unsigned read_level(const struct command *command, int argc, char **argv,
			   const char *glued)
{
	if (!glued && optind < argc && is_level(argv[optind]))
		glued = argv[optind++];
	if (!glued)
		return 1;
	if (!is_level(glued))
		options_fail(command, "'%s' is no log level (0 to 6, or 0x...)", glued);
	return (unsigned)strtoul(glued, NULL, 0);
}

static unsigned read_number(const struct command *command, const char *text)
{
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 0);
	if (errno || end == text || *end || text[0] == '-' || value > 0xffffffffu)
		options_fail(command, "'%s' is no number", text);
	return (unsigned)value;
}

static unsigned read_seconds(const struct command *command, const char *text)
{
	char *end;
	double value = strtod(text, &end);
	if (end == text || *end || !(value >= 0 && value <= 4e6))
		options_fail(command, "'%s' is no number of seconds", text);
	return (unsigned)(value * 1000);
}

static uint64_t read_size(const struct command *command, const char *text)
{
	static const char units[] = "KMGT";
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 0);
	const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
	if (errno || end == text || text[0] == '-' || *(end + (unit != NULL)) || !value ||
	    value > UINT64_MAX >> shift)
		options_fail(command,
			     "'%s' is no size (bytes, or with K, M, G or T behind)",
			     text);
	return (uint64_t)value << shift;
}

/* `listed` is "auto|always|never"; the number of the word that `text` is. */
static unsigned read_choice(const struct command *command, const struct option_row *row,
			    const char *text)
{
	const char *word = row->argument;
	for (unsigned i = 0; *word; i++) {
		size_t length = strcspn(word, "|");
		if (strlen(text) == length && memcmp(text, word, length) == 0)
			return i;
		word += length + (word[length] == '|');
	}
	options_fail(command, "--%s takes %s, not '%s'", row->name, row->argument, text);
}

static void apply(const struct command *command, const struct option_row *row, int argc,
		  char **argv)
{
	const char *argument = optarg;
	if (!argument && row->argument && row->argument[0] == '[')
		argument = "";
	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)row->place = true;
		break;
	case OPTION_ONCE:
		if (*(const char **)row->place)
			options_fail(command, "-%c may be given once", row->letter);
		*(const char **)row->place = argument;
		break;
	case OPTION_TEXT:
		*(const char **)row->place = argument;
		break;
	case OPTION_LIST:
		option_list_add(row->place, argument);
		break;
	case OPTION_NUMBER:
		*(unsigned *)row->place = read_number(command, argument);
		break;
	case OPTION_SECONDS:
		*(unsigned *)row->place = read_seconds(command, argument);
		break;
	case OPTION_SIZE:
		*(uint64_t *)row->place = read_size(command, argument);
		break;
	case OPTION_LEVEL:
		*(unsigned *)row->place = read_level(command, argc, argv, argument);
		break;
	case OPTION_CHOICE:
		*(unsigned *)row->place = read_choice(command, row, argument);
		break;
	case OPTION_CALL:
		row->call(argument);
		break;
	case OPTION_HELP:
		print_help(command);
	case OPTION_VERSION:
		printf("%s (libkext) %s\n", command->name, kext_library_version());
		exit(fflush(stdout) == 0 ? EX_OK : EX_IOERR);
	case OPTION_COMPLETION:
		if (!print_completion(command, argument))
			options_fail(command, "no completion for '%s': bash, zsh or fish",
				     argument);
		exit(fflush(stdout) == 0 ? EX_OK : EX_IOERR);
	}
}

/* ---- getopt ---- */

struct tables {
	char *letters;
	struct option *names;
};

static struct tables make_tables(const struct command *command)
{
	size_t count = count_rows(command), n = 0;
	struct tables tables = {
		.letters = checked(calloc(count * 3 + 2, 1)),
		.names = checked(calloc(count + 1, sizeof(struct option))),
	};
	char *letter = tables.letters;
	/* "-": operands come in their order, as the argument of option 1. */
	*letter++ = '-';
	for (size_t i = 0; i < count; i++) {
		const struct option_row *row = &command->rows[i];
		int rule = argument_rule(row);
		if (row->letter) {
			*letter++ = row->letter;
			for (int colon = 0; colon < rule; colon++)
				*letter++ = ':';
		}
		if (row->name)
			tables.names[n++] = (struct option){.name = row->name,
							    .has_arg = rule,
							    .val = ROW_BASE + (int)i};
	}
	return tables;
}

static const struct option_row *find_row(const struct command *command, int value)
{
	if (value >= ROW_BASE)
		return &command->rows[value - ROW_BASE];
	for (const struct option_row *row = command->rows; !is_end(row); row++) {
		if (row->letter && row->letter == value)
			return row;
	}
	return NULL;
}

static void take_operand(const struct command *command, const char *operand)
{
	if (command->operand)
		command->operand(operand);
	else if (command->operands)
		option_list_add(command->operands, operand);
	else
		options_fail(command, "extra arguments starting at %s", operand);
}

/* Tiger's tools took one of -v and -q, and that once. */
static void check_levels(const struct command *command, unsigned count)
{
	if (count > 1 && command->era && *command->era == KEXT_ERA_TIGER)
		options_fail(command, "duplicate use of -v and/or -q option");
}

static bool is_about_level(const struct option_row *row)
{
	return row->kind == OPTION_LEVEL || row->letter == 'q';
}

void options_parse(const struct command *command, int argc, char **argv)
{
	static struct tables tables; /* help and errors exit from within */
	unsigned levels = 0;
	int value;
	tables = make_tables(command);
	argv[0] = (char *)command->name; /* getopt's own messages begin with it */
	while ((value = getopt_long_only(argc, argv, tables.letters, tables.names,
					 NULL)) != -1) {
		const struct option_row *row = find_row(command, value);
		if (value == 1) {
			take_operand(command, optarg);
		} else if (row) {
			apply(command, row, argc, argv);
			levels += is_about_level(row);
		} else {
			fail_usage(command);
		}
	}
	while (optind < argc)
		take_operand(command, argv[optind++]);
	check_levels(command, levels);
	free(tables.letters);
	free(tables.names);
}
