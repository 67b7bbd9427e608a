/*
 * Caches of folders: which kexts are there, by identifier and version, without reading
 * their property lists. Two kinds of gzip'ed property list:
 *
 * An identifier cache, as Mac OS X 10.6 to 10.15 keep it among the system's caches:
 * OSKextIdentifierCacheBasePath, the folder; OSKextIdentifierCacheVersion, 1;
 * OSKextIdentifierCacheKextInfo, an array of kexts with OSBundlePath (below the folder),
 * CFBundleIdentifier, CFBundleVersion, OSBundleEnableKextLogging and OSKernelResource
 * when true.
 *
 * A repository cache, as 10.4 keeps it beside the folder: KextCacheVersion, 1;
 * RepositoryPath; ScansForKexts; Kexts, an array of kexts with bundlePathInRepository,
 * infoDictionary (some of its keys) and plugins, an array of the same.
 *
 * Both have our own CACHE_KEY_STAMP, of the folder and of each kext: the identity of the
 * files that were read. Darwin's caches have no stamp and notice nothing that changes
 * inside of a kext, nor what is added within a second; they are not believed here.
 */
#ifndef REPOSITORY_CACHE_H
#define REPOSITORY_CACHE_H

#include <limits.h>
#include <sys/stat.h>
#include "base/buffer.h"
#include "base/bytes.h"
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

#define CACHE_KEY_KEXTS	   "Kexts" /* from here: of repository caches */
#define CACHE_KEY_FOLDER   "RepositoryPath"
#define CACHE_KEY_FORMAT   "KextCacheVersion"
#define CACHE_KEY_SCANS	   "ScansForKexts"
#define CACHE_KEY_BUNDLE   "bundlePathInRepository"
#define CACHE_KEY_PROPERTY "infoDictionary"
#define CACHE_KEY_PLUGINS  "plugins"

enum cache_kind { CACHE_OF_IDENTIFIERS, CACHE_OF_REPOSITORY };

/* An open folder whose kexts are cached. */
struct cache_subject {
	int fd;
	const char *real_path; /* absolute */
	const char *name;      /* as messages call it */
};

/* ---- cache.c: places and stamps ---- */

/*
 * Where a folder's cache lies: a path relative to the folder that is opened into
 * *ret_root, which is the context's root or, for what lies outside of it, "/". *ret_path:
 * free(). -errno.
 */
int cache_locate(const struct kext_context *context, enum cache_kind kind,
		 const char *real_path, int *ret_root, char **ret_path)
	__attribute__((warn_unused_result));
/*
 * The stamp of the kext at `relative` below a folder: changes with every file that an
 * entry depends on. False when there is no kext as a plain folder.
 */
bool cache_stamp(int folder, const char *relative, char text[CACHE_STAMP_MAX]);
/* The stamp of the folder itself: changes with what is in it. */
bool cache_folder_stamp(int folder, char text[CACHE_STAMP_MAX]);
/* The folder that stands for "/". -errno. */
int cache_open_root(const struct kext_context *context)
	__attribute__((warn_unused_result));

/* ---- cache_gzip.c ---- */

/* The same text gives the same bytes: the stream states no time and no name. -ENOMEM. */
int cache_pack(const char *text, size_t size, struct buffer *out)
	__attribute__((warn_unused_result));
/* One gzip stream of the whole input, within limits; NULL for anything else. free(). */
char *cache_expand(struct bytes stored, size_t *ret_size);

/* ---- cache_trust.c ---- */

/* Opens the folder's cache if its owner, mode and time are as they must be; else -1. */
int cache_open_trusted(const struct kext_context *context, enum cache_kind kind,
		       const struct cache_subject *subject);

/* ---- cache_rows.c ---- */

struct cache_row {	  /* all texts are there, save that version may be NULL */
	const char *path; /* below the folder, of plain names only */
	const char *identifier, *version, *stamp;
	bool is_kernel_component;
};

struct cache_rows {
	struct kext_value *value; /* what the texts are in */
	const char *folder, *stamp;
	ARRAY_OF(struct cache_row) items;
};

/* KEXT_ERR_CACHE for what is no such cache, or -ENOMEM; *ret is then empty. */
int cache_rows_parse(enum cache_kind kind, struct bytes stored, struct cache_rows *ret)
	__attribute__((warn_unused_result));
void cache_rows_free(struct cache_rows *rows);

/* ---- cache_read.c ---- */

/*
 * Adds a folder's kexts from one of its caches, unread. 1: done; 0: there is no cache
 * that can be believed; -ENOMEM.
 */
int cache_read(struct kext_repository *repository, const struct cache_subject *subject)
	__attribute__((warn_unused_result));

/* ---- cache_write.c ---- */

/* A folder whose kexts were all read, none from a cache. */
struct cache_scan {
	struct kext_repository *repository;
	char real_path[PATH_MAX];
	int fd;
	struct stat before;
	char stamp[CACHE_STAMP_MAX]; /* of the folder, before */
};

/* A folder with anything unusual in it is refused, with a diagnostic. *ret is to be
 * closed in any case. */
int cache_scan_open(struct kext_context *context, const char *folder,
		    struct kext_diagnostics *diagnostics, struct cache_scan *ret)
	__attribute__((warn_unused_result));
void cache_scan_close(struct cache_scan *scan);
/*
 * Publishes a text, packed, at a path below `root`, with a time. On a file system that is
 * read-only: a note and 0.
 */
int cache_publish(int root, char *path, const char *text, size_t size,
		  struct timespec time, struct kext_diagnostics *diagnostics)
	__attribute__((warn_unused_result));

#endif
