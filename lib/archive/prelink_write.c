/*
 * Making a prelinked kernel: link all kexts, lay the images out back to back, describe
 * each in the information dictionary, fill the kernel.
 */
#include <errno.h>
#include <sha2.h>
#include "archive/prelink.h"
#include "archive/prelink_write.h"
#include "archive/volume.h"
#include "base/memory.h"

#define MAX_BOOT_FAILURES 3u

struct build {
	const struct kext_prelink_options *options;
	struct kext_diagnostics *diagnostics;
	struct prelink_kernel kernel;
	struct kext_linkset *set;
	uint64_t next; /* load address of the next kext */
	struct buffer text;
	struct kext_value *root, *infos;
	SHA2_CTX sum;
	uint8_t id[PRELINK_ID_SIZE];
};

/* ---- linking ---- */

static int choose_address(void *data, const struct kext_bundle *bundle, uint64_t size,
			  uint64_t *ret_address)
{
	struct build *build = data;
	(void)bundle;
	*ret_address = build->next;
	build->next += size;
	return 0;
}

static int link_set(struct build *build, struct kext_bundle *const *bundles, size_t count,
		    struct kext_diagnostics *diagnostics)
{
	const struct kext_prelink_options *from = build->options;
	struct kext_linkset_options options = {
		.repository = from->repository,
		.kernel = from->kernel,
		.arch = from->arch,
		.bundles = bundles,
		.bundle_count = count,
		.address = choose_address,
		.address_data = build,
		.jobs = from->jobs,
		.include_relocations = true,
	};
	build->set = kext_linkset_free(build->set);
	build->next = build->kernel.load;
	return kext_linkset_new(&options, diagnostics, &build->set);
}

/* Whether a boot needs the kext: OSBundleRequired has a legal value. */
static bool is_boot_required(const struct kext_bundle *bundle,
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

/* Keeps those that could be linked; *ret_count of them. */
static int weigh_failures(struct build *build, struct kext_bundle **kept,
			  size_t *ret_count)
{
	const struct kext_prelink_options *options = build->options;
	size_t failures = 0, required = 0;
	*ret_count = 0;
	for (size_t i = 0; i < options->bundle_count; i++) {
		struct kext_bundle *bundle = options->bundles[i];
		if (kext_linkset_status(build->set, i) == 0) {
			kept[(*ret_count)++] = bundle;
			continue;
		}
		failures++;
		required += is_boot_required(bundle, options->arch, true);
		kext_diagnose(build->diagnostics, KEXT_WARNING, "prelink.omitted",
			      kext_bundle_name(bundle), NULL,
			      "is left out of the prelinked kernel");
	}
	if (required <= MAX_BOOT_FAILURES && !(failures && options->no_link_failures))
		return 0;
	kext_diagnose(build->diagnostics, KEXT_ERROR, "prelink.failures",
		      kext_kernel_file_path(options->kernel), NULL,
		      "%zu kexts cannot be linked, %zu of them required to boot; no "
		      "prelinked kernel is made",
		      failures, required);
	return KEXT_ERR_LINK;
}

/* All findings are known from the first time. */
static int link_again(struct build *build, struct kext_bundle *const *bundles,
		      size_t count)
{
	struct kext_diagnostics *known = kext_diagnostics_new();
	int error = known ? link_set(build, bundles, count, known) : -ENOMEM;
	kext_diagnostics_free(known);
	return error;
}

/*
 * What failed may have left a hole in the addresses; then the others are linked once
 * more, without it.
 */
static int link_all(struct build *build)
{
	const struct kext_prelink_options *options = build->options;
	size_t kept_count = 0;
	_cleanup_free_ struct kext_bundle **kept =
		mem_alloc((options->bundle_count + 1) * sizeof(*kept));
	int error = kept ? link_set(build, options->bundles, options->bundle_count,
				    build->diagnostics)
			 : -ENOMEM;
	if (error == 0)
		error = weigh_failures(build, kept, &kept_count);
	if (error == 0 && kept_count < options->bundle_count)
		error = link_again(build, kept, kept_count);
	return error;
}

/* ---- describing ---- */

static int set_integer(struct kext_value *info, const char *key, uint64_t value)
{
	return kext_value_set(info, key, kext_value_new_integer(value, 64));
}

static int describe_code(struct kext_value *info, const struct kext_bundle *bundle,
			 uint64_t load, uint64_t source, uint64_t size,
			 uint64_t kmod_info)
{
	const char *path = kext_bundle_executable_path(bundle);
	int error = 0;
	if (path)
		error = kext_value_set(info, PRELINK_KEY_EXECUTABLE_PATH,
				       kext_value_new_string(path));
	if (error == 0)
		error = set_integer(info, PRELINK_KEY_SOURCE, source);
	if (error == 0)
		error = set_integer(info, PRELINK_KEY_LOAD, load);
	if (error == 0)
		error = set_integer(info, PRELINK_KEY_SIZE, size);
	return error == 0 ? set_integer(info, PRELINK_KEY_KMOD_INFO, kmod_info) : error;
}

/* The identity of the whole: each kext's address and UUID. */
static int sum_kext(struct build *build, struct bytes image, const char *name,
		    uint64_t load)
{
	_cleanup_macho_ struct macho macho = {0};
	uint8_t address[8];
	int error = macho_parse(image, name, build->diagnostics, &macho);
	if (error < 0)
		return error;
	store64(address, load, false);
	SHA256Update(&build->sum, address, sizeof(address));
	if (macho.has_uuid)
		SHA256Update(&build->sum, macho.uuid, sizeof(macho.uuid));
	return 0;
}

/* A kext's image has its place by its address; a KPI's symbol list goes behind them. */
static int place_code(struct build *build, const struct kext_linked *linked,
		      struct kext_value *info)
{
	struct bytes image = bytes_of(linked->data, linked->size);
	uint64_t load = linked->address;
	if (!linked->data) {
		const void *data;
		size_t size;
		int error = kext_bundle_slice(linked->bundle, build->options->arch,
					      build->diagnostics, &data, &size);
		if (error < 0)
			return error;
		image = bytes_of(data, size);
		buffer_align(&build->text, PRELINK_PAGE);
		load = build->kernel.load + build->text.size;
		buffer_append(&build->text, data, size);
		buffer_align(&build->text, PRELINK_PAGE);
	} else {
		memcpy(build->text.data + (load - build->kernel.load), image.data,
		       image.size);
	}
	if (buffer_error(&build->text) < 0)
		return -ENOMEM;
	int error = sum_kext(build, image, kext_bundle_name(linked->bundle), load);
	if (error < 0)
		return error;
	return describe_code(info, linked->bundle, load,
			     load - build->kernel.load + build->kernel.source,
			     (image.size + PRELINK_PAGE - 1) & ~(PRELINK_PAGE - 1),
			     linked->kmod_info);
}

static bool has_code(const struct kext_linked *linked)
{
	return linked->data || (linked->is_kernel_component &&
				kext_bundle_has_executable(linked->bundle));
}

/* kextd sends the others' personalities when it runs. */
static int drop_personalities(struct build *build, const struct kext_bundle *bundle,
			      struct kext_value *info)
{
	static const char key[] = "IOKitPersonalities";
	const struct kext_arch *arch = build->options->arch;
	if (build->options->all_personalities || is_boot_required(bundle, arch, false))
		return 0;
	_cleanup_free_ char *own =
		mem_format("%s_%s", key, kext_arch_generic_name(arch->cputype));
	if (!own)
		return -ENOMEM;
	kext_value_remove(info, key);
	kext_value_remove(info, own);
	return 0;
}

static int add_kext(struct build *build, const struct kext_linked *linked)
{
	struct kext_value *info = kext_value_copy(kext_bundle_info(linked->bundle));
	if (!info)
		return -ENOMEM;
	const char *path = volume_path(kext_bundle_path(linked->bundle),
				       build->options->volume_root);
	int error = drop_personalities(build, linked->bundle, info);
	if (error == 0)
		error = kext_value_set(info, PRELINK_KEY_BUNDLE_PATH,
				       kext_value_new_string(path));
	if (error == 0 && has_code(linked))
		error = place_code(build, linked, info);
	if (error == 0)
		return kext_value_append(build->infos, info);
	kext_value_unref(info);
	return error;
}

static int add_all(struct build *build)
{
	buffer_zeros(&build->text, (size_t)(build->next - build->kernel.load));
	int error = buffer_error(&build->text);
	SHA256Init(&build->sum);
	if (build->kernel.macho.has_uuid)
		SHA256Update(&build->sum, build->kernel.macho.uuid,
			     sizeof(build->kernel.macho.uuid));
	for (size_t i = 0; error == 0 && i < kext_linkset_count(build->set); i++)
		error = add_kext(build, kext_linkset_at(build->set, i));
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA256Final(digest, &build->sum);
	memcpy(build->id, digest, sizeof(build->id));
	return error;
}

/* ---- the whole ---- */

static int write_info(struct build *build, char **ret_text, size_t *ret_size)
{
	int error = kext_value_set(build->root, PRELINK_KEY_INFOS,
				   kext_value_ref(build->infos));
	if (error == 0)
		error = kext_value_set(build->root, PRELINK_KEY_ID,
				       kext_value_new_data(build->id, sizeof(build->id)));
	if (error == 0)
		error = kext_value_to_xml(build->root, KEXT_XML_SHARE, ret_text,
					  ret_size);
	return error;
}

static int fill_kernel(struct build *build, struct kext_prelinked **ret)
{
	_cleanup_buffer_ struct buffer out = {0};
	_cleanup_free_ char *text = NULL;
	size_t size;
	int error = write_info(build, &text, &size);
	/* The text's NUL counts. */
	if (error == 0)
		error = prelink_kernel_fill(&build->kernel,
					    bytes_of(build->text.data, build->text.size),
					    bytes_of(text, size + 1), &out);
	struct kext_prelinked *prelinked =
		error == 0 ? mem_zero(1, sizeof(*prelinked)) : NULL;
	if (!prelinked)
		return error < 0 ? error : -ENOMEM;
	prelinked->data = buffer_steal(&out, &prelinked->size);
	prelinked->set = build->set;
	build->set = NULL;
	memcpy(prelinked->id, build->id, sizeof(prelinked->id));
	*ret = prelinked;
	return 0;
}

int kext_prelink(const struct kext_prelink_options *options,
		 struct kext_diagnostics *diagnostics,
		 struct kext_prelinked **ret_prelinked)
{
	struct build build = {.options = options, .diagnostics = diagnostics};
	int error = prelink_kernel_open(options->kernel, diagnostics, &build.kernel);
	if (error < 0)
		return error;
	build.root = kext_value_new_dictionary();
	build.infos = kext_value_new_array();
	error = build.root && build.infos ? link_all(&build) : -ENOMEM;
	if (error == 0)
		error = add_all(&build);
	if (error == 0)
		error = fill_kernel(&build, ret_prelinked);
	kext_linkset_free(build.set);
	buffer_free(&build.text);
	kext_value_unref(build.root);
	kext_value_unref(build.infos);
	prelink_kernel_close(&build.kernel);
	return error;
}

struct kext_prelinked *kext_prelinked_free(struct kext_prelinked *prelinked)
{
	if (!prelinked)
		return NULL;
	kext_linkset_free(prelinked->set);
	free(prelinked->data);
	free(prelinked);
	return NULL;
}

const void *kext_prelinked_data(const struct kext_prelinked *prelinked, size_t *ret_size)
{
	*ret_size = prelinked->size;
	return prelinked->data;
}

const struct kext_linkset *kext_prelinked_set(const struct kext_prelinked *prelinked)
{
	return prelinked->set;
}

const uint8_t *kext_prelinked_id(const struct kext_prelinked *prelinked)
{
	return prelinked->id;
}
