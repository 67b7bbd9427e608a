/*
 * Which kextd a command speaks to: the option --instance, and the connection of commands
 * that only look, for which no kextd means that nothing is loaded.
 */
#ifndef COMMON_INSTANCE_H
#define COMMON_INSTANCE_H

#include <kext/client.h>
#include "common/options.h"

#define OPTION_ROW_INSTANCE(text)                                                        \
	{                                                                                \
		.name = "instance", .kind = OPTION_TEXT, .place = &(text),               \
		.argument = "user|system", .help = "whose kextd: one's own, or root's"   \
	}

/* The value of --instance (NULL: not given); a usage error for anything else. */
enum kext_instance instance_named(const struct command *command, const char *text);

/*
 * Connects and prints what goes wrong. 1: connected; 0: no kextd runs, which is no error
 * to readers; negative: an error.
 */
int instance_connect(enum kext_instance instance, unsigned flags,
		     struct kext_client **ret_client);
/*
 * Adds the identifiers of what is loaded, each to be freed. 0, also when no kextd runs,
 * or an error; what went wrong with the connection was printed.
 */
int instance_loaded(struct option_list *identifiers);

#endif
