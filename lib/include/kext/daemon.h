/*
 * kextd as a library call: serves one instance until told to leave.
 */
#ifndef KEXT_DAEMON_H
#define KEXT_DAEMON_H

#include <stdbool.h>
#include <kext/client.h>

struct kext_daemon_options {
	enum kext_instance instance;
	const char *boot_args;		/* NULL: $KEXT_BOOTARGS, else the state folder's file */
	const char *const *repositories;
	size_t repository_count;
	bool foreground;		/* stay attached, log to stderr */
	bool no_sandbox;		/* sanitizers and debuggers only */
	bool restore;			/* load again after a panic, save the culprit */
	const char *file_root;		/* what kexts see as /, absolute; NULL: $KEXT_FILEROOT,
					   else "root" in the state folder */
	bool file_writes;		/* they may write there; else only in the latter */
	bool quiet;			/* log nothing */
	bool safe_boot;			/* load only what may be in a safe boot */
	int ready_fd;			/* written one byte when serving; -1: none */
	unsigned idle_seconds;		/* leave when idle and empty; 0: never */
};

/* Runs the daemon; returns when it was told to leave. 0 or an error, with diagnostics. */
KEXT_API KEXT_MUST_CHECK int kext_daemon_run(struct kext_context *context,
					     const struct kext_daemon_options *options,
					     struct kext_diagnostics *diagnostics);

#endif
