/*
 * Info.plist as it stands in the bundle, byte for byte.
 */
#ifndef BUNDLE_TEXT_H
#define BUNDLE_TEXT_H

#include <kext/bundle.h>

/*
 * The bytes of the file that was read when the bundle was opened; of an archived bundle,
 * its property list as XML. *ret: free(). System errors and KEXT_ERR_AUTHENTICATION
 * (another file stands there now), with a diagnostic, or -ENOMEM.
 */
int bundle_info_text(struct kext_bundle *bundle, struct kext_diagnostics *diagnostics,
		     void **ret, size_t *ret_size) __attribute__((warn_unused_result));

#endif
