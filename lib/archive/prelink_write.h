/*
 * A prelinked kernel while it is made: prelink_link.c links the kexts, prelink_write.c
 * places and describes them, prelink_strip.c takes symbols out, prelink_kernel.c puts all
 * into the kernel.
 */
#ifndef ARCHIVE_PRELINK_WRITE_H
#define ARCHIVE_PRELINK_WRITE_H

#include <kext/prelink.h>
#include "base/buffer.h"
#include "macho/macho.h"

#define PRELINK_PAGE	UINT64_C(0x1000)
#define PRELINK_ID_SIZE 16u
/* In LC_SEGMENT and LC_SEGMENT_64: vmaddr, vmsize, fileoff, filesize, of a word each. */
#define PRELINK_OF_SEGMENT 24u

struct kext_prelinked {
	struct kext_linkset *set;
	uint8_t *data;
	size_t size;
	uint8_t id[PRELINK_ID_SIZE];
};

/* One kext's image in __PRELINK_TEXT. */
struct prelink_place {
	size_t kext; /* number in the set */
	struct bytes image;
	uint8_t *stripped; /* what image is, if it was stripped */
	uint64_t load;	   /* address it was linked for */
	uint64_t offset;   /* of its bytes */
};

/* The kernel that kexts are put into, and where they go. */
struct prelink_kernel {
	struct bytes bytes;
	struct macho macho;
	const struct macho_segment *text, *info; /* of macho */
	uint64_t load;	 /* address that the first kext is linked for */
	uint64_t source; /* address of the first kext's bytes */
};

/* KEXT_ERR_UNSUPPORTED or KEXT_ERR_VALIDATION with a diagnostic. */
int prelink_kernel_open(const struct kext_kernel_file *file,
			struct kext_diagnostics *diagnostics, struct prelink_kernel *ret)
	__attribute__((warn_unused_result));
void prelink_kernel_close(struct prelink_kernel *kernel);
/*
 * The kernel with this content of __PRELINK_INFO and room for `text_size` bytes of
 * __PRELINK_TEXT, which is zero and the caller's to fill at *ret_text. -ENOMEM, or
 * KEXT_ERR_UNSUPPORTED past 4 GiB.
 */
int prelink_kernel_fill(const struct prelink_kernel *kernel, uint64_t text_size,
			struct bytes info, struct buffer *out, uint8_t **ret_text)
	__attribute__((warn_unused_result));
/*
 * Links the kexts and what they need, the first for address `base`; what cannot be linked
 * is left out. KEXT_ERR_LINK when that is too much to boot with, or any and not allowed.
 */
int prelink_link(const struct kext_prelink_options *options, uint64_t base,
		 struct kext_diagnostics *diagnostics, struct kext_linkset **ret_set)
	__attribute__((warn_unused_result));
/* Whether a boot needs the kext: OSBundleRequired has a legal value. */
bool prelink_is_boot_required(const struct kext_bundle *bundle,
			      const struct kext_arch *arch, bool even_safe_boot);
/*
 * A copy of a linked image whose __LINKEDIT has exported symbols only; `kmod_info` is the
 * offset of that structure, whose size follows. KEXT_ERR_BAD_DATA for an image that is
 * not as the linker writes them, -ENOMEM. *ret: free().
 */
int prelink_strip(struct bytes image, const char *name, uint64_t kmod_info,
		  struct kext_diagnostics *diagnostics, uint8_t **ret, size_t *ret_size)
	__attribute__((warn_unused_result));

#endif
