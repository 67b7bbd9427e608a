/*
 * Version numbers of kexts ("1.0.0d1") in the packed 64-bit form that compares as a number.
 */
#ifndef KEXT_VERSION_H
#define KEXT_VERSION_H

#include <stdint.h>
#include <kext/context.h>

#define KEXT_VERSION_UNDEFINED 0u
#define KEXT_VERSION_TEXT_MAX  20u	/* buffer for kext_version_format, NUL included */

/*
 * Packed form of a version text, by the grammar of Darwin 18 and later: 0 and *ret_version, or
 * KEXT_ERR_BAD_DATA for what does not follow it; NULL is bad data too.
 */
KEXT_API KEXT_MUST_CHECK int kext_version_parse(const char *text, int64_t *ret_version);
/*
 * The same by the grammar of an era: before modern, minor number and revision have at most two
 * digits. The packed form is one for all eras, so that versions compare across them.
 */
KEXT_API KEXT_MUST_CHECK int kext_version_parse_as(enum kext_era era, const char *text,
						   int64_t *ret_version);
/*
 * The number that the tools of an era give a packed version: up to Darwin 17 it has two digits
 * for minor number and revision each (such a version must fit), later it is the packed form.
 */
KEXT_API int64_t kext_version_number(enum kext_era era, int64_t version);
/* The canonical text of a packed version, into a buffer of KEXT_VERSION_TEXT_MAX. */
KEXT_API const char *kext_version_format(int64_t version, char *text);

#endif
