/*
 * Archives of kexts: read as a list of bundles, written from one, unpacked into folders.
 */
#ifndef KEXT_ARCHIVE_H
#define KEXT_ARCHIVE_H

#include <kext/bundle.h>

enum kext_archive_format {
	KEXT_ARCHIVE_MKEXT1,
	KEXT_ARCHIVE_MKEXT2,
	KEXT_ARCHIVE_PRELINKED,	 /* a kernel with kexts linked against it */
	KEXT_ARCHIVE_COLLECTION, /* a Mach-O file set of macOS 11 and later */
};

struct kext_archive;

#define KEXT_ARCHIVE_MAX_BYTES (UINT64_C(2) << 30)

enum kext_archive_flags {
	KEXT_ARCHIVE_IGNORE_CHECKSUM = 1 << 0, /* a mismatch is a warning only */
};

/* How an archive is opened; all zero, or NULL for it, is what most want. */
struct kext_archive_options {
	const struct kext_arch
		*arch;	    /* slice of a fat file; NULL: the host's, or the only one */
	unsigned flags;	    /* kext_archive_flags */
	uint64_t max_bytes; /* file, and what it expands to; 0: KEXT_ARCHIVE_MAX_BYTES */
	/* Collections that this one may lead into, open while it is opened; or NULL. */
	const struct kext_archive *boot_collection, *system_collection;
};

/*
 * Opens an archive in memory, which need not outlive the call, whatever wraps it.
 * Executables are expanded or made when they are asked for, those of prelinked kernels
 * and collections as files of their own. Sizes and offsets are checked, the archive's
 * checksum is verified, what it may expand to is capped at max_bytes in all.
 * KEXT_ERR_BAD_DATA, KEXT_ERR_ARCH_NOT_FOUND or KEXT_ERR_UNSUPPORTED with a diagnostic
 * "archive.…".
 */
KEXT_API KEXT_MUST_CHECK int kext_archive_open(struct kext_context *context,
					       const void *data, size_t size,
					       const char *subject,
					       const struct kext_archive_options *options,
					       struct kext_diagnostics *diagnostics,
					       struct kext_archive **ret_archive);
/* The same for a file: system errors too, with a diagnostic "archive.file". */
KEXT_API KEXT_MUST_CHECK int
kext_archive_open_file(struct kext_context *context, const char *path,
		       const struct kext_archive_options *options,
		       struct kext_diagnostics *diagnostics,
		       struct kext_archive **ret_archive);
/* The same for what a descriptor yields up to its end, standard input perhaps. */
KEXT_API KEXT_MUST_CHECK int
kext_archive_open_stream(struct kext_context *context, int fd, const char *subject,
			 const struct kext_archive_options *options,
			 struct kext_diagnostics *diagnostics,
			 struct kext_archive **ret_archive);
/*
 * Expands all that an mkext has in it, on `jobs` threads (0: one a core), and throws it
 * away: KEXT_ERR_BAD_DATA with a diagnostic "archive.damaged" when something does not
 * come to its size or has a wrong checksum. Without this such damage shows when an
 * executable is asked for.
 */
KEXT_API KEXT_MUST_CHECK int kext_archive_verify(const struct kext_archive *archive,
						 unsigned jobs,
						 struct kext_diagnostics *diagnostics);
/* Takes NULL. Returns NULL. */
KEXT_API struct kext_archive *kext_archive_free(struct kext_archive *archive);
KEXT_API enum kext_archive_format kext_archive_format(const struct kext_archive *archive);
KEXT_API size_t kext_archive_count(const struct kext_archive *archive);
/* Borrowed. */
KEXT_API struct kext_bundle *kext_archive_at(const struct kext_archive *archive,
					     size_t index);
/* "mkext 1", "prelinked kernel", … Static. */
KEXT_API const char *kext_archive_format_name(enum kext_archive_format format);
/* The architecture the header states, or NULL. */
KEXT_API const struct kext_arch *kext_archive_arch(const struct kext_archive *archive);

/* Where a kext of a prelinked kernel or a collection lies. */
struct kext_prelink_info {
	uint64_t load_address;	 /* what it is linked for */
	uint64_t source_address; /* where its bytes are in the file's address space */
	uint64_t size;		 /* as the file states it */
	uint64_t kmod_info;	 /* address; 0: none */
};
/* False for a kext without code and in the other formats. */
KEXT_API bool kext_archive_prelink_info(const struct kext_archive *archive, size_t index,
					struct kext_prelink_info *ret);
/* Which of the three a collection is; -1: the archive is none. */
enum kext_collection {
	KEXT_COLLECTION_BOOT,
	KEXT_COLLECTION_SYSTEM,
	KEXT_COLLECTION_AUXILIARY
};
KEXT_API int kext_archive_collection(const struct kext_archive *archive);
/* "boot", "system", "auxiliary". Static. */
KEXT_API const char *kext_collection_name(enum kext_collection collection);

/* A pointer into a collection that was not given when the archive was opened: in the
 * executable it is the offset from the lowest address of that collection. */
struct kext_foreign_pointer {
	uint64_t address; /* of the pointer */
	enum kext_collection collection;
	uint64_t offset;
};
/*
 * Calls `visit` for each such pointer of a kext, by address. The first value other than 0
 * that it returns is returned. KEXT_ERR_BAD_DATA with a diagnostic when the kext is
 * damaged.
 */
KEXT_API KEXT_MUST_CHECK int kext_archive_visit_foreign(
	const struct kext_archive *archive, size_t index,
	int (*visit)(void *data, const struct kext_foreign_pointer *pointer), void *data,
	struct kext_diagnostics *diagnostics);

/* The kext in whose PlugIns folder this one stood; SIZE_MAX: none in this archive. */
KEXT_API size_t kext_archive_parent(const struct kext_archive *archive, size_t index);
/* Folder name an entry unpacks to, unique in the archive ("Foo.kext", "Foo-1.kext"). */
KEXT_API const char *kext_archive_folder_name(const struct kext_archive *archive,
					      size_t index);

enum kext_unpack_flags {
	KEXT_UNPACK_FORCE = 1 << 0, /* a bundle that exists is replaced */
	KEXT_UNPACK_NESTED =
		1 << 1, /* a plug-in goes into its parent, already unpacked */
};
/*
 * Writes entry `index` as a bundle below the folder `dirfd` (`folder` names it in
 * messages): complete in a temporary folder, then renamed. Never follows a symlink below
 * dirfd. -EEXIST with a diagnostic when the bundle exists and force is not given. Several
 * threads may unpack different entries with diagnostics of their own.
 */
KEXT_API KEXT_MUST_CHECK int kext_archive_unpack(const struct kext_archive *archive,
						 size_t index, int dirfd,
						 const char *folder, unsigned flags,
						 struct kext_diagnostics *diagnostics);

struct kext_unpack_options {
	unsigned flags; /* kext_unpack_flags; NESTED is implied where it can be */
	unsigned jobs;	/* threads; 0: one a core */
	/* Called when an entry is done, by any of the threads, one at a time; or NULL. */
	void (*progress)(void *data, size_t done, size_t total);
	void *data;
};
/*
 * Unpacks the entries `indices` (NULL: all), each once, plug-ins into parents that are
 * among them. Goes on after a failure; the first one is returned.
 */
KEXT_API KEXT_MUST_CHECK int
kext_archive_unpack_all(const struct kext_archive *archive, const size_t *indices,
			size_t count, int dirfd, const char *folder,
			const struct kext_unpack_options *options,
			struct kext_diagnostics *diagnostics);

enum { KEXT_MKEXT_1 = 1, KEXT_MKEXT_2 = 2 };

struct kext_mkext_options {
	const struct kext_arch *arch;	     /* NULL: host */
	bool store_plist, store_executables; /* leave them uncompressed */
	unsigned version;		     /* KEXT_MKEXT_1 or _2; 0: 2 */
	unsigned jobs;			     /* threads; 0: one a core */
	const char *volume_root;	     /* left out of stored paths; or NULL */
};
/*
 * An mkext of these bundles in this order, every executable thinned; the caller frees
 * *ret_data with free(). The same bytes whatever `jobs`.
 */
KEXT_API KEXT_MUST_CHECK int kext_mkext_write(struct kext_bundle *const *bundles,
					      size_t count,
					      const struct kext_mkext_options *options,
					      struct kext_diagnostics *diagnostics,
					      void **ret_data, size_t *ret_size);

struct kext_archive_slice {
	const struct kext_arch *arch;
	const void *data;
	size_t size;
};
/*
 * Slices one behind the other in a fat file, without alignment, as archives have them.
 * KEXT_ERR_UNSUPPORTED beyond 4 GiB, -ENOMEM. *ret_data: free().
 */
KEXT_API KEXT_MUST_CHECK int kext_archive_join(const struct kext_archive_slice *slices,
					       size_t count, void **ret_data,
					       size_t *ret_size);
/*
 * Makes the file `path` hold these bytes of an archive: complete or not at all. System
 * errors, with a diagnostic "archive.file".
 */
KEXT_API KEXT_MUST_CHECK int kext_archive_save(const char *path, const void *data,
					       size_t size,
					       struct kext_diagnostics *diagnostics);

#endif
