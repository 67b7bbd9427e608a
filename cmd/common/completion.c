/*
 * Shell completion from option tables, so that it cannot fall behind the options: the
 * build runs each command with --generate-completion and installs what it prints.
 */
#include <stdio.h>
#include <string.h>
#include "common/completion.h"

static bool is_shown(const struct option_row *row)
{
	return row->help != NULL;
}

#define for_each_shown(row, command)                                                     \
	for (const struct option_row *row = (command)->rows; row->letter || row->name;   \
	     row++)                                                                      \
		if (is_shown(row))

static bool takes_word(const struct option_row *row)
{
	return row->argument && row->argument[0] != '[';
}

/* Words with bars between, as against "ID@ADDRESS|@FILE". */
static bool is_choice(const struct option_row *row)
{
	const char *text = row->argument;
	return text && strchr(text, '|') &&
	       !text[strspn(text, "abcdefghijklmnopqrstuvwxyz|")];
}

/* "a|b|c" as "a b c". */
static void print_words(const char *choice)
{
	for (; *choice; choice++)
		putchar(*choice == '|' ? ' ' : *choice);
}

/* What may follow --era and its like. */
static void print_bash_choices(const struct command *command)
{
	printf("\tcase ${COMP_WORDS[COMP_CWORD - 1]} in\n");
	for_each_shown(row, command)
	{
		if (!is_choice(row))
			continue;
		printf("\t-%s | --%s)\n\t\tmapfile -t COMPREPLY < <(compgen -W '",
		       row->name, row->name);
		print_words(row->argument);
		printf("' -- \"$word\")\n\t\treturn\n\t\t;;\n");
	}
	printf("\tesac\n");
}

static void print_bash(const struct command *command)
{
	printf("_%s()\n{\n\tlocal word=${COMP_WORDS[COMP_CWORD]}\n", command->name);
	print_bash_choices(command);
	printf("\tif [[ $word == -* ]]; then\n\t\tmapfile -t COMPREPLY < <(compgen -W '");
	for_each_shown(row, command)
	{
		if (row->letter)
			printf("-%c ", row->letter);
		if (row->name)
			printf("--%s ", row->name);
	}
	printf("' -- \"$word\")\n\telse\n"
	       "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n\tfi\n}\n");
	printf("complete -o filenames -F _%s %s\n", command->name, command->name);
}

/* Text inside single quotes and brackets of zsh, or single quotes of fish. */
static void print_escaped(const char *text, const char *special)
{
	for (; *text; text++) {
		if (*text == '\'')
			printf("'\\'");
		else if (strchr(special, *text))
			putchar('\\');
		putchar(*text);
		if (*text == '\'')
			putchar('\'');
	}
}

static void print_zsh_option(const struct option_row *row, const char *name)
{
	printf(" \\\n\t'%s%s[", row->kind == OPTION_LIST ? "*" : "", name);
	print_escaped(row->help, "[]:\\");
	putchar(']');
	if (takes_word(row)) {
		putchar(':');
		print_escaped(row->argument, "[]:\\");
		if (is_choice(row)) {
			printf(":(");
			print_words(row->argument);
			putchar(')');
		} else {
			printf(":_files");
		}
	}
	putchar('\'');
}

static void print_zsh(const struct command *command)
{
	printf("#compdef %s\n_arguments", command->name);
	for_each_shown(row, command)
	{
		char name[64];
		if (row->letter) {
			snprintf(name, sizeof(name), "-%c", row->letter);
			print_zsh_option(row, name);
		}
		if (row->name) {
			snprintf(name, sizeof(name), "--%s", row->name);
			print_zsh_option(row, name);
		}
	}
	printf(" \\\n\t'*:file:_files'\n");
}

static void print_fish(const struct command *command)
{
	for_each_shown(row, command)
	{
		printf("complete -c %s", command->name);
		if (row->letter)
			printf(" -s %c", row->letter);
		if (row->name)
			printf(" -l %s", row->name);
		if (is_choice(row)) {
			printf(" -x -a '");
			print_words(row->argument);
			putchar('\'');
		} else if (takes_word(row)) {
			printf(" -r");
		}
		printf(" -d '");
		print_escaped(row->help, "\\");
		printf("'\n");
	}
}

bool print_completion(const struct command *command, const char *shell)
{
	static const struct {
		const char *shell;
		void (*print)(const struct command *command);
	} printers[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};
	for (size_t i = 0; i < sizeof(printers) / sizeof(*printers); i++) {
		if (strcmp(printers[i].shell, shell) == 0) {
			printers[i].print(command);
			return true;
		}
	}
	return false;
}
