/*
 * Words of a linker's command line as ld64 has it: lists of them, response files, and
 * which options say nothing to who links kexts. What is wrong with them ends the program.
 */
#ifndef COMMON_LDWORDS_H
#define COMMON_LDWORDS_H

#include <stdbool.h>
#include <stddef.h>

struct word_list {
	const char **items;
	size_t count;
};

_Noreturn void words_fail(const char *what, const char *subject);
/* The block itself; NULL, which is one that could not be had, fails. */
void *words_check(void *block);
void words_add(struct word_list *list, const char *text);
/* Keeps a text of malloc's, which others point into, to the end. Returns it. */
char *words_keep(char *text);
/* The whole text of a file, kept. */
char *words_read(const char *path);
/* Adds a word, or the words of the file that @FILE names, in which there may be more. */
void words_expand(struct word_list *list, const char *word);
/* Whether an option is accepted without effect; how many words behind it are its own. */
bool words_ignored(const char *name, unsigned *ret_words);

#endif
