/*
 * A prelinked kernel while it is made: prelink_write.c links and describes the kexts,
 * prelink_kernel.c puts them into the kernel.
 */
#ifndef ARCHIVE_PRELINK_WRITE_H
#define ARCHIVE_PRELINK_WRITE_H

#include <kext/prelink.h>
#include "base/buffer.h"
#include "macho/macho.h"

#define PRELINK_PAGE	UINT64_C(0x1000)
#define PRELINK_ID_SIZE 16u

struct kext_prelinked {
	struct kext_linkset *set;
	uint8_t *data;
	size_t size;
	uint8_t id[PRELINK_ID_SIZE];
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
 * The kernel with these contents of __PRELINK_TEXT and __PRELINK_INFO. -ENOMEM, or
 * KEXT_ERR_UNSUPPORTED past 4 GiB.
 */
int prelink_kernel_fill(const struct prelink_kernel *kernel, struct bytes text,
			struct bytes info, struct buffer *out)
	__attribute__((warn_unused_result));

#endif
