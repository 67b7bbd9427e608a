/*
 * What commands say: findings and errors on stderr as `PROG: SUBJECT: MESSAGE` with a
 * hint below, and a checked end of stdout.
 */
#ifndef COMMON_PRINT_H
#define COMMON_PRINT_H

#include <stdbool.h>
#include <kext/diagnostic.h>

/*
 * Call it first. `name`, of static storage, begins every message. Opens standard
 * descriptors that came closed, so that no file of ours becomes one of them.
 */
void print_start(const char *name);
/* Silences everything below errors (quiet = 1) or errors too (2). */
void print_set_quiet(int quiet);

/* Findings of at least this severity, in their order, on stderr. */
void print_diagnostics(const struct kext_diagnostics *diagnostics,
		       enum kext_severity at_least);
/*
 * Darwin's log filter by the value of -v (0: not given): 1 errors, 2 warnings, which is
 * what it starts with, 3 what was done, 4 and more how. Messages of a level that it has
 * go to stderr.
 */
void print_set_level(unsigned verbose);
bool print_has_level(unsigned level);
void print_message(unsigned level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/*
 * An outcome that is an error, and its reasons: a single one behind it, after a colon,
 * several before it; warnings and notes as the log filter says.
 */
void print_failure(const struct kext_diagnostics *reasons, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* `PROG: text` on stderr. */
void print_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* `PROG: text` on stdout: results that scripts read. */
void print_result(const char *format, ...) __attribute__((format(printf, 1, 2)));
/*
 * Ends a command: flushes stdout and returns `status`, or EX_IOERR with a message when
 * what was printed could not be written. A reader that left (`| head`) is no error.
 */
int print_finish(int status);

#endif
