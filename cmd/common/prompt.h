/*
 * Questions with yes or no for an answer, on stderr, answered on stdin, as Darwin's kext
 * tools ask them.
 */
#ifndef COMMON_PROMPT_H
#define COMMON_PROMPT_H

#include <stdbool.h>

enum prompt_answer {
	PROMPT_FAILED = -1, /* the input ended before the end of a line */
	PROMPT_NO = 0,
	PROMPT_YES = 1,
	PROMPT_ALL = 2,
};

/*
 * Asks until the line begins with y, n or, where `offers_all`, a; case does not matter.
 * An empty line is the default.
 */
enum prompt_answer prompt(const char *question, enum prompt_answer by_default,
			  bool offers_all);

#endif
