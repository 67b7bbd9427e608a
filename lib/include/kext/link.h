/*
 * The kext linker: turns an MH_KEXT_BUNDLE, or for i386 and ppc an MH_OBJECT, into an image
 * that runs at a given address, against the images of the kernel and of other kexts, as KXLD
 * does.
 */
#ifndef KEXT_LINK_H
#define KEXT_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <kext/arch.h>
#include <kext/diagnostic.h>

/*
 * Something to link against, parsed and indexed once: a kernel, a KPI interface, or a linked
 * kext. Immutable after opening; may be used by several links at a time.
 */
struct kext_image;

/*
 * `data` must stay valid and unchanged until the last unref. `name` is copied, for messages.
 * KEXT_ERR_LINK with a diagnostic "link.image" for what cannot be linked against.
 */
KEXT_API KEXT_MUST_CHECK int kext_image_open(const void *data, size_t size, const char *name,
					     struct kext_diagnostics *diagnostics,
					     struct kext_image **ret_image);
KEXT_API struct kext_image *kext_image_ref(struct kext_image *image);
/* Takes NULL. Returns NULL. */
KEXT_API struct kext_image *kext_image_unref(struct kext_image *image);
/* LC_UUID, 16 bytes; NULL without one. */
KEXT_API const uint8_t *kext_image_uuid(const struct kext_image *image);
/* Nearest symbol at or below an address, for reports; NULL. *ret_offset: distance. */
KEXT_API const char *kext_image_symbol_near(const struct kext_image *image, uint64_t address,
					    uint64_t *ret_offset);
/* Address of a defined symbol of any binding; 0 when there is none. */
KEXT_API uint64_t kext_image_symbol_address(const struct kext_image *image, const char *name);

struct kext_link_dependency {
	struct kext_image *image;	/* the kernel for a KPI */
	struct kext_image *interface;	/* the KPI's symbol set; NULL: all exports of image */
	bool is_direct;			/* from OSBundleLibraries itself */
};

/* Chooses the load address for `size` bytes, a multiple of the page size. 0 or an error. */
typedef int kext_link_allocate(void *data, uint64_t size, uint64_t *ret_address);

/* Where one segment of a split kext goes. */
struct kext_link_segment {
	const char *name;		/* "__TEXT_EXEC" */
	uint64_t address;
};

struct kext_link_request {
	const void *data;		/* one thin kext; not modified */
	size_t size;
	const char *name;		/* for messages: the identifier */
	const struct kext_link_dependency *dependencies;
	size_t dependency_count;
	kext_link_allocate *allocate;
	void *allocate_data;
	/*
	 * A split kext, whose segments go to places of their own in a kernel cache: an
	 * address for each segment of the kext, __LINKEDIT included. It counts when it
	 * gives __TEXT_EXEC an address other than 0; `allocate` is then not called. Every
	 * segment lies between __TEXT's address and the end of __LINKEDIT. Vtables are not
	 * patched, and the image keeps LC_SEGMENT_SPLIT_INFO for who adjusts the code
	 * between the segments. Not for MH_OBJECT. NULL: an ordinary kext.
	 */
	const struct kext_link_segment *segments;
	size_t segment_count;
	uint64_t page_size;		/* 0: the CPU's own */
	bool include_relocations;	/* slide information in LC_DYSYMTAB */
	/*
	 * Symbols in the kernel's segment __TRAP are not implemented. false: a direct
	 * reference to one is an error "link.missing": bound to it, a kext would panic.
	 */
	bool allow_missing;
	/* What to do about a name that nothing defines, free(); or NULL. NULL: nobody asks. */
	char *(*advise)(void *data, const char *symbol);
	void *advise_data;
};

struct kext_link_result {
	uint8_t *data;			/* the image; free with free() */
	size_t size;			/* a multiple of the page size, unless split */
	uint64_t address;		/* of a split kext: its __TEXT's */
	uint64_t kmod_info;		/* its address */
	uint32_t missing_direct, missing_slots;	/* bindings to __TRAP */
};

/* KEXT_ERR_LINK with diagnostics "link.…", the allocator's error, or -ENOMEM. */
KEXT_API KEXT_MUST_CHECK int kext_link(const struct kext_link_request *request,
				       struct kext_diagnostics *diagnostics,
				       struct kext_link_result *ret_result);

#endif
