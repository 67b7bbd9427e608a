/*
 * Linking all kexts of a prelinked kernel, one behind the other from an address on, and
 * deciding what to do about those that cannot be linked.
 */
#include <errno.h>
#include "archive/prelink_write.h"
#include "base/memory.h"

#define MAX_BOOT_FAILURES 3u

struct linking {
	const struct kext_prelink_options *options;
	struct kext_diagnostics *diagnostics;
	struct kext_linkset *set;
	uint64_t base, next; /* load addresses: of the first kext, of the next one */
};

bool prelink_is_boot_required(const struct kext_bundle *bundle,
			      const struct kext_arch *arch, bool even_safe_boot)
{
	static const char *const legal[] = {"Root", "Local-Root", "Network-Root",
					    "Console", "Safe Boot"};
	const char *required =
		kext_value_string(kext_bundle_property(bundle, "OSBundleRequired", arch));
	size_t count = sizeof(legal) / sizeof(*legal) - !even_safe_boot;
	for (size_t i = 0; required && i < count; i++)
		if (strcmp(required, legal[i]) == 0)
			return true;
	return false;
}

static int choose_address(void *data, const struct kext_bundle *bundle, uint64_t size,
			  uint64_t *ret_address)
{
	struct linking *linking = data;
	(void)bundle;
	*ret_address = linking->next;
	linking->next += size;
	return 0;
}

static int link_set(struct linking *linking, struct kext_bundle *const *bundles,
		    size_t count, struct kext_diagnostics *diagnostics)
{
	const struct kext_prelink_options *from = linking->options;
	struct kext_linkset_options options = {
		.repository = from->repository,
		.kernel = from->kernel,
		.arch = from->arch,
		.bundles = bundles,
		.bundle_count = count,
		.address = choose_address,
		.address_data = linking,
		.jobs = from->jobs,
		.include_relocations = true,
	};
	linking->set = kext_linkset_free(linking->set);
	linking->next = linking->base;
	return kext_linkset_new(&options, diagnostics, &linking->set);
}

/* Keeps those that could be linked; *ret_count of them. */
static int weigh_failures(struct linking *linking, struct kext_bundle **kept,
			  size_t *ret_count)
{
	const struct kext_prelink_options *options = linking->options;
	size_t failures = 0, required = 0;
	*ret_count = 0;
	for (size_t i = 0; i < options->bundle_count; i++) {
		struct kext_bundle *bundle = options->bundles[i];
		if (kext_linkset_status(linking->set, i) == 0) {
			kept[(*ret_count)++] = bundle;
			continue;
		}
		failures++;
		required += prelink_is_boot_required(bundle, options->arch, true);
		kext_diagnose(linking->diagnostics, KEXT_WARNING, "prelink.omitted",
			      kext_bundle_name(bundle), NULL,
			      "is left out of the prelinked kernel");
	}
	if (required <= MAX_BOOT_FAILURES && !(failures && options->no_link_failures))
		return 0;
	kext_diagnose(linking->diagnostics, KEXT_ERROR, "prelink.failures",
		      kext_kernel_file_path(options->kernel), NULL,
		      "%zu kexts cannot be linked, %zu of them required to boot; no "
		      "prelinked kernel is made",
		      failures, required);
	return KEXT_ERR_LINK;
}

/* All findings are known from the first time. */
static int link_again(struct linking *linking, struct kext_bundle *const *bundles,
		      size_t count)
{
	struct kext_diagnostics *known = kext_diagnostics_new();
	int error = known ? link_set(linking, bundles, count, known) : -ENOMEM;
	kext_diagnostics_free(known);
	return error;
}

/*
 * What failed may have left a hole in the addresses; then the others are linked once
 * more, without it.
 */
static int link_all(struct linking *linking)
{
	const struct kext_prelink_options *options = linking->options;
	size_t kept_count = 0;
	_cleanup_free_ struct kext_bundle **kept =
		mem_alloc((options->bundle_count + 1) * sizeof(*kept));
	int error = kept ? link_set(linking, options->bundles, options->bundle_count,
				    linking->diagnostics)
			 : -ENOMEM;
	if (error == 0)
		error = weigh_failures(linking, kept, &kept_count);
	if (error == 0 && kept_count < options->bundle_count)
		error = link_again(linking, kept, kept_count);
	return error;
}

int prelink_link(const struct kext_prelink_options *options, uint64_t base,
		 struct kext_diagnostics *diagnostics, struct kext_linkset **ret_set)
{
	struct linking linking = {
		.options = options, .diagnostics = diagnostics, .base = base};
	int error = link_all(&linking);
	if (error < 0) {
		kext_linkset_free(linking.set);
		return error;
	}
	*ret_set = linking.set;
	return 0;
}
