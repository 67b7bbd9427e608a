/*
 * One table per command says which options it takes; parsing, --help and usage errors
 * follow from it. Options are spelled as getopt_long_only takes them: -name, --name,
 * -name=value, unique abbreviations, clusters of letters.
 */
#ifndef COMMON_OPTIONS_H
#define COMMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
	OPTION_FLAG,	/* place: bool, set to true */
	OPTION_TEXT,	/* place: const char *; the last one given wins */
	OPTION_ONCE,	/* as TEXT; giving it twice is a usage error */
	OPTION_LIST,	/* place: struct option_list, in the order given */
	OPTION_NUMBER,	/* place: unsigned; decimal or 0x… */
	OPTION_SECONDS, /* place: unsigned milliseconds; "2", "0.5" */
	OPTION_SIZE,	/* place: uint64_t, bytes, not 0; "4096", "64K", "1M", "2G" */
	OPTION_LEVEL, /* place: unsigned; [0-6|0x…], glued or the next word; 1 without */
	OPTION_CHOICE,	/* place: unsigned, number of a word of .argument, "a|b|c" */
	OPTION_CALL,	/* .call with the argument (NULL for none): order matters to it */
	OPTION_HELP,	/* prints the help on stdout and exits 0 */
	OPTION_VERSION, /* prints name and version and exits 0 */
	OPTION_COMPLETION, /* prints what a shell needs to complete the options */
};

struct option_list {
	const char **items;
	size_t count;
};

struct option_row {
	char letter;	  /* 0: none */
	const char *name; /* NULL: none */
	enum option_kind kind;
	void *place;
	/* What --help calls the argument of TEXT, LIST, NUMBER, SECONDS, CHOICE or CALL;
	 * for TEXT and CALL "[FILE]" means that it may be left out ("" then) or must be
	 * glued on.
	 */
	const char *argument;
	const char *help; /* NULL: an alias, not shown */
	void (*call)(const char *argument);
};

struct command {
	const char *name;
	const char *synopsis;	       /* what follows the name: "[-k] [-b ID]..." */
	const char *purpose;	       /* a sentence for --help */
	const struct option_row *rows; /* the last one has neither letter nor name */
	struct option_list *operands;  /* where they go; NULL: none are taken */
	void (*operand)(const char *argument); /* instead, called in the order given */
	/* The --era of the command line; Tiger's tools knew 0 and 1 as statuses only. */
	const unsigned *era;
};

/* Whose layouts, messages and statuses; `era` is an unsigned with an enum kext_era. */
#define OPTION_ROW_ERA(era, text)                                                        \
	{                                                                                \
		.name = "era", .kind = OPTION_CHOICE, .place = &(era),                   \
		.argument = "tiger|snowleopard|modern", .help = (text)                   \
	}
/* What every command understands; the last is for the build, not for the help. */
#define OPTION_ROW_HELP                                                                  \
	{.name = "color",                                                                \
	 .kind = OPTION_CHOICE,                                                          \
	 .place = &options_color,                                                        \
	 .argument = "auto|always|never",                                                \
	 .help = "messages in colour"},                                                  \
		{.letter = 'h',                                                          \
		 .name = "help",                                                         \
		 .kind = OPTION_HELP,                                                    \
		 .help = "this text"},                                                   \
		{.name = "version",                                                      \
		 .kind = OPTION_VERSION,                                                 \
		 .help = "print the version"},                                           \
	{                                                                                \
		.name = "generate-completion", .kind = OPTION_COMPLETION,                \
		.argument = "SHELL"                                                      \
	}
#define OPTION_ROWS_END                                                                  \
	{                                                                                \
		.letter = 0                                                              \
	}

enum option_color { OPTION_COLOR_AUTO, OPTION_COLOR_ALWAYS, OPTION_COLOR_NEVER };
extern unsigned options_color;

/* Fills the places. Returns when the line is well-formed; else exits 64 (help: 0). */
void options_parse(const struct command *command, int argc, char **argv);
/* `NAME: message`, the usage line, exit 64 (1 in Tiger's era). */
_Noreturn void options_fail(const struct command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Adds to a list; exits 71 without memory. */
void option_list_add(struct option_list *list, const char *item);

#endif
