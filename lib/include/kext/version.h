/*
 * Version numbers of kexts ("1.0.0d1") in the packed 64-bit form that compares as a number.
 */
#ifndef KEXT_VERSION_H
#define KEXT_VERSION_H

#include <stdint.h>
#include <kext/error.h>

#define KEXT_VERSION_UNDEFINED 0u
#define KEXT_VERSION_TEXT_MAX  20u	/* buffer for kext_version_format, NUL included */

/*
 * Packed form of a version text, by the grammar of Darwin 18 and later: 0 and *ret_version, or
 * KEXT_ERR_BAD_DATA for what does not follow it; NULL is bad data too.
 */
KEXT_API KEXT_MUST_CHECK int kext_version_parse(const char *text, int64_t *ret_version);
/* The canonical text of a packed version, into a buffer of KEXT_VERSION_TEXT_MAX. */
KEXT_API const char *kext_version_format(int64_t version, char *text);

#endif
