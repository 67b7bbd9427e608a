/*
 * Making a prelinked kernel: a kernel for x86_64 or i386 and the kexts that are linked into
 * it, as the booters and kernels of OS X 10.7 to macOS 10.15 read it.
 */
#ifndef KEXT_PRELINK_H
#define KEXT_PRELINK_H

#include <kext/linkset.h>

struct kext_prelinked;

struct kext_prelink_options {
	const struct kext_repository *repository;	/* must hold the bundles too */
	struct kext_kernel_file *kernel;		/* one that holds no kexts yet */
	const struct kext_arch *arch;			/* the kernel's */
	struct kext_bundle *const *bundles;
	size_t bundle_count;
	unsigned jobs;			/* threads; 0: one a core */
	bool no_link_failures;		/* any kext that fails is a failure of the whole */
	bool all_personalities;		/* also of kexts that are not for early boot */
	bool strip_symbols;		/* leave out symbols that kexts do not export */
	const char *volume_root;	/* left out of stored paths; or NULL */
};

/*
 * Links the kexts and all they need, and puts them into a copy of the kernel. A kext that
 * cannot be linked is left out with its diagnostics, and what needs it; more than three whose
 * OSBundleRequired says that a boot needs them are KEXT_ERR_LINK. KEXT_ERR_UNSUPPORTED,
 * "prelink.kernel", for a kernel with no place for kexts. The same bytes whatever `jobs`.
 */
KEXT_API KEXT_MUST_CHECK int kext_prelink(const struct kext_prelink_options *options,
					  struct kext_diagnostics *diagnostics,
					  struct kext_prelinked **ret_prelinked);
/* Takes NULL. Returns NULL. */
KEXT_API struct kext_prelinked *kext_prelinked_free(struct kext_prelinked *prelinked);
/* The Mach-O, without wrapping, once: free() it. It outlives the rest, which may go first. */
KEXT_API void *kext_prelinked_take(struct kext_prelinked *prelinked, size_t *ret_size);
/* What is in it; borrowed. */
KEXT_API const struct kext_linkset *
kext_prelinked_set(const struct kext_prelinked *prelinked);
/* 16 bytes that name kernel and kexts at these addresses. */
KEXT_API const uint8_t *kext_prelinked_id(const struct kext_prelinked *prelinked);

enum kext_compression {
	KEXT_COMPRESSION_NONE,
	KEXT_COMPRESSION_LZSS,
	KEXT_COMPRESSION_LZVN,
};
/*
 * A Mach-O compressed behind the header that booters know; with KEXT_COMPRESSION_NONE
 * a plain copy. KEXT_ERR_UNSUPPORTED from 4 GiB on or when it does not get smaller;
 * -ENOMEM. *ret_data: free().
 */
KEXT_API KEXT_MUST_CHECK int kext_prelinked_wrap(const void *data, size_t size,
						 enum kext_compression compression,
						 void **ret_data, size_t *ret_size);
/*
 * The same file, thin or fat, in the other form. *ret_data NULL: all of it is in that form
 * already. KEXT_ERR_BAD_DATA with a diagnostic that names `subject`.
 */
KEXT_API KEXT_MUST_CHECK int kext_prelinked_convert(const void *data, size_t size,
						    enum kext_compression compression,
						    const char *subject,
						    struct kext_diagnostics *diagnostics,
						    void **ret_data, size_t *ret_size);

#endif
