/* The kernel's version. */
#ifndef _SDK_LIBKERN_VERSION_H_
#define _SDK_LIBKERN_VERSION_H_

#include <sys/cdefs.h>

__BEGIN_DECLS
extern const int version_major, version_minor, version_revision, version_stage,
	version_prerelease_level;
extern const char version[], version_variant[], ostype[], osrelease[];
__END_DECLS

#endif
