/*
 * Identifier caches of folders: which kexts are there, by identifier and version, without
 * reading their property lists. Shared by cache_read.c and cache_write.c.
 *
 * A cache is a gzip'ed property list: OSKextIdentifierCacheBasePath, the folder;
 * OSKextIdentifierCacheVersion, 1; OSKextIdentifierCacheKextInfo, an array of kexts with
 * OSBundlePath (below the folder), CFBundleIdentifier, CFBundleVersion,
 * OSBundleEnableKextLogging and OSKernelResource when true, and our own CACHE_KEY_STAMP: the
 * identity of the files that the entry was made from. Darwin's caches have no stamp and
 * notice nothing that changes inside of a kext; they are not believed here.
 */
#ifndef REPOSITORY_CACHE_H
#define REPOSITORY_CACHE_H

#include <sys/stat.h>
#include "base/buffer.h"
#include "repository/repository.h"

#define CACHE_FOLDER	   "System/Library/Caches/com.apple.kext.caches"
#define CACHE_IDENTIFIERS  "KextIdentifiers.plist.gz"
#define CACHE_VERSION	   1u
#define CACHE_KEY_BASE	   "OSKextIdentifierCacheBasePath"
#define CACHE_KEY_VERSION  "OSKextIdentifierCacheVersion"
#define CACHE_KEY_INFO	   "OSKextIdentifierCacheKextInfo"
#define CACHE_KEY_PATH	   "OSBundlePath"
#define CACHE_KEY_LOGGING  "OSBundleEnableKextLogging"
#define CACHE_KEY_RESOURCE "OSKernelResource"
#define CACHE_KEY_STAMP	   "KextStamp"
#define CACHE_STAMP_MAX	   512u

/* An open folder whose kexts are cached. */
struct cache_subject {
	int fd;
	const char *real_path; /* absolute */
	const char *name;      /* as messages call it */
};

/* Where a folder's cache lies, relative to the context's root. free(); NULL: no memory. */
char *cache_path_of(const struct kext_context *context, const char *real_path);
/*
 * The stamp of the kext at `relative` below a folder: changes with every file that an
 * entry depends on. False when there is no kext as a plain folder.
 */
bool cache_stamp(int folder, const char *relative, char text[CACHE_STAMP_MAX]);

/* The folder that stands for "/". -errno. */
int cache_open_root(const struct kext_context *context)
	__attribute__((warn_unused_result));

/*
 * Adds a folder's kexts from its cache, unread. 1: done; 0: there is no cache that can be
 * believed; -ENOMEM.
 */
int cache_read(struct kext_repository *repository, const struct cache_subject *subject)
	__attribute__((warn_unused_result));

#endif
