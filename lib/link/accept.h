/*
 * Which Mach-O files the linker takes, by their load commands and segments, before
 * anything else looks at them.
 */
#ifndef LINK_ACCEPT_H
#define LINK_ACCEPT_H

#include "link/symtab.h"

struct cpu;

/* Parses and accepts a file. 0, KEXT_ERR_LINK with a diagnostic, or -ENOMEM. */
int accept_file(struct bytes bytes, const struct report *report, struct macho *ret,
		const struct cpu **ret_cpu) __attribute__((warn_unused_result));
/* Whether nothing is left to link: no external (in an object: no section's) relocations.
 */
bool accept_is_linked(const struct macho *macho);

#endif
