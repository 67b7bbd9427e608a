/*
 * Archives of kexts: read as a list of bundles, written from one, unpacked into folders.
 */
#ifndef KEXT_ARCHIVE_H
#define KEXT_ARCHIVE_H

#include <kext/bundle.h>

enum kext_archive_format { KEXT_ARCHIVE_MKEXT1, KEXT_ARCHIVE_MKEXT2 };

struct kext_archive;

enum kext_archive_flags {
	KEXT_ARCHIVE_IGNORE_CHECKSUM = 1 << 0, /* a mismatch is a warning only */
};

/*
 * Opens an archive in memory (fat: the slice for `arch`; NULL: the host's, or the only
 * one). Sizes and offsets are checked, checksums verified, expanded data capped at 1 GiB
 * in all. KEXT_ERR_BAD_DATA, KEXT_ERR_ARCH_NOT_FOUND or KEXT_ERR_UNSUPPORTED with a
 * diagnostic "archive.…".
 */
KEXT_API KEXT_MUST_CHECK int
kext_archive_open(struct kext_context *context, const void *data, size_t size,
		  const char *subject, const struct kext_arch *arch, unsigned flags,
		  struct kext_diagnostics *diagnostics,
		  struct kext_archive **ret_archive);
/* The same for a file: system errors too, with a diagnostic "archive.file". */
KEXT_API KEXT_MUST_CHECK int kext_archive_open_file(struct kext_context *context,
						    const char *path,
						    const struct kext_arch *arch,
						    unsigned flags,
						    struct kext_diagnostics *diagnostics,
						    struct kext_archive **ret_archive);
/* Takes NULL. Returns NULL. */
KEXT_API struct kext_archive *kext_archive_free(struct kext_archive *archive);
KEXT_API enum kext_archive_format kext_archive_format(const struct kext_archive *archive);
KEXT_API size_t kext_archive_count(const struct kext_archive *archive);
/* Borrowed. */
KEXT_API struct kext_bundle *kext_archive_at(const struct kext_archive *archive,
					     size_t index);
/* Folder name an entry unpacks to, unique in the archive ("Foo.kext", "Foo-1.kext"). */
KEXT_API const char *kext_archive_folder_name(const struct kext_archive *archive,
					      size_t index);

enum kext_unpack_flags {
	KEXT_UNPACK_FORCE = 1 << 0, /* a bundle that exists is replaced */
};
/*
 * Writes entry `index` as a bundle below the folder `dirfd` (`folder` names it in
 * messages): complete in a temporary folder, then renamed. Never follows a symlink below
 * dirfd. -EEXIST with a diagnostic when the bundle exists and force is not given.
 */
KEXT_API KEXT_MUST_CHECK int kext_archive_unpack(const struct kext_archive *archive,
						 size_t index, int dirfd,
						 const char *folder, unsigned flags,
						 struct kext_diagnostics *diagnostics);

struct kext_mkext_options {
	const struct kext_arch *arch;	     /* NULL: host */
	bool store_plist, store_executables; /* leave them uncompressed */
};
/* An mkext 2 of these bundles in this order; the caller frees *ret_data with free(). */
KEXT_API KEXT_MUST_CHECK int kext_mkext_write(struct kext_bundle *const *bundles,
					      size_t count,
					      const struct kext_mkext_options *options,
					      struct kext_diagnostics *diagnostics,
					      void **ret_data, size_t *ret_size);
/*
 * Makes the file `path` hold these bytes of an archive: complete or not at all. System
 * errors, with a diagnostic "archive.file".
 */
KEXT_API KEXT_MUST_CHECK int kext_archive_save(const char *path, const void *data,
					       size_t size,
					       struct kext_diagnostics *diagnostics);

#endif
