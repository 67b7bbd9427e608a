/*
 * A kernel as a file: what kexts are linked against when no kernel is asked. Read and
 * indexed once; reference-counted and never changed after opening.
 */
#ifndef KEXT_KERNELFILE_H
#define KEXT_KERNELFILE_H

#include <kext/link.h>

struct kext_kernel_file;

/*
 * Opens the kernel in file `path`, thin or fat, for an architecture; NULL: our own kernel's
 * description, mach_kernel in kext_data_folder(). System errors, KEXT_ERR_ARCH_NOT_FOUND,
 * KEXT_ERR_BAD_DATA or KEXT_ERR_LINK, each with a diagnostic that names the file.
 */
KEXT_API KEXT_MUST_CHECK int kext_kernel_file_open(const char *path,
						   const struct kext_arch *arch,
						   struct kext_diagnostics *diagnostics,
						   struct kext_kernel_file **ret_kernel);
#define KEXT_KERNEL_MAX_ARCHS 64u
/*
 * Which architectures a kernel's file has code for, in the file's order; their number, or the
 * errors of kext_kernel_file_open. CPUs that have no name here are left out.
 */
KEXT_API KEXT_MUST_CHECK int
kext_kernel_file_archs(const char *path, struct kext_diagnostics *diagnostics,
		       const struct kext_arch *ret_archs[KEXT_KERNEL_MAX_ARCHS]);
KEXT_API struct kext_kernel_file *kext_kernel_file_ref(struct kext_kernel_file *kernel);
/* Takes NULL. Returns NULL. */
KEXT_API struct kext_kernel_file *kext_kernel_file_unref(struct kext_kernel_file *kernel);

KEXT_API const char *kext_kernel_file_path(const struct kext_kernel_file *kernel);
/* To link against; borrowed. */
KEXT_API struct kext_image *kext_kernel_file_image(const struct kext_kernel_file *kernel);
/* The architecture's slice of the file, borrowed. */
KEXT_API const void *kext_kernel_file_data(const struct kext_kernel_file *kernel,
					   size_t *ret_size);
/* The Darwin version its version text states, packed; 0 when it states none. */
KEXT_API int64_t kext_kernel_file_version(const struct kext_kernel_file *kernel);
/* Lowest address of its segments. */
KEXT_API uint64_t kext_kernel_file_address(const struct kext_kernel_file *kernel);
/* Whether it is our own kernel, by UUID: only then are our KPI plug-ins the right ones. */
KEXT_API bool kext_kernel_file_is_own(const struct kext_kernel_file *kernel);
/* Whether our kernel knows the symbol but does not implement it: touching it panics. */
KEXT_API bool kext_kernel_file_lacks(const struct kext_kernel_file *kernel,
				     const char *symbol);

#endif
