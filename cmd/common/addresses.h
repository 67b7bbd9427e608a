/*
 * Load addresses of kexts by identifier: from -a ID@ADDRESS and -a @FILE, from the
 * running kernel, or asked for on the terminal.
 */
#ifndef COMMON_ADDRESSES_H
#define COMMON_ADDRESSES_H

#include <stdint.h>
#include <kext/resolve.h>
#include <kext/value.h>
#include "common/instance.h"

struct addresses {
	struct address *items;
	size_t count;
	struct kext_value *loaded; /* what the kernel answered; the texts below are its */
	struct kext_loaded *kexts; /* for the resolver */
	size_t kext_count;
};

/* Reads the arguments of -a; leaves with a usage error when one cannot be read. */
void addresses_parse(struct addresses *addresses, const struct command *command,
		     const struct option_list *arguments);
/*
 * Asks the instance's kernel. No kextd, no loaded kexts: that is no error. Prints what
 * goes wrong and returns it.
 */
int addresses_read_kernel(struct addresses *addresses, enum kext_instance instance);
/* Asks the user; an empty line or the end of the input is no address. */
bool addresses_ask(struct addresses *addresses, const char *identifier,
		   uint64_t *ret_address);
bool addresses_find(const struct addresses *addresses, const char *identifier,
		    uint64_t *ret_address);
/* Identifier number `index` of those that -a named; NULL past the last. */
const char *addresses_named(const struct addresses *addresses, size_t index);
void addresses_free(struct addresses *addresses);

#endif
