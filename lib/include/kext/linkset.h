/*
 * Many kexts linked together: what is asked for and all that it needs, each image parsed
 * and indexed once, the kexts of one level of dependencies on all cores.
 */
#ifndef KEXT_LINKSET_H
#define KEXT_LINKSET_H

#include <kext/kernelfile.h>
#include <kext/resolve.h>

struct kext_linkset;

/*
 * Chooses the load address of a kext of `size` bytes, a multiple of the page size. Asked
 * once a kext, one at a time, by whichever thread links it, in an order that depends on the
 * kexts alone: by level, then in dependency order. 0 or an error.
 */
typedef int kext_linkset_address(void *data, const struct kext_bundle *bundle, uint64_t size,
				 uint64_t *ret_address);

struct kext_linkset_options {
	const struct kext_repository *repository;	/* must hold the bundles too */
	struct kext_kernel_file *kernel;		/* NULL: resolve only, link nothing */
	const struct kext_arch *arch;			/* the kernel's */
	struct kext_bundle *const *bundles;		/* what is asked for */
	size_t bundle_count;
	const struct kext_loaded *loaded;		/* as for kext_resolve */
	size_t loaded_count;
	kext_linkset_address *address;
	void *address_data;
	unsigned jobs;					/* threads; 0: one a core */
	bool include_relocations;			/* slide information */
	bool allow_missing;
};

struct kext_linked {
	struct kext_bundle *bundle;	/* NULL: known only as loaded */
	bool is_kernel_component, is_asked;
	const uint8_t *data;		/* the image; NULL without code of its own, or failed */
	size_t size;
	uint64_t address, kmod_info;
	uint32_t missing_direct, missing_slots;	/* bindings to what the kernel lacks */
	const size_t *direct;		/* positions of its direct dependencies */
	size_t direct_count;
	int error;			/* why it was not linked; 0 */
};

/*
 * Resolves and links. Findings come in dependency order, whatever the schedule: those of
 * kext_resolve and kext_link, and "kernel.version" when KPIs and kernel are of different
 * versions. A kext that fails is no failure of the set: its error is kept with it.
 * 0, -ENOMEM, or the error of a thread that cannot be made. All that `options` names must
 * outlive the set, except for the options themselves.
 */
KEXT_API KEXT_MUST_CHECK int kext_linkset_new(const struct kext_linkset_options *options,
					      struct kext_diagnostics *diagnostics,
					      struct kext_linkset **ret_set);
/* Takes NULL. Returns NULL. */
KEXT_API struct kext_linkset *kext_linkset_free(struct kext_linkset *set);
/* Dependency order: what a kext needs comes before it. */
KEXT_API size_t kext_linkset_count(const struct kext_linkset *set);
KEXT_API const struct kext_linked *kext_linkset_at(const struct kext_linkset *set,
						   size_t index);
/* What became of kext number `index` of options.bundles: 0, or why it was not linked. */
KEXT_API int kext_linkset_status(const struct kext_linkset *set, size_t index);

/*
 * Publishes a linked image as FOLDER/IDENTIFIER.sym, the symbol file for debuggers; what is
 * there is replaced. System errors, or KEXT_ERR_INVALID_ARGUMENT for an identifier that is no
 * file name, with a diagnostic. *ret_path: free().
 */
KEXT_API KEXT_MUST_CHECK int kext_linked_publish(const struct kext_linked *linked,
						 const char *folder,
						 struct kext_diagnostics *diagnostics,
						 char **ret_path);

#endif
