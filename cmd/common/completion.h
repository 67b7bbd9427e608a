/*
 * Shell completion, made from a command's option table.
 */
#ifndef COMMON_COMPLETION_H
#define COMMON_COMPLETION_H

#include "common/options.h"

/* Prints the script for "bash", "zsh" or "fish"; false for any other shell. */
bool print_completion(const struct command *command, const char *shell);

#endif
