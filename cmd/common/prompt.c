/* Asking; see prompt.h. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/prompt.h"

/* The first character of a line, lower case; 0 for an empty one, EOF without its end. */
static int read_answer(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t length = getline(&line, &room, stdin);
	int answer = EOF;
	if (length > 0 && line[length - 1] == '\n')
		answer = length == 1 ? 0 : tolower((unsigned char)line[0]);
	free(line);
	return answer;
}

enum prompt_answer prompt(const char *question, enum prompt_answer by_default,
			  bool offers_all)
{
	for (;;) {
		fprintf(stderr, "%s [%s%s]? ", question,
			by_default == PROMPT_YES ? "Y/n" : "y/N", offers_all ? "/a" : "");
		switch (read_answer()) {
		case EOF:
			fputc('\n', stderr);
			return PROMPT_FAILED;
		case 0:
			return by_default;
		case 'y':
			return PROMPT_YES;
		case 'n':
			return PROMPT_NO;
		case 'a':
			if (offers_all)
				return PROMPT_ALL;
		}
		fprintf(stderr, "Please answer 'y' or 'n'%s.\n",
			offers_all ? " or 'a'" : "");
	}
}
