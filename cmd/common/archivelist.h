/* The list of an archive's kexts as JSON, whose schema is in mkextunpack(8). */
#ifndef COMMON_ARCHIVELIST_H
#define COMMON_ARCHIVELIST_H

#include <kext/archive.h>

/* Prints the kexts `chosen`. 0, -ENOMEM, or what a damaged kext or writing gives. */
int archive_print_json(const struct kext_archive *archive, const size_t *chosen,
		       size_t count, struct kext_diagnostics *diagnostics);

#endif
