/*
 * Prelinked kernels of Mac OS X 10.4 and 10.5: segment __PRELINK with sections __text
 * (the kexts), __symtab and __info (an array of dictionaries). A dictionary says where
 * its kext's kmod_info is, and that says where the kext is.
 */
#ifndef ARCHIVE_TIGER_H
#define ARCHIVE_TIGER_H

#include <kext/value.h>
#include "archive/image.h"

/*
 * Where the kext of a dictionary lies; *ret_has_code false when it has no code in the
 * file. KEXT_ERR_BAD_DATA with a diagnostic "prelink.damaged".
 */
int tiger_find_place(const struct prelink_image *image, const struct kext_value *info,
		     const char *identifier, struct kext_diagnostics *diagnostics,
		     struct prelink_place *ret_place, bool *ret_has_code)
	__attribute__((warn_unused_result));

/*
 * Gives the bundle's dictionary `plain` what one lacks of which just the identifier was
 * kept: the version of the kmod_info, and a name for the executable. 0 or -ENOMEM.
 */
int tiger_complete(const struct prelink_image *image, const struct prelink_place *place,
		   struct kext_value *plain) __attribute__((warn_unused_result));

#endif
