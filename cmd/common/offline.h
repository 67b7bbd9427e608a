/*
 * Judging kexts and making their symbol files without loading them: the tests of
 * kextutil -n and kextload -n.
 */
#ifndef COMMON_OFFLINE_H
#define COMMON_OFFLINE_H

#include "common/addresses.h"

struct offline {
	const struct command *command;
	const struct option_list *identifiers, *paths; /* what; in this order */
	const struct option_list *dependencies, *repositories;
	const struct option_list *addresses; /* -a */
	const char *kernel;		     /* -k; NULL: our own */
	const char *arch_name;		     /* -arch; NULL: the host's */
	const char *symbols;		     /* -s; NULL: no symbol files */
	const char *jobs;		     /* -j; NULL: all cores */
	enum kext_instance instance;
	bool no_system, quiet, verbose;
	bool tests;	   /* -t: all findings, and LIEF's opinion */
	bool links;	   /* a link test, where there is a kernel to link against */
	bool announces;	   /* says so when a kext appears to be loadable */
	bool use_loaded;   /* -A */
	enum kext_era era; /* --era */
	bool json, plist;  /* what is found as such on stdout, in place of text */
	bool no_authentication, no_resolve, allow_missing, safe_boot;
};

/* The rules of the options above; leaves with a usage error. */
void offline_check(const struct offline *offline);
/* Prints findings, outcomes, what was linked and a summary. 0, or the first error. */
int offline_run(const struct offline *offline);

#endif
